"""Equation B.1."""

from __future__ import annotations

import pytest

from danas_hil.base import DanasError
from danas_hil.board import Limits
from danas_hil.search.scoring import Weights, fitness, within
from danas_hil.tasks import Scores

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
