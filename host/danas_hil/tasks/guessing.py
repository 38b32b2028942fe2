"""What comes out without having learned anything: the figures that every candidate has to beat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from danas_hil.tasks.scores import Scores
from danas_hil.tasks.task import Task


def chance(counts: Sequence[int], task: Task) -> Scores:
    """What guessing every class equally often comes to on average.

    counts: images of each class, in the order of `task.classes`.
    """
    there = np.asarray(counts, float)
    classes = len(counts)
    return Scores.of_confusion(np.repeat(there[:, None] / classes, classes, axis=1), task)


def majority(counts: Sequence[int], task: Task) -> Scores:
    """What always saying the most frequent class comes to; of equal ones the first."""
    confusion = np.zeros((len(counts), len(counts)), np.int64)
    confusion[:, int(np.argmax(counts))] = counts
    return Scores.of_confusion(confusion, task)


def beats_guessing(scores: Scores, counts: Sequence[int], task: Task) -> bool:
    """Whether `scores` are above chance and above the majority, in the task's metric.

    Always saying one class has all of its recall and much of its F1, so that a metric of one class
    is no measure of this: the macro F1 stands in for it.
    """
    guesses = (chance(counts, task), majority(counts, task))
    return all(_held(scores, task) > _held(guess, task) for guess in guesses)


def guessing_words(counts: Sequence[int], task: Task) -> str:
    """What `beats_guessing` goes by: `macro F1 33.3 % by chance, 12 % by always saying cat`."""
    metric = "macro F1" if task.metric_label is not None else task.metric_name
    said = task.classes[int(np.argmax(counts))]
    by_chance, by_majority = (
        f"{100 * _held(guess, task):.1f}".removesuffix(".0")
        for guess in (chance(counts, task), majority(counts, task))
    )
    return f"{metric} {by_chance} % by chance, {by_majority} % by always saying {said}"


def _held(scores: Scores, task: Task) -> float:
    """The figure that is held against guessing."""
    if task.metric_label is not None and scores.macro_f1 is not None:
        return scores.macro_f1
    return scores.worth
