"""Wake Vision, or a data set like it, as TensorFlow Datasets leaves it on disk."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from danas_hil.base import DanasError, read_json
from danas_hil.data.records import (
    Record,
    SourceOptions,
    check_shards,
    choose_splits,
    digest_of_files,
    split_of_name,
)
from danas_hil.data.tfrecord import Feature, parse_example, read_tfrecords

INFO = "dataset_info.json"
_FILE = re.compile(r".+?-(?P<split>\w+)\.(?P<format>\w+)-\d{5}-of-\d{5}$")


class TfdsSource:
    """A folder such as wake_vision/1.0.0 with dataset_info.json and TFRecord files.

    Features: image (encoded), person (0, 1, or -1 where unknown).
    """

    def __init__(self, folder: Path, options: SourceOptions) -> None:
        self._folder = folder
        self._options = options
        self._label = options.label_column or "person"
        self._image = options.image_column or "image"
        self._lengths = _shard_lengths(folder / INFO)
        self._files = choose_splits(_split_files(folder), options.train_split, folder)

    @property
    def name(self) -> str:
        return f"{self._folder.parent.name} (TFDS)"

    @property
    def splits(self) -> tuple[str, ...]:
        return tuple(self._files)

    def fingerprint(self, split: str) -> str:
        columns = (self._label, self._image, self._options.group_column)
        return digest_of_files(self._checked_files(split), self._folder, "tfds", *columns)

    def count(self, split: str) -> int | None:
        lengths = [self._length(split, file) for file in self._checked_files(split)]
        known = [length for length in lengths if length is not None]
        return sum(known) if len(known) == len(lengths) else None

    def records(self, split: str) -> Iterator[Record]:
        for file in self._checked_files(split):
            rows = 0
            for row, payload in enumerate(read_tfrecords(file, self._options.check_crc)):
                yield self._record(payload, f"{file}:{row}")
                rows = row + 1
            expected = self._length(split, file)
            if expected is not None and rows != expected:
                raise DanasError(
                    f"{file} has {rows} rows; {INFO} says {expected}.",
                    "The file is incomplete: download or build it again.",
                )

    def _checked_files(self, split: str) -> list[Path]:
        _, files = self._files[split]
        check_shards(files, self._options.missing_shards)
        for file in files:
            if ".tfrecord-" not in file.name:
                raise DanasError(
                    f"{file} is not a TFRecord file.",
                    f"Convert it: tfds convert_format --dataset_dir={self._folder}"
                    " --out_file_format=tfrecord --out_dir=OTHER/wake_vision/1.0.0",
                )
        return files

    def _length(self, split: str, file: Path) -> int | None:
        lengths = self._lengths.get(self._files[split][0], ())
        number = int(file.name.rsplit("-", 3)[-3])
        return lengths[number] if number < len(lengths) else None

    def _record(self, payload: bytes, key: str) -> Record:
        try:
            features = parse_example(payload)
        except ValueError as error:
            raise DanasError(
                f"{key} is not a tf.train.Example: {error}.", "Build the data set again."
            ) from error
        label = _single(features, self._label, key)
        image = _single(features, self._image, key)
        group_column = self._options.group_column
        group = _single(features, group_column, key) if group_column else b""
        if not isinstance(label, int) or not isinstance(image, bytes):
            raise DanasError(
                f"{key}: {self._label} is not a number or {self._image} is not an encoded image.",
                "Name them: --label-column and --image-column.",
            )
        return Record(key, image, label, group.decode() if isinstance(group, bytes) else str(group))


def find_tfds(folder: Path) -> Path | None:
    """The folder of one version at or below `folder` (tensorflow_datasets, wake_vision, 1.0.0).

    Raises DanasError when there are several.
    """
    for pattern in (INFO, f"*/{INFO}", f"wake_vision/*/{INFO}"):
        found = sorted(folder.glob(pattern))
        if len(found) > 1:
            raise DanasError(
                f"There are several data sets in {folder}.",
                f"Name one of: {', '.join(str(file.parent) for file in found)}.",
            )
        if found:
            return found[0].parent
    return None


def _split_files(folder: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for file in sorted(folder.iterdir()):
        match = _FILE.match(file.name)
        if match and (split := split_of_name(match["split"])):
            found.setdefault(split, []).append(file)
    return found


def _shard_lengths(info: Path) -> dict[str, tuple[int, ...]]:
    """Rows of each file by split, as dataset_info.json tells them (proto3 JSON: int64 as text)."""
    content = read_json(info)
    try:
        return {
            (split_of_name(split["name"]) or ""): tuple(map(int, split.get("shardLengths", ())))
            for split in content.get("splits", ())
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DanasError(
            f"{info} is not the description of a TFDS data set.", "Build the data set again."
        ) from error


def _single(features: Mapping[str, Feature], name: str, key: str) -> int | bytes:
    values = features.get(name)
    if values is None:
        raise DanasError(
            f"{key} has no feature {name}.",
            f"It has: {', '.join(sorted(features)) or 'none'}. "
            " Name them: --label-column and --image-column.",
        )
    if len(values) != 1:
        raise DanasError(f"{key} has {len(values)} values of {name}, not one.")
    return values[0]
