"""Small search spaces, batches that their nets can learn from, and a way to shake weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from danas_hil.families.ds_cnn import DsCnnSpace
from danas_hil.families.mobilenet_v2 import MobileNetV2
from danas_hil.signals import DataConfig
from danas_hil.signals.image import ImageConfig
from danas_hil.space import Genome, Space
from danas_hil.supernet import Subnets, Supernet
from features import Features, FeaturesSpace
from strategies import make_space

pytest.importorskip("tensorflow", reason="the extra [search] is not installed")

FAMILY = "mobilenet_v2"
DATA = ImageConfig(32, "rgb")


def small_space(**genes: Any) -> Space:
    """Up to six blocks beside the three that all have, in three widths."""
    small = {
        "resolution": (32, 64),
        "b3": (0, 1, 2),
        "b4": (0, 1),
        "b5": (0, 1),
        "b6": (0, 1),
        "b7": (0, 1),
        "alpha": (0.1, 0.3, 0.5),
    }
    return make_space(**(small | genes))


def shallow_space(**genes: Any) -> Space:
    """Quicker to trace."""
    return small_space(**({"b3": (0, 1), "b5": (0,), "b6": (0,), "b7": (0,)} | genes))


SPACE = small_space()
SHALLOW_SPACE = shallow_space()


def subnets(
    space: Space = SPACE, configs: tuple[DataConfig, ...] = (DATA,), classes: int = 2
) -> Subnets:
    """Those of MobileNetV2."""
    return Subnets(space, FAMILY, configs, classes)


def largest(space: Space, data: DataConfig) -> Genome:
    return Genome(data, space.subnets(FAMILY).largest)


def smallest(space: Space, data: DataConfig) -> Genome:
    return Genome(data, space.subnets(FAMILY).smallest)


def _some(data: DataConfig) -> list[Genome]:
    """The largest, the smallest, and some between; five of six dense heads, residuals or none."""
    return [
        Genome(data, MobileNetV2(*depths, alpha))
        for depths, alpha in [
            ((2, 1, 1, 1, 1), 0.5),
            ((2, 1, 1, 1, 1), 0.1),
            ((2, 1, 1, 0, 0), 0.3),
            ((1, 0, 0, 0, 0), 0.5),
            ((0, 0, 0, 0, 0), 0.1),
        ]
    ]


SUBNETS = _some(DATA)

# -- images that are not square, other families, more classes --------------------------------------

WIDE, GREY = ImageConfig(48, "rgb", 32), ImageConfig(48, "monochrome", 32)
SOUND = Features(49, 10)
WIDE_SPACE = small_space(resolution=("48x32",), colour=("rgb",))
DS_SPACE = make_space(
    ("48x32", 32), None, "ds_cnn", blocks=(1, 2, 4), alpha=(0.125, 0.25, 0.5), stem_height=(5,)
)
SOUND_SPACE = Space(
    FeaturesSpace((25, 49), (10, 20)), (DsCnnSpace(blocks=(2, 3, 5), alpha=(0.0625, 0.25, 0.5)),)
)


def _ds_cnns(data: DataConfig, space: Space, *sizes: tuple[int, float]) -> list[Genome]:
    (ours,) = space.archs
    genes = ({"blocks": blocks, "alpha": alpha} for blocks, alpha in sizes)
    return [Genome(data, ours.from_genes(one, data.shape)) for one in genes]


CASES: list[tuple[Subnets, Genome]] = [
    (of, genome)
    for of, genomes in (
        (subnets(), SUBNETS),
        (subnets(WIDE_SPACE, (WIDE,), 10), _some(WIDE)),
        (
            Subnets(DS_SPACE, "ds_cnn", (WIDE, GREY), 10),
            [
                *_ds_cnns(WIDE, DS_SPACE, (4, 0.5), (1, 0.125), (2, 0.25)),
                *_ds_cnns(GREY, DS_SPACE, (4, 0.25), (1, 0.5)),
            ],
        ),
        (
            Subnets(SOUND_SPACE, "ds_cnn", (SOUND,), 12),
            _ds_cnns(SOUND, SOUND_SPACE, (5, 0.5), (2, 0.0625), (3, 0.25)),
        ),
    )
    for genome in genomes
]
"""Supernets, and subnets of each: the largest, the smallest, and some between."""
CASE_NAMES = [f"{genome}, {of.classes} classes" for of, genome in CASES]


def make_batch(data: DataConfig, step: int, size: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Noise, brighter on the left for class 1 and on the right for class 0."""
    rng = np.random.default_rng(step)
    labels = rng.integers(0, 2, size)
    images = rng.uniform(-1, 1, (size, *data.shape)).astype(np.float32)
    ramp = np.linspace(0.5, -0.5, data.shape[1], dtype=np.float32)[None, None, :, None]
    return images * 0.5 + (2 * labels[:, None, None, None] - 1).astype(np.float32) * ramp, labels


def make_stripes(
    data: DataConfig, step: int, size: int
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Noise for class 0, with stripes across for 1, upright ones for 2, and squares for 3."""
    rng = np.random.default_rng(step)
    labels = rng.integers(0, 4, size)
    height, width, _ = data.shape
    across = np.sign(np.sin(np.arange(height) * np.pi / 2 + 0.1))[:, None]
    upright = np.sign(np.sin(np.arange(width) * np.pi / 2 + 0.1))[None, :]
    flat = np.ones((height, width))
    shown = np.stack([0 * flat, across * flat, upright * flat, across * upright])
    images = 0.5 * rng.uniform(-1, 1, (size, *data.shape)) + 0.5 * shown[labels][..., None]
    return images.astype(np.float32), labels


def shaken_supernet(of: Subnets | None = None) -> Supernet:
    """Untrained, but with no weight at its initial one, zero or nearly zero."""
    supernet = Supernet(of or subnets())
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 0.1, supernet.weights.size).astype(np.float32)
    supernet.weights = supernet.weights + noise
    return supernet
