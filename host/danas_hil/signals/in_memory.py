"""A data set for signals whose records are small: kept in memory, read anew by every process.

Windows of a sensor take a few hundred bytes each: nothing need be kept on disk for them, as it is
for images. A signal says how a record is read, how a configuration shows it, and how it is varied
for training; the rest is here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from danas_hil.base import DanasError
from danas_hil.data import Balance, OnProgress, Record, Source, Unreadable
from danas_hil.data.records import PassesOver, require_split
from danas_hil.signals.order import Places, ShuffledPlaces, balance_of, even_sample
from danas_hil.signals.shown import Batch, LabelledImages, scale
from danas_hil.tasks import UNKNOWN

Kept = npt.NDArray[Any]
"""A record as it is kept: an array of whatever shape and type the signal likes."""

_PROGRESS_EVERY = 100
_TOLD = 10


@dataclass(frozen=True)
class Showing:
    """What a signal knows of its records.

    read: a record as it is kept; raises DanasError for one that can't be read. show: what a data
    configuration makes of it, uint8 of the configuration's shape. vary: another such record, for
    training, with randomness of the generator alone; by default the same.
    """

    read: Callable[[Record], Kept]
    show: Callable[[Kept, Any], npt.NDArray[np.uint8]]
    vary: Callable[[Kept, np.random.Generator], Kept] = lambda kept, _: kept


@dataclass(frozen=True)
class RecordsInMemory:
    """The records of one split. group_ids: places in group_names (n,)."""

    classes: tuple[str, ...]
    kept: tuple[Kept, ...]
    labels: npt.NDArray[np.int64]
    group_ids: npt.NDArray[np.int64]
    group_names: tuple[str, ...]
    dropped: int
    unreadable: Unreadable

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def balance(self) -> Balance:
        return balance_of(self)


class EvaluationView:
    """Plain records, the same at every call."""

    def __init__(self, split: RecordsInMemory, data: Any, showing: Showing) -> None:
        self._split = split
        self._data = data
        self._showing = showing

    def arrays(self, limit: int | None = None, seed: int = 0) -> LabelledImages:
        """All of them, or `limit` with the shares of classes and groups kept."""
        split = self._split
        everything = limit is None or limit >= len(split)
        places: Places = np.arange(len(split))
        if limit is not None and not everything:
            places = even_sample(split.labels, split.group_ids, limit, seed)
        shown = [self._showing.show(split.kept[place], self._data) for place in places]
        out = np.stack(shown)
        out.setflags(write=False)
        groups = tuple(split.group_names[group] for group in split.group_ids[places])
        return LabelledImages(out, split.labels[places], groups)


class TrainingView:
    """Shuffled, varied batches, each a function of (seed, step, size) alone."""

    def __init__(self, split: RecordsInMemory, data: Any, showing: Showing, seed: int) -> None:
        self._split = split
        self._data = data
        self._showing = showing
        self._seed = seed
        self._places = ShuffledPlaces(len(split), seed)

    def batch(self, step: int, size: int) -> Batch:
        places = self._places.of(step, size)
        rng = np.random.default_rng([self._seed, 1, step])
        varied = (self._showing.vary(self._split.kept[place], rng) for place in places)
        shown = [self._showing.show(kept, self._data) for kept in varied]
        return scale(np.stack(shown)), self._split.labels[places]


class InMemoryDataset:
    """A source as `showing` reads and shows it. Raises nothing before a split is asked for."""

    def __init__(
        self, source: Source, finest: int, showing: Showing, on_progress: OnProgress | None = None
    ) -> None:
        self.source = source
        self.finest = finest
        self._showing = showing
        self._on_progress = on_progress
        self._open: dict[str, RecordsInMemory] = {}

    def split(self, name: str) -> RecordsInMemory:
        """Read when it is first asked for; no other split is.

        Raises DanasError for a split that is missing, of which more than half can't be read, or
        without one of the classes.
        """
        if name not in self._open:
            require_split(self.source, name)
            self._open[name] = _read(self.source, name, self._showing.read, self._on_progress)
        return self._open[name]

    def evaluation_view(self, split: str, data: Any) -> EvaluationView:
        return EvaluationView(self.split(split), data, self._showing)

    def training_view(self, data: Any, seed: int) -> TrainingView:
        return TrainingView(self.split("train"), data, self._showing, seed)

    def representative(self, data: Any, count: int, seed: int) -> npt.NDArray[np.float32]:
        return scale(self.evaluation_view("train", data).arrays(count, seed).images)

    def warnings(self, name: str) -> list[str]:
        found = self.split(name)
        told = []
        if count := found.unreadable.count:
            told.append(f"{name}: {count:,} left out that can't be read. {found.unreadable}")
        if isinstance(self.source, PassesOver) and (others := self.source.passed_over(name)):
            told.append(f"{name}: passed over {_listed(others)}.")
        if found.balance.warning:
            told.append(f"{name}: {found.balance.warning}")
        return told


def _listed(others: Mapping[tuple[str, str], int]) -> str:
    listed = [f"{count:,} {kind} in {place}" for (place, kind), count in sorted(others.items())]
    more = [f"{len(listed) - _TOLD:,} more kinds"] if len(listed) > _TOLD else []
    return ", ".join([*listed[:_TOLD], *more])


def _read(
    source: Source, split: str, read: Callable[[Record], Kept], on_progress: OnProgress | None
) -> RecordsInMemory:
    total = source.count(split)
    kept: list[Kept] = []
    labels: list[int] = []
    group_ids: list[int] = []
    groups: dict[str, int] = {}
    bad: list[str] = []
    seen = dropped = 0
    for record in source.records(split):
        seen += 1
        if on_progress is not None and seen % _PROGRESS_EVERY == 0:
            on_progress(split, seen, total)
        if record.label == UNKNOWN:
            dropped += 1
            continue
        if isinstance(record.content, DanasError):
            bad.append(record.content.what)
            continue
        try:
            kept.append(read(record))
        except DanasError as error:
            bad.append(error.what)
            continue
        labels.append(record.label)
        group_ids.append(groups.setdefault(record.group, len(groups)))
    _check(source, split, labels, bad)
    if on_progress is not None:
        on_progress(split, seen, seen)
    return RecordsInMemory(
        classes=source.classes,
        kept=tuple(kept),
        labels=np.array(labels, np.int64),
        group_ids=np.array(group_ids, np.int64),
        group_names=tuple(groups),
        dropped=dropped,
        unreadable=Unreadable(len(bad), tuple(bad[:_TOLD])),
    )


def _check(source: Source, split: str, labels: Sequence[int], bad: Sequence[str]) -> None:
    """Raise DanasError where half can't be read, or a class is missing."""
    if len(bad) > len(labels):
        raise DanasError(
            f"{len(bad):,} of the {len(bad) + len(labels):,} records in the {split} split of"
            f" {source.name} can't be read. {bad[0]}",
            "Is this the right folder, and was it copied whole? Mend or remove them.",
        )
    there = set(labels)
    lacking = [name for label, name in enumerate(source.classes) if label not in there]
    if lacking:
        told = ", ".join(lacking[:_TOLD]) + (" and others" if len(lacking) > _TOLD else "")
        raise DanasError(
            f"The {split} split of {source.name} has nothing of class {told}.",
            "Every split needs records of every class. Add some; or leave a class out, or join it"
            " to another, by --classes FILE.json.",
        )
