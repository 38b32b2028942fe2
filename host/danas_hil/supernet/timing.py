"""How long a training step takes on this computer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from danas_hil.signals import DataConfig


def noise(
    data: DataConfig, classes: int, count: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """A batch of `count` that shows nothing: images (count, h, w, c) in [-1, 1], and labels."""
    rng = np.random.default_rng(0)
    images = rng.uniform(-1, 1, (count, *data.shape)).astype(np.float32)
    return images, rng.integers(0, classes, count)


def mean_seconds(step: Callable[[int], Any], steps: int) -> float:
    """Of `steps` calls of `step` (with 1, 2, ...), after one (with 0) that traces."""
    step(0)
    begin = time.perf_counter()
    for number in range(1, steps + 1):
        step(number)
    return (time.perf_counter() - begin) / steps
