"""Validation and test where a data set has none: parts of its training records, drawn by a seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

import numpy as np
import numpy.typing as npt

from danas_hil.base import DanasError
from danas_hil.data.records import (
    SPLITS,
    HasPositive,
    ListsLabels,
    PassesOver,
    Record,
    Source,
)

SHARE = 0.15
"""Of the training records, for each split that is missing."""

_FEWEST_GROUPS = 10
"""With fewer, whole groups would make splits of very different sizes."""
_TRIES = 20
_FORMAT = 1  # count up when other records are drawn


class DrawnSplits:
    """`source` with all three splits.

    Records of one group stay together where there are ten groups or more, so that what was
    taken for training is not met again; else each class gives the same share. Which records
    are drawn depends on the seed, the labels and the groups in their order, and on nothing else.
    """

    def __init__(self, source: Source, seed: int) -> None:
        self._source = source
        self._seed = seed
        self._missing = tuple(name for name in SPLITS if name not in source.splits)

    @property
    def name(self) -> str:
        return self._source.name

    @property
    def splits(self) -> tuple[str, ...]:
        return SPLITS

    @property
    def classes(self) -> tuple[str, ...]:
        return self._source.classes

    @property
    def positive(self) -> str | None:
        return self._source.positive if isinstance(self._source, HasPositive) else None

    @property
    def rule(self) -> str:
        """How the splits were drawn, for people."""
        _, by_group = self._drawn
        return (
            f"{' and '.join(self._missing)} drawn from train, {SHARE:.0%} of it each,"
            f" by {'group' if by_group else 'example'}, seed {self._seed}"
        )

    def fingerprint(self, split: str) -> str:
        if self._is_whole(split):
            return self._source.fingerprint(split)
        drawn = (_FORMAT, split, self._missing, SHARE, self._seed)
        return f"{self._source.fingerprint('train')} {drawn}"

    def count(self, split: str) -> int | None:
        if self._is_whole(split):
            return self._source.count(split)
        return int((self._drawn[0] == SPLITS.index(split)).sum())

    def records(self, split: str) -> Iterator[Record]:
        if self._is_whole(split):
            yield from self._source.records(split)
            return
        places, _ = self._drawn
        for number, record in enumerate(self._source.records("train")):
            if number >= len(places):
                raise DanasError(f"{self.name} has more records than a moment ago.", "Try again.")
            if places[number] == SPLITS.index(split):
                yield record

    def passed_over(self, split: str) -> Mapping[tuple[str, str], int]:
        there = self._source
        whole = split if split in there.splits else "train"
        if split != whole or not isinstance(there, PassesOver):
            return {}  # told of train already
        return there.passed_over(whole)

    def _is_whole(self, split: str) -> bool:
        return split in self._source.splits and split != "train"

    @cached_property
    def _drawn(self) -> tuple[npt.NDArray[np.int8], bool]:
        """The split of each training record, as a place in SPLITS; whether groups are whole."""
        there = self._source
        if isinstance(there, ListsLabels):
            told = list(there.labels("train"))
        else:
            told = [(record.label, record.group) for record in there.records("train")]
        labels = np.array([label for label, _ in told], np.int64)
        names, groups = np.unique([group for _, group in told] or [""], return_inverse=True)
        if len(names) >= _FEWEST_GROUPS:
            for attempt in range(_TRIES):
                drawn = self._by_group(groups, len(names), attempt)
                if self._has_all_classes(drawn, labels):
                    return drawn, True
        return self._by_example(labels), False

    def _by_group(self, groups: npt.NDArray[np.int64], count: int, attempt: int) -> _Places:
        """Groups in a random order go to one split until it has its share, then to the next."""
        sizes = np.bincount(groups, minlength=count)
        order = np.random.default_rng([self._seed, 3, attempt]).permutation(count)
        of_group = np.zeros(count, np.int8)
        at, taken = 0, 0
        for group in order:
            if at == len(self._missing):
                break
            of_group[group] = SPLITS.index(self._missing[at])
            taken += int(sizes[group])
            if taken >= SHARE * len(groups):
                at, taken = at + 1, 0
        return of_group[groups]

    def _by_example(self, labels: npt.NDArray[np.int64]) -> _Places:
        drawn = np.zeros(len(labels), np.int8)
        for label in np.unique(labels):
            places = np.flatnonzero(labels == label)
            rng = np.random.default_rng([self._seed, 4, int(label) + 1])
            order = rng.permutation(places)
            each = max(1, round(SHARE * len(places)))
            for number, split in enumerate(self._missing):
                drawn[order[number * each : (number + 1) * each]] = SPLITS.index(split)
        return drawn

    def _has_all_classes(self, drawn: _Places, labels: npt.NDArray[np.int64]) -> bool:
        known = np.unique(labels[labels >= 0])
        return all(
            np.isin(known, labels[drawn == SPLITS.index(split)]).all()
            for split in ("train", *self._missing)
        )


_Places = npt.NDArray[np.int8]
