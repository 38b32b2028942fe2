"""Genes: what the data looks like, and what the network looks like."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from operator import index
from typing import Any, Literal, get_args

from danas_hil.base import DanasError
from danas_hil.space.stack import CONV_GENES, LayerStack

Colour = Literal["monochrome", "rgb"]

MONOCHROME_WIDTH = 0.33
"""Factor on the width of networks that see monochrome images, as in the reference implementation
(Ekhao/DataAwareNeuralArchitectureSearch; the paper, arXiv 2502.12690, says "by 1/3")."""

MOST_PIXELS = 4096
"""Of the side of an image; the largest boards have RAM for a tenth of that."""

DEPTH_LIMITS = (3, 4, 3, 3, 1)
"""Blocks in stages 3..7 of MobileNetV2 (arXiv 1801.04381, Table 2)."""


@dataclass(frozen=True, order=True)
class DataConfig:
    """One way to look at the images.

    resolution: side of the square image in pixels.
    colour: monochrome (1 channel, luma) or rgb (3 channels).
    width_factor: factor on all channel counts of the subnets of MobileNetV2 that see this data; by
        default 1 for rgb and 0.33 for monochrome. Other networks go without.
    """

    resolution: int
    colour: Colour
    width_factor: float = 0.0

    def __post_init__(self) -> None:
        if self.colour not in get_args(Colour):
            raise DanasError(
                f"There is no colour {self.colour!r}.", f"Colours: {', '.join(get_args(Colour))}."
            )
        if self.resolution < 16:
            raise DanasError(
                f"A resolution of {self.resolution} is too small.",
                "MobileNetV2 halves the image five times; use 16 or more.",
            )
        if self.resolution > MOST_PIXELS:
            raise DanasError(
                f"A resolution of {self.resolution} is too large.",
                f"Use {MOST_PIXELS} or less: no microcontroller holds a larger image.",
            )
        if self.width_factor == 0.0:
            default = MONOCHROME_WIDTH if self.colour == "monochrome" else 1.0
            object.__setattr__(self, "width_factor", default)
        if not 0 < self.width_factor <= 1:
            raise DanasError(
                f"A width factor of {self.width_factor:g} is out of range.",
                "It is greater than 0 and at most 1.",
            )

    @property
    def channels(self) -> int:
        return 1 if self.colour == "monochrome" else 3

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of one image."""
        return (self.resolution, self.resolution, self.channels)

    @property
    def name(self) -> str:
        """Short and fit for a file name: `64-rgb`; an unusual width factor is told."""
        usual = DataConfig(self.resolution, self.colour).width_factor
        suffix = "" if self.width_factor == usual else f"-w{self.width_factor:g}"
        return f"{self.resolution}-{self.colour}{suffix}"

    @property
    def short(self) -> str:
        """For a column of a table: `64-mono`."""
        return self.name.replace("monochrome", "mono")


@dataclass(frozen=True, order=True)
class ArchConfig:
    """A subnet of MobileNetV2: blocks kept in stages 3..7, and width.

    A stage may be empty only if all later ones are: the head then follows the last stage left.
    alpha: factor on all channel counts, greater than 0 and at most 1.
    """

    b3: int
    b4: int
    b5: int
    b6: int
    b7: int
    alpha: float

    def __post_init__(self) -> None:
        for stage, (blocks, limit) in enumerate(zip(self.depths, DEPTH_LIMITS, strict=True), 3):
            if not 0 <= blocks <= limit:
                raise DanasError(f"b{stage} = {blocks} is out of range: it is 0 to {limit}.")
        if not 0 < self.alpha <= 1:
            raise DanasError(f"alpha = {self.alpha:g} is out of range: over 0 and at most 1.")

    @property
    def depths(self) -> tuple[int, int, int, int, int]:
        return (self.b3, self.b4, self.b5, self.b6, self.b7)

    def __str__(self) -> str:
        return f"depth {''.join(map(str, self.depths))} alpha {self.alpha:g}"

    @property
    def short(self) -> str:
        """For a column of a table: `d21000 a0.5`."""
        return f"d{''.join(map(str, self.depths))} a{self.alpha:g}"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def feasible(self) -> bool:
        """No block stands behind an empty stage."""
        return all(
            not later or earlier
            for earlier, later in zip(self.depths, self.depths[1:], strict=False)
        )


Architecture = ArchConfig | LayerStack
"""The genes of a network, by the family that it comes from."""


@dataclass(frozen=True, order=True)
class Genome:
    """A candidate system: the data it sees and the network that sees it."""

    data: DataConfig
    arch: Architecture

    @property
    def feasible(self) -> bool:
        """Whether there is such a network.

        In a subnet no block stands behind an empty stage; a stack leaves a pixel of the image.
        """
        if isinstance(self.arch, LayerStack):
            return self.arch.shrinkage < self.data.resolution
        return self.arch.feasible

    def check_feasible(self) -> None:
        """Raise DanasError, saying why, for a genome that is not feasible."""
        if self.feasible:
            return
        if isinstance(self.arch, LayerStack):
            raise DanasError(
                f"The genome {self} takes {self.arch.shrinkage} pixels off an image of"
                f" {self.data.resolution}."
            )
        raise DanasError(f"The genome {self} has a block behind an empty stage.")

    @property
    def subnet(self) -> ArchConfig:
        """The network as a subnet of MobileNetV2. Raises DanasError if it is none."""
        if not isinstance(self.arch, ArchConfig):
            raise DanasError(f"The genome {self} is no subnet of MobileNetV2.")
        return self.arch

    @property
    def id(self) -> str:
        """Eight hexadecimal digits that depend on the genes alone, on any machine."""
        text = json.dumps(self.to_json(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    def __str__(self) -> str:
        return f"{self.data.name} {self.arch}"

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self.data), **self.arch.to_json()}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Genome:
        """The inverse of `to_json`. Raises DanasError for missing genes and bad values."""
        try:
            data = DataConfig(
                index(value["resolution"]), value["colour"], float(value["width_factor"])
            )
            arch: Architecture
            if CONV_GENES[0] in value:
                arch = LayerStack.from_genes([value[gene] for gene in CONV_GENES])
            else:
                b3, b4, b5, b6, b7 = (index(value[f"b{stage}"]) for stage in range(3, 8))
                arch = ArchConfig(b3, b4, b5, b6, b7, float(value["alpha"]))
        except (KeyError, OverflowError, TypeError, ValueError) as error:
            raise DanasError(f"This is not a genome ({error!r}): {str(value)[:200]}.") from error
        genome = Genome(data, arch)
        genome.check_feasible()
        return genome
