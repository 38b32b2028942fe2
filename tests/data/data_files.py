"""Tiny data sets in every layout, written as their makers write them."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
from PIL import Image

from danas_hil.data import Record
from danas_hil.data.tfrecord import masked_crc32c
from danas_hil.signals.image.cache import SplitImages
from danas_hil.signals.image.dataset import open_dataset


def photo(number: int, width: int = 40, height: int = 30) -> np.ndarray:
    """Smooth RGB pixels (h, w, 3), different for each number."""
    rng = np.random.default_rng(number)
    coarse = Image.fromarray(rng.integers(0, 256, (4, 4, 3), np.uint8))
    return np.asarray(coarse.resize((width, height), Image.Resampling.BILINEAR))


def encoded(pixels: np.ndarray, kind: str = "JPEG", **settings: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **settings)
    return buffer.getvalue()


def jpeg(number: int, width: int = 40, height: int = 30) -> bytes:
    return encoded(photo(number, width, height), quality=95)


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _message(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def example(features: dict[str, list[bytes] | list[int]], packed: bool = True) -> bytes:
    """A serialised tf.train.Example."""
    entries = b""
    for name, values in features.items():
        if values and isinstance(values[0], bytes):
            feature = _message(1, b"".join(_message(1, value) for value in values))
        elif packed:
            feature = _message(3, _message(1, b"".join(varint(value) for value in values)))
        else:
            feature = _message(3, b"".join(varint(1 << 3) + varint(value) for value in values))
        entries += _message(1, _message(1, name.encode()) + _message(2, feature))
    return _message(1, entries)


def framed(payload: bytes) -> bytes:
    length = struct.pack("<Q", len(payload))
    crcs = (struct.pack("<I", masked_crc32c(part)) for part in (length, payload))
    return length + next(crcs) + payload + next(crcs)


def write_tfds(
    root: Path,
    splits: dict[str, list[list[int]]],
    file_format: str = "tfrecord",
    name: str = "wake_vision",
    label: str = "person",
) -> Path:
    """NAME/1.0.0 with one file for each inner list of labels."""
    folder = root / name / "1.0.0"
    folder.mkdir(parents=True)
    described = []
    for split, shards in splits.items():
        described.append({"name": split, "shardLengths": [str(len(labels)) for labels in shards]})
        for shard, labels in enumerate(shards):
            content = b"".join(
                framed(
                    example(
                        {
                            "image": [jpeg(100 * shard + row)],
                            "filename": [f"{row}.jpg".encode()],
                            label: [value],
                            "depiction": [-1],
                        }
                    )
                )
                for row, value in enumerate(labels)
            )
            file = f"{name}-{split}.{file_format}-{shard:05d}-of-{len(shards):05d}"
            (folder / file).write_bytes(content)
    info = {"name": name, "version": "1.0.0", "splits": described}
    (folder / "dataset_info.json").write_text(json.dumps(info))
    return folder


def write_parquet(
    path: Path,
    labels: Sequence[Any],
    *,
    label_column: str = "person",
    image_column: str = "image",
    as_struct: bool = True,
    images: Sequence[bytes | None] | None = None,
    metadata: dict[str, str] | None = None,
    **columns: Sequence[Any],
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = list(images) if images is not None else [jpeg(row) for row in range(len(labels))]
    pictures = [{"bytes": one, "path": f"{row}.jpg"} for row, one in enumerate(content)]
    table = {
        "filename": [f"{row}.jpg" for row in range(len(labels))],
        image_column: pictures if as_struct else content,
        label_column: list(labels),
        **columns,
    }
    written = pyarrow.table(table).replace_schema_metadata(metadata)
    pyarrow.parquet.write_table(written, path, row_group_size=3)


def write_folders(root: Path, splits: Sequence[str], classes: Sequence[str], each: int = 2) -> Path:
    for split in splits:
        for number, name in enumerate(classes):
            folder = root / split / name
            folder.mkdir(parents=True)
            for image in range(each):
                (folder / f"{image}.jpg").write_bytes(jpeg(10 * number + image))
    return root


@dataclass
class MemorySource:
    """A source from a list; counts how often each split is read."""

    content: dict[str, list[Record]]
    name: str = "memory"
    classes: tuple[str, ...] = ("cat", "dog")
    reads: list[str] = field(default_factory=list)

    @property
    def splits(self) -> tuple[str, ...]:
        return tuple(self.content)

    def fingerprint(self, split: str) -> str:
        return split

    def count(self, split: str) -> int | None:
        return len(self.content[split])

    def records(self, split: str) -> Iterator[Record]:
        self.reads.append(split)
        yield from self.content[split]


def memory_split(
    root: Path,
    images: Sequence[np.ndarray],
    labels: Sequence[int],
    groups: Sequence[str] | None = None,
    size: int = 32,
    split: str = "train",
    classes: tuple[str, ...] = ("cat", "dog"),
) -> SplitImages:
    """Images as a split, by way of a cache in `root`."""
    names = groups or [""] * len(labels)
    rows = enumerate(zip(images, labels, names, strict=True))
    records = [Record(f"memory:{row}", *content) for row, content in rows]
    return open_dataset(MemorySource({split: records}, classes=classes), size, root).split(split)
