"""How much an example of each class counts in training, where some classes are rare."""

from __future__ import annotations

from collections.abc import Sequence


def class_weights(counts: Sequence[int]) -> tuple[float, ...]:
    """Weights with which every class counts alike, and an example 1 on average.

    counts: examples of each class, none of them 0. A class with half its share of the examples
    counts double: weight = examples / (classes x examples of the class), as King and Zeng have it
    (Political Analysis 9, 2001).
    """
    examples, classes = sum(counts), len(counts)
    return tuple(examples / (classes * count) for count in counts)
