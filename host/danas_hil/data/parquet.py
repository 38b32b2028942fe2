"""Parquet files with image bytes and a label column: Wake Vision on Hugging Face, and others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from danas_hil.base import DanasError, require
from danas_hil.data.records import (
    Record,
    SourceOptions,
    check_shards,
    choose_splits,
    digest_of_files,
    split_of_name,
)

_LABEL_COLUMNS = ("person", "label")
_ROWS_AT_ONCE = 64


class ParquetSource:
    """Parquet files whose names, or whose folders' names, begin with that of a split.

    The image column holds encoded images, either as bytes or as a struct with a field `bytes` (as
    Hugging Face has it); the label column integers or booleans.
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

    def fingerprint(self, split: str) -> str:
        options = self._options
        columns = (options.label_column, options.image_column, options.group_column)
        return digest_of_files(self._checked_files(split), self._folder, "parquet", *columns)

    def count(self, split: str) -> int | None:
        return sum(int(_open(file).metadata.num_rows) for file in self._checked_files(split))

    def records(self, split: str) -> Iterator[Record]:
        for file in self._checked_files(split):
            yield from self._records_of_file(file)

    def labels(self, split: str) -> Iterator[tuple[int, str]]:
        for file in self._checked_files(split):
            opened = _open(file)
            label, group = self._label_columns(file, opened.schema_arrow.names)
            wanted = [label] if group is None else [label, group]
            for batch in _batches(file, opened, wanted):
                groups = batch.column(group).to_pylist() if group else [""] * batch.num_rows
                for value, origin in zip(batch.column(label).to_pylist(), groups, strict=True):
                    known = int(value) if isinstance(value, int) else -1
                    yield known, "" if origin is None else str(origin)

    def _label_columns(self, file: Path, columns: list[str]) -> tuple[str, str | None]:
        """The column of labels, and that of groups where there is one."""
        label = self._column(file, columns, self._options.label_column, *_LABEL_COLUMNS)
        group = self._options.group_column or ("source" if "source" in columns else None)
        return label, None if group is None else self._column(file, columns, group, group)

    def _checked_files(self, split: str) -> list[Path]:
        _, files = self._files[split]
        check_shards(files, self._options.missing_shards)
        return files

    def _records_of_file(self, file: Path) -> Iterator[Record]:
        opened = _open(file)
        columns = opened.schema_arrow.names
        label, group = self._label_columns(file, columns)
        image = self._column(file, columns, self._options.image_column, "image")
        wanted = [image, label] if group is None else [image, label, group]
        row = 0
        for batch in _batches(file, opened, wanted):
            pictures = _image_bytes(file, image, batch.column(image))
            labels = batch.column(label).to_pylist()
            groups = batch.column(group).to_pylist() if group is not None else [""] * len(labels)
            for picture, value, origin in zip(pictures, labels, groups, strict=True):
                key = f"{file}:{row}"
                pixels: bytes | DanasError = picture or DanasError(
                    f"{key} has no image bytes.",
                    "Images must lie in the Parquet file itself, not beside it.",
                )
                if not isinstance(value, int):  # a bool is an int too
                    raise DanasError(
                        f"{key} has the label {value!r}.",
                        f"Column {label} must hold 0 (no person), 1 (person) or -1 (unknown).",
                    )
                yield Record(key, pixels, int(value), "" if origin is None else str(origin))
                row += 1

    @staticmethod
    def _column(file: Path, columns: list[str], asked: str | None, *usual: str) -> str:
        candidates = (asked,) if asked is not None else usual
        for name in candidates:
            if name in columns:
                return name
        raise DanasError(
            f"{file} has no column {' or '.join(candidates)}.",
            f"It has: {', '.join(columns)}. Name it: --label-column, --image-column or"
            " --group-column.",
        )


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


def _batches(file: Path, opened: Any, columns: list[str]) -> Iterator[Any]:
    pyarrow = require("pyarrow", "search")
    batches = opened.iter_batches(batch_size=_ROWS_AT_ONCE, columns=columns)
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
