"""DS-CNN: a stem, then depthwise separable blocks at one size, elastic in depth and width.

Hello Edge (arXiv 1711.07128) found it for keywords, MLPerf Tiny has it as its keyword network: a
stem of 10x4 with stride 2 on 49x10 features, and four blocks of 64 channels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from math import log2
from operator import index
from typing import TYPE_CHECKING, Any, ClassVar

from danas_hil.base import DanasError
from danas_hil.base.genes import distinct, drawn, either, missing_values, read_values, steps
from danas_hil.families.interface import Block, Skeleton
from danas_hil.families.table import Layer, Shape, TableBuilder

if TYPE_CHECKING:  # the estimate of a file needs no numpy, and is to be quick
    import numpy as np

NAME = "ds_cnn"

CHANNELS = 128
"""At full width, of the stem and of every block: twice MLPerf Tiny's."""
MOST_BLOCKS = 8
MOST_STEM = 16
STEM_STRIDE = (2, 2)

_STEM = "stem"
_VARIED = ("blocks", "alpha")
_HINT = (
    'A space of DS-CNNs is a TOML file such as: family = "ds_cnn", blocks = [2, 4],'
    " alpha = [0.25, 0.5]. Genes left out keep all their values."
)


@dataclass(frozen=True, order=True)
class DsCnn:
    """A DS-CNN: `blocks` depthwise separable convolutions after the stem, and its width.

    alpha: factor on all channel counts, greater than 0 and at most 1. stem_height, stem_width: of
    the first kernel; on sound, time by frequency.
    """

    blocks: int
    alpha: float
    stem_height: int = 10
    stem_width: int = 4

    family: ClassVar[str] = NAME

    def __post_init__(self) -> None:
        for gene, most in (
            ("blocks", MOST_BLOCKS),
            ("stem_height", MOST_STEM),
            ("stem_width", MOST_STEM),
        ):
            if not 1 <= getattr(self, gene) <= most:
                raise DanasError(
                    f"{gene} = {getattr(self, gene)} is out of range: it is 1 to {most}."
                )
        if not 0 < self.alpha <= 1:
            raise DanasError(f"alpha = {self.alpha:g} is out of range: over 0 and at most 1.")

    @property
    def depths(self) -> tuple[int, ...]:
        return (self.blocks,)

    @property
    def head(self) -> int:
        """There is one for each depth: what a head learned of other features is of no use to it."""
        return self.blocks - 1

    def width(self, channels: int) -> float:  # noqa: ARG002  # whatever it sees
        return self.alpha

    def __str__(self) -> str:
        return f"ds_cnn blocks {self.blocks} alpha {self.alpha:g}{self._stem}"

    @property
    def short(self) -> str:
        """For a column of a table: `ds4 a0.5`."""
        return f"ds{self.blocks} a{self.alpha:g}{self._stem}"

    @property
    def _stem(self) -> str:
        usual = (self.stem_height, self.stem_width) == (10, 4)
        return "" if usual else f" s{self.stem_height}x{self.stem_width}"

    @property
    def features(self) -> tuple[float, ...]:
        return (self.blocks, self.alpha, log2(self.alpha))

    def problem(self, shape: Shape) -> str:  # noqa: ARG002  # every shape will do
        return ""

    def layers(self, shape: Shape, classes: int) -> tuple[Layer, ...]:
        builder = TableBuilder(shape, self.alpha)
        stem = (self.stem_height, self.stem_width)
        builder.conv(_STEM, CHANNELS, stem, STEM_STRIDE, activation="relu6")
        for block in range(self.blocks):
            depthwise, pointwise = _names(block)
            builder.depthwise(depthwise)
            builder.conv(pointwise, CHANNELS, activation="relu6")
        builder.pooled()
        return builder.classified(classes)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def _names(block: int) -> tuple[str, str]:
    return f"block{block + 1}_depthwise", f"block{block + 1}_pointwise"


@dataclass(frozen=True)
class DsCnnSpace:
    """Values that each gene may take, ascending; a gene with one value is fixed.

    stem_height, stem_width: of all networks, since they share the stem.
    """

    blocks: tuple[int, ...] = (1, 2, 3, 4, 5, 6)
    alpha: tuple[float, ...] = (0.0625, 0.125, 0.1875, 0.25, 0.375, 0.5, 0.75, 1.0)
    stem_height: tuple[int, ...] = (10,)
    stem_width: tuple[int, ...] = (4,)

    family: ClassVar[str] = NAME

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(
                self, field.name, distinct(field.name, getattr(self, field.name), _HINT)
            )
        for gene in ("stem_height", "stem_width"):
            if len(getattr(self, gene)) != 1:
                raise DanasError(f"{gene} is one number, not a gene.", _HINT)
        for arch in (self.smallest, self.largest):  # both raise for a value out of range
            assert not arch.problem((1, 1, 1))

    def to_json(self) -> dict[str, Any]:
        return {field.name: list(getattr(self, field.name)) for field in fields(self)}

    @property
    def genes(self) -> dict[str, tuple[Any, ...]]:
        return {gene: getattr(self, gene) for gene in _VARIED}

    # -- what is in it -------------------------------------------------------------------------

    def size(self, shape: Shape) -> int:  # noqa: ARG002
        return len(self.blocks) * len(self.alpha)

    def all(self, shape: Shape) -> list[DsCnn]:  # noqa: ARG002
        return [self._subnet(blocks, alpha) for blocks in self.blocks for alpha in self.alpha]

    def contains(self, arch: DsCnn, shape: Shape) -> bool:  # noqa: ARG002
        return all(value in getattr(self, gene) for gene, value in arch.to_json().items())

    @property
    def largest(self) -> DsCnn:
        return self._subnet(self.blocks[-1], self.alpha[-1])

    @property
    def smallest(self) -> DsCnn:
        return self._subnet(self.blocks[0], self.alpha[0])

    def leanest(self, shape: Shape) -> tuple[DsCnn, ...]:  # noqa: ARG002
        return (self.smallest,)

    @property
    def extremes(self) -> tuple[DsCnn, ...]:
        return tuple(
            self._subnet(blocks, alpha) for blocks in reversed(self.blocks) for alpha in self.alpha
        )

    @property
    def skeleton(self) -> Skeleton:
        blocks = tuple(
            Block(_names(block), gate=0, index=block) for block in range(self.largest.blocks)
        )
        segments = (blocks[:1], blocks[1:2], blocks[2:])
        heads = (CHANNELS,) * len(blocks)
        return Skeleton(_STEM, tuple(filter(None, segments)), heads)

    def lacks(self, other: DsCnnSpace) -> str:
        return missing_values(self.to_json(), other.to_json())

    # -- moving about in it --------------------------------------------------------------------

    def sample(self, rng: np.random.Generator, shape: Shape) -> DsCnn:  # noqa: ARG002
        return self._subnet(drawn(rng, self.blocks), drawn(rng, self.alpha))

    def from_genes(self, genes: Mapping[str, Any], shape: Shape) -> DsCnn:  # noqa: ARG002
        return self._subnet(genes["blocks"], genes["alpha"])

    def repaired(self, arch: DsCnn, shape: Shape) -> DsCnn:  # noqa: ARG002  # there is nothing to
        return arch

    def neighbours(self, arch: DsCnn, shape: Shape) -> list[tuple[float, list[DsCnn]]]:  # noqa: ARG002
        """The depth or the width one step up or down."""
        deeper = [replace(arch, blocks=blocks) for blocks in steps(self.blocks, arch.blocks)]
        wider = [replace(arch, alpha=alpha) for alpha in steps(self.alpha, arch.alpha)]
        return [(0.3, deeper), (0.3, wider)]

    def crossover(self, one: DsCnn, other: DsCnn, rng: np.random.Generator, shape: Shape) -> DsCnn:  # noqa: ARG002
        return self._subnet(
            either(rng, one.blocks, other.blocks), either(rng, one.alpha, other.alpha)
        )

    def _subnet(self, blocks: int, alpha: float) -> DsCnn:
        return DsCnn(blocks, alpha, *self.stem_height, *self.stem_width)


@dataclass(frozen=True)
class DsCnnFamily:
    """The family itself."""

    name: str = NAME
    title: str = f"DS-CNN: a stem, then 1 to {MOST_BLOCKS} depthwise separable blocks at one size"
    elastic: bool = True
    normalised: bool = True

    def space(self, genes: Mapping[str, Any]) -> DsCnnSpace:
        kinds: dict[str, type | tuple[type, ...]] = {
            field.name: float if field.name == "alpha" else int for field in fields(DsCnnSpace)
        }
        return DsCnnSpace(**read_values(genes, kinds, _HINT))

    def architecture(self, genes: Mapping[str, Any]) -> DsCnn:
        stem = (index(genes["stem_height"]), index(genes["stem_width"]))
        return DsCnn(index(genes["blocks"]), float(genes["alpha"]), *stem)
