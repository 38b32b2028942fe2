"""Decoded images in a memory-mapped file: a JPEG is decoded once, not once an epoch.

A cache is a folder, one for each source, split and size: `pixels.bin` (uint8, image after image,
rows of RGB), `index.npz` (shapes, labels, groups) and `meta.json`. It is made under a temporary
name and renamed, under a lock, so that it is there whole or not at all.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import warnings
import zipfile
from array import array
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from danas_hil.base import DanasError, held, read_json, write_json
from danas_hil.data.balance import Balance, OnProgress, OnWaiting, Unreadable
from danas_hil.data.records import Record, Source, require_split
from danas_hil.signals.image.decode import decode_image
from danas_hil.signals.order import balance_of
from danas_hil.tasks import UNKNOWN

_FORMAT = 3  # count up when what is in a cache changes
_PROGRESS_EVERY = 100
_TOLD = 10
_PIXELS, _INDEX, _META = "pixels.bin", "index.npz", "meta.json"


@dataclass(frozen=True)
class SplitImages:
    """The decoded images of one split, in memory only as far as they are looked at.

    size: short side in pixels that larger images were reduced to.
    classes: their names. labels: int64 (n,), places in `classes`. group_ids: int32 (n,), places in
    `group_names`.
    """

    name: str
    size: int
    classes: tuple[str, ...]
    labels: npt.NDArray[np.int64]
    group_ids: npt.NDArray[np.int32]
    group_names: tuple[str, ...]
    dropped: int
    unreadable: Unreadable
    _pixels: npt.NDArray[np.uint8] = field(repr=False)
    _shapes: npt.NDArray[np.int32] = field(repr=False)
    _starts: npt.NDArray[np.int64] = field(repr=False)

    def __len__(self) -> int:
        return len(self.labels)

    def image(self, place: int) -> npt.NDArray[np.uint8]:
        """RGB pixels (h, w, 3) of image `place`, read only."""
        height, width = self._shapes[place]
        start = self._starts[place]
        return self._pixels[start : start + height * width * 3].reshape(height, width, 3)

    @property
    def balance(self) -> Balance:
        return balance_of(self)


def open_split(
    source: Source,
    split: str,
    size: int,
    root: Path,
    on_progress: OnProgress | None = None,
    on_waiting: OnWaiting = lambda _: None,
) -> SplitImages:
    """The images of `split`, decoded to a short side of `size` pixels in a cache below `root`.

    The first call decodes, in bounded memory; later ones, of any process, map the file. While one
    process decodes, others wait for it, and say for what to `on_waiting`. Images that can't be read
    are left out, and counted. Raises DanasError for a split that is missing, of which more than
    half can't be read, or without one of the classes, and for a label of no class.
    """
    require_split(source, split)
    text = f"{_FORMAT}\n{size}\n{split}\n{source.fingerprint(split)}\n{source.classes}"
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    slug = re.sub(r"[^a-zA-Z0-9]+", "-", source.name).strip("-")[:60]
    folder = root / f"{slug}-{split}-{size}-{digest}"
    root.mkdir(parents=True, exist_ok=True)
    if (found := _load(folder, split, size, source.classes)) is not None:
        return found
    told = f"the images of {split}, which another process decodes"
    with held(root / f".{folder.name}.lock", None, lambda: on_waiting(told)):
        if (found := _load(folder, split, size, source.classes)) is None:
            _build(source, split, size, folder, on_progress)
            found = _load(folder, split, size, source.classes)
    if found is None:
        raise DanasError(f"The image cache {folder} can't be read back.", "Is the disk sound?")
    return found


def _load(folder: Path, split: str, size: int, classes: tuple[str, ...]) -> SplitImages | None:
    """The cache in `folder`; None where there is none or a damaged one."""
    try:
        meta = read_json(folder / _META)
        with np.load(folder / _INDEX) as index:
            shapes, labels, group_ids = index["shapes"], index["labels"], index["groups"]
        sizes = shapes.astype(np.int64).prod(axis=1) * 3
        pixels = np.memmap(folder / _PIXELS, np.uint8, mode="r")
        names, dropped = tuple(meta["groups"]), int(meta["dropped"])
        unreadable = Unreadable(int(meta["unreadable"]), tuple(map(str, meta["first_unreadable"])))
    except (DanasError, OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile):
        return None
    counts = {len(shapes), len(labels), len(group_ids), meta.get("images")}
    if len(counts) != 1 or sizes.sum() != pixels.size:
        return None
    return SplitImages(
        name=split,
        size=size,
        classes=classes,
        labels=labels.astype(np.int64),
        group_ids=group_ids,
        group_names=names,
        dropped=dropped,
        unreadable=unreadable,
        _pixels=np.asarray(pixels),
        _shapes=shapes,
        _starts=np.concatenate([[0], np.cumsum(sizes)[:-1]]),
    )


def _build(
    source: Source, split: str, size: int, folder: Path, on_progress: OnProgress | None
) -> None:
    """Make the cache. The lock is held: a half-made or damaged folder is nobody's."""
    part = folder.with_name(f".part-{folder.name}")
    for useless in (part, folder):
        if useless.exists():
            shutil.rmtree(useless)
    part.mkdir()
    try:
        with warnings.catch_warnings():
            # Pillow warns of odd EXIF, odd palettes and very large photos, and copes with them.
            warnings.filterwarnings("ignore", module=r"PIL\.")
            _write(source, split, size, part, on_progress)
        part.rename(folder)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise DanasError(
            f"There is no room in {folder.parent} for the decoded images of {source.name}.",
            "Make room, set DANAS_HIL_HOME to a larger disk, or search smaller resolutions.",
        ) from error
    finally:
        if part.exists():
            shutil.rmtree(part)


def _write(
    source: Source, split: str, size: int, part: Path, on_progress: OnProgress | None
) -> None:
    total = source.count(split)
    shapes, labels, group_ids = array("i"), array("h"), array("i")
    groups: dict[str, int] = {}
    seen = dropped = bad = 0
    first_bad: list[str] = []

    def known(records: Iterator[Record]) -> Iterator[Record]:
        nonlocal seen, dropped
        for record in records:
            seen += 1
            if on_progress is not None and seen % _PROGRESS_EVERY == 0:
                on_progress(split, seen, total)
            if record.label == UNKNOWN:
                dropped += 1
                continue
            if not 0 <= record.label < len(source.classes):
                raise DanasError(
                    f"{record.key} has the label {record.label}; there are"
                    f" {len(source.classes)} classes, counted from 0.",
                    "This is an error of its reader.",
                )
            yield record

    with (part / _PIXELS).open("wb") as file:
        for record, pixels in _decoded(known(source.records(split)), size):
            if isinstance(pixels, DanasError):
                bad += 1
                if bad <= _TOLD:
                    first_bad.append(pixels.what)
                continue
            file.write(pixels.tobytes())
            shapes.extend(pixels.shape[:2])
            labels.append(record.label)
            group_ids.append(groups.setdefault(record.group, len(groups)))
        _sync(file)
    unreadable = Unreadable(bad, tuple(first_bad))
    if bad > len(labels):
        raise DanasError(
            f"{bad:,} of the {bad + len(labels):,} images in the {split} split of {source.name}"
            f" can't be read. {unreadable}",
            "Is this the right folder, and was it copied whole? Mend or remove them.",
        )
    _check_classes(source, split, labels, dropped)
    with (part / _INDEX).open("wb") as file:
        np.savez(
            file,
            shapes=np.array(shapes, np.int32).reshape(-1, 2),
            labels=np.array(labels, np.int16),
            groups=np.array(group_ids, np.int32),
        )
        _sync(file)
    meta = {"images": len(labels), "dropped": dropped, "groups": list(groups)}
    write_json(part / _META, {**meta, "unreadable": bad, "first_unreadable": first_bad})
    if on_progress is not None:
        on_progress(split, seen, seen)


def _check_classes(source: Source, split: str, labels: Sequence[int], dropped: int) -> None:
    there = set(labels)
    lacking = [name for label, name in enumerate(source.classes) if label not in there]
    if not lacking:
        return
    told = ", ".join(lacking[:_TOLD]) + (" and others" if len(lacking) > _TOLD else "")
    raise DanasError(
        f"The {split} split of {source.name} has no image of class {told} ({len(labels):,} images"
        f" of {len(there)} classes, {dropped:,} dropped as of no class).",
        "Every split needs images of every class. Add some; or leave a class out, or join it to"
        " another, by --classes FILE.json. Where validation and test are drawn from train, a class"
        " needs 3 images or more.",
    )


def _decoded(
    records: Iterator[Record], size: int
) -> Iterator[tuple[Record, npt.NDArray[np.uint8] | DanasError]]:
    """Records in their order with their pixels, a few decoded ahead on all cores; or why not."""
    workers = min(8, os.cpu_count() or 1)
    window: deque[tuple[Record, Future[npt.NDArray[np.uint8]]]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="decode") as pool:
        for record in records:
            window.append((record, pool.submit(decode_image, record.content, record.key, size)))
            if len(window) >= 4 * workers:
                done, pixels = window.popleft()
                yield done, _result(pixels)
        for done, pixels in window:
            yield done, _result(pixels)


def _result(pixels: Future[npt.NDArray[np.uint8]]) -> npt.NDArray[np.uint8] | DanasError:
    try:
        return pixels.result()
    except DanasError as error:
        return error


def _sync(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())
