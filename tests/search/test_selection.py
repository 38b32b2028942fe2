"""Picking candidates that stand for a whole front."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from danas_hil.base import DanasError
from danas_hil.board import Limits
from danas_hil.run import Evaluation, Pick, Picks
from danas_hil.search.pareto import run_hypervolume
from danas_hil.search.selection import greedy
from danas_hil.space import DEFAULT_SPACE
from danas_hil.tasks import Scores

LIMITS = Limits(100_000, 200_000)


def row(index: int, accuracy: float, ram: int, flash: int, feasible: bool = True) -> Evaluation:
    genome = DEFAULT_SPACE.sample(np.random.default_rng(index))
    scores = Scores(accuracy, 0.5, 0.5, 100)
    return Evaluation(index, genome, "complete", ram, flash, scores, feasible=feasible)


@st.composite
def fronts(draw: st.DrawFn) -> list[Evaluation]:
    sizes = st.integers(1000, 100_000)
    columns = st.tuples(st.integers(30, 100), sizes, sizes, st.booleans())
    rows = draw(st.lists(columns, max_size=8))
    return [row(i, a / 100, ram, flash, fits) for i, (a, ram, flash, fits) in enumerate(rows)]


@given(fronts(), st.integers(1, 9))
def test_as_many_are_picked_as_fit_and_none_twice(front: list[Evaluation], k: int) -> None:
    picked = greedy(front, k, LIMITS, 0.5)
    fitting = [e.genome.id for e in front if e.feasible]
    assert len(picked) == min(k, len(fitting))
    assert len({pick.id for pick in picked}) == len(picked)
    assert {pick.id for pick in picked} <= set(fitting)


@given(fronts(), st.integers(1, 9))
def test_gains_fall_and_add_up_to_the_hypervolume_of_the_picks(
    front: list[Evaluation], k: int
) -> None:
    picked = greedy(front, k, LIMITS, 0.5)
    gains = [pick.gain for pick in picked]
    assert all(a >= b - 1e-9 for a, b in itertools.pairwise(gains))
    chosen = [e for e in front if e.genome.id in {pick.id for pick in picked}]
    assert sum(gains) == pytest.approx(run_hypervolume(chosen, LIMITS, 0.5), abs=1e-9)


def test_one_of_two_that_are_nearly_the_same_is_passed_over() -> None:
    best = row(0, 0.90, 50_000, 100_000)
    alike = row(1, 0.89, 50_000, 99_000)
    small = row(2, 0.70, 5_000, 10_000)
    picked = greedy([best, alike, small], 2, LIMITS, 0.5)
    assert {pick.id for pick in picked} == {best.genome.id, small.genome.id}


def test_what_adds_nothing_comes_by_accuracy() -> None:
    """Without limits memory is no objective: only the most accurate one adds anything."""
    rows = [row(0, 0.8, 1000, 1000), row(1, 0.9, 2000, 2000), row(2, 0.85, 500, 500)]
    picked = greedy(rows, 3, Limits(), 0.5)
    assert [pick.accuracy for pick in picked] == [0.9, 0.85, 0.8]
    assert [pick.gain for pick in picked[1:]] == [0, 0]


PICKS = Picks(LIMITS, "nano33ble", 0.5, (Pick("0a", 0.75, 1000, 2000, 0.25),))


def test_picks_are_read_as_they_were_written() -> None:
    assert Picks.from_json(PICKS.to_json()) == PICKS


@pytest.mark.parametrize("damage", [{"schema": 0}, {"limits": None}, {"picked": [{"id": 1}]}])
def test_damaged_picks_are_told_with_what_to_do(damage: dict[str, object]) -> None:
    with pytest.raises(DanasError) as caught:
        Picks.from_json({**PICKS.to_json(), **damage})
    assert "danas-hil pick" in caught.value.hint
