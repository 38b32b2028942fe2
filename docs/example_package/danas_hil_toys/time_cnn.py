"""A family of networks: convolutions over time, elastic in depth and width.

A family answers: which networks are there (`TimeCnn`, `TimeCnnSpace`)? What is each made of
(`TimeCnn.layers`)? Everything else - network, estimate of memory, training, conversion - follows
from the layer table. An elastic family also says how its networks share weights
(`TimeCnnSpace.skeleton`); one with `elastic = False` needs no more than `Architecture` and
`ArchSpace`, and each of its networks is trained from scratch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from math import log2
from typing import Any, ClassVar

import numpy as np

from danas_hil.base import DanasError
from danas_hil.base.genes import distinct, drawn, either, missing_values, read_values, steps
from danas_hil.families import Block, Layer, Shape, Skeleton, TableBuilder

NAME = "time_cnn"

CHANNELS = 24
"""At full width, of every convolution."""
KERNEL = (5, 1)
"""Five moments of time (height), one of anything else (width)."""

_HINT = 'A space of these is a TOML file such as: family = "time_cnn", blocks = [1, 2].'


@dataclass(frozen=True, order=True)
class TimeCnn:
    """A stem that halves the time, then `blocks` convolutions. alpha: factor on the channels."""

    blocks: int
    alpha: float

    family: ClassVar[str] = NAME

    def __post_init__(self) -> None:
        if not 1 <= self.blocks <= 4 or not 0 < self.alpha <= 1:
            raise DanasError(f"{self} is out of range: blocks 1 to 4, alpha up to 1.", _HINT)

    def __str__(self) -> str:
        return f"time_cnn blocks {self.blocks} alpha {self.alpha:g}"

    @property
    def short(self) -> str:
        return f"t{self.blocks} a{self.alpha:g}"

    @property
    def features(self) -> tuple[float, ...]:
        return (self.blocks, log2(self.alpha))

    def problem(self, shape: Shape) -> str:
        """Why there is no such network for inputs of `shape`."""
        return "" if shape[0] >= KERNEL[0] else f"{shape[0]} moments are too few"

    def layers(self, shape: Shape, classes: int) -> tuple[Layer, ...]:
        """The layer table. The same name is the same weights in every subnet."""
        builder = TableBuilder(shape, self.alpha)
        builder.conv("stem", CHANNELS, KERNEL, (2, 1), activation="relu6")
        for block in range(self.blocks):
            builder.conv(f"block{block + 1}", CHANNELS, KERNEL, activation="relu6")
        builder.pooled()
        return builder.classified(classes)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    # -- of a subnet -------------------------------------------------------------------------------

    @property
    def depths(self) -> tuple[int, ...]:
        """Blocks at each gate of the skeleton: there is one gate."""
        return (self.blocks,)

    @property
    def head(self) -> int:
        """Each depth has a dense head of its own."""
        return self.blocks - 1

    def width(self, channels: int) -> float:  # noqa: ARG002  # the same whatever it sees
        return self.alpha


@dataclass(frozen=True)
class TimeCnnSpace:
    """The values that each gene may take. Every network will do for every shape that one does, so
    that nothing need be repaired."""

    blocks: tuple[int, ...] = (1, 2, 3)
    alpha: tuple[float, ...] = (0.25, 0.5, 1.0)

    family: ClassVar[str] = NAME

    def __post_init__(self) -> None:
        for gene, values in self.genes.items():
            object.__setattr__(self, gene, distinct(gene, values, _HINT))
        _ = self.smallest, self.largest  # both raise for a value out of range

    @property
    def genes(self) -> dict[str, tuple[Any, ...]]:
        return {"blocks": self.blocks, "alpha": self.alpha}

    def to_json(self) -> dict[str, Any]:
        return {gene: list(values) for gene, values in self.genes.items()}

    def size(self, shape: Shape) -> int:
        return len(self.all(shape))

    def all(self, shape: Shape) -> list[TimeCnn]:
        every = [TimeCnn(blocks, alpha) for blocks in self.blocks for alpha in self.alpha]
        return [arch for arch in every if not arch.problem(shape)]

    def contains(self, arch: TimeCnn, shape: Shape) -> bool:
        return arch in self.all(shape)

    def leanest(self, shape: Shape) -> tuple[TimeCnn, ...]:
        if problem := self.smallest.problem(shape):
            raise DanasError(f"There is no network of {NAME}: {problem}.", "Use a longer window.")
        return (self.smallest,)

    def sample(self, rng: np.random.Generator, shape: Shape) -> TimeCnn:  # noqa: ARG002
        return TimeCnn(drawn(rng, self.blocks), drawn(rng, self.alpha))

    def from_genes(self, genes: Mapping[str, Any], shape: Shape) -> TimeCnn:  # noqa: ARG002
        return TimeCnn(genes["blocks"], genes["alpha"])

    def repaired(self, arch: TimeCnn, shape: Shape) -> TimeCnn:  # noqa: ARG002
        return arch

    def neighbours(self, arch: TimeCnn, shape: Shape) -> list[tuple[float, list[TimeCnn]]]:  # noqa: ARG002
        """Groups with their chances: 0.6 in all, since the data have 0.4."""
        deeper = [replace(arch, blocks=blocks) for blocks in steps(self.blocks, arch.blocks)]
        wider = [replace(arch, alpha=alpha) for alpha in steps(self.alpha, arch.alpha)]
        return [(0.3, deeper), (0.3, wider)]

    def crossover(
        self,
        one: TimeCnn,
        other: TimeCnn,
        rng: np.random.Generator,
        shape: Shape,  # noqa: ARG002
    ) -> TimeCnn:
        return TimeCnn(either(rng, one.blocks, other.blocks), either(rng, one.alpha, other.alpha))

    # -- of subnets --------------------------------------------------------------------------------

    @property
    def largest(self) -> TimeCnn:
        return TimeCnn(self.blocks[-1], self.alpha[-1])

    @property
    def smallest(self) -> TimeCnn:
        return TimeCnn(self.blocks[0], self.alpha[0])

    @property
    def extremes(self) -> tuple[TimeCnn, ...]:
        """Those that can be the largest that fits somewhere."""
        return tuple(TimeCnn(blocks, alpha) for blocks in self.blocks for alpha in self.alpha)

    @property
    def skeleton(self) -> Skeleton:
        """A subnet of depth 2 has the blocks with index 0 and 1; gate 0 is its `depths[0]`."""
        blocks = tuple(
            Block((f"block{block + 1}",), gate=0, index=block)
            for block in range(self.largest.blocks)
        )
        return Skeleton("stem", (blocks,), heads=(CHANNELS,) * len(blocks))

    def lacks(self, other: TimeCnnSpace) -> str:
        return missing_values(self.to_json(), other.to_json())


@dataclass(frozen=True)
class TimeCnnFamily:
    """What the entry point names is an object of this, `time_cnn` below."""

    name: str = NAME
    title: str = "Convolutions over time"
    elastic: bool = True
    normalised: bool = True  # batch normalization after every convolution

    def space(self, genes: Mapping[str, Any]) -> TimeCnnSpace:
        return TimeCnnSpace(**read_values(genes, {"blocks": int, "alpha": float}, _HINT))

    def architecture(self, genes: Mapping[str, Any]) -> TimeCnn:
        return TimeCnn(int(genes["blocks"]), float(genes["alpha"]))


time_cnn = TimeCnnFamily()
