"""The data genes of images: resolution and colour."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import log2
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from danas_hil.base import DanasError
from danas_hil.base.genes import distinct, drawn, either, read_values, steps

if TYPE_CHECKING:  # the estimate of a file needs no numpy, and is to be quick
    import numpy as np

NAME = "image"

Colour = Literal["monochrome", "rgb"]
Resolution = int | str
"""The side of a square image in pixels, or WIDTHxHEIGHT, as cameras are named: `96x64`."""

FEWEST_PIXELS = 16
MOST_PIXELS = 4096
"""Of the side of an image; the largest boards have RAM for a tenth of that."""

OPTIONS = {"resolutions": "resolution", "colours": "colour"}
"""Genes by what options of commands and keys of experiments call their values."""

_HINT = (
    "A search space is a TOML file such as: resolution = [32, 64, '96x64'], colour = ['rgb']."
    " Genes left out keep all their values."
)
_SIDES = re.compile(r"([1-9]\d*)x([1-9]\d*)")


def read_resolution(value: Resolution) -> tuple[int, int]:
    """(width, height) in pixels of `32` or `96x64`. Raises DanasError for anything else."""
    text = str(value).strip().lower()
    match = _SIDES.fullmatch(text)
    if match:
        return int(match[1]), int(match[2])
    if text.isascii() and text.isdigit():
        return int(text), int(text)
    raise DanasError(f"{value!r} is no resolution.", "Write a side in pixels, or 96x64.")


@dataclass(frozen=True, order=True)
class ImageConfig:
    """One way to look at the images.

    width, height: in pixels; a height of 0 stands for the width: a square image.
    colour: monochrome (1 channel, luma) or rgb (3 channels).
    """

    width: int
    colour: Colour
    height: int = 0

    signal: ClassVar[str] = NAME

    def __post_init__(self) -> None:
        if self.colour not in get_args(Colour):
            raise DanasError(
                f"There is no colour {self.colour!r}.", f"Colours: {', '.join(get_args(Colour))}."
            )
        if self.height == 0:
            object.__setattr__(self, "height", self.width)
        for side in (self.width, self.height):
            if side < FEWEST_PIXELS:
                raise DanasError(
                    f"A resolution of {self.resolution} is too small.",
                    f"Use {FEWEST_PIXELS} pixels or more: fewer show nothing.",
                )
            if side > MOST_PIXELS:
                raise DanasError(
                    f"A resolution of {self.resolution} is too large.",
                    f"Use {MOST_PIXELS} or less: no microcontroller holds a larger image.",
                )

    @property
    def resolution(self) -> Resolution:
        """The gene: the side of a square image, else WIDTHxHEIGHT."""
        return self.width if self.width == self.height else f"{self.width}x{self.height}"

    @property
    def aspect(self) -> float:
        """Width to height."""
        return self.width / self.height

    @property
    def channels(self) -> int:
        return 1 if self.colour == "monochrome" else 3

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of one image."""
        return (self.height, self.width, self.channels)

    @property
    def kind(self) -> str:
        return self.colour

    @property
    def name(self) -> str:
        """Short and fit for a file name: `64-rgb`, `96x64-rgb`."""
        return f"{self.resolution}-{self.colour}"

    @property
    def short(self) -> str:
        """For a column of a table: `64-mono`."""
        return self.name.replace("monochrome", "mono")

    @property
    def features(self) -> tuple[float, ...]:
        return (log2(self.width * self.height) / 2, self.channels)

    def to_json(self) -> dict[str, Any]:
        return {"resolution": self.resolution, "colour": self.colour}


def _area(resolution: Resolution) -> tuple[int, int]:
    width, height = read_resolution(resolution)
    return width * height, width


@dataclass(frozen=True)
class ImageSpace:
    """Values that each gene may take, ascending; the defaults are those of arXiv 2502.12690.

    resolution: by area. With one resolution and one colour a search is hardware-aware only.
    """

    resolution: tuple[Resolution, ...] = (32, 64, 96, 128, 160, 192, 224)
    colour: tuple[Colour, ...] = get_args(Colour)

    signal: ClassVar[str] = NAME

    def __post_init__(self) -> None:
        sides = [read_resolution(value) for value in self.resolution]
        plain = [ImageConfig(width, "rgb", height).resolution for width, height in sides]
        object.__setattr__(self, "resolution", distinct("resolution", plain, _HINT, _area))
        object.__setattr__(self, "colour", distinct("colour", self.colour, _HINT))
        _ = self.configs  # raises for a value out of range

    @property
    def genes(self) -> dict[str, tuple[Any, ...]]:
        return {"resolution": self.resolution, "colour": self.colour}

    @property
    def configs(self) -> tuple[ImageConfig, ...]:
        return tuple(_config(*pair) for pair in itertools.product(self.resolution, self.colour))

    @property
    def finest(self) -> int:
        """Pixels of the short side that images are kept in."""
        return max(max(config.width, config.height) for config in self.configs)

    def sample(self, rng: np.random.Generator) -> ImageConfig:
        return _config(drawn(rng, self.resolution), drawn(rng, self.colour))

    def from_genes(self, genes: Mapping[str, Any]) -> ImageConfig:
        return _config(genes["resolution"], genes["colour"])

    def neighbours(self, data: ImageConfig) -> list[ImageConfig]:
        """The resolution one step up or down, or another colour."""
        near = steps(self.resolution, data.resolution, _area)
        return [_config(r, data.colour) for r in near] + [
            _config(data.resolution, c) for c in self.colour if c != data.colour
        ]

    def crossover(
        self, one: ImageConfig, other: ImageConfig, rng: np.random.Generator
    ) -> ImageConfig:
        return _config(
            either(rng, one.resolution, other.resolution), either(rng, one.colour, other.colour)
        )

    def to_json(self) -> dict[str, Any]:
        return {"resolution": list(self.resolution), "colour": list(self.colour)}


def _config(resolution: Resolution, colour: Colour) -> ImageConfig:
    width, height = read_resolution(resolution)
    return ImageConfig(width, colour, height)


def config_from_json(genes: Mapping[str, Any]) -> ImageConfig:
    """The inverse of `ImageConfig.to_json`; other keys are ignored.

    Raises DanasError for bad values, KeyError where one is missing, TypeError for one of another
    kind.
    """
    resolution, colour = genes["resolution"], genes["colour"]
    if not isinstance(resolution, int | str) or isinstance(resolution, bool):
        raise TypeError(f"a resolution is {resolution!r}")
    return _config(resolution, colour)


def space_from_json(genes: Mapping[str, Any]) -> ImageSpace:
    """The space with these lists of values. Raises DanasError for others."""
    return ImageSpace(**read_values(genes, {"resolution": (int, str), "colour": str}, _HINT))
