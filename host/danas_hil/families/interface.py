"""What a family of networks is: the seam that the space, the estimate and the supernet go through.

A family is added by one module with its genes, its space and its layer table, and one line in
`families.registry` (or an entry point `danas_hil.families` of another package).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from danas_hil.families.table import Layer, Shape

if TYPE_CHECKING:  # the estimate of a file needs no numpy, and is to be quick
    import numpy as np


class Architecture(Protocol):
    """The genes of one network: a frozen dataclass that can be ordered. `str` is for people."""

    family: ClassVar[str]

    @property
    def short(self) -> str:
        """For a column of a table."""
        ...

    @property
    def features(self) -> tuple[float, ...]:
        """Numbers that the network's accuracy goes by, as many for each network of the family."""
        ...

    def problem(self, shape: Shape) -> str:
        """Why there is no such network for inputs of `shape`; empty where there is one."""
        ...

    def layers(self, shape: Shape, classes: int) -> tuple[Layer, ...]:
        """The operators of the network for inputs of `shape`, in the order in which they run.

        The last two are the dense layer `classes` and the softmax. Defined where `problem` is
        empty.
        """
        ...

    def to_json(self) -> dict[str, Any]:
        """Genes by name; no name is one that the genes of data have."""
        ...

    def __lt__(self, other: Any, /) -> bool: ...
    def __hash__(self) -> int: ...


class ArchSpace(Protocol):
    """The values that the genes of a family's networks may take: its part of a search space.

    Networks may depend on the shape of what they see, so every way to one is for a `shape`.
    """

    family: ClassVar[str]

    @property
    def genes(self) -> dict[str, tuple[Any, ...]]:
        """The values of each gene, by its name in `Architecture.to_json`."""
        ...

    def size(self, shape: Shape) -> int:
        """How many different networks there are."""
        ...

    def all(self, shape: Shape) -> list[Any]:
        """Every network, always in the same order: only where `size` is moderate."""
        ...

    def contains(self, arch: Any, shape: Shape) -> bool:
        """Whether `arch`, one of the family, is in the space."""
        ...

    def leanest(self, shape: Shape) -> tuple[Any, ...]:
        """Networks that need little: if none of them fits somewhere, nothing does."""
        ...

    def sample(self, rng: np.random.Generator, shape: Shape) -> Any:
        """A network, each gene drawn evenly and then repaired."""
        ...

    def from_genes(self, genes: Mapping[str, Any], shape: Shape) -> Any:
        """The network with these values of `genes`, or the one that a repair makes of it."""
        ...

    def repaired(self, arch: Any, shape: Shape) -> Any:
        """`arch`, or the nearest network of the space that there is for inputs of `shape`."""
        ...

    def neighbours(self, arch: Any, shape: Shape) -> list[tuple[float, list[Any]]]:
        """Networks one gene away, in groups with the chance of each group; 0.6 in all."""
        ...

    def crossover(self, one: Any, other: Any, rng: np.random.Generator, shape: Shape) -> Any:
        """Each gene from either parent with equal chance, then repaired."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Lists of values by gene; what `Family.space` takes."""
        ...


class Family(Protocol):
    """A family of networks.

    elastic: whether its networks share weights in a supernet; then its architectures are
        `ElasticArchitecture`s and its spaces `ElasticSpace`s. Else each network is trained from
        scratch.
    normalised: whether its convolutions have batch normalization; else they have a bias.
    """

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def elastic(self) -> bool: ...
    @property
    def normalised(self) -> bool: ...

    def space(self, genes: Mapping[str, Any]) -> ArchSpace:
        """The space with these lists of values; genes left out have all their values.

        Raises DanasError for unknown genes and values of no use.
        """
        ...

    def architecture(self, genes: Mapping[str, Any]) -> Architecture:
        """The inverse of `Architecture.to_json`; other keys are ignored.

        Raises DanasError, KeyError, TypeError or ValueError for missing genes and bad values.
        """
        ...


# -- weights that are shared ---------------------------------------------------------------------


@dataclass(frozen=True)
class Block:
    """Convolutions that a subnet has all of or none.

    layers: their names in the layer table, in order. residual: what goes in is added to what comes
    out. gate: the place in a subnet's `depths` that decides; None: every subnet has it. index: a
    subnet has it where its depth is greater.
    """

    layers: tuple[str, ...]
    residual: bool = False
    gate: int | None = None
    index: int = 0


@dataclass(frozen=True)
class Skeleton:
    """How the subnets of a family hang together, from the stem to the heads.

    stem: the name of the first convolution; there is one for each kind of input. segments: blocks
    in order, cut where what many subnets have in common ends: what the first segments make of the
    inputs is kept from one evaluation to the next. heads: full channels that each dense head sees.
    """

    stem: str
    segments: tuple[tuple[Block, ...], ...]
    heads: tuple[int, ...]


@runtime_checkable
class ElasticArchitecture(Architecture, Protocol):
    """A subnet. `depths`: blocks at each gate of the skeleton; head: the place of its own in
    `Skeleton.heads`."""

    @property
    def depths(self) -> tuple[int, ...]: ...
    @property
    def head(self) -> int: ...

    def width(self, channels: int) -> float:
        """Factor on full channel counts, for inputs of so many channels."""
        ...


class ElasticSpace(ArchSpace, Protocol):
    """A space of subnets. Their depths form a lattice: `largest` has the most blocks at each gate
    and `smallest` the fewest."""

    @property
    def largest(self) -> Any: ...
    @property
    def smallest(self) -> Any: ...

    @property
    def extremes(self) -> tuple[Any, ...]:
        """Those that can be the largest that fits somewhere: the deepest for each head, at each
        width."""
        ...

    @property
    def skeleton(self) -> Skeleton:
        """Of the largest subnet."""
        ...

    def lacks(self, other: Any) -> str:
        """What a space `other` of the family has that this one lacks, as `the alpha 0.3`; empty
        where every subnet of it is one of this one."""
        ...
