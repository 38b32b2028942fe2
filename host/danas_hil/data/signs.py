"""The built-in data set: road-sign-like pictures, drawn when asked, so that a first run needs no
data. Colour and resolution both matter in it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from danas_hil.data.records import SPLITS, Record
from danas_hil.data.sign_drawing import SIGNS, draw

EACH = {"train": 180, "validation": 60, "test": 60}
"""Pictures of each class, by split."""

_SEEDS = {"train": 101, "validation": 102, "test": 103}
_FORMAT = 1  # count up when other pictures are drawn


class SignsSource:
    """Ten kinds of signs: 1,800 pictures for training, 600 for validation, 600 for test.

    Two pairs of classes differ by colour only, two by a detail that is gone at 16 pixels. Each
    picture has a seed of its own, made of split, class and number.
    """

    @property
    def name(self) -> str:
        return "signs"

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(SIGNS)

    @property
    def splits(self) -> tuple[str, ...]:
        return SPLITS

    def fingerprint(self, split: str) -> str:
        return f"signs {_FORMAT} {_SEEDS[split]} {EACH[split]}"

    def count(self, split: str) -> int | None:
        return EACH[split] * len(SIGNS)

    def labels(self, split: str) -> Iterator[tuple[int, str]]:
        """Class after class in turn, so that a part of a split holds all of them alike."""
        for _ in range(EACH[split]):
            yield from ((label, "") for label in range(len(SIGNS)))

    def records(self, split: str) -> Iterator[Record]:
        for place, (label, group) in enumerate(self.labels(split)):
            number, sign = place // len(SIGNS), self.classes[label]
            rng = np.random.default_rng([_SEEDS[split], label, number])
            yield Record(f"signs:{split}:{sign}:{number}", draw(sign, rng), label, group)
