"""Which records of a split are shown, and in what order: for any signal."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from danas_hil.base import DanasError
from danas_hil.data import Balance

Places = npt.NDArray[np.int64]
"""Of records in a split, counted from 0."""


class ShuffledPlaces:
    """The order of training: every record comes once an epoch, shuffled by `seed`.

    Epochs run on across the borders of batches. A batch depends on its arguments alone, so that
    training can be resumed at any step. The balance of the classes is left as it is.
    """

    def __init__(self, count: int, seed: int) -> None:
        self._count = count
        self._seed = seed
        self._order: tuple[int, Places] = (-1, np.empty(0, np.int64))

    def of(self, step: int, size: int) -> Places:
        """The records of batch `step`, from 0: (size,)."""
        numbers = np.arange(step * size, (step + 1) * size)
        epochs, within = np.divmod(numbers, self._count)
        found = np.empty(size, np.int64)
        for epoch in np.unique(epochs):
            here = epochs == epoch
            found[here] = self._epoch(int(epoch))[within[here]]
        return found

    def _epoch(self, epoch: int) -> Places:
        """The order of the records in `epoch`; the last one asked for is kept."""
        known, order = self._order
        if known != epoch:
            order = np.random.default_rng([self._seed, 0, epoch]).permutation(self._count)
            self._order = (epoch, order)
        return order


def even_sample(
    labels: npt.NDArray[np.int64], groups: npt.NDArray[np.integer], limit: int, seed: int
) -> Places:
    """`limit` places, ascending, drawn without replacement.

    labels, groups: of each record. Every class gets its share of them to within one record, and so
    does every group in a class: the records are sorted by class and group, shuffled inside, and
    taken at even distances. Raises DanasError for a limit below 1.
    """
    if limit < 1:
        raise DanasError(f"A sample of {limit} examples is empty.")
    shuffled = np.random.default_rng([seed, 2]).permutation(len(labels))
    by_class = shuffled[np.lexsort((groups[shuffled], labels[shuffled]))]
    even = (2 * np.arange(limit) + 1) * len(labels) // (2 * limit)
    return np.sort(by_class[even])


class Labelled(Protocol):
    """A split with its labels (n,) and groups (n,), places in `classes` and `group_names`."""

    @property
    def classes(self) -> tuple[str, ...]: ...
    @property
    def labels(self) -> npt.NDArray[np.int64]: ...
    @property
    def group_ids(self) -> npt.NDArray[Any]: ...
    @property
    def group_names(self) -> tuple[str, ...]: ...
    @property
    def dropped(self) -> int: ...


def balance_of(split: Labelled) -> Balance:
    """How many records of each class there are, in all and by group."""
    counts = np.zeros((len(split.group_names), len(split.classes)), np.int64)
    np.add.at(counts, (split.group_ids, split.labels), 1)
    by_group = zip(split.group_names, counts.tolist(), strict=True)
    return Balance(
        classes=split.classes,
        counts=tuple(counts.sum(axis=0).tolist()),
        dropped=split.dropped,
        groups={name: tuple(of) for name, of in by_group},
    )
