"""A small search space, a batch maker that its nets can learn from, and a way to shake weights."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from danas_hil.families.mobilenet_v2 import MobileNetV2
from danas_hil.signals.image import ImageConfig
from danas_hil.space import Genome
from danas_hil.supernet import Supernet
from strategies import make_space

pytest.importorskip("tensorflow", reason="the extra [search] is not installed")

DATA = ImageConfig(32, "rgb")
SPACE = make_space(
    resolution=(32, 64),
    b3=(0, 1, 2),
    b4=(0, 1),
    b5=(0, 1),
    b6=(0, 1),
    b7=(0, 1),
    alpha=(0.1, 0.3, 0.5),
)
SHALLOW_SPACE = replace(SPACE, b3=(0, 1), b4=(0, 1), b5=(0,), b6=(0,), b7=(0,))
"""Quicker to trace."""
SUBNETS = [
    Genome(DATA, MobileNetV2(*depths, alpha))
    for depths, alpha in [
        ((2, 1, 1, 1, 1), 0.5),
        ((2, 1, 1, 1, 1), 0.1),
        ((2, 1, 1, 0, 0), 0.3),
        ((1, 0, 0, 0, 0), 0.5),
        ((0, 0, 0, 0, 0), 0.1),
    ]
]
"""The largest, the smallest, and some between; five of the six dense heads, residuals or none."""


def make_batch(
    data: ImageConfig, step: int, size: int
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Noise, brighter on the left for class 1 and on the right for class 0."""
    rng = np.random.default_rng(step)
    labels = rng.integers(0, 2, size)
    images = rng.uniform(-1, 1, (size, *data.shape)).astype(np.float32)
    ramp = np.linspace(0.5, -0.5, data.resolution, dtype=np.float32)[None, None, :, None]
    return images * 0.5 + (2 * labels[:, None, None, None] - 1).astype(np.float32) * ramp, labels


def shaken_supernet() -> Supernet:
    """Untrained, but with no weight at its initial one, zero or nearly zero."""
    supernet = Supernet(SPACE, (DATA,))
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 0.1, supernet.weights.size).astype(np.float32)
    supernet.weights = supernet.weights + noise
    return supernet
