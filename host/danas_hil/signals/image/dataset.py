"""The front door: a data set whose splits are decoded when they are asked for, and not before."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from danas_hil.base import user_folder
from danas_hil.data.balance import OnProgress, OnWaiting
from danas_hil.data.records import PassesOver, Source
from danas_hil.signals.image.cache import SplitImages, open_split
from danas_hil.signals.image.files import HEIF_SUFFIXES
from danas_hil.signals.image.views import EvaluationView, TrainingView, representative_images


class Dataset:
    """A source at one size. A search asks for train and validation; test comes when it is over."""

    def __init__(
        self,
        source: Source,
        finest: int,
        cache_root: Path,
        on_progress: OnProgress | None,
        on_waiting: OnWaiting,
    ) -> None:
        self.source = source
        self.finest = finest
        self._cache_root = cache_root
        self._on_progress = on_progress
        self._on_waiting = on_waiting
        self._open: dict[str, SplitImages] = {}

    def split(self, name: str) -> SplitImages:
        """The images of train, validation or test; decoded at the first call ever.

        No other split is read. Raises DanasError as `open_split` does.
        """
        if name not in self._open:
            self._open[name] = open_split(
                self.source,
                name,
                self.finest,
                self._cache_root,
                self._on_progress,
                self._on_waiting,
            )
        return self._open[name]

    def evaluation_view(self, split: str, data: Any) -> EvaluationView:
        """The images of a split as `data` shows them, plain."""
        return EvaluationView(self.split(split), data)

    def training_view(self, data: Any, seed: int) -> TrainingView:
        """The training images as `data` shows them, shuffled by `seed` and augmented."""
        return TrainingView(self.split("train"), data, seed)

    def representative(self, data: Any, count: int, seed: int) -> npt.NDArray[np.float32]:
        """`count` training images (or all, if fewer) as `data` shows them, for the calibration of
        int8 models: float32 (n, h, w, c)."""
        return representative_images(self.split("train"), data, count, seed)

    def warnings(self, name: str) -> list[str]:
        """What is to be said of a split, which is opened for it: what was left out, what is odd."""
        found = self.split(name)
        told = []
        if count := found.unreadable.count:
            images, are = ("image", "is") if count == 1 else ("images", "are")
            told.append(
                f"{name}: {count:,} {images} can't be read and {are} left out. {found.unreadable}"
            )
        if isinstance(self.source, PassesOver) and (others := self.source.passed_over(name)):
            told.append(f"{name}: passed over {_listed(others)}.")
        if found.balance.warning:
            told.append(f"{name}: {found.balance.warning}")
        return told


_KINDS_TOLD = 8


def _listed(others: Mapping[tuple[str, str], int]) -> str:
    """`3 .heic in train/1, 1 subfolder in train/0`, the most first."""
    ordered = sorted(others.items(), key=lambda item: (-item[1], item[0]))
    told = [f"{count:,} {kind} in {place}" for (place, kind), count in ordered[:_KINDS_TOLD]]
    rest = sum(count for _, count in ordered[_KINDS_TOLD:])
    if any(kind in HEIF_SUFFIXES for (_, kind) in others):
        told[-1] += " (pip install 'danas-hil[heic]' reads HEIC)"
    return ", ".join([*told, *([f"{rest:,} more"] if rest else [])])


def open_dataset(
    source: Source,
    resolution: int,
    cache_root: Path | None = None,
    on_progress: OnProgress | None = None,
    on_waiting: OnWaiting = lambda _: None,
) -> Dataset:
    """The data set of `source` for views of up to `resolution` pixels. Reads nothing yet.

    cache_root: where decoded images are kept; by default a folder of the user. They take about
        4 * resolution**2 bytes each, or less where the photos are smaller than that.
    on_progress, on_waiting: hear of images that are decoded, and of another process that does so.
    """
    return Dataset(source, resolution, cache_root or user_folder("data"), on_progress, on_waiting)
