"""From what stands in the data to the classes of a task."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from danas_hil.base import DanasError, did_you_mean, read_text
from danas_hil.tasks.task import MOST_CLASSES

UNKNOWN = -1
"""The label of what belongs to no class: such records are dropped, and counted."""

_TOLD = 20
_FORM = (
    'A file of classes holds one table: {"what stands in the data": "class", ...}; several may go'
    " to one class, and what is null or absent is left out. Classes are in the order of the file."
)


@dataclass(frozen=True)
class ClassNames:
    """The classes of a data set, and which of them each of its values belongs to.

    classes: in the order of the network's outputs. labels: places in `classes` by the name that
        stands in the data. drops_others: whether a name that is not in `labels` is left out; else
        it is an error.
    """

    classes: tuple[str, ...]
    labels: Mapping[str, int]
    drops_others: bool = False

    @staticmethod
    def of(
        found: Iterable[str],
        class_map: Mapping[str, str] | None,
        where: str,
        numbered: bool = False,
    ) -> ClassNames:
        """The names `found` in the data, in their order; or what `class_map` makes of them.

        where: the data set, for messages. numbered: whether what stands in the data are the places
        of the names, so that `class_map` may have those too. Raises DanasError for a class that
        none of the names goes to.
        """
        names = tuple(found)
        if class_map is not None and numbered:
            class_map = {_name_of(name, names): to for name, to in class_map.items()}
        if class_map is None:
            return ClassNames(names, {name: place for place, name in enumerate(names)})
        classes = tuple(dict.fromkeys(class_map.values()))
        for one in classes:
            sources = [name for name, to in class_map.items() if to == one]
            if not any(name in names for name in sources):
                told = ", ".join(names[:_TOLD]) + (", ..." if len(names) > _TOLD else "")
                raise DanasError(
                    f"--classes: nothing in {where} goes to class {one}: it has no"
                    f" {' or '.join(sources)}.",
                    f"{did_you_mean(sources[0], names)} It has: {told or 'none'}.".lstrip(),
                )
        labels = {name: classes.index(to) for name, to in class_map.items()}
        return ClassNames(classes, labels, drops_others=True)

    def label(self, name: str | None, key: str) -> int:
        """The label of what is called `name` in the data; UNKNOWN for None.

        key: the record, for messages. Raises DanasError for a name that is not known.
        """
        if name is None:
            return UNKNOWN
        label = self.labels.get(name, UNKNOWN)
        if label == UNKNOWN and not self.drops_others:
            raise DanasError(
                f"{key} has the label {name!r}, which is none of the classes.",
                f"{did_you_mean(name, self.labels)} Say which classes there are, or leave this one"
                " out: --classes FILE.json.".lstrip(),
            )
        return label

    @property
    def identity(self) -> str:
        """The same text for the same classes of the same names; for fingerprints."""
        return json.dumps([self.classes, sorted(self.labels.items()), self.drops_others])


def ordered(names: Iterable[str]) -> tuple[str, ...]:
    """Names in the order of the alphabet, or of their size where all are whole numbers."""
    found = list(names)
    if all(name.removeprefix("-").isdecimal() for name in found):
        return tuple(sorted(found, key=lambda name: (int(name), name)))
    return tuple(sorted(found))


def found_names(
    values: Iterable[str | None], class_map: Mapping[str, str] | None
) -> tuple[str, ...]:
    """The different names among `values`, in order. Raises DanasError where they are no classes.

    class_map: what chooses among them; without it there are at most MOST_CLASSES.
    """
    found: set[str] = set()
    for value in values:
        if value is None or value in found:
            continue
        found.add(value)
        if class_map is None and len(found) > MOST_CLASSES:
            raise DanasError(
                f"The labels have more than {MOST_CLASSES:,} different values.",
                "Is this the column of the labels? Name it: --label-column; or say which classes"
                " there are: --classes FILE.json.",
            )
    return ordered(found)


def text_of(value: Any, names: Sequence[str] = ()) -> str | None:
    """How a label in the data is called: one of `names` for its number, or as it stands there.

    None for null and for a -1 that `names` or plain counting has no class for. Raises TypeError
    for what is neither text, a whole number nor a truth value.
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, bool) and not names:
        return str(value).lower()
    if not isinstance(value, int):
        raise TypeError(f"{value!r} is no label")
    if value == UNKNOWN:
        return None
    return names[value] if 0 <= value < len(names) else str(int(value))


def read_class_map(file: Path) -> dict[str, str]:
    """The classes by what stands in the data, as a file of --classes says; without what is null.

    Raises DanasError naming the file where it says nothing of the kind.
    """
    try:
        value = json.loads(read_text(file, _FORM), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise DanasError(f"{file} can't be read: {error}.", _FORM) from error
    if not isinstance(value, dict):
        raise DanasError(f"{file} holds no table.", _FORM)
    for name, to in value.items():
        if not isinstance(to, str | None):
            raise DanasError(f"{file} gives {name!r} the class {to!r}, which is no text.", _FORM)
    named = {name: to for name, to in value.items() if to is not None}
    if len(set(named.values())) < 2:
        raise DanasError(f"{file} has fewer than two classes.", _FORM)
    return named


def _name_of(word: str, names: Sequence[str]) -> str:
    """`word`, or the name whose place it is."""
    is_place = word not in names and word.isdecimal() and int(word) < len(names)
    return names[int(word)] if is_place else word


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"it has {next(name for name in names if names.count(name) > 1)!r} twice")
    return table
