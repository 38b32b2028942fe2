"""What networks are shown of a data set, whatever the signal: the seam that training and evaluation
go through.

All that a network sees is uint8 (n, h, w, c), which it takes as x / 127.5 - 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from danas_hil.data import Balance, Source, Unreadable

Batch = tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]
"""Inputs (n, h, w, c) from -1 to 1, and labels (n,)."""


@dataclass(frozen=True)
class LabelledImages:
    """images: uint8 (n, h, w, c), of sound its features; labels: int64 (n,), places in the classes;
    groups: names (n,)."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    groups: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)


def scale(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """uint8 inputs as float32 from -1 to 1: x / 127.5 - 1, Keras' scale for MobileNetV2."""
    scaled = images.astype(np.float32)
    scaled /= 127.5
    scaled -= 1
    return scaled


class Split(Protocol):
    """The records of one split, read and ready to be shown."""

    @property
    def classes(self) -> tuple[str, ...]: ...
    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """Places in `classes` (n,)."""
        ...

    @property
    def balance(self) -> Balance: ...
    @property
    def unreadable(self) -> Unreadable: ...
    def __len__(self) -> int: ...


class EvaluationView(Protocol):
    """A split as one data configuration shows it, the same at every call."""

    def arrays(self, limit: int | None = None, seed: int = 0) -> LabelledImages:
        """All of it, or `limit` examples with the shares of classes and groups kept."""
        ...


class TrainingView(Protocol):
    """Shuffled, augmented batches, each a function of (seed, step, size) alone."""

    def batch(self, step: int, size: int) -> Batch:
        """Batch number `step`, from 0."""
        ...


class Dataset(Protocol):
    """A source as a signal shows it. A split is read when it is first asked for, and not before."""

    @property
    def source(self) -> Source: ...
    @property
    def finest(self) -> int:
        """How fine its records are kept, in the signal's unit."""
        ...

    def split(self, name: str) -> Split:
        """Raises DanasError for a split that is missing or can't be read."""
        ...

    def evaluation_view(self, split: str, data: Any) -> EvaluationView:
        """A split as the data configuration `data` shows it, plain."""
        ...

    def training_view(self, data: Any, seed: int) -> TrainingView:
        """The training split as `data` shows it, shuffled by `seed`."""
        ...

    def representative(self, data: Any, count: int, seed: int) -> npt.NDArray[np.float32]:
        """`count` training examples (or all, if fewer), not augmented, (n, h, w, c) from -1 to 1:
        for the calibration of int8 models."""
        ...

    def warnings(self, name: str) -> Sequence[str]:
        """What is to be said of a split, which is read for it."""
        ...
