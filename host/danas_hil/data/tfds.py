"""Images as TensorFlow Datasets leaves them on disk: Wake Vision, or any other with labels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from danas_hil.base import DanasError, checking, read_json, read_text
from danas_hil.data import wake_vision
from danas_hil.data.records import (
    Record,
    SourceOptions,
    check_shards,
    choose_splits,
    digest_of_files,
    split_of_name,
)
from danas_hil.data.tfrecord import Feature, parse_example, read_tfrecords
from danas_hil.tasks import MOST_CLASSES, ClassNames, found_names, text_of

INFO = "dataset_info.json"
_FEATURES = "features.json"
_LABEL = "label"
_FILE = re.compile(r".+?-(?P<split>\w+)\.(?P<format>\w+)-\d{5}-of-\d{5}$")


class TfdsSource:
    """A folder such as wake_vision/1.0.0 with dataset_info.json and TFRecord files.

    Features: image (encoded), and label (a number or text; -1 where unknown), which is another one
    in Wake Vision. Numbers are called as label.labels.txt says, or as they are written.
    """

    def __init__(self, folder: Path, options: SourceOptions) -> None:
        self._folder = folder
        self._options = options
        self._image = options.image_column or "image"
        self._lengths = _shard_lengths(folder / INFO)
        self._files = choose_splits(_split_files(folder), options.train_split, folder)

    @property
    def name(self) -> str:
        return f"{self._folder.parent.name} (TFDS)"

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
        columns = (self._label, self._image, self._options.group_column)
        files, names = self._checked_files(split), self._names.identity
        return digest_of_files(files, self._folder, "tfds", *columns, names)

    def count(self, split: str) -> int | None:
        lengths = [self._length(split, file) for file in self._checked_files(split)]
        known = [length for length in lengths if length is not None]
        return sum(known) if len(known) == len(lengths) else None

    def records(self, split: str) -> Iterator[Record]:
        for file in self._checked_files(split):
            rows = 0
            for row, features in enumerate(self._examples(file)):
                yield self._record(features, f"{file}:{row}")
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
                    " --out_file_format=tfrecord"
                    f" --out_dir=OTHER/{self._folder.parent.name}/{self._folder.name}",
                )
        return files

    def _length(self, split: str, file: Path) -> int | None:
        lengths = self._lengths.get(self._files[split][0], ())
        number = int(file.name.rsplit("-", 3)[-3])
        return lengths[number] if number < len(lengths) else None

    def _examples(self, file: Path) -> Iterator[dict[str, Feature]]:
        for row, payload in enumerate(read_tfrecords(file, self._options.check_crc)):
            try:
                yield parse_example(payload)
            except ValueError as error:
                raise DanasError(
                    f"{file}:{row} is not a tf.train.Example: {error}.", "Build the data set again."
                ) from error

    def _record(self, features: Mapping[str, Feature], key: str) -> Record:
        called = text_of(_single(features, self._label, key), self._value_names)
        image = _single(features, self._image, key)
        group_column = self._options.group_column
        group = _single(features, group_column, key) if group_column else b""
        if not isinstance(image, bytes):
            raise DanasError(
                f"{key}: {self._image} is not an encoded image.", "Name it: --image-column."
            )
        return Record(key, image, self._names.label(called, key), text_of(group) or "")

    @cached_property
    def _label(self) -> str:
        """The feature with the labels: what the user says, or what there is."""
        if self._options.label_column is not None:
            return self._options.label_column
        first = next(self._examples(self._checked_files("train")[0]), {})
        return wake_vision.COLUMN if wake_vision.COLUMN in first else _LABEL

    @cached_property
    def _names(self) -> ClassNames:
        """The classes, as TFDS names them or as they stand in the training split."""
        chosen, named = self._options.classes, self._value_names
        if named:
            return ClassNames.of(named, chosen, self.name, numbered=True)
        return ClassNames.of(found_names(self._train_labels(), chosen), chosen, self.name)

    @cached_property
    def _value_names(self) -> tuple[str, ...]:
        """What the numbers of the label are called, the first one that of 0."""
        if self._label == wake_vision.COLUMN:
            return wake_vision.CLASSES
        listed = self._folder / f"{self._label}.labels.txt"
        if listed.is_file():
            return tuple(read_text(listed).splitlines())
        described = self._folder / _FEATURES
        if not described.is_file():
            return ()
        with checking(described, "Build the data set again."):
            count = _class_count(read_json(described), self._label)
        return tuple(map(str, range(count)))

    def _train_labels(self) -> Iterator[str | None]:
        for file in self._checked_files("train"):
            for row, features in enumerate(self._examples(file)):
                yield text_of(_single(features, self._label, f"{file}:{row}"))


def find_tfds(folder: Path) -> Path | None:
    """The folder of one version at or below `folder` (such as tensorflow_datasets/NAME/1.0.0).

    Raises DanasError when there are several.
    """
    for pattern in (INFO, f"*/{INFO}", f"*/*/{INFO}"):
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


def _class_count(features: Any, label: str) -> int:
    """The number of classes of a feature, as features.json says; 0 where it says none.

    The file is tensorflow_datasets/core/proto/feature.proto as proto3 JSON: int64 as text.
    """
    described = features.get("featuresDict", {}).get("features", {}).get(label, {})
    count = int(described.get("classLabel", {}).get("numClasses", 0))
    if not 0 <= count <= MOST_CLASSES:
        raise ValueError(f"{label} has {count} classes")
    return count


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
