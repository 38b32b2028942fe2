"""Which records of a split are shown, and in what order: for any signal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from danas_hil.base import DanasError

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


def counted(
    labels: npt.NDArray[np.int64],
    groups: npt.NDArray[np.integer],
    classes: Sequence[str],
    group_names: Sequence[str],
) -> npt.NDArray[np.int64]:
    """How many records there are of each class: (groups, classes)."""
    counts = np.zeros((len(group_names), len(classes)), np.int64)
    np.add.at(counts, (groups, labels), 1)
    return counts
