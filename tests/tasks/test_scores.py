"""Scores are held against counting one by one, as scikit-learn's macro averages are defined."""

from __future__ import annotations

from statistics import fmean

import numpy as np
import pytest
from hypothesis import given

from danas_hil.base import DanasError
from danas_hil.tasks import Scores, Task, beats_guessing, chance, majority
from tasks.some_tasks import answers

PAIR = Task(("no", "yes"), positive="yes")
ANIMALS = Task(("cat", "dog", "bird"))


def shares(scores: Scores) -> tuple[float, float, float, int]:
    return scores.accuracy, scores.precision, scores.recall, scores.images


def test_scores_of_a_hand_counted_example() -> None:
    #  hits: 2 of 3 that are yes; called yes: 4; right in all: 2 + 3 of 8
    labels = [1, 1, 1, 0, 0, 0, 0, 0]
    guesses = [1, 1, 0, 1, 1, 0, 0, 0]
    scores = Scores.of(labels, guesses, PAIR)
    assert shares(scores) == (5 / 8, 2 / 4, 2 / 3, 8)
    assert scores.confusion == ((3, 2), (1, 2))
    assert scores.recall_by_class == (3 / 5, 2 / 3)
    assert scores.counts == (5, 3)
    assert scores.macro_f1 == pytest.approx((6 / 9 + 4 / 7) / 2)


def test_three_classes_have_macro_averages() -> None:
    labels = [0, 0, 0, 0, 1, 1, 2, 2]
    guesses = [0, 0, 0, 1, 1, 2, 2, 2]
    scores = Scores.of(labels, guesses, ANIMALS)
    assert scores.confusion == ((3, 1, 0), (0, 1, 1), (0, 0, 2))
    assert shares(scores) == pytest.approx(
        (6 / 8, (1 + 1 / 2 + 2 / 3) / 3, (3 / 4 + 1 / 2 + 1) / 3, 8)
    )
    assert scores.macro_f1 == pytest.approx((6 / 7 + 1 / 2 + 4 / 5) / 3)


@pytest.mark.parametrize(
    ("metric", "worth"),
    [
        ("accuracy", 6 / 8),
        ("macro-f1", (6 / 7 + 1 / 2 + 4 / 5) / 3),
        ("f1:dog", 1 / 2),
        ("f1:bird", 4 / 5),
        ("recall:cat", 3 / 4),
        ("recall:dog", 1 / 2),
    ],
)
def test_the_metric_of_the_task_is_what_a_candidate_is_worth(metric: str, worth: float) -> None:
    task = Task(ANIMALS.classes, metric=metric)
    scores = Scores.of([0, 0, 0, 0, 1, 1, 2, 2], [0, 0, 0, 1, 1, 2, 2, 2], task)
    assert scores.worth == pytest.approx(worth)
    assert scores.brief.worth == scores.worth
    assert Scores.from_json(scores.brief.to_json()).worth == scores.worth


@pytest.mark.parametrize(
    ("labels", "guesses", "expected"),
    [
        ([1, 1], [0, 0], (0.0, 0.0, 0.0, 2)),  # nothing called yes
        ([0, 0], [0, 1], (0.5, 0.0, 0.0, 2)),  # no yes there
        ([0], [0], (1.0, 0.0, 0.0, 1)),
        ([1], [1], (1.0, 1.0, 1.0, 1)),
    ],
)
def test_scores_are_numbers_also_without_the_positive_class(
    labels: list[int], guesses: list[int], expected: tuple[float, float, float, int]
) -> None:
    assert shares(Scores.of(labels, guesses, PAIR)) == expected


@given(answers())
def test_scores_agree_with_counting_one_by_one(
    given_answers: tuple[Task, list[int], list[int]],
) -> None:
    task, labels, guesses = given_answers
    pairs = list(zip(labels, guesses, strict=True))
    scores = Scores.of(labels, guesses, task)
    precisions, recalls, f1s = {}, {}, {}
    for one in sorted({*labels, *guesses}):
        hits = pairs.count((one, one))
        there, called = labels.count(one), guesses.count(one)
        precisions[one] = hits / called if called else 0
        recalls[one] = hits / there if there else 0
        f1s[one] = 2 * hits / (there + called)
    positive = task.positive_label
    assert scores.accuracy == sum(p == g for p, g in pairs) / len(pairs)
    if positive is None:
        assert scores.precision == pytest.approx(fmean(precisions.values()))
        assert scores.recall == pytest.approx(fmean(recalls.values()))
    else:
        assert scores.precision == precisions.get(positive, 0)
        assert scores.recall == recalls.get(positive, 0)
    assert scores.macro_f1 == pytest.approx(fmean(f1s.values()))
    assert scores.images == len(pairs)
    assert scores.counts == tuple(labels.count(n) for n in range(len(task.classes)))
    assert Scores.from_json(scores.to_json()) == scores
    assert 0 <= scores.worth <= 1
    low, high = scores.interval
    assert 0 <= low <= scores.accuracy + 1e-12
    assert scores.accuracy - 1e-12 <= high <= 1


@given(answers())
def test_what_classes_are_called_and_their_order_change_no_average(
    given_answers: tuple[Task, list[int], list[int]],
) -> None:
    task, labels, guesses = given_answers
    turned = Task(tuple(reversed(task.classes)), task.positive, task.metric)
    last = len(task.classes) - 1
    again = Scores.of([last - n for n in labels], [last - n for n in guesses], turned)
    before = Scores.of(labels, guesses, task)
    assert shares(again) == pytest.approx(shares(before))
    assert (again.macro_f1, again.worth) == pytest.approx((before.macro_f1, before.worth))


@pytest.mark.parametrize(
    ("labels", "guesses", "message"),
    [
        ([], [], "No scores of"),
        ([1, 0], [1], "No scores of"),
        ([[1, 0]], [[1, 0]], "No scores of"),
        ([0, 1], [0, 2], "class 2: there are 2"),
        ([-1, 1], [0, 1], "class -1: there are 2"),
    ],
)
def test_no_scores_of_nothing_of_unequal_lengths_or_of_no_class(
    labels: list, guesses: list, message: str
) -> None:
    with pytest.raises(DanasError, match=message):
        Scores.of(labels, guesses, PAIR)


@pytest.mark.parametrize(
    "change",
    [
        {"accuracy": 1.5},
        {"macro_f1": -0.1},
        {"images": 0},
        {"confusion": [[1, 1], [1]]},
        {"confusion": [[9, 0], [0, 1]]},
        {"confusion": [[9, -1], [0, 0]]},
    ],
)
def test_damaged_scores_are_refused(change: dict) -> None:
    whole = Scores.of([0, 1, 1, 0, 0, 0, 0, 0], [0] * 8, PAIR).to_json()
    with pytest.raises(ValueError, match=r"out of range|not one of 8 examples"):
        Scores.from_json({**whole, **change})


def test_guessing_is_what_rolling_dice_and_always_the_same_come_to() -> None:
    counts = (10, 30, 60)
    dice, same = chance(counts, ANIMALS), majority(counts, ANIMALS)
    assert (dice.accuracy, same.accuracy) == (pytest.approx(1 / 3), 0.6)
    assert (dice.recall, same.recall) == (pytest.approx(1 / 3), pytest.approx(1 / 3))
    assert same.macro_f1 == pytest.approx(2 * 0.6 / 1.6 / 3)
    assert dice.images == same.images == 100
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 1000 * np.array(counts))
    rolled = Scores.of(labels, rng.integers(0, 3, len(labels)), ANIMALS)
    assert shares(rolled)[:3] == pytest.approx(shares(dice)[:3], abs=0.01)
    assert rolled.macro_f1 == pytest.approx(dice.macro_f1, abs=0.01)


@pytest.mark.parametrize(
    ("metric", "beats"),
    [("accuracy", False), ("macro-f1", True), ("f1:rare", True), ("recall:rare", True)],
)
def test_what_finds_the_rare_class_beats_guessing_where_the_metric_says_so(
    metric: str, beats: bool
) -> None:
    task = Task(("common", "rare"), metric=metric)
    labels = [0] * 95 + [1] * 5
    found = Scores.of(labels, [0] * 85 + [1] * 10 + [1] * 5, task)  # 90 % right, all rare ones
    assert beats_guessing(found, found.counts, task) is beats
    for lazy in ([0] * 100, [1] * 100):
        assert not beats_guessing(Scores.of(labels, lazy, task), found.counts, task)
    assert beats_guessing(Scores.of(labels, labels, task), found.counts, task)
