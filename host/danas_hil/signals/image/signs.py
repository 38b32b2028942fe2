"""The built-in data set: road-sign-like pictures, drawn when asked, so that a first run needs no
data. Colour and resolution both matter in it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from danas_hil.data.records import SPLITS, Record, SourceOptions
from danas_hil.signals.image.sign_drawing import SIGNS, draw
from danas_hil.tasks import ClassNames

EACH = {"train": 180, "validation": 60, "test": 60}
"""Pictures of each class, by split."""

NAME = "signs"

TELLING_GENES = {"resolution": [16, 32, 48], "colour": ["rgb", "monochrome"]}
"""Values of the data's genes at which the classes come apart, and at which some do not."""

_SEEDS = {"train": 101, "validation": 102, "test": 103}
_PLACES = {sign: place for place, sign in enumerate(SIGNS)}
_FORMAT = 1  # count up when other pictures are drawn


class SignsSource:
    """Ten kinds of signs: 1,800 pictures for training, 600 for validation, 600 for test.

    Two pairs of classes differ by colour only, two by a detail that is gone at 16 pixels. Each
    picture has a seed of its own, made of split, class and number.
    """

    def __init__(self, options: SourceOptions) -> None:
        self._names = ClassNames.of(SIGNS, options.classes, self.name)

    @property
    def name(self) -> str:
        return NAME

    @property
    def classes(self) -> tuple[str, ...]:
        return self._names.classes

    @property
    def splits(self) -> tuple[str, ...]:
        return SPLITS

    def fingerprint(self, split: str) -> str:
        return f"{NAME} {_FORMAT} {_SEEDS[split]} {EACH[split]} {self._names.identity}"

    def count(self, split: str) -> int | None:
        return EACH[split] * len(SIGNS)

    def labels(self, split: str) -> Iterator[tuple[int, str]]:
        for sign, number in _pictures(split):
            yield self._label(split, sign, number), ""

    def records(self, split: str) -> Iterator[Record]:
        for sign, number in _pictures(split):
            rng = np.random.default_rng([_SEEDS[split], _PLACES[sign], number])
            label = self._label(split, sign, number)
            yield Record(_key(split, sign, number), draw(sign, rng), label)

    def _label(self, split: str, sign: str, number: int) -> int:
        return self._names.label(sign, _key(split, sign, number))


def _pictures(split: str) -> Iterator[tuple[str, int]]:
    """Sign and number, one of each sign in turn: a part of a split holds all of them alike."""
    for number in range(EACH[split]):
        yield from ((sign, number) for sign in SIGNS)


def _key(split: str, sign: str, number: int) -> str:
    return f"{NAME}:{split}:{sign}:{number}"
