"""What every source gives: labelled records, split by split."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy.typing as npt

from danas_hil.base import DanasError

SPLITS = ("train", "validation", "test")
"""The three splits, by the name they have here; on disk the first has others too."""

TRAIN_SPLITS = ("train_quality", "train", "train_large")
"""Names of training splits on disk, the preferred one first (Wake Vision has two)."""

_VALIDATION_SPLITS = ("validation", "valid", "val")

_T = TypeVar("_T")


@dataclass(frozen=True)
class Record:
    """One labelled example.

    key: where it comes from, a file or `file:row` (rows count from 0), for messages.
    content: the bytes of a file, or an array, that the signal knows how to read (of an image JPEG,
        PNG, ..., or uint8 pixels (h, w) or (h, w, 1 | 3)); or why it can't be had.
    label: a place in the classes of its source; UNKNOWN for what belongs to none of them (such
        records are dropped and counted).
    group: where it was taken from, for accuracy by source; "" where there is one only.
    """

    key: str
    content: bytes | npt.NDArray[Any] | DanasError
    label: int
    group: str = ""


@dataclass(frozen=True)
class FileKind:
    """Which files hold records of a signal.

    suffixes: of files in class folders; others are passed over, and counted. most_bytes: of a file.
    example: such a file, for messages. built_in: sets that need no folder, by name; former: what to
    say of names that were such sets in earlier versions.
    """

    suffixes: frozenset[str]
    most_bytes: int
    example: str
    built_in: Mapping[str, Callable[[SourceOptions], Source]] = field(default_factory=dict)
    former: Mapping[str, str] = field(default_factory=dict)


class Source(Protocol):
    """A data set on disk. Nothing of a split is read before that split is asked for."""

    @property
    def name(self) -> str:
        """Short name, for people."""

    @property
    def splits(self) -> tuple[str, ...]:
        """Those of `SPLITS` that are there."""

    @property
    def classes(self) -> tuple[str, ...]:
        """What its records are told apart by, in the order of their labels.

        Labels of the training split may be read for it. Raises DanasError where it is not clear.
        """

    def fingerprint(self, split: str) -> str:
        """Changes whenever the records of `split` could have changed."""

    def count(self, split: str) -> int | None:
        """How many records `split` has, unknown labels included; None if that is not known."""

    def records(self, split: str) -> Iterator[Record]:
        """The records of `split`, always in the same order, read as they are asked for."""


@runtime_checkable
class PassesOver(Protocol):
    """A source that leaves out some of what lies beside its records."""

    def passed_over(self, split: str) -> Mapping[tuple[str, str], int]:
        """How many of each kind (a suffix, or `subfolder`) in each folder: (folder, kind)."""


@runtime_checkable
class HasPositive(Protocol):
    """A source that knows which of its classes is the positive one."""

    @property
    def positive(self) -> str | None:
        """The class whose precision and recall count unless the user names another."""


@runtime_checkable
class ListsLabels(Protocol):
    """A source that tells its labels without reading a record."""

    def labels(self, split: str) -> Iterator[tuple[int, str]]:
        """Label and group of each record of `split`, in the order of `records`."""


@dataclass(frozen=True)
class SourceOptions:
    """Settings of a source; None means what the layout usually has.

    train_split: name on disk of the training split: train_quality, train or train_large; by
        default the first of these that is there.
    classes: the class by what stands in the data; what it lacks is left out. None takes the data's
        own classes.
    label_column, image_column, group_column: columns of Parquet files and features of TFDS
        records; by default label (or Wake Vision's own), image, and source where there is one; else
        the only one whose description says that it holds labels or images.
    missing_shards: accept a data set of which only some of the numbered files are there.
    split_seed: of what is drawn from train where validation or test are missing.
    check_crc: check the checksum of every TFRecord (slow: about 0.1 s for each megabyte).
    """

    train_split: str | None = None
    classes: Mapping[str, str] | None = None
    label_column: str | None = None
    image_column: str | None = None
    group_column: str | None = None
    missing_shards: bool = False
    check_crc: bool = False
    split_seed: int = 0

    def __post_init__(self) -> None:
        if self.train_split is not None and self.train_split not in TRAIN_SPLITS:
            raise DanasError(
                f"There is no training split {self.train_split!r}.",
                f"Training splits: {', '.join(TRAIN_SPLITS)}.",
            )


def split_of_name(name: str) -> str | None:
    """The split on disk that a file or folder name begins with, or None.

    `train_quality_part_0-00000-of-00030.parquet` is train_quality, `val` is validation.
    """
    for split in sorted((*TRAIN_SPLITS, *_VALIDATION_SPLITS, "test"), key=len, reverse=True):
        if re.match(rf"{split}(?![a-z0-9])", name.lower()):
            return "validation" if split in _VALIDATION_SPLITS else split
    return None


def choose_splits(
    found: Mapping[str, _T], train_split: str | None, where: Path
) -> dict[str, tuple[str, _T]]:
    """From splits as they are called on disk to those of `SPLITS`: (name on disk, content).

    Raises DanasError when `train_split` is asked for and is not there.
    """
    if train_split is not None and train_split not in found:
        raise DanasError(
            f"{where} has no split {train_split}.",
            f"It has: {', '.join(sorted(found)) or 'none'}.",
        )
    training = train_split or next((name for name in TRAIN_SPLITS if name in found), None)
    chosen = {"train": training, "validation": "validation", "test": "test"}
    return {
        split: (name, found[name])
        for split, name in chosen.items()
        if name is not None and name in found
    }


def require_split(source: Source, split: str) -> None:
    """Raise DanasError unless `source` has `split`."""
    if split not in source.splits:
        raise DanasError(
            f"{source.name} has no {split} split.",
            f"It has: {', '.join(source.splits) or 'none'}. Of a data set without validation or"
            " test a part of train is taken for them; train has to be there.",
        )


def digest_of_files(files: Iterable[Path], root: Path, *settings: object) -> str:
    """A digest of the files' names below `root`, sizes and times of change, and of `settings`."""
    digest = hashlib.sha256(repr(settings).encode())
    for file in files:
        try:
            status = file.stat()
            state = f"{status.st_size}\0{status.st_mtime_ns}"
        except OSError:  # told when it is read
            state = "unreadable"
        line = f"{file.relative_to(root).as_posix()}\0{state}\n"
        digest.update(line.encode(errors="surrogateescape"))
    return digest.hexdigest()


_SHARD = re.compile(r"(?P<stem>.*?)-(?P<number>\d{5})-of-(?P<total>\d{5})(?:\..*)?$")


def check_shards(files: Iterable[Path], missing_shards: bool) -> None:
    """Raise DanasError naming the first file missing of a set numbered `-00000-of-00030`."""
    if missing_shards:
        return
    numbers: dict[tuple[str, int], dict[int, Path]] = {}
    for file in files:
        if match := _SHARD.match(file.name):
            key = (match["stem"], int(match["total"]))
            numbers.setdefault(key, {})[int(match["number"])] = file
    for (stem, total), present in numbers.items():
        if missing := sorted(set(range(total)) - set(present)):
            folder = next(iter(present.values())).parent
            raise DanasError(
                f"{len(missing)} of the {total} files {stem}-* are missing in {folder};"
                f" the first is number {missing[0]:05d}.",
                "Download them, or go on with those that are there: --missing-shards.",
            )
