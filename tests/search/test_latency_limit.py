"""Latency in a search: recorded where a board's kernels were timed, and held against a limit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from danas_hil.base import DanasError
from danas_hil.board import Limits, load_board
from danas_hil.cli.app import app
from danas_hil.estimate.latency import LatencyTable
from danas_hil.estimate.latency_tables import find_table, keep_table
from danas_hil.estimate.layout import lay_out
from danas_hil.estimate.on_board import estimate_on
from danas_hil.run import Evaluation, RunFolder
from danas_hil.search import SearchSettings, Weights, check_possible, create_run, fitness, within
from danas_hil.search.cost import CostEstimator, rates_of_run
from danas_hil.search.samplers import Nsga2Sampler
from danas_hil.tasks import Scores
from estimate.little_models import network
from strategies import make_space
from tasks.some_tasks import PERSON, SIGNS

SPACE = make_space(resolution=(32, 64), colour=("rgb",), alpha=(0.1, 0.5, 1.0))
SETTINGS = SearchSettings("signs", SIGNS, space=SPACE, board="qemu-m4", time_budget=60.0)
NO_FACTOR = "renode-nano33ble"
"""A board whose times can't be estimated uncalibrated."""
SCORES = Scores.of(np.array([0, 1, 1, 0]), np.array([0, 1, 1, 1]), PERSON)


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DANAS_HIL_HOME", str(tmp_path / "home"))


def limited(latency_us: float, board: str | None = "qemu-m4") -> SearchSettings:
    return replace(SETTINGS, limits=Limits(latency_us=latency_us), board=board)


def test_latency_is_that_of_the_genome_on_the_runs_board() -> None:
    genome = SPACE.sample(np.random.default_rng(0))
    laid_out = lay_out(genome, len(SIGNS.classes))
    expected = estimate_on(load_board("qemu-m4"), laid_out).latency.total_us
    assert expected is not None
    assert CostEstimator(SETTINGS).costs(genome).latency_us == expected
    assert (
        CostEstimator(replace(SETTINGS, memory_model="paper")).costs(genome).latency_us == expected
    )


@pytest.mark.parametrize("board", [None, "renode-nano33ble"])
def test_without_times_of_a_board_latency_is_unknown_and_no_search_is_stopped(
    board: str | None,
) -> None:
    estimator = CostEstimator(replace(SETTINGS, board=board))
    assert estimator.costs(SPACE.sample(np.random.default_rng(0))).latency_us is None


@pytest.mark.parametrize("model", ["exact", "paper"])
def test_the_first_search_for_a_board_can_limit_latency(tmp_path: Path, model: str) -> None:
    settings = replace(limited(2e5, "nano33ble"), memory_model=model)
    genomes = [SPACE.sample(np.random.default_rng(seed)) for seed in range(20)]
    estimator = CostEstimator(settings)
    times = [estimator.costs(genome).latency_us or 0.0 for genome in genomes]
    assert min(times) > 0
    check_possible(settings)
    median = replace(settings, limits=Limits(latency_us=float(np.median(times))))
    assert {CostEstimator(median).fits(genome) for genome in genomes} == {True, False}
    run = create_run(tmp_path / "run", settings)
    again = CostEstimator(settings, rates_of_run(RunFolder.open(run.path).config()))
    assert [again.costs(genome).latency_us for genome in genomes] == times
    totals = again.detail(genomes[0], network(8))["totals"]
    assert totals["latency_source"].startswith("estimated, uncalibrated, ±20 %; nano33ble")
    assert totals["latency_band"] == 0.2


def test_a_limit_without_times_of_the_board_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(DanasError, match="renode-nano33ble is not known") as raised:
        check_possible(limited(2e5, "renode-nano33ble"))
    assert "danas-hil calibrate --board renode-nano33ble" in raised.value.hint
    with pytest.raises(DanasError, match="one on a board"):
        check_possible(limited(2e5, None))


def test_the_command_tells_so_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["search", "signs", "--name", "new", "--board", NO_FACTOR, "--latency", "200ms"]
    told = CliRunner().invoke(app, arguments)
    assert isinstance(told.exception, DanasError)
    assert "danas-hil calibrate" in told.exception.hint
    assert not (tmp_path / "runs").exists()


def test_a_limit_parts_genomes_by_their_latency() -> None:
    genomes = [SPACE.sample(np.random.default_rng(seed)) for seed in range(20)]
    times = [CostEstimator(SETTINGS).costs(genome).latency_us or 0.0 for genome in genomes]
    limit = float(np.median(times))
    estimator = CostEstimator(limited(limit))
    assert [estimator.fits(genome) for genome in genomes] == [time <= limit for time in times]
    assert 0 < sum(map(estimator.fits, genomes)) < 20


def test_a_limit_that_nothing_meets_is_told_before_training() -> None:
    told = r"No genome fits .*latency 1\.00 us.* bytes of flash, the quickest .* at [0-9.]+ ms\."
    with pytest.raises(DanasError, match=told):
        check_possible(limited(1.0))
    with pytest.raises(DanasError, match=r"bytes of flash\. "):  # time is not what it fails of
        check_possible(replace(SETTINGS, limits=Limits(1024, 1024)))


def test_a_latency_above_the_limit_costs_its_share_and_is_not_within() -> None:
    limits, weights = Limits(latency_us=100.0), Weights()
    good = fitness(SCORES, 0, 0, limits, weights, 100.0)
    assert fitness(SCORES, 0, 0, limits, weights, 150.0) == pytest.approx(good - 0.5)
    assert fitness(SCORES, 0, 0, limits, weights, None) == good
    assert within(0, 0, limits, 100.0)
    assert not within(0, 0, limits, 100.1)
    assert within(0, 0, limits, None)


def test_the_limit_comes_back_from_config_toml(tmp_path: Path) -> None:
    run = create_run(tmp_path / "run", limited(2e5))
    assert SearchSettings.from_config(RunFolder.open(run.path).config()) == limited(2e5)


def slower(times: float) -> LatencyTable:
    """qemu-m4 as a calibration might leave it: everything takes so many times as long."""
    table = find_table(load_board("qemu-m4"))
    assert isinstance(table, LatencyTable)
    rates = {
        kernel: {term: times * rate for term, rate in terms.items()}
        for kernel, terms in table.rates.items()
    }
    return replace(table, rates=rates, median_error=None)


def test_a_run_goes_by_the_rates_that_its_board_had_when_it_began(tmp_path: Path) -> None:
    genome = SPACE.sample(np.random.default_rng(0))
    before = CostEstimator(SETTINGS).costs(genome).latency_us
    run = create_run(tmp_path / "run", SETTINGS)
    keep_table(slower(2.0))
    now = CostEstimator(SETTINGS)
    then = CostEstimator(SETTINGS, rates_of_run(RunFolder.open(run.path).config()))
    assert then.costs(genome).latency_us == before
    assert now.costs(genome).latency_us == pytest.approx(2 * (before or 0.0))


def test_a_run_that_began_without_rates_goes_on_without(tmp_path: Path) -> None:
    settings = replace(SETTINGS, board=NO_FACTOR)
    genome = SPACE.sample(np.random.default_rng(0))
    run = create_run(tmp_path / "run", settings)
    board = load_board(NO_FACTOR)
    kept = dict(build=board.build, kernels=board.kernels, toolchain=board.toolchain)
    keep_table(replace(slower(2.0), board=board.id, **kept))
    assert CostEstimator(settings).costs(genome).latency_us is not None
    assert CostEstimator(settings, rates_of_run(run.config())).costs(genome).latency_us is None


def test_a_run_of_an_older_version_goes_by_the_rates_of_today(tmp_path: Path) -> None:
    run = create_run(tmp_path / "run", SETTINGS)
    config = run.config()
    del config["latency"]
    assert rates_of_run(config) is None
    assert (
        "latency" not in create_run(tmp_path / "no board", replace(SETTINGS, board=None)).config()
    )


def test_rates_come_back_from_config_toml_whole_and_damage_is_told(tmp_path: Path) -> None:
    keep_table(slower(1 / 3))
    config = create_run(tmp_path / "run", SETTINGS).config()
    assert rates_of_run(config) == find_table(load_board("qemu-m4")) == slower(1.0)
    config["latency"]["rates"]["conv 1x1"]["mac"] = -1.0
    with pytest.raises(DanasError, match=r"\[latency\] of config.toml is damaged"):
        rates_of_run(config)


def test_an_evaluation_keeps_its_latency_and_older_ones_have_none() -> None:
    genome = SPACE.sample(np.random.default_rng(0))
    value = Evaluation(0, genome, "complete", 1, 1, SCORES, latency_us=5.5).to_json()
    assert Evaluation.from_json(value).latency_us == 5.5
    del value["latency_us"]
    assert Evaluation.from_json(value).latency_us is None


def test_nsga2_takes_the_limit_for_a_constraint() -> None:
    sampler = Nsga2Sampler(SPACE, 0, Limits(latency_us=100.0), population=4)
    genome = SPACE.sample(np.random.default_rng(0))
    slow = Evaluation(0, genome, "complete", 1, 1, SCORES, fitness=1.0, latency_us=150.0)
    large = Evaluation(1, genome, "complete", 9, 9, SCORES, fitness=1.0, latency_us=90.0)
    unknown = Evaluation(2, genome, "complete", 5, 5, SCORES, fitness=1.0, latency_us=None)
    assert sampler._best([slow, large, unknown]) == [unknown, large, slow]
