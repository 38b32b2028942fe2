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

    def _checked_files(self, split: str) -> list[Path]:
        _, files = self._files[split]
        check_shards(files, self._options.missing_shards)
        return files

    def _records_of_file(self, file: Path) -> Iterator[Record]:
        opened = _open(file)
        columns = opened.schema_arrow.names
        label = self._column(file, columns, self._options.label_column, *_LABEL_COLUMNS)
        image = self._column(file, columns, self._options.image_column, "image")
        group = self._options.group_column or ("source" if "source" in columns else None)
        wanted = [image, label]
        if group is not None:
            wanted.append(self._column(file, columns, group, group))
        row = 0
        for batch in _batches(file, opened, wanted):
            pictures = _image_bytes(file, image, batch.column(image))
            labels = batch.column(label).to_pylist()
            groups = batch.column(group).to_pylist() if group is not None else [""] * len(labels)
            for picture, value, origin in zip(pictures, labels, groups, strict=True):
                key = f"{file}:{row}"
                if picture is None:
                    raise DanasError(
                        f"{key} has no image bytes.",
                        "Images must lie in the Parquet file itself, not beside it.",
                    )
                if not isinstance(value, int):  # a bool is an int too
                    raise DanasError(
                        f"{key} has the label {value!r}.",
                        f"Column {label} must hold 0 (no person), 1 (person) or -1 (unknown).",
                    )
                yield Record(key, picture, int(value), "" if origin is None else str(origin))
                row += 1

    @staticmethod
    def _column(file: Path, columns: list[str], asked: str | None, *usual: str) -> str:
        candidates = (asked,) if asked is not None else usual
        for name in candidates:
            if name in columns:
                return name
        raise DanasError(
            f"{file} has no column {' or '.join(candidates)}.",
            f"It has: {', '.join(columns)}. Set label_column, image_column or group_column.",
        )


def find_parquet(folder: Path) -> dict[str, list[Path]]:
    """Parquet files by split, in `folder`, in its `data` or in folders named as splits."""
    found: dict[str, list[Path]] = {}
    for place in (folder, folder / "data"):
        for file in sorted(place.glob("*.parquet")):
            if split := split_of_name(file.name):
                found.setdefault(split, []).append(file)
        for file in sorted(place.glob("*/*.parquet")):
            if split := split_of_name(file.parent.name):
                found.setdefault(split, []).append(file)
    return found


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
            "Set image_column to a column of encoded images.",
        )
    found: list[bytes | None] = column.to_pylist()
    return found


def _damaged(file: Path, error: Exception) -> DanasError:
    return DanasError(f"{file} can't be read: {error}.", "Download it again.")
