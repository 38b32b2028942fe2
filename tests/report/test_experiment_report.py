"""What the report of an experiment tells is what its runs found."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from danas_hil.base import write_json
from danas_hil.board import Limits
from danas_hil.experiment import Experiment, RunResult, Variant
from danas_hil.experiment.running import Ended, settings_of
from danas_hil.report import (
    experiment_groups,
    experiment_json,
    experiment_page,
    write_experiment_report,
)
from danas_hil.report.experiment_group import Group
from danas_hil.report.experiment_rows import (
    DRAWN,
    Difference,
    by_count,
    by_time,
    curve_points,
    differences,
    drawn_systems,
    fitness_curve,
    front_curve,
    hypervolume_curve,
    run_figures,
    search_figures,
)
from danas_hil.run import Front
from danas_hil.search import SearchSettings, create_run, run_hypervolume
from strategies import narrowed
from tasks.some_tasks import SIGNS

from .conftest import LIMITS
from .test_report_page import HOSTILE, check

MakeFront = Callable[..., Front]
SETTINGS = SearchSettings("signs", SIGNS, LIMITS, trials=60, supernet_steps=10)
SMALL = Limits(65536, 262144)


def result(front: Front, search: str, seed: int, baseline: bool = False) -> RunResult:
    return RunResult(
        task=SIGNS,
        run=f"{search}-seed{seed}",
        search=search,
        baseline=baseline,
        seed=seed,
        limits=front.limits,
        reason="all trials done",
        training_steps=100,
        memory_model="exact",
        evaluations=front.evaluations,
        candidates=front.candidates,
    )


@pytest.fixture(scope="module")
def results(make_front: MakeFront) -> list[RunResult]:
    """Two searches with two seeds each."""
    return [
        result(make_front(60, seed=10 * place + seed), name, seed, baseline=place == 1)
        for seed in (0, 1)
        for place, name in enumerate(("wide", "fixed"))
    ]


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    narrow = replace(SETTINGS, space=narrowed(SETTINGS.space, resolution=(64,)))
    variants = (Variant("wide", False, SETTINGS), Variant("fixed", True, narrow))
    return Experiment("night", variants, (0, 1))


def test_figures_of_a_run_are_those_of_its_evaluations(results: list[RunResult]) -> None:
    first = results[0]
    figures = run_figures(first, 0.7)
    fitting = [e for e in first.evaluations if e.scores and e.feasible]
    good = [e for e in fitting if e.scores and e.scores.accuracy >= 0.7]
    assert figures.above == len(good) > 0
    assert figures.above_on_front == sum(e.pareto for e in good)
    assert figures.hypervolume == run_hypervolume(first.evaluations, first.limits, SIGNS.chance)
    assert figures.int8_accuracy == max(
        c.scores["int8_validation"].accuracy for c in first.candidates
    )
    large, medium, small = (figures.best[name] for name in ("large", "medium", "small"))
    assert large is not None
    assert medium is not None
    assert small is not None
    assert large >= medium >= small


def test_a_difference_is_taken_seed_by_seed_with_students_interval(
    results: list[RunResult],
) -> None:
    runs = [run_figures(one, 0.7) for one in results]
    rows = differences(search_figures(results, runs), runs)
    assert [(row.search, row.baseline, row.quantity) for row in rows] == [
        ("wide", "fixed", "hypervolume"),
        ("wide", "fixed", "int8 accuracy"),
    ]
    ahead = [
        runs[0].hypervolume - runs[1].hypervolume,
        runs[2].hypervolume - runs[3].hypervolume,
    ]
    mean, half = sum(ahead) / 2, 12.7062 * abs(ahead[0] - ahead[1]) / 2
    assert rows[0].mean == pytest.approx(mean)
    assert rows[0].low == pytest.approx(mean - half, abs=1e-6)
    assert rows[0].high == pytest.approx(mean + half, abs=1e-6)
    alone = differences(search_figures(results[:3], runs[:3]), runs[:3])
    assert [(row.seeds, row.low, row.verdict) for row in alone] == [(1, None, "open")] * 2


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.1, 0.3, "better"), (-0.3, -0.1, "worse"), (-0.1, 0.1, "open"), (0.0, 0.2, "open")],
)
def test_only_an_interval_that_leaves_out_0_decides(low: float, high: float, verdict: str) -> None:
    assert Difference("a", "b", "hypervolume", 3, (low + high) / 2, low, high).verdict == verdict


def test_curves_end_with_the_figure_of_the_whole_run(results: list[RunResult]) -> None:
    mine = [one for one in results if one.search == "wide"]
    for place in (by_time, by_count):
        points = [p for p in curve_points(results, hypervolume_curve, place) if p.search == "wide"]
        volumes = [run_hypervolume(one.evaluations, one.limits, SIGNS.chance) for one in mine]
        assert points[0].mean == 0
        assert points[-1].mean == pytest.approx(sum(volumes) / 2)
        assert (points[-1].low, points[-1].high) == pytest.approx((min(volumes), max(volumes)))
        means = [point.mean for point in points]
        assert means == sorted(means)
    found = curve_points(results, front_curve, by_count)
    assert found[-1].mean == 1


def test_a_run_has_no_fitness_before_its_first_evaluation(results: list[RunResult]) -> None:
    points = curve_points(results, fitness_curve, by_time)
    first = min(e.elapsed_seconds for one in results for e in one.evaluations if e.fitness) / 60
    assert min(point.at for point in points) >= first


def test_fronts_are_drawn_whole_and_the_rest_is_thinned(make_front: MakeFront) -> None:
    many = result(make_front(2 * DRAWN, seed=3), "wide", 0)
    drawn = drawn_systems([many], "wide")
    on_front = [e.index for e in many.evaluations if e.pareto]
    assert [system.evaluation for _, system in drawn if system.pareto] == on_front
    assert len(drawn) == DRAWN + len(on_front)


def test_the_page_is_self_contained_and_tells_all_searches(
    results: list[RunResult], experiment: Experiment
) -> None:
    groups = [Group(results, 0.75, by_count)]
    page = check(experiment_page(experiment, groups))
    for words in ("wide", "fixed (baseline)", "Student's t", "wide-seed1", "75 %", "Fitness over"):
        assert words in page.words
    assert page.tags.count("figure") == 2 + 3 + 2
    assert "are finished: this tells of those only" not in page.words
    part = check(experiment_page(experiment, [Group(results[:1], 0.75, by_count)]))
    assert "1 of 4 searches are finished" in part.words


def test_the_page_tells_whose_supernet_a_search_used(
    results: list[RunResult], experiment: Experiment
) -> None:
    wide, fixed = experiment.variants
    assert "The supernet that" not in experiment_page(experiment, [])
    borrows = replace(fixed.settings, supernet_steps=None, supernet_of="wide")
    lent = replace(experiment, variants=(wide, replace(fixed, settings=borrows)))
    page = check(experiment_page(lent, [Group(results, 0.75, by_count)]))
    assert "The supernet that wide trains is also that of fixed." in page.words


def test_searches_under_other_limits_have_a_section_of_their_own(
    results: list[RunResult], experiment: Experiment, make_front: MakeFront
) -> None:
    small = [result(make_front(40, seed=5, limits=SMALL), "tiny", 0)]
    page = check(
        experiment_page(experiment, [Group(rows, 0.75, by_time) for rows in (results, small)])
    )
    assert "RAM 64 kB, flash 256 kB" in page.words
    assert "No baseline" in page.words


def test_a_run_that_found_nothing_is_told_of(experiment: Experiment) -> None:
    empty = result(Front("x", SIGNS, LIMITS, "exact", (), None), "wide", 0)
    page = check(experiment_page(experiment, [Group([empty], 0.75, by_count)]))
    assert "No evaluation was completed" in page.words


def test_names_are_shown_and_never_run(results: list[RunResult], experiment: Experiment) -> None:
    hostile = [replace(one, search=HOSTILE, run=HOSTILE, reason=HOSTILE) for one in results]
    groups = [Group(hostile, 0.75, by_count)]
    page = check(experiment_page(replace(experiment, name=HOSTILE), groups))
    assert " ".join(HOSTILE.split()) in page.words


def test_the_files_hold_the_numbers_of_every_figure(
    results: list[RunResult], experiment: Experiment, make_front: MakeFront, tmp_path: Path
) -> None:
    for planned, one in zip(experiment.runs, results, strict=True):
        run = create_run(tmp_path / planned.name, settings_of(experiment, planned))
        focus = {"supernet_focus": {"a": {"steps": 90}}} if planned.name == "fixed-seed0" else {}
        run.write_config({**run.config(), "supernet_steps": {"a": 60, "b": 40}, **focus})
        if planned.name != "fixed-seed1":  # of which nothing fitted
            run.write_front(replace(make_front(60), evaluations=one.evaluations))
    ended = [asdict(Ended(planned.name, 60, "all trials done", 9.0)) for planned in experiment.runs]
    write_json(tmp_path / "ended.json", ended)
    groups = experiment_groups(experiment, tmp_path)
    told = experiment_json(experiment, groups)
    assert (told["searches_planned"], told["searches_finished"]) == (4, 4)
    steps = {run["run"]: run["training_steps"] for run in told["limits"][0]["runs"]}
    assert steps.pop("fixed-seed0") == 130, "those that it came to, not those planned"
    assert list(steps.values()) == [100] * 3
    assert [run["evaluations"] for run in told["limits"][0]["runs"]] == [60, 60, 60, 0]
    path = write_experiment_report(experiment, tmp_path, groups)
    check(path.read_text(encoding="utf-8"))
    figures = json.loads((tmp_path / "figures.json").read_text())["figures"]
    assert {
        *("searches", "differences", "runs", "accuracy_against_ram"),
        *("hypervolume", "fitness", "front_found"),
    } == set(figures)
    assert (
        figures["searches"][0]["hypervolume_mean"]
        == told["limits"][0]["searches"][0]["hypervolume_mean"]
    )
    with (tmp_path / "figures.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(len(part) for part in figures.values())
