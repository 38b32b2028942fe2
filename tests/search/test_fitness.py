"""Equation B.1 and dominance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from danas_hil.base import DanasError
from danas_hil.board import Limits
from danas_hil.metrics import Scores
from danas_hil.run import Evaluation
from danas_hil.search.fitness import (
    Weights,
    fitness,
    non_dominated,
    pareto_front,
    within,
)
from danas_hil.space import ArchConfig, DataConfig, Genome

SCORES = Scores(0.8, 0.7, 0.6, 100)
LIMITS = Limits(100_000, 1_000_000)


def test_fitness_is_the_sum_of_scores_and_two_where_nothing_is_exceeded() -> None:
    assert fitness(SCORES, 100_000, 1_000_000, LIMITS, Weights()) == pytest.approx(0.8 + 1.3 + 2)


def test_an_excess_costs_its_share_of_the_limit() -> None:
    found = fitness(SCORES, 150_000, 1_200_000, LIMITS, Weights())
    assert found == pytest.approx(0.8 + 0.7 + 0.6 + 0.5 + 0.8)


def test_weights_weigh() -> None:
    weights = Weights(accuracy=2, precision=0, recall=0, ram=3, flash=0)
    assert fitness(SCORES, 150_000, 0, LIMITS, weights) == pytest.approx(1.6 + 1.5)


def test_without_limits_nothing_is_exceeded() -> None:
    assert within(10**9, 10**9, Limits())
    assert fitness(SCORES, 10**9, 10**9, Limits(), Weights()) == pytest.approx(4.1)


def test_exactly_the_limit_fits_and_a_byte_more_does_not() -> None:
    assert within(100_000, 1_000_000, LIMITS)
    assert not within(100_001, 1_000_000, LIMITS)
    assert not within(100_000, 1_000_001, LIMITS)


def test_a_negative_weight_is_refused() -> None:
    with pytest.raises(DanasError, match="weight of recall"):
        Weights(recall=-1)


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
    genome = Genome(DataConfig(32, "rgb"), ArchConfig(1, 0, 0, 0, 0, alpha))
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
