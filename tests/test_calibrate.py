"""Calibrating: what is remembered of measurements, the table made of it, and the command."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from danas_hil import calibrate as calibrating
from danas_hil.base import DanasError, user_folder
from danas_hil.board import Limits, board_names, load_board
from danas_hil.calibrate import PROFILER_RAM_BYTES, built_in_genomes, calibrate
from danas_hil.cli import calibrating as calibrating_command
from danas_hil.cli.app import app
from danas_hil.compare import Compared, compare_with_boards, keep_estimate
from danas_hil.estimate import lay_out
from danas_hil.estimate.fitting import counted, fit
from danas_hil.estimate.latency import LatencyTable, estimate_latency, microseconds
from danas_hil.estimate.latency_tables import find_table, keep_table, related_table
from danas_hil.estimate.on_board import estimate_on
from danas_hil.estimate.read import read_graph
from danas_hil.estimate.samples import read_samples, shipped_samples, write_samples
from danas_hil.estimate.uncalibrated import estimated_table
from danas_hil.estimate.work import work_of
from danas_hil.measure import Latency, Measurement, measure_candidate, recall, remember
from danas_hil.run import write_genome
from danas_hil.sketch import LIBRARY_VARIABLE
from danas_hil.targets import BuildIdentity, Memory, ModelFile, OperatorTime, Sizes
from estimate.little_models import network

BOARD = load_board("nucleo_f446re")
NO_FACTOR = "renode-nano33ble"
"""A board whose times can't be estimated uncalibrated."""
RELATED = related_table(BOARD)
assert RELATED is not None
RATES = {
    kernel: {term: (0.3 if "conv" in kernel else 0.5) * rate for term, rate in rates.items()}
    for kernel, rates in RELATED.rates.items()
}
"""Of a board that is faster than the related one, at convolutions most of all."""


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DANAS_HIL_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


def measured(content: bytes, name: str, *, profiled: bool = True, **changes: Any) -> Measurement:
    """A measurement on BOARD whose times are what RATES make of the work."""
    work = work_of(read_graph(content))
    times = [microseconds(one, RATES) for one in work]
    operators = tuple(
        OperatorTime(place, one.kernel, taken)
        for place, (one, taken) in enumerate(zip(work, times, strict=True))
    )
    given = Measurement(
        model=name,
        model_sha256=hashlib.sha256(content).hexdigest(),
        model_bytes=len(content),
        target=BOARD.id,
        board=BOARD.id,
        kind="measured",
        status="OK",
        recorded_at="2026-01-01T00:00:00+00:00",
        build=BuildIdentity("1", {}),
        tflm_version="TFLM 1",
        memory=Memory(3_000),
        sizes=Sizes(90_000, 40_000),
        latency=Latency((sum(times),), "measured time", "cycles"),
        profile=operators if profiled else None,
    )
    return replace(given, **changes)


MODELS = {f"net{width}": network(width) for width in (3, 8, 17, 30, 64)}


def remember_all(**changes: Any) -> None:
    for name, content in MODELS.items():
        remember(content, measured(content, name, **changes))


class TestRemembering:
    def test_times_arena_and_flash_of_a_model_are_kept_for_its_board(self) -> None:
        content = MODELS["net8"]
        remember(content, measured(content, "net8"))
        (found,) = recall(BOARD)
        assert found.timed.work == work_of(read_graph(content))
        assert len(found.timed.samples) == len(found.timed.work)
        assert (found.arena_used_bytes, found.flash_bytes) == (3_000, 90_000)
        assert (found.kind, found.tflm, found.target) == ("measured", "TFLM 1", BOARD.id)

    def test_a_profile_stays_when_the_model_is_measured_again_without_one(self) -> None:
        content = MODELS["net8"]
        remember(content, measured(content, "net8"))
        again = measured(content, "net8", profiled=False, latency=Latency((7.0,), "", ""))
        remember(content, again)
        (found,) = recall(BOARD)
        assert found.timed.total_us == 7.0
        assert len(found.timed.samples) == len(found.timed.work)

    def test_nothing_is_kept_of_the_host_and_of_failures(self) -> None:
        content = MODELS["net8"]
        remember(content, measured(content, "net8", board="host"))
        remember(content, measured(content, "net8", board="gone"))
        remember(content, measured(content, "net8", latency=None))
        remember(content, measured(content, "net8", model_sha256="../../../../outside"))
        assert recall(BOARD) == ()

    def test_of_two_libraries_the_one_measured_last_counts(self) -> None:
        remember_all()
        content = MODELS["net3"]
        newer = measured(content, "net3", tflm_version="TFLM 2", recorded_at="2026-02-01")
        remember(content, newer)
        assert [one.timed.name for one in recall(BOARD)] == ["net3"]

    @pytest.mark.parametrize("part", ["schema", "timed", "total_us", "samples", "kind"])
    def test_a_damaged_file_is_named(self, part: str) -> None:
        remember_all()
        path = next(user_folder("measurements").rglob("*.json"))
        value = json.loads(path.read_text())
        (value if part in value else value["timed"])[part] = 0
        path.write_text(json.dumps(value))
        with pytest.raises(DanasError, match=rf"{path.name} (is damaged|has schema)"):
            recall(BOARD)


class TestFitting:
    def test_rates_tell_the_times_that_they_are_fitted_on(self) -> None:
        remember_all()
        found = calibrate(BOARD)
        assert found.table.operators["dense"] == len(MODELS)
        for one in found.models:
            told = sum(microseconds(work, found.table.rates) for work in one.timed.work)
            assert told == pytest.approx(one.timed.total_us, rel=0.01)
        assert found.table.kind == "measured"
        assert {one.model for one in found.left_out} == set(MODELS)

    def test_without_times_it_says_how_to_take_some(self) -> None:
        with pytest.raises(DanasError, match="No model was timed") as raised:
            calibrate(BOARD)
        assert f"danas-hil calibrate --board {BOARD.id}" in raised.value.hint

    def test_the_table_that_comes_along_is_never_related_to_its_own_board(self) -> None:
        related = related_table(BOARD)
        assert related is not None
        assert (related.build, related.kernels) == (BOARD.build, BOARD.kernels)
        own = related_table(load_board(related.board))
        assert own is None or own.board != related.board

    def test_the_table_that_comes_along_says_that_it_is_emulated(self) -> None:
        table = find_table(load_board("qemu-m4"))
        assert not isinstance(table, str)
        assert table.kind == "emulated"
        assert set(work.kernel for work in work_of(read_graph(MODELS["net8"]))) <= set(table.rates)

    def test_built_in_genomes_are_always_the_same_and_fit(self) -> None:
        genomes = built_in_genomes(BOARD, 6)
        assert len(set(genomes)) == 6
        assert built_in_genomes(BOARD, 6) == genomes
        assert built_in_genomes(BOARD, 0) == ()
        for genome in genomes:
            estimate = estimate_on(BOARD, lay_out(genome, 2))
            assert estimate.arena.minimum_bytes + PROFILER_RAM_BYTES <= (BOARD.ram_bytes or 0)
            assert estimate.fits is not False


def latency_row(found: Measurement, estimate: dict[str, Any]) -> Compared:
    rows = compare_with_boards([found], {found.model: estimate}).rows
    return next(row for row in rows if row.quantity == "latency")


class TestComparing:
    def test_estimated_latency_stands_beside_the_measured_one(self, tmp_path: Path) -> None:
        remember_all()
        keep_table(calibrate(BOARD).table)
        content = network(21)
        (tmp_path / "new.tflite").write_bytes(content)
        found = measured(content, "new")
        estimate = keep_estimate({}, BOARD.id, tmp_path / "new.tflite", tmp_path)
        row = latency_row(found, estimate)
        assert row.error_share == pytest.approx(0, abs=0.02)
        assert (row.model, row.unit, row.fitted_on_it) == ("fitted", "us", False)

    def test_a_model_that_was_fitted_on_is_marked(self, tmp_path: Path) -> None:
        content = MODELS["net8"]
        (tmp_path / "net8.tflite").write_bytes(content)
        before = keep_estimate({}, BOARD.id, tmp_path / "net8.tflite", tmp_path)
        remember_all()
        keep_table(calibrate(BOARD).table)
        after = keep_estimate(before, BOARD.id, tmp_path / "net8.tflite", tmp_path)
        found = measured(content, "net8")
        latency = [latency_row(found, estimate) for estimate in (before, after)]
        assert [row.fitted_on_it for row in latency] == [False, True]
        assert [bool(row.mark) for row in latency] == [True, False]
        assert latency[0].mark == "estimated, uncalibrated, ±20 %"
        assert latency[0].least == pytest.approx(0.8 * (latency[0].estimate or 0))
        assert latency[1].estimate != latency[0].estimate


class TestCommand:
    def run(self, *arguments: str) -> Any:
        return CliRunner().invoke(app, ["calibrate", *arguments])

    def test_it_fits_on_what_was_measured_before(self) -> None:
        remember_all()
        told = self.run("--board", BOARD.id, "--from-measurements", "--json")
        assert told.exit_code == 0, told.output
        value = json.loads(told.stdout)
        assert len(value["models"]) == len(value["left_out"]) == len(MODELS)
        table = find_table(BOARD)
        assert not isinstance(table, str)
        assert value["table"] == json.loads(json.dumps(table.to_json()))
        shown = self.run("--board", BOARD.id, "--from-measurements")
        assert "Left out one by one: median error" in shown.output
        assert max(map(len, shown.output.splitlines()[1:-1])) <= 80

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("--board", "host"), "no firmware to time"),
            (("--board", "uno"), "no board 'uno'"),
            (("--board", BOARD.id, "--from-measurements", "--genomes", "2"), "times nothing"),
            (("--board", BOARD.id, "--from-measurements"), "No model was timed"),
        ],
    )
    def test_what_can_t_be_is_told(self, arguments: tuple[str, ...], message: str) -> None:
        told = self.run(*arguments)
        assert isinstance(told.exception, DanasError)
        assert message in told.exception.what

    def test_an_estimate_tells_the_latency_and_holds_it_against_a_limit(self) -> None:
        Path("net.tflite").write_bytes(MODELS["net8"])
        arguments = ["estimate", "net.tflite", "--board", BOARD.id, "--latency", "1us"]
        other = ["estimate", "net.tflite", "--board", NO_FACTOR, "--latency", "1s"]
        told = CliRunner().invoke(app, other)
        assert f"unknown: run danas-hil calibrate --board {NO_FACTOR}" in told.output
        assert told.exit_code == 3
        before = CliRunner().invoke(app, arguments)
        assert "of 1.00 us, estimated, uncalibrated, ±20 %" in before.output
        assert before.exit_code == 1
        remember_all()
        keep_table(calibrate(BOARD).table)
        after = CliRunner().invoke(app, arguments)
        assert "fitted on measured times of 5 models" in after.output
        assert after.exit_code == 1
        assert "DOES NOT FIT" in after.output

    @pytest.mark.parametrize("classes", [("no", "yes"), tuple("abcdefghij")], ids=len)
    def test_a_genome_is_estimated_too(self, classes: tuple[str, ...]) -> None:
        genome = built_in_genomes(BOARD, 1)[0]
        write_genome(Path("genome.json"), genome, classes)
        told = CliRunner().invoke(
            app, ["estimate", "genome.json", "--board", "qemu-m4", "--unknown", "fits", "--json"]
        )
        assert told.exit_code == 0, told.output
        (value,) = json.loads(told.stdout)
        total = estimate_on(load_board("qemu-m4"), lay_out(genome, len(classes))).latency.total_us
        assert value["latency"]["total_us"] == total
        assert total is not None
        Path("list.json").write_text("[]")
        assert CliRunner().invoke(app, ["estimate", "list.json"]).exit_code == 2


QEMU = load_board("qemu-m4")
SHIPPED = shipped_samples("qemu-m4")
assert SHIPPED is not None


def told_by_qemu(content: bytes, name: str, times: float = 1.0) -> None:
    """A measurement on qemu-m4, with the library of the samples that come along: so many times what
    the table that comes along says."""
    table = find_table(QEMU)
    assert isinstance(table, LatencyTable)
    assert SHIPPED is not None
    taken = [times * microseconds(one, SHIPPED_RATES) for one in work_of(read_graph(content))]
    found = measured(content, name)
    assert found.profile is not None
    profile = tuple(
        replace(one, microseconds=us) for one, us in zip(found.profile, taken, strict=True)
    )
    latency = Latency((sum(taken),), "emulated time", "instructions")
    remember(
        content,
        replace(
            found,
            target="qemu-m4",
            board="qemu-m4",
            kind="emulated",
            tflm_version=SHIPPED.tflm,
            latency=latency,
            profile=profile,
        ),
    )


SHIPPED_RATES = fit(SHIPPED.models)


class TestNotForgetting:
    def run(self, *arguments: str) -> Any:
        return CliRunner().invoke(app, ["calibrate", "--board", "qemu-m4", *arguments])

    def test_the_table_that_comes_along_is_fitted_on_the_samples_that_do(self) -> None:
        table = find_table(QEMU)
        assert isinstance(table, LatencyTable)
        assert table.models == tuple(model.key for model in SHIPPED.models)
        assert table.operators == counted(SHIPPED.models)
        assert table.rates.keys() == SHIPPED_RATES.keys()
        # Times, not rates: small ones that stand for next to nothing differ between processors.
        for model in SHIPPED.models:
            kept, fitted = (
                sum(microseconds(work, rates) for work in model.work)
                for rates in (table.rates, SHIPPED_RATES)
            )
            assert kept == pytest.approx(fitted, rel=1e-4), model.name

    def test_samples_come_back_from_their_file(self, tmp_path: Path) -> None:
        write_samples(tmp_path / "again.json", SHIPPED)
        assert read_samples(tmp_path / "again.json") == SHIPPED
        (tmp_path / "torn.json").write_text((tmp_path / "again.json").read_text()[:5000])
        with pytest.raises(DanasError, match=r"torn\.json"):
            read_samples(tmp_path / "torn.json")

    def test_three_measurements_add_to_what_comes_along(self) -> None:
        for name in ("net3", "net8", "net17"):
            told_by_qemu(MODELS[name], name)
        told = self.run("--from-measurements", "--json")
        assert told.exit_code == 0, told.output
        value = json.loads(told.stdout)
        assert (len(value["models"]), value["shipped"]) == (3, len(SHIPPED.models))
        table = find_table(QEMU)
        assert isinstance(table, LatencyTable)
        assert set(table.rates) == set(SHIPPED_RATES), "no operator is forgotten"
        vww = next(model for model in SHIPPED.models if model.name == "vww_96_int8")
        guess = sum(microseconds(work, table.rates) for work in vww.work)
        assert guess == pytest.approx(vww.total_us, rel=0.03)

    def test_a_lost_operator_is_worse_and_nothing_is_kept_unless_forced(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = find_table(QEMU)
        for name in ("net3", "net8", "net17"):
            told_by_qemu(MODELS[name], name)
        monkeypatch.setattr(calibrating, "shipped_samples", lambda _: None)
        told = self.run("--from-measurements")
        assert told.exit_code == 1
        assert "Known before and not any more" in told.output
        assert "svdf" in told.output
        assert "Median error over all of them" in told.output
        assert "--force" in told.output
        assert find_table(QEMU) == before
        value = json.loads(self.run("--from-measurements", "--json").stdout)
        assert value["worse"]
        assert value["file"] is None
        assert self.run("--from-measurements", "--force").exit_code == 0
        forced = find_table(QEMU)
        assert isinstance(forced, LatencyTable)
        assert len(forced.models) == 3
        assert "Dropped from" in self.run("--reset").output
        assert find_table(QEMU) == before
        assert "No rates were kept here" in self.run("--reset").output

    def test_a_median_error_that_grows_is_worse(self) -> None:
        remember_all()
        keep_table(calibrate(BOARD).table)
        before = find_table(BOARD)
        for place, width in enumerate((5, 6, 7, 9, 10, 11, 12)):
            content = network(width)
            found = measured(content, f"wild{width}")
            assert found.profile is not None
            wild = 10.0 ** (place % 3)
            profile = tuple(replace(o, microseconds=wild * o.microseconds) for o in found.profile)
            total = Latency((sum(one.microseconds for one in profile),), "", "")
            remember(content, replace(found, profile=profile, latency=total))
        told = CliRunner().invoke(app, ["calibrate", "--board", BOARD.id, "--from-measurements"])
        found_now = calibrate(BOARD)
        assert found_now.before is not None
        assert found_now.before.median_error is not None
        assert found_now.table.median_error is not None
        assert found_now.worse == (
            found_now.table.median_error > found_now.before.median_error + 5e-4
        )
        assert found_now.worse
        assert told.exit_code == 1
        assert find_table(BOARD) == before


class TestQuick:
    def quick(self, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Any:
        """The command, with a board that tells what `measured` says of the model given."""

        @contextlib.contextmanager
        def reached(*_: Any, **__: Any) -> Any:
            yield SimpleNamespace(name=BOARD.id, board=BOARD.id, kind="measured")

        def measure(items: Any, *_: Any, **__: Any) -> list[Measurement]:
            content = items[0].model.read_bytes()
            found = measured(content, items[0].id, profiled=False)
            remember(content, found)
            return [found]

        monkeypatch.setattr("danas_hil.measure.reach", reached)
        monkeypatch.setattr(calibrating_command, "measure_items", measure)
        monkeypatch.setattr(calibrating_command, "announce", lambda _: None)
        return CliRunner().invoke(app, ["calibrate", "--board", BOARD.id, "--quick", *arguments])

    def test_one_timed_model_replaces_the_factor(self, monkeypatch: pytest.MonkeyPatch) -> None:
        Path("net.tflite").write_bytes(MODELS["net17"])
        before = estimate_on(BOARD, MODELS["net17"]).latency
        assert before.mark == "estimated, uncalibrated, ±20 %"
        told = self.quick(monkeypatch, "net.tflite")
        assert told.exit_code == 0, told.output
        assert "estimated, one model timed, ±25 %" in told.output
        after = estimate_on(BOARD, MODELS["net17"]).latency
        total = measured(MODELS["net17"], "net").latency
        assert total is not None
        assert after.total_us == pytest.approx(total.median_us)
        assert after.fitted_on_it
        other = estimate_on(BOARD, MODELS["net64"]).latency
        (uncalibrated,) = [estimated_table(BOARD)]
        assert uncalibrated is not None
        factor = (after.total_us or 0.0) / (before.total_us or 1.0)
        work = work_of(read_graph(MODELS["net64"]))
        plain = sum(microseconds(one, uncalibrated.rates) for one in work)
        assert other.total_us == pytest.approx(factor * plain)
        assert (other.least_us, other.most_us) == (
            pytest.approx(0.75 * (other.total_us or 0.0)),
            pytest.approx(1.25 * (other.total_us or 0.0)),
        )

    def test_it_does_not_replace_rates_that_are_fitted_unless_forced(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        remember_all()
        keep_table(calibrate(BOARD).table)
        Path("net.tflite").write_bytes(MODELS["net17"])
        told = self.quick(monkeypatch, "net.tflite")
        assert isinstance(told.exception, DanasError)
        assert "one model tells less" in told.exception.what
        assert self.quick(monkeypatch, "net.tflite", "--force").exit_code == 0

    def test_more_models_go_on_from_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        Path("net.tflite").write_bytes(MODELS["net17"])
        self.quick(monkeypatch, "net.tflite")
        remember_all()
        keep_table(calibrate(BOARD).table)
        after = estimate_on(BOARD, MODELS["net64"]).latency
        assert (after.mark, after.band) == ("", 0.0)

    @pytest.mark.parametrize(
        "arguments", [("--quick", "a.tflite", "b.tflite"), ("--quick", "--genomes", "2"),
                      ("--reset", "--quick"), ("--reset", "a.tflite")],
    )  # fmt: skip
    def test_what_does_not_go_together_is_told(self, arguments: tuple[str, ...]) -> None:
        told = CliRunner().invoke(app, ["calibrate", "--board", BOARD.id, *arguments])
        assert isinstance(told.exception, DanasError)


class TestUncalibrated:
    def test_every_real_board_has_a_factor_that_says_whose_it_is(self) -> None:
        for name in board_names():
            board = load_board(name)
            if board.kind != "real":
                assert board.stall is None
                continue
            assert board.stall is not None
            of, factor, band = (
                ("instructions", 0.8, 0.3) if board.core == "cortex-m7" else ("cycles", 1.19, 0.2)
            )
            assert (board.stall.of, board.stall.factor, board.stall.band) == (of, factor, band)
            own = name in ("nano33ble", "disco_f746ng")
            assert ("that of" in board.stall.source) == (not own)

    def test_time_is_counted_cycles_times_the_factor_by_the_clock(self) -> None:
        model = next(one for one in SHIPPED.in_cycles if one.name == "person_detect")
        table = find_table(load_board("nano33ble"))
        assert isinstance(table, LatencyTable)
        told = estimate_latency(model.work, table)
        expected = model.total_us * 1.19 / 64
        assert told.total_us == pytest.approx(expected, rel=0.02)
        assert told.total_us == pytest.approx(537e3, rel=0.03)
        seven = find_table(load_board("disco_f746ng"))
        assert isinstance(seven, LatencyTable)
        instructions = next(one for one in SHIPPED.in_instructions if one.name == "person_detect")
        fast = estimate_latency(model.work, seven)
        assert fast.total_us == pytest.approx(instructions.total_us * 0.8 / 216, rel=0.02)

    @pytest.mark.parametrize(("share", "fits"), [(0.79, False), (0.81, None), (1.19, None),
                                                 (1.21, True)])  # fmt: skip
    def test_a_limit_inside_the_band_is_no_verdict(self, share: float, fits: bool | None) -> None:
        nano = load_board("nano33ble")
        total = estimate_on(nano, MODELS["net8"]).latency.total_us
        assert total is not None
        limits = Limits(latency_us=share * total)
        estimate = estimate_on(nano, MODELS["net8"], limits=limits)
        assert estimate.fits_latency is fits
        told = estimate.to_json()["verdicts"]["latency"]
        assert told["fits"] == ("unknown" if fits is None else fits)
        assert bool(told["unknown"]) == (fits is None)

    def test_another_build_than_the_counted_one_is_unknown(self) -> None:
        nano = load_board("nano33ble")
        assert nano.firmware is not None
        small = replace(nano, firmware=replace(nano.firmware, optimisation="-Os"))
        assert isinstance(find_table(small), str)
        assert isinstance(find_table(nano, kernels="reference"), str)


HOME = os.environ.get("DANAS_HIL_HOME")  # before the test session puts its own there
"""Where the library stays compiled, which takes minutes the first time."""


@pytest.mark.skipif(
    any(shutil.which(one) is None for one in ("qemu-system-arm", "arm-none-eabi-g++")),
    reason="needs qemu-system-arm and arm-none-eabi-g++",
)
@pytest.mark.skipif(LIBRARY_VARIABLE not in os.environ, reason=f"{LIBRARY_VARIABLE} is not set")
def test_the_table_that_comes_along_tells_the_time_of_an_emulated_model(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tflm = pytest.importorskip("danas_hil.tflm")
    pytest.importorskip("tflite_micro", reason="golden outputs need the extra host")
    from danas_hil.targets import FirmwareTarget, QemuDevice

    if HOME is not None:
        monkeypatch.setenv("DANAS_HIL_HOME", HOME)
    board = load_board("qemu-m4")
    model = ModelFile("net30", MODELS["net30"])
    golden = tflm.golden_of_random(model.content)
    found = measure_candidate(FirmwareTarget(QemuDevice(board)), model, golden, tmp_path)
    assert found.failure is None
    assert found.latency is not None
    monkeypatch.setenv("DANAS_HIL_HOME", str(tmp_path / "home"))
    estimate = estimate_on(board, model.content).latency
    assert estimate.total_us == pytest.approx(found.latency.median_us, rel=0.1)
