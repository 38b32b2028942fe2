"""Wake Vision (Banbury et al., arXiv 2405.00892): whether there is a person in a photo."""

from __future__ import annotations

from collections.abc import Collection

from danas_hil.tasks import Task

COLUMN = "person"
"""Of its Parquet files and its TFDS records: 0, 1, or -1 where it is not known."""

CLASSES = ("no person", "person")
"""What 0 and 1 are called; so are the folders of its scripts."""

TRAIN_SPLITS = ("train_quality", "train_large")
"""Its training splits, which no other data set has."""

TASK = Task(CLASSES, positive="person")


def is_in_folders(splits: Collection[str], classes: Collection[str]) -> bool:
    """Whether class folders, called so on disk, are those of its scripts."""
    return set(classes) == {"0", "1"} and any(name in TRAIN_SPLITS for name in splits)


def positive(classes: Collection[str]) -> str | None:
    """Its positive class, where that is one of `classes` still."""
    return TASK.positive if TASK.positive in classes else None
