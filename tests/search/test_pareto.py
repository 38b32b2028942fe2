"""Dominance, and the volume that points dominate."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from danas_hil.board import Limits
from danas_hil.families.mobilenet_v2 import MobileNetV2
from danas_hil.run import Evaluation
from danas_hil.search import (
    contributions,
    hypervolume,
    hypervolume_history,
    pareto_front,
    run_hypervolume,
)
from danas_hil.search.pareto import gains, non_dominated, run_costs
from danas_hil.signals.image import ImageConfig
from danas_hil.space import Genome
from danas_hil.tasks import Scores

LIMITS = Limits(100_000, 1_000_000)
GRID = 5
"""Points of the tests are whole numbers below this: their volume can be counted in unit cells."""


@given(
    hnp.arrays(np.float64, st.tuples(st.integers(1, 40), st.just(3)), elements=st.integers(0, 4))
)
def test_a_row_is_kept_exactly_when_no_other_dominates_it(costs: np.ndarray) -> None:
    expected = [
        not any((other <= row).all() and (other < row).any() for other in costs) for row in costs
    ]
    assert non_dominated(costs).tolist() == expected


def evaluation(
    index: int, accuracy: float, ram: int, alpha: float = 0.1, **more: object
) -> Evaluation:
    genome = Genome(ImageConfig(32, "rgb"), MobileNetV2(1, 0, 0, 0, 0, alpha))
    scores = Scores(accuracy, 0.5, 0.5, 10)
    settings = {"feasible": True, "outcome": "complete", **more}
    return Evaluation(
        index=index, genome=genome, ram_bytes=ram, flash_bytes=1, scores=scores, **settings
    )


def test_the_front_holds_feasible_members_that_nobody_dominates() -> None:
    rows = [
        evaluation(0, 0.8, 100, 0.1),
        evaluation(1, 0.7, 100, 0.2),
        evaluation(2, 0.9, 500, 0.3),
        evaluation(3, 1.0, 900, 0.4, feasible=False),
        evaluation(4, 0.6, 50, 0.5),
    ]
    assert [e.index for e in pareto_front(rows)] == [0, 2, 4]


def test_a_genome_stands_in_the_front_once() -> None:
    assert [e.index for e in pareto_front([evaluation(0, 0.8, 1), evaluation(1, 0.8, 1)])] == [0]


def test_no_evaluations_make_no_front() -> None:
    assert pareto_front([]) == []


def whole_points(most: int = 8) -> st.SearchStrategy[np.ndarray]:
    """(n, 1 to 4) points on a small grid; many are dominated, equal or on the reference."""
    shapes = st.tuples(st.integers(0, most), st.integers(1, 4))
    return shapes.flatmap(
        lambda shape: hnp.arrays(np.float64, shape, elements=st.integers(0, GRID))
    )


def counted(points: np.ndarray) -> int:
    """Unit cells up to the reference (GRID, ...) whose lower corner some point dominates."""
    cells = np.array(list(itertools.product(range(GRID), repeat=points.shape[1])))
    return sum(bool(np.any(np.all(points <= cell, axis=1))) for cell in cells)


@given(whole_points())
@settings(deadline=None)
def test_the_hypervolume_is_the_number_of_unit_cells_dominated(points: np.ndarray) -> None:
    reference = np.full(points.shape[1], float(GRID))
    assert hypervolume(points, reference) == pytest.approx(counted(points))


@given(whole_points(6))
@settings(max_examples=50, deadline=None)
def test_a_contribution_is_what_is_lost_without_the_point(points: np.ndarray) -> None:
    reference = np.full(points.shape[1], float(GRID))
    lost = [counted(points) - counted(np.delete(points, i, axis=0)) for i in range(len(points))]
    assert contributions(points, reference) == pytest.approx(lost)


@pytest.mark.parametrize("size", [2, 3, 5])
def test_the_hypervolume_agrees_with_random_sampling(size: int) -> None:
    rng = np.random.default_rng(size)
    points = rng.uniform(0.2, 1.1, (30, size))
    samples = rng.uniform(0, 1, (100_000, size))
    hit = np.zeros(len(samples), bool)
    for point in points:
        hit |= np.all(point <= samples, axis=1)
    spread = np.sqrt(hit.mean() * (1 - hit.mean()) / len(samples))
    assert abs(hypervolume(points, np.ones(size)) - hit.mean()) < 5 * spread


@pytest.mark.parametrize("size", [1, 2, 3])
def test_what_many_points_would_add_is_what_each_would_contribute(size: int) -> None:
    rng = np.random.default_rng(size)
    front, points = rng.uniform(0, 1.1, (25, size)), rng.uniform(0, 1.1, (40, size))
    added = [contributions([*front, point], np.ones(size))[-1] for point in points]
    assert gains(points, front) == pytest.approx(added)
    assert max(added) > 0
    assert gains(points, np.empty((0, size))) == pytest.approx(
        [hypervolume([point], np.ones(size)) for point in points]
    )


def test_points_that_are_no_numbers_have_no_volume() -> None:
    with pytest.raises(ValueError, match="finite"):
        hypervolume([[np.nan, 0.5]], [1, 1])


def test_a_run_that_finds_perfection_in_no_memory_has_hypervolume_1() -> None:
    ideal = replace(evaluation(0, 1.0, 0), flash_bytes=0)
    assert run_hypervolume([ideal], LIMITS, 0.5) == 1


def test_guessing_and_a_full_memory_add_nothing() -> None:
    assert run_hypervolume([evaluation(0, 0.5, 1)], LIMITS, 0.5) == 0
    assert run_hypervolume([evaluation(0, 0.9, 100_000)], LIMITS, 0.5) == 0
    assert run_hypervolume([], LIMITS, 0.5) == 0


def test_the_hypervolume_of_one_evaluation_is_its_box() -> None:
    one = replace(evaluation(0, 0.75, 25_000), flash_bytes=100_000)
    assert run_hypervolume([one], LIMITS, 0.5) == pytest.approx(0.5 * 0.75 * 0.9)


def test_what_is_infeasible_or_failed_adds_nothing() -> None:
    rows = [
        evaluation(0, 0.8, 100),
        evaluation(1, 1.0, 10, 0.2, feasible=False),
        replace(evaluation(2, 1.0, 10, 0.3, outcome="failed", feasible=False), scores=None),
    ]
    assert run_hypervolume(rows, LIMITS, 0.5) == run_hypervolume(rows[:1], LIMITS, 0.5) > 0


def test_a_memory_without_a_limit_is_no_objective() -> None:
    rows = [evaluation(0, 0.75, 25_000)]
    assert run_hypervolume(rows, Limits(ram_bytes=100_000), 0.5) == pytest.approx(0.5 * 0.75)
    assert run_hypervolume(rows, Limits(), 0.5) == pytest.approx(0.5)


@given(
    st.lists(
        st.tuples(st.floats(0.3, 1), st.integers(0, 120_000), st.booleans()), min_size=1, max_size=8
    )
)
@settings(max_examples=50, deadline=None)
def test_the_history_is_the_hypervolume_after_each_evaluation(
    rows: list[tuple[float, int, bool]],
) -> None:
    evaluations = [
        evaluation(index, accuracy, ram, 0.1 + index / 10, feasible=feasible)
        for index, (accuracy, ram, feasible) in enumerate(rows)
    ]
    history = hypervolume_history(evaluations, LIMITS, 0.5)
    expected = [run_hypervolume(evaluations[: n + 1], LIMITS, 0.5) for n in range(len(rows))]
    assert history == pytest.approx(expected, abs=1e-12)
    assert (np.diff(history) >= 0).all()


def test_costs_of_no_evaluations_are_none() -> None:
    assert len(run_costs([], LIMITS, 0.5)) == 0
    assert len(hypervolume_history([], LIMITS, 0.5)) == 0
