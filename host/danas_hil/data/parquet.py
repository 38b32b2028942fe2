"""Parquet files with image bytes and a label column: Wake Vision on Hugging Face, and others."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from danas_hil.base import DanasError, require
from danas_hil.data import wake_vision
from danas_hil.data.records import (
    Record,
    SourceOptions,
    check_shards,
    choose_splits,
    digest_of_files,
    split_of_name,
)
from danas_hil.tasks import ClassNames, found_names, text_of

_LABEL_COLUMNS = (wake_vision.COLUMN, "label")
_ROWS_AT_ONCE = 64
_LABELS_AT_ONCE = 65_536


@dataclass(frozen=True)
class _Columns:
    """The columns of one file that are read, by name."""

    label: str
    image: str
    group: str | None


class ParquetSource:
    """Parquet files whose names, or whose folders' names, begin with that of a split.

    The image column holds encoded images, either as bytes or as a struct with a field `bytes` (as
    Hugging Face has it); the label column text, integers or booleans. Integers are called as the
    schema's metadata say (Hugging Face's ClassLabel), else as they are written.
    """

    def __init__(self, folder: Path, options: SourceOptions) -> None:
        self._folder = folder
        self._options = options
        self._files = choose_splits(find_parquet(folder), options.train_split, folder)

    @property
    def name(self) -> str:
        return f"{self._folder.name} (Parquet)"

    @property
    def splits(self) -> tuple[str, ...]:
        return tuple(self._files)

    @property
    def classes(self) -> tuple[str, ...]:
        return self._names.classes

    @property
    def positive(self) -> str | None:
        named = self._value_names == wake_vision.CLASSES
        return wake_vision.positive(self.classes) if named else None

    def fingerprint(self, split: str) -> str:
        options = self._options
        columns = (options.label_column, options.image_column, options.group_column)
        files, names = self._checked_files(split), self._names.identity
        return digest_of_files(files, self._folder, "parquet", *columns, names)

    def count(self, split: str) -> int | None:
        return sum(int(_open(file).metadata.num_rows) for file in self._checked_files(split))

    def records(self, split: str) -> Iterator[Record]:
        for file in self._checked_files(split):
            yield from self._records_of_file(file)

    def labels(self, split: str) -> Iterator[tuple[int, str]]:
        for file in self._checked_files(split):
            opened, row = _open(file), 0
            columns = self._columns(file, opened.schema_arrow)
            wanted = [name for name in (columns.label, columns.group) if name is not None]
            for batch in _batches(file, opened, wanted, _LABELS_AT_ONCE):
                groups = _groups(batch, columns.group)
                for value, group in zip(
                    batch.column(columns.label).to_pylist(), groups, strict=True
                ):
                    yield self._label(value, f"{file}:{row}"), group
                    row += 1

    @cached_property
    def _names(self) -> ClassNames:
        """The classes, as the schema names them or as they stand in the training split."""
        chosen, named = self._options.classes, self._value_names
        if named:
            return ClassNames.of(named, chosen, self.name, numbered=True)
        return ClassNames.of(found_names(self._train_labels(), chosen), chosen, self.name)

    @cached_property
    def _value_names(self) -> tuple[str, ...]:
        """What the numbers in the label column are called, the first one that of 0."""
        file = self._checked_files("train")[0]
        schema = _open(file).schema_arrow
        label = self._columns(file, schema).label
        kind, types = schema.field(label).type, require("pyarrow", "search").types
        if not (types.is_integer(kind) or types.is_boolean(kind)):
            return ()
        if label == wake_vision.COLUMN:
            return wake_vision.CLASSES
        names = _features(schema).get(label, {}).get("names")
        return tuple(map(str, names)) if isinstance(names, list) else ()

    def _train_labels(self) -> Iterator[str | None]:
        for file in self._checked_files("train"):
            opened, row = _open(file), 0
            label = self._columns(file, opened.schema_arrow).label
            for batch in _batches(file, opened, [label], _LABELS_AT_ONCE):
                for value in batch.column(label).to_pylist():
                    yield self._called(value, f"{file}:{row}")
                    row += 1

    def _called(self, value: Any, key: str, names: tuple[str, ...] = ()) -> str | None:
        try:
            return text_of(value, names)
        except TypeError as error:
            raise DanasError(
                f"{key} has the label {value!r}.",
                "Labels are text, integers or booleans; name their column: --label-column.",
            ) from error

    def _label(self, value: Any, key: str) -> int:
        return self._names.label(self._called(value, key, self._value_names), key)

    def _columns(self, file: Path, schema: Any) -> _Columns:
        """Raises DanasError naming the file where a column is missing."""
        options, there, described = self._options, schema.names, _features(schema)
        group = options.group_column or ("source" if "source" in there else None)
        labels, images = (
            [name for name in there if described.get(name, {}).get("_type") == kind]
            for kind in ("ClassLabel", "Image")
        )
        return _Columns(
            _column(file, there, options.label_column, *_LABEL_COLUMNS, *_only(labels)),
            _column(file, there, options.image_column, "image", *_only(images)),
            None if group is None else _column(file, there, group),
        )

    def _checked_files(self, split: str) -> list[Path]:
        _, files = self._files[split]
        check_shards(files, self._options.missing_shards)
        return files

    def _records_of_file(self, file: Path) -> Iterator[Record]:
        opened = _open(file)
        columns = self._columns(file, opened.schema_arrow)
        wanted = [
            name for name in (columns.image, columns.label, columns.group) if name is not None
        ]
        row = 0
        for batch in _batches(file, opened, wanted, _ROWS_AT_ONCE):
            images = _image_bytes(file, columns.image, batch.column(columns.image))
            labels = batch.column(columns.label).to_pylist()
            for image, value, group in zip(
                images, labels, _groups(batch, columns.group), strict=True
            ):
                key = f"{file}:{row}"
                pixels: bytes | DanasError = image or DanasError(
                    f"{key} has no image bytes.",
                    "Images must lie in the Parquet file itself, not beside it.",
                )
                yield Record(key, pixels, self._label(value, key), group)
                row += 1


def _column(file: Path, there: list[str], asked: str | None, *usual: str) -> str:
    candidates = (asked,) if asked is not None else usual
    for name in candidates:
        if name in there:
            return name
    raise DanasError(
        f"{file} has no column {' or '.join(candidates)}.",
        f"It has: {', '.join(there)}. Name it: --label-column, --image-column or --group-column.",
    )


def _only(names: list[str]) -> list[str]:
    return names if len(names) == 1 else []


def _features(schema: Any) -> Mapping[str, Mapping[str, Any]]:
    """Hugging Face's descriptions of columns, from the schema's metadata; empty without them."""
    told = (schema.metadata or {}).get(b"huggingface")
    try:
        features = json.loads(told)["info"]["features"] if told else {}
    except (ValueError, LookupError, TypeError):
        return {}  # the columns can be read without
    if not isinstance(features, dict):
        return {}
    return {name: one for name, one in features.items() if isinstance(one, dict)}


def _groups(batch: Any, column: str | None) -> list[str]:
    if column is None:
        return [""] * int(batch.num_rows)
    return ["" if group is None else str(group) for group in batch.column(column).to_pylist()]


def find_parquet(folder: Path) -> dict[str, list[Path]]:
    """Parquet files by split, in `folder`, in its `data` or in folders named as splits.

    Hugging Face's own conversions have a folder above those, `default` where there is one only.
    Raises DanasError where there are several.
    """
    found = _find(folder) | _find(folder / "data")
    if found:
        return found
    named = {place: files for place in sorted(folder.glob("*/")) if (files := _find(place))}
    if len(named) > 1:
        raise DanasError(
            f"There are several data sets in {folder}.",
            f"Name one of: {', '.join(str(place) for place in named)}.",
        )
    return next(iter(named.values()), {})


def _find(place: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for file in sorted(place.glob("*.parquet")):
        if split := split_of_name(file.name):
            found.setdefault(split, []).append(file)
    for file in sorted(place.glob("*/*.parquet")):
        if split := split_of_name(file.parent.name.removeprefix("partial-")):
            found.setdefault(split, []).append(file)
    return {
        split: [file for file in files if not file.name.startswith(".")]
        for split, files in found.items()
    }


def _open(file: Path) -> Any:
    pyarrow = require("pyarrow", "search")
    parquet = require("pyarrow.parquet", "search")
    try:
        return parquet.ParquetFile(file)
    except (pyarrow.ArrowException, OSError) as error:
        raise _damaged(file, error) from error


def _batches(file: Path, opened: Any, columns: list[str], rows: int) -> Iterator[Any]:
    pyarrow = require("pyarrow", "search")
    batches = opened.iter_batches(batch_size=rows, columns=columns)
    while True:
        try:
            batch = next(batches)
        except StopIteration:
            return
        except (pyarrow.ArrowException, OSError) as error:
            raise _damaged(file, error) from error
        yield batch


def _image_bytes(file: Path, name: str, column: Any) -> list[bytes | None]:
    types = require("pyarrow", "search").types
    if types.is_struct(column.type) and column.type.get_field_index("bytes") >= 0:
        column = column.field("bytes")
    if not (types.is_binary(column.type) or types.is_large_binary(column.type)):
        raise DanasError(
            f"{file}: column {name} does not hold image bytes but {column.type}.",
            "Name a column of encoded images: --image-column.",
        )
    found: list[bytes | None] = column.to_pylist()
    return found


def _damaged(file: Path, error: Exception) -> DanasError:
    return DanasError(f"{file} can't be read: {error}.", "Download it again.")
