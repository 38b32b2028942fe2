"""MobileNetV2 (arXiv 1801.04381), elastic in depth and width."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from math import log2
from operator import index
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from danas_hil.base import DanasError
from danas_hil.base.genes import distinct, drawn, either, missing_values, read_values, steps
from danas_hil.families.interface import Block, Skeleton
from danas_hil.families.table import Layer, Shape, TableBuilder

if TYPE_CHECKING:  # the estimate of a file needs no numpy, and is to be quick
    import numpy as np

NAME = "mobilenet_v2"


class Stage(NamedTuple):
    """A row of MobileNetV2's Table 2 (arXiv 1801.04381)."""

    expansion: int
    channels: int
    blocks: int
    stride: int


STAGES = (
    Stage(1, 16, 1, 1),
    Stage(6, 24, 2, 2),
    Stage(6, 32, 3, 2),
    Stage(6, 64, 4, 2),
    Stage(6, 96, 3, 1),
    Stage(6, 160, 3, 2),
    Stage(6, 320, 1, 1),
)
STEM_CHANNELS = 32
TOP_CHANNELS = 1280
"""Channels of the last 1x1 convolution, Conv_1, which belongs to stage 7."""

FIXED_DEPTHS = (1, 2)
"""Blocks in stages 1 and 2, which every subnet has."""
DEPTH_LIMITS = tuple(stage.blocks for stage in STAGES[len(FIXED_DEPTHS) :])
"""The most blocks in stages 3..7."""
MONOCHROME_WIDTH = 0.33
"""Factor on the width of networks that see one channel, as in the reference implementation
(Ekhao/DataAwareNeuralArchitectureSearch; the paper, arXiv 2502.12690, says "by 1/3")."""

_DEPTHS = ("b3", "b4", "b5", "b6", "b7")
_STEM, _TOP = "stem", "top"
_SEGMENTS = ((1, 2), (3,), (4, 5, 6, 7))
"""Stages, cut where what subnets have in common may end: up to stage 2 all of one width are alike,
up to stage 3 those with one depth there too. The stem comes with the first."""
_HINT = (
    "A search space is a TOML file such as: resolution = [32, 64], colour = ['rgb'],"
    " b3 = [1, 2, 3], alpha = [0.1, 0.2]. Genes left out keep all their values."
)


@dataclass(frozen=True, order=True)
class MobileNetV2:
    """A subnet of MobileNetV2: blocks kept in stages 3..7, and width.

    A stage may be empty only if all later ones are: the head then follows the last stage left.
    alpha: factor on all channel counts, greater than 0 and at most 1.
    monochrome_width: a further factor where the network sees one channel.
    """

    b3: int
    b4: int
    b5: int
    b6: int
    b7: int
    alpha: float
    monochrome_width: float = MONOCHROME_WIDTH

    family: ClassVar[str] = NAME

    def __post_init__(self) -> None:
        for stage, (blocks, limit) in enumerate(zip(self.depths, DEPTH_LIMITS, strict=True), 3):
            if not 0 <= blocks <= limit:
                raise DanasError(f"b{stage} = {blocks} is out of range: it is 0 to {limit}.")
        for name in ("alpha", "monochrome_width"):
            if not 0 < getattr(self, name) <= 1:
                value = getattr(self, name)
                raise DanasError(f"{name} = {value:g} is out of range: over 0 and at most 1.")

    @property
    def depths(self) -> tuple[int, ...]:
        return (self.b3, self.b4, self.b5, self.b6, self.b7)

    @property
    def head(self) -> int:
        """There is one for each last stage."""
        return sum(blocks > 0 for blocks in self.depths)

    def width(self, channels: int) -> float:
        return self.alpha * (self.monochrome_width if channels == 1 else 1.0)

    def __str__(self) -> str:
        return f"depth {''.join(map(str, self.depths))} alpha {self.alpha:g}{self._unusual}"

    @property
    def short(self) -> str:
        """For a column of a table: `d21000 a0.5`."""
        return f"d{''.join(map(str, self.depths))} a{self.alpha:g}{self._unusual}"

    @property
    def _unusual(self) -> str:
        unusual = self.monochrome_width != MONOCHROME_WIDTH
        return f" w{self.monochrome_width:g}" if unusual else ""

    @property
    def features(self) -> tuple[float, ...]:
        """Depths as shares of the most, and the width twice: as it is, and in halvings."""
        shares = (blocks / most for blocks, most in zip(self.depths, DEPTH_LIMITS, strict=True))
        return (*shares, self.alpha, log2(self.alpha))

    def problem(self, shape: Shape) -> str:  # noqa: ARG002  # every shape will do
        pairs = itertools.pairwise(self.depths)
        gap = any(later and not earlier for earlier, later in pairs)
        return "it has a block behind an empty stage" if gap else ""

    def layers(self, shape: Shape, classes: int) -> tuple[Layer, ...]:
        """Residual additions stand at every block after the first of a stage, whatever the channel
        counts."""
        builder = TableBuilder(shape, self.width(shape[2]))
        builder.conv(_STEM, STEM_CHANNELS, (3, 3), (2, 2), activation="relu6")
        full = STEM_CHANNELS
        depths = (*FIXED_DEPTHS, *self.depths)
        for number, (stage, blocks) in enumerate(zip(STAGES, depths, strict=True), 1):
            for block in range(blocks):
                _block(builder, _prefix(number, block), stage, full, first=block == 0)
                full = stage.channels
        if self.depths[-1]:
            builder.conv(_TOP, TOP_CHANNELS, activation="relu6")
        builder.pooled()
        return builder.classified(classes)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def _prefix(stage: int, block: int) -> str:
    return f"stage{stage}_block{block + 1}"


def _block(builder: TableBuilder, name: str, stage: Stage, full: int, *, first: bool) -> None:
    start = builder.last
    stride = stage.stride if first else 1
    if stage.expansion > 1:
        builder.conv(f"{name}_expand", full * stage.expansion, activation="relu6")
    builder.depthwise(f"{name}_depthwise", (3, 3), (stride, stride))
    builder.conv(f"{name}_project", stage.channels)
    if not first:
        builder.add(f"{name}_add", start)


@dataclass(frozen=True)
class MobileNetV2Space:
    """Values that each gene may take, ascending; a gene with one value is fixed.

    The defaults are those of arXiv 2502.12690. monochrome_width: of all networks.
    """

    b3: tuple[int, ...] = (0, 1, 2, 3)
    b4: tuple[int, ...] = (0, 1, 2, 3, 4)
    b5: tuple[int, ...] = (0, 1, 2, 3)
    b6: tuple[int, ...] = (0, 1, 2, 3)
    b7: tuple[int, ...] = (0, 1)
    alpha: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
    monochrome_width: tuple[float, ...] = (MONOCHROME_WIDTH,)

    family: ClassVar[str] = NAME

    def __post_init__(self) -> None:
        for gene in (*_DEPTHS, "alpha", "monochrome_width"):
            object.__setattr__(self, gene, distinct(gene, getattr(self, gene), _HINT))
        for gene, limit in zip(_DEPTHS, DEPTH_LIMITS, strict=True):
            if not 0 <= min(getattr(self, gene)) <= max(getattr(self, gene)) <= limit:
                raise DanasError(f"The search space has {gene} outside 0 to {limit}.", _HINT)
        for gene in ("alpha", "monochrome_width"):
            if not all(0 < value <= 1 for value in getattr(self, gene)):
                raise DanasError(f"The search space has {gene} outside 0 to 1.", _HINT)
        if len(self.monochrome_width) != 1:
            raise DanasError("monochrome_width is one number, not a gene.", _HINT)
        if not self._depths:
            raise DanasError(
                "No genome of this search space is feasible.",
                "A stage can be empty only if all later ones can: allow b3 to b7 such values.",
            )

    def to_json(self) -> dict[str, Any]:
        return {field.name: list(getattr(self, field.name)) for field in fields(self)}

    @property
    def genes(self) -> dict[str, tuple[Any, ...]]:
        return {gene: getattr(self, gene) for gene in (*_DEPTHS, "alpha")}

    # -- what is in it -------------------------------------------------------------------------

    def size(self, shape: Shape) -> int:  # noqa: ARG002
        return len(self._depths) * len(self.alpha)

    def all(self, shape: Shape) -> list[MobileNetV2]:  # noqa: ARG002
        return [self._subnet(depths, alpha) for depths in self._depths for alpha in self.alpha]

    def contains(self, arch: MobileNetV2, shape: Shape) -> bool:  # noqa: ARG002
        return (
            arch.depths in self._depths
            and arch.alpha in self.alpha
            and arch.monochrome_width in self.monochrome_width
        )

    @property
    def largest(self) -> MobileNetV2:
        return self._subnet(max(self._depths, key=sum), max(self.alpha))

    @property
    def smallest(self) -> MobileNetV2:
        return self._subnet(min(self._depths, key=sum), min(self.alpha))

    def leanest(self, shape: Shape) -> tuple[MobileNetV2, ...]:  # noqa: ARG002
        return (self.smallest,)

    @property
    def extremes(self) -> tuple[MobileNetV2, ...]:
        deepest = self.largest.depths
        cuts = [deepest]
        for place in reversed(range(len(_DEPTHS))):
            cut = (*deepest[:place], *[0] * (len(_DEPTHS) - place))
            if cut in self._depths and cut != deepest:
                cuts.append(cut)
        return tuple(self._subnet(cut, alpha) for cut in cuts for alpha in self.alpha)

    @property
    def skeleton(self) -> Skeleton:
        depths = (*FIXED_DEPTHS, *self.largest.depths)
        segments = tuple(
            tuple(_skeleton_block(number, block) for number in stages
                  for block in range(depths[number - 1]))
            for stages in _SEGMENTS
        )  # fmt: skip
        last = STAGES[len(FIXED_DEPTHS) - 1 : -1]
        return Skeleton(_STEM, segments, (*(stage.channels for stage in last), TOP_CHANNELS))

    def lacks(self, other: MobileNetV2Space) -> str:
        return missing_values(self.genes, other.genes) or missing_values(
            {"monochrome_width": self.monochrome_width},
            {"monochrome_width": other.monochrome_width},
        )

    # -- moving about in it --------------------------------------------------------------------

    def sample(self, rng: np.random.Generator, shape: Shape) -> MobileNetV2:  # noqa: ARG002
        depths = [int(rng.choice(getattr(self, gene))) for gene in _DEPTHS]
        return self._subnet(self.repair(depths), drawn(rng, self.alpha))

    def from_genes(self, genes: Mapping[str, Any], shape: Shape) -> MobileNetV2:  # noqa: ARG002
        return self._subnet(self.repair([genes[gene] for gene in _DEPTHS]), genes["alpha"])

    def repaired(self, arch: MobileNetV2, shape: Shape) -> MobileNetV2:  # noqa: ARG002
        return self._subnet(self.repair(list(arch.depths)), arch.alpha)

    def repair(self, depths: list[int]) -> tuple[int, ...]:
        """The feasible depths nearest to `depths` in the number of blocks, then gene by gene.

        A block behind an empty stage moves forward instead of being cut off, so that deep nets are
        as frequent after the repair as before it. Feasible depths come back as they are.
        """
        wanted = tuple(depths)
        if wanted not in self._repaired:
            self._repaired[wanted] = self._nearest(wanted)
        return self._repaired[wanted]

    def neighbours(
        self,
        arch: MobileNetV2,
        shape: Shape,  # noqa: ARG002
    ) -> list[tuple[float, list[MobileNetV2]]]:
        """A depth or the width one step up or down with probability 0.4 and 0.2, as in the
        reference implementation."""
        deeper: dict[MobileNetV2, None] = {}
        for place, gene in enumerate(_DEPTHS):
            for value in steps(getattr(self, gene), arch.depths[place]):
                depths = list(arch.depths)
                depths[place] = value
                deeper[self._subnet(self.repair(depths), arch.alpha)] = None
        wider = [replace(arch, alpha=alpha) for alpha in steps(self.alpha, arch.alpha)]
        return [(0.4, list(deeper)), (0.2, wider)]

    def crossover(
        self,
        one: MobileNetV2,
        other: MobileNetV2,
        rng: np.random.Generator,
        shape: Shape,  # noqa: ARG002
    ) -> MobileNetV2:
        depths = [either(rng, *pair) for pair in zip(one.depths, other.depths, strict=True)]
        return self._subnet(self.repair(depths), either(rng, one.alpha, other.alpha))

    # -- inside --------------------------------------------------------------------------------

    @cached_property
    def _repaired(self) -> dict[tuple[int, ...], tuple[int, ...]]:
        return {}

    @cached_property
    def _depths(self) -> tuple[tuple[int, ...], ...]:
        """All feasible depths (1,600 combinations at the most are looked at)."""
        values = itertools.product(self.b3, self.b4, self.b5, self.b6, self.b7)
        return tuple(d for d in values if not MobileNetV2(*d, 1.0).problem((1, 1, 1)))

    def _nearest(self, depths: tuple[int, ...]) -> tuple[int, ...]:
        total = sum(depths)

        def distance(other: tuple[int, ...]) -> tuple[int, int, tuple[int, ...]]:
            moved = sum(abs(a - b) for a, b in zip(depths, other, strict=True))
            return (abs(sum(other) - total), moved, other)

        return min(self._depths, key=distance)

    def _subnet(self, depths: tuple[int, ...], alpha: float) -> MobileNetV2:
        b3, b4, b5, b6, b7 = depths
        return MobileNetV2(b3, b4, b5, b6, b7, alpha, *self.monochrome_width)


def _skeleton_block(number: int, block: int) -> Block:
    """Block `block` (from 0) of stage `number`; the last convolution goes with stage 7."""
    parts = ("expand", "depthwise", "project") if STAGES[number - 1].expansion > 1 else (
        "depthwise", "project")  # fmt: skip
    names = [f"{_prefix(number, block)}_{part}" for part in parts]
    if number == len(STAGES):
        names.append(_TOP)
    fixed = len(FIXED_DEPTHS)
    gate = None if number <= fixed else number - fixed - 1
    return Block(tuple(names), residual=block > 0, gate=gate, index=block)


@dataclass(frozen=True)
class MobileNetV2Family:
    """The family itself."""

    name: str = NAME
    title: str = "MobileNetV2: inverted residual blocks in seven stages, 0.1 to 1 wide"
    elastic: bool = True
    normalised: bool = True

    def space(self, genes: Mapping[str, Any]) -> MobileNetV2Space:
        kinds: dict[str, type | tuple[type, ...]] = {
            field.name: float if field.name in ("alpha", "monochrome_width") else int
            for field in fields(MobileNetV2Space)
        }
        return MobileNetV2Space(**read_values(genes, kinds, _HINT))

    def architecture(self, genes: Mapping[str, Any]) -> MobileNetV2:
        b3, b4, b5, b6, b7 = (index(genes[gene]) for gene in _DEPTHS)
        narrow = float(genes["monochrome_width"])
        return MobileNetV2(b3, b4, b5, b6, b7, float(genes["alpha"]), narrow)
