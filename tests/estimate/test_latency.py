"""Latency: work, rates and what they make of a model."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from danas_hil.base import DanasError, user_folder
from danas_hil.board import Limits, build_key, format_latency, load_board, parse_latency
from danas_hil.estimate import Operator, OperatorGraph, Tensor, lay_out
from danas_hil.estimate.fitting import Sample, TimedModel, errors, fit, leave_one_out
from danas_hil.estimate.graph import Window
from danas_hil.estimate.latency import LatencyTable, estimate_latency, microseconds
from danas_hil.estimate.latency_tables import find_table, keep_table
from danas_hil.estimate.nnls import nnls
from danas_hil.estimate.on_board import estimate_on
from danas_hil.estimate.work import TERMS, Work, _taps_inside, work_of
from danas_hil.families.mobilenet_v2 import MobileNetV2
from danas_hil.signals.image import ImageConfig
from danas_hil.space import DEFAULT_SPACE, Genome, layers
from strategies import class_counts, genomes, genomes_of

GRAPH = lay_out(Genome(ImageConfig(32, "rgb"), MobileNetV2(1, 0, 0, 0, 0, 0.1)), 2)
BOARD = replace(load_board("nucleo_f446re"), stall=None)
"""A board without a table that comes along, nor a factor for what is counted."""


def some_genomes(count: int, seed: int) -> list[Genome]:
    rng = np.random.default_rng(seed)
    return [DEFAULT_SPACE.sample(rng) for _ in range(count)]


def true_rates(seed: int = 0) -> dict[str, dict[str, float]]:
    rng = np.random.default_rng(seed)
    works = [w for genome in some_genomes(20, 5) for w in work_of(lay_out(genome, 2))]
    return {
        w.kernel: {term: float(rng.uniform(0.001, 0.01)) for term in w.counts if term != "call"}
        | {"call": 5.0}
        for w in works
    }


def timed(genome: Genome, rates: dict[str, dict[str, float]], profiled: bool = True) -> TimedModel:
    """A model whose operators take exactly what `rates` say."""
    work = work_of(lay_out(genome, 2))
    times = [microseconds(one, rates) for one in work]
    samples = [Sample((one,), taken) for one, taken in zip(work, times, strict=True)]
    whole = (Sample(work, sum(times)),)
    return TimedModel(genome.id, genome.id, sum(times), tuple(samples) if profiled else whole)


def table(**changes: object) -> LatencyTable:
    given = LatencyTable(
        BOARD.id, BOARD.build, BOARD.kernels, BOARD.toolchain, "measured", true_rates(),
        {"dense": 3}, ("ab" * 32,), "TFLM 1", 0.01, 0.1,
    )  # fmt: skip
    return replace(given, **changes)  # type: ignore[arg-type]


@pytest.fixture
def _home(monkeypatch, tmp_path):
    monkeypatch.setenv("DANAS_HIL_HOME", str(tmp_path))


class TestWork:
    @given(genomes() | genomes_of("ds_cnn") | genomes_of("layers"), class_counts())
    def test_multiplications_are_those_of_the_layer_table_less_those_on_padding(
        self, genome, classes
    ):
        counted = {"conv": 0, "dense": 0, "depthwise": 0}
        for one in work_of(lay_out(genome, classes)):
            kind = one.kernel.split()[0]
            if kind in counted:
                counted[kind] += one.counts["mac"]
        for kind, macs in counted.items():
            table_macs = sum(layer.macs for layer in layers(genome, classes) if layer.kind == kind)
            if kind == "depthwise":
                assert table_macs * 4 / 9 / 4 <= macs <= table_macs
            else:
                assert macs == table_macs

    @given(genomes() | genomes_of("ds_cnn") | genomes_of("layers"), class_counts())
    def test_counts_have_names_and_are_never_negative(self, genome, classes):
        for one in work_of(lay_out(genome, classes)):
            assert set(one.counts) <= set(TERMS)
            assert all(count >= 0 for count in one.counts.values())
            assert one.counts["call"] == 1

    @given(*(st.integers(*span) for span in ((1, 30), (1, 30), (1, 9), (1, 4), (1, 3), (0, 9))))
    def test_taps_inside_are_counted_as_one_by_one(
        self, length, outputs, size, stride, dilation, padding
    ):
        one_by_one = sum(
            0 <= place * stride - padding + tap * dilation < length
            for place in range(outputs)
            for tap in range(size)
        )
        assert _taps_inside(length, outputs, size, stride, dilation, padding) == one_by_one

    def test_taps_on_padding_are_left_out(self):
        """3x3 with SAME padding on 3x3 pixels: 4 taps in the corners, 6 at the edges, 9 inside."""
        tensors = (
            Tensor("in", (1, 3, 3, 5), "int8", scales=1),
            Tensor("weights", (1, 3, 3, 5), "int8", 45, 5),
            Tensor("out", (1, 3, 3, 5), "int8", scales=1),
        )
        operator = Operator("DEPTHWISE_CONV_2D", (0, 1), (2,), Window(same=True))
        (work,) = work_of(OperatorGraph(tensors, (operator,), (0,), (2,), 0))
        assert work.kernel == "depthwise 3x3"
        assert work.counts["mac"] == (4 * 4 + 4 * 6 + 9) * 5
        assert (work.counts["pixel"], work.counts["rest_output"]) == (9, 9)


class TestFit:
    @given(st.integers(1, 12), st.integers(1, 30), st.integers(0, 2**32 - 1))
    def test_least_squares_end_where_no_step_is_downhill(self, columns, rows, seed):
        rng = np.random.default_rng(seed)
        matrix, right = rng.normal(size=(rows, columns)), rng.normal(size=rows)
        matrix[:, rng.integers(columns)] = matrix[:, 0]  # columns may say the same
        x = nnls(matrix.T @ matrix, matrix.T @ right)
        gradient = matrix.T @ (right - matrix @ x)
        assert (x >= 0).all()
        assert (gradient <= 1e-6).all()
        assert np.abs(gradient[x > 0]).max(initial=0) <= 1e-6

    @pytest.mark.parametrize("profiled", [True, False])
    def test_exact_rates_come_back_from_exact_times(self, profiled):
        rates = true_rates()
        found = fit([timed(g, rates, profiled) for g in some_genomes(60, 1)])
        for genome in some_genomes(20, 2):
            model = timed(genome, rates)
            guess = sum(microseconds(work, found) for work in model.work)
            assert guess == pytest.approx(model.total_us, rel=1e-6 if profiled else 1e-3)

    def test_the_plain_programs_time_goes_before_the_profilers(self):
        slow = [replace(m, total_us=1.25 * m.total_us) for m in
                (timed(g, true_rates()) for g in some_genomes(40, 1))]  # fmt: skip
        model, found = slow[0], fit(slow)
        guess = sum(microseconds(work, found) for work in model.work)
        assert guess == pytest.approx(model.total_us, rel=1e-6)

    @given(st.integers(0, 2**32 - 1))
    def test_times_of_any_kind_give_rates_that_are_not_negative(self, seed):
        rng = np.random.default_rng(seed)
        models = []
        for genome in some_genomes(4, seed):
            work = work_of(lay_out(genome, 2))
            taken = rng.exponential(size=len(work)) * rng.integers(0, 2, size=len(work))
            samples = tuple(Sample((w,), float(t)) for w, t in zip(work, taken, strict=True))
            models.append(TimedModel(genome.id, genome.id, float(taken.sum()) or 1.0, samples))
        found = fit(models)
        assert all(rate >= 0 for rates in found.values() for rate in rates.values())

    def test_what_no_model_tells_has_related_proportions(self):
        """A board twice as fast as the related one, timed on dense layers and convolutions."""
        related = true_rates()
        faster = {k: {t: rate / 2 for t, rate in terms.items()} for k, terms in related.items()}
        models = [timed(g, faster) for g in some_genomes(30, 1)]
        kinds = ("conv", "dense")
        some = [
            TimedModel(
                m.name, m.key,
                sum(s.microseconds for s in m.samples if s.work[0].kernel.startswith(kinds)),
                tuple(s for s in m.samples if s.work[0].kernel.startswith(kinds)),
            )
            for m in models
        ]  # fmt: skip
        found = fit(some, related)
        for genome in some_genomes(10, 2):
            model = timed(genome, faster)
            guess = sum(microseconds(work, found) for work in model.work)
            assert guess == pytest.approx(model.total_us, rel=1e-3)

    def test_left_out_models_are_foretold_by_the_others_alone(self):
        rates = true_rates()
        models = [timed(g, rates) for g in some_genomes(40, 1)]
        odd = replace(models[0], total_us=3 * models[0].total_us)
        found = leave_one_out([odd, *models[1:]])
        assert found[0].error == pytest.approx(-2 / 3, abs=1e-3)
        assert errors(found) == (
            pytest.approx(np.median([abs(one.error or 0) for one in found])),
            pytest.approx(2 / 3, abs=1e-3),
        )

    def test_a_kernel_that_only_the_left_out_model_has_is_named_and_not_guessed(self):
        models = [timed(g, true_rates()) for g in some_genomes(3, 1)]
        extra = Sample((Work("svdf", {"call": 1}),), 7.0)
        odd = replace(models[0], samples=(*models[0].samples, extra))
        first, *_ = leave_one_out([odd, *models[1:]])
        assert (first.error, first.lacking) == (None, ("svdf",))
        assert leave_one_out([odd]) == ()
        assert errors([first]) is None


class TestEstimate:
    @given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
    def test_more_work_never_takes_less_time(self, outputs, macs, more):
        rates = {"dense": {"call": 3.0, "output": 0.5, "mac": 0.25}}
        little = Work("dense", {"call": 1, "output": outputs, "mac": macs})
        much = Work("dense", {"call": 1, "output": outputs + more, "mac": macs + more})
        assert 3.0 <= microseconds(little, rates) <= microseconds(much, rates)

    def test_kernels_add_up_and_one_without_rates_leaves_the_total_unknown(self):
        work = work_of(GRAPH)
        known = estimate_latency(work, table())
        assert known.total_us == pytest.approx(sum(microseconds(w, true_rates()) for w in work))
        assert [us for _, us in known.by_kernel] == sorted((us for _, us in known.by_kernel))[::-1]
        rates = {k: v for k, v in true_rates().items() if k != "softmax"}
        partly = estimate_latency(work, table(rates=rates))
        assert partly.total_us is None
        assert 0 < partly.known_us < known.known_us
        assert "softmax" in partly.unknown
        assert f"danas-hil calibrate --board {BOARD.id}" in partly.unknown

    def test_a_model_that_the_rates_are_fitted_on_is_told_apart(self):
        work = work_of(GRAPH)
        assert estimate_latency(work, table(), "ab" * 32).fitted_on_it
        assert not estimate_latency(work, table(), "cd" * 32).fitted_on_it
        assert not estimate_latency(work, table()).fitted_on_it

    @pytest.mark.usefixtures("_home")
    def test_a_limit_decides_as_far_as_latency_is_known(self):
        def fits(limit: float | None) -> bool | None:
            return estimate_on(BOARD, GRAPH, limits=Limits(latency_us=limit)).fits_latency

        assert fits(None) is True
        assert fits(1e9) is None
        keep_table(table())
        total = estimate_on(BOARD, GRAPH).latency.total_us
        assert total is not None
        assert (fits(total), fits(0.99 * total)) == (True, False)
        rates = {k: v for k, v in true_rates().items() if k != "softmax"}
        keep_table(table(rates=rates))
        assert (fits(1e9), fits(1.0)) == (None, False), "what is known can be too much already"


@pytest.mark.usefixtures("_home")
class TestTables:
    def test_what_is_kept_is_found_again(self):
        keep_table(table())
        assert find_table(BOARD) == table()

    def test_another_optimisation_is_refused_with_what_to_do(self):
        keep_table(table(toolchain="stm32 -Os"))
        told = find_table(BOARD)
        assert isinstance(told, str)
        assert "stm32 -Os" in told
        assert BOARD.toolchain in told
        assert f"danas-hil calibrate --board {BOARD.id}" in told
        estimate = estimate_on(BOARD, GRAPH)
        assert (estimate.latency.total_us, estimate.latency.unknown) == (None, told)

    def test_both_builds_can_be_kept(self):
        keep_table(table(toolchain="stm32 -Os", tflm="other"))
        keep_table(table())
        assert find_table(BOARD) == table()

    def test_another_build_than_the_boards_is_refused(self):
        keep_table(table())
        told = find_table(BOARD, "current")
        assert isinstance(told, str)
        assert build_key("current", BOARD.kernels, BOARD.toolchain) in told
        estimate = estimate_on(BOARD, GRAPH, build="current")
        assert estimate.kernels == "reference"
        assert estimate.latency.unknown == find_table(BOARD, "current", "reference")

    def test_a_table_of_format_1_is_read(self):
        """As calibrations and the config.toml of runs have it: a build was a runtime there."""
        kept = table().to_json()
        kept["runtime"], kept["build"] = kept.pop("build"), kept.pop("toolchain")
        assert (kept["runtime"], kept["build"]) == ("arduino", "stm32 -O2")
        assert LatencyTable.from_json(kept) == table()
        key = build_key(BOARD.build, BOARD.kernels, BOARD.toolchain)
        path = user_folder("calibrations") / f"{BOARD.id}.json"
        path.write_text(json.dumps({"schema": 1, "builds": {key: kept}}))
        assert find_table(BOARD) == table()

    def test_without_times_it_says_how_to_take_some(self):
        assert find_table(BOARD) == f"run danas-hil calibrate --board {BOARD.id}"
        assert "not estimated" in str(find_table(load_board("host")))

    @pytest.mark.parametrize(
        "content",
        [
            "[]",
            "{}",
            '{"schema": 1, "builds": {"x": {"rates": 3}}}',
            json.dumps(
                {"schema": 1, "builds": {"x": {**table().to_json(), "median_error": "small"}}}
            ),
        ],
    )
    def test_a_damaged_file_is_named(self, content):
        path = user_folder("calibrations") / f"{BOARD.id}.json"
        path.write_text(content)
        with pytest.raises(DanasError, match=rf"{BOARD.id}\.json is damaged"):
            find_table(BOARD)

    def test_a_file_of_a_newer_version_is_told_from_a_damaged_one(self):
        path = user_folder("calibrations") / f"{BOARD.id}.json"
        path.write_text('{"schema": 99, "builds": {}}')
        with pytest.raises(DanasError, match=r"\.json has schema 99.*newer danas-hil"):
            find_table(BOARD)

    @pytest.mark.parametrize("rate", [-1.0, float("nan"), float("inf")])
    def test_a_rate_that_is_none_is_no_table(self, rate):
        with pytest.raises(ValueError, match="rate"):
            LatencyTable.from_json(table(rates={"dense": {"mac": rate}}).to_json())


@pytest.mark.parametrize(
    ("text", "latency"), [("200ms", 2e5), ("1.5 s", 1.5e6), ("80us", 80.0), ("1S", 1e6)]
)
def test_latencies_are_written_with_their_unit(text, latency):
    assert parse_latency(text) == latency
    assert parse_latency(format_latency(latency)) == latency


@pytest.mark.parametrize("text", ["200", "-1ms", "1m", "fast", ""])
def test_what_is_no_latency_is_refused(text):
    with pytest.raises(DanasError, match="not a latency"):
        parse_latency(text)
