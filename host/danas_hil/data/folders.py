"""Class folders: {train,validation,test}/{CLASS}/*.jpg, as Wake Vision's scripts make them too."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

from danas_hil.base import DanasError, read_bytes
from danas_hil.data import wake_vision
from danas_hil.data.records import (
    FileKind,
    Record,
    SourceOptions,
    choose_splits,
    digest_of_files,
    split_of_name,
)
from danas_hil.tasks import ClassNames, ordered, text_of

SUBFOLDER = "subfolder"


class FolderSource:
    """A folder for each split, with a folder for each class that is called as the class is.

    The classes are those of the training split, in the order of the alphabet.
    """

    def __init__(self, folder: Path, options: SourceOptions, kind: FileKind) -> None:
        self._folder, self._kind = folder, kind
        self._class_map = options.classes
        found = find_class_folders(folder) or find_bare_classes(folder, kind)
        self._splits = choose_splits(found, options.train_split, folder)
        self._listed: dict[str, list[tuple[Path, list[str], int]]] = {}
        self._passed_over: dict[str, Counter[tuple[str, str]]] = {}

    @property
    def name(self) -> str:
        return f"{self._folder.name} (class folders)"

    @property
    def splits(self) -> tuple[str, ...]:
        return tuple(self._splits)

    @property
    def classes(self) -> tuple[str, ...]:
        return self._names.classes

    @property
    def positive(self) -> str | None:
        return wake_vision.positive(self.classes) if self._is_wake_vision else None

    def fingerprint(self, split: str) -> str:
        files = (place / name for place, names, _ in self._list(split) for name in names)
        return digest_of_files(files, self._folder, "folders", self._names.identity)

    def count(self, split: str) -> int | None:
        return sum(len(names) for _, names, _ in self._list(split))

    def records(self, split: str) -> Iterator[Record]:
        for place, names, label in self._list(split):
            for file in (place / name for name in names):
                content: bytes | DanasError
                try:
                    content = read_bytes(file, self._kind.most_bytes)
                except DanasError as error:
                    content = error
                yield Record(str(file), content, label)

    def labels(self, split: str) -> Iterator[tuple[int, str]]:
        for _, names, label in self._list(split):
            yield from ((label, "") for _ in names)

    def passed_over(self, split: str) -> Mapping[tuple[str, str], int]:
        self._list(split)
        return self._passed_over[split]

    def _list(self, split: str) -> list[tuple[Path, list[str], int]]:
        """Class folders of `split`, names of the files in each, label; looked up once.

        Names, not paths: there can be millions.
        """
        if split not in self._listed:
            _, folder = self._splits[split]
            others: Counter[tuple[str, str]] = Counter()
            self._listed[split] = [
                (place, _names_of(place, others, self._kind), self._label(place))
                for place in _folders(folder)
            ]
            self._passed_over[split] = others
        return self._listed[split]

    def _label(self, place: Path) -> int:
        name = place.name
        called = text_of(int(name), wake_vision.CLASSES) if self._is_wake_vision else name
        return self._names.label(called, str(place))

    @cached_property
    def _names(self) -> ClassNames:
        if self._is_wake_vision:
            return ClassNames.of(wake_vision.CLASSES, self._class_map, self.name, numbered=True)
        return ClassNames.of(self._folder_names, self._class_map, self.name)

    @cached_property
    def _is_wake_vision(self) -> bool:
        on_disk = [name for name, _ in self._splits.values()]
        return wake_vision.is_in_folders(on_disk, self._folder_names)

    @cached_property
    def _folder_names(self) -> tuple[str, ...]:
        _, folder = self._splits["train"]
        return ordered(place.name for place in _folders(folder))


def find_class_folders(folder: Path) -> dict[str, Path]:
    """Folders in `folder` that are called as a split is and have folders in them."""
    found: dict[str, Path] = {}
    for place in _folders(folder):
        split = split_of_name(place.name)
        if split is None or not _folders(place):
            continue
        if split in found:
            raise DanasError(
                f"{found[split]} and {place} are both called as split {split} is.",
                "Rename or move one of them.",
            )
        found[split] = place
    return found


def find_bare_classes(folder: Path, kind: FileKind) -> dict[str, Path]:
    """`folder` as a training split, if two folders in it or more have files of `kind`: classes."""
    classes = [place for place in _folders(folder) if _names_of(place, Counter(), kind)]
    return {"train": folder} if len(classes) > 1 else {}


def _names_of(folder: Path, others: Counter[tuple[str, str]], kind: FileKind) -> list[str]:
    """Sorted names of the files of `kind` in `folder`; what else there is is counted in `others`.

    What begins with a full stop is nobody's record, such as the ._x.jpg that macOS leaves on disks
    of others.
    """
    place = f"{folder.parent.name}/{folder.name}"
    names = []
    with os.scandir(folder) as entries:
        for entry in entries:
            suffix = Path(entry.name).suffix.lower()
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                others[place, SUBFOLDER] += 1
            elif suffix in kind.suffixes and (entry.is_file() or not os.path.exists(entry.path)):  # noqa: PTH110
                names.append(entry.name)
            else:
                others[place, suffix or "files without a suffix"] += 1
    return sorted(names)


def _folders(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
