"""The space of subnets of MobileNetV2: values of its genes, and the ways between genomes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

from danas_hil.base import DanasError
from danas_hil.space.genes import distinct, one_of, read_values, steps
from danas_hil.space.genome import (
    DEPTH_LIMITS,
    MONOCHROME_WIDTH,
    ArchConfig,
    Colour,
    DataConfig,
    Genome,
)

if TYPE_CHECKING:  # the estimate of a file needs no numpy, and is to be quick
    import numpy as np

_DEPTHS = ("b3", "b4", "b5", "b6", "b7")
_HINT = (
    "A search space is a TOML file such as: resolution = [32, 64], colour = ['rgb'],"
    " b3 = [1, 2, 3], alpha = [0.1, 0.2]. Genes left out keep all their values."
)


@dataclass(frozen=True)
class SearchSpace:
    """Values that each gene may take, ascending; a gene with one value is fixed.

    The defaults are those of arXiv 2502.12690. With one resolution and one colour this is
    hardware-aware search.
    """

    resolution: tuple[int, ...] = (32, 64, 96, 128, 160, 192, 224)
    colour: tuple[Colour, ...] = ("monochrome", "rgb")
    b3: tuple[int, ...] = (0, 1, 2, 3)
    b4: tuple[int, ...] = (0, 1, 2, 3, 4)
    b5: tuple[int, ...] = (0, 1, 2, 3)
    b6: tuple[int, ...] = (0, 1, 2, 3)
    b7: tuple[int, ...] = (0, 1)
    alpha: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
    monochrome_width: float = MONOCHROME_WIDTH

    def __post_init__(self) -> None:
        for gene in ("resolution", "colour", *_DEPTHS, "alpha"):
            object.__setattr__(self, gene, distinct(gene, getattr(self, gene), _HINT))
        for resolution, colour in itertools.product(self.resolution, self.colour):
            self._data(resolution, colour)  # raises for a value out of range
        for gene, limit in zip(_DEPTHS, DEPTH_LIMITS, strict=True):
            if not 0 <= min(getattr(self, gene)) <= max(getattr(self, gene)) <= limit:
                raise DanasError(f"The search space has {gene} outside 0 to {limit}.", _HINT)
        if not all(0 < alpha <= 1 for alpha in self.alpha):
            raise DanasError("The search space has alpha outside 0 to 1.", _HINT)
        if not self._depths:
            raise DanasError(
                "No genome of this search space is feasible.",
                "A stage can be empty only if all later ones can: allow b3 to b7 such values.",
            )

    # -- reading and writing -------------------------------------------------------------------

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> SearchSpace:
        """The inverse of `to_json`. Raises DanasError for unknown genes and values of no use."""
        kinds = {
            field.name: str if field.name == "colour" else float if field.name in _REAL else int
            for field in fields(SearchSpace)
        }
        settings: dict[str, Any] = read_values(value, kinds, _HINT)
        if "monochrome_width" in settings:
            if len(settings["monochrome_width"]) != 1:
                raise DanasError("monochrome_width is one number, not a gene.", _HINT)
            (settings["monochrome_width"],) = settings["monochrome_width"]
        return SearchSpace(**settings)

    def to_json(self) -> dict[str, Any]:
        pairs = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: list(value) if isinstance(value, tuple) else value for name, value in pairs}

    # -- what is in it -------------------------------------------------------------------------

    @property
    def data_configs(self) -> tuple[DataConfig, ...]:
        """Every data configuration, ascending by resolution."""
        return tuple(self._data(r, c) for r, c in itertools.product(self.resolution, self.colour))

    @property
    def size(self) -> int:
        """How many different genomes there are."""
        return len(self.data_configs) * len(self._depths) * len(self.alpha)

    def genomes(self) -> list[Genome]:
        """Every genome there is, `size` of them, always in the same order."""
        architectures = [ArchConfig(*d, alpha) for d in self._depths for alpha in self.alpha]
        return [Genome(data, arch) for data in self.data_configs for arch in architectures]

    @property
    def genes(self) -> dict[str, tuple[Any, ...]]:
        """The values of each gene, by its name in `Genome.to_json`."""
        return {gene: getattr(self, gene) for gene in ("resolution", "colour", *_DEPTHS, "alpha")}

    def __contains__(self, genome: object) -> bool:
        return (
            isinstance(genome, Genome)
            and genome.data in self.data_configs
            and isinstance(genome.arch, ArchConfig)
            and genome.arch.depths in self._depths
            and genome.arch.alpha in self.alpha
        )

    def largest(self, data: DataConfig) -> Genome:
        """The deepest and widest genome of `data`."""
        return Genome(data, ArchConfig(*max(self._depths, key=sum), max(self.alpha)))

    def smallest(self, data: DataConfig) -> Genome:
        """The shallowest and narrowest genome of `data`."""
        return Genome(data, ArchConfig(*min(self._depths, key=sum), min(self.alpha)))

    def leanest(self, data: DataConfig) -> tuple[Genome, ...]:
        return (self.smallest(data),)

    # -- moving about in it --------------------------------------------------------------------

    def sample(self, rng: np.random.Generator, data: DataConfig | None = None) -> Genome:
        """A genome, each gene drawn evenly and the depths repaired; of `data` if given."""
        drawn = data or self._data(
            self.resolution[rng.integers(len(self.resolution))],
            self.colour[rng.integers(len(self.colour))],
        )
        depths = [int(rng.choice(getattr(self, gene))) for gene in _DEPTHS]
        alpha = self.alpha[rng.integers(len(self.alpha))]
        return Genome(drawn, ArchConfig(*self.repair(depths), alpha))

    def genome(self, genes: Mapping[str, Any]) -> Genome:
        """The genome with these values of `genes`, the depths repaired."""
        depths = self.repair([genes[gene] for gene in _DEPTHS])
        return Genome(
            self._data(genes["resolution"], genes["colour"]), ArchConfig(*depths, genes["alpha"])
        )

    def repair(self, depths: list[int]) -> tuple[int, int, int, int, int]:
        """The feasible depths nearest to `depths` in the number of blocks, then gene by gene.

        A block behind an empty stage moves forward instead of being cut off, so that deep nets are
        as frequent after the repair as before it. Feasible depths come back as they are.
        """
        wanted = tuple(depths)
        if wanted not in self._repaired:
            self._repaired[wanted] = self._nearest(wanted)
        return self._repaired[wanted]

    def _nearest(self, depths: tuple[int, ...]) -> tuple[int, int, int, int, int]:
        total = sum(depths)

        def distance(other: tuple[int, ...]) -> tuple[int, int, tuple[int, ...]]:
            moved = sum(abs(a - b) for a, b in zip(depths, other, strict=True))
            return (abs(sum(other) - total), moved, other)

        return min(self._depths, key=distance)

    def mutate(self, genome: Genome, rng: np.random.Generator) -> Genome:
        """A genome that differs in one gene (depths may need repair on top).

        The gene is a data gene, a depth or the width with probability 0.4, 0.4, 0.2, as in the
        reference implementation; groups with nothing to change are left out. Ordered genes move
        one step up or down; colour is redrawn. Raises DanasError when the space has one genome.
        """
        groups = [
            (0.4, self._data_neighbours(genome)),
            (0.4, self._depth_neighbours(genome)),
            (0.2, self._width_neighbours(genome)),
        ]
        return one_of(groups, genome, rng)

    def crossover(self, one: Genome, other: Genome, rng: np.random.Generator) -> Genome:
        """Each gene from either parent with equal chance; the depths repaired."""

        def either(a: Any, b: Any) -> Any:
            return a if rng.random() < 0.5 else b

        data = self._data(
            either(one.data.resolution, other.data.resolution),
            either(one.data.colour, other.data.colour),
        )
        depths = [
            int(either(*pair)) for pair in zip(one.subnet.depths, other.subnet.depths, strict=True)
        ]
        alpha = either(one.subnet.alpha, other.subnet.alpha)
        return Genome(data, ArchConfig(*self.repair(depths), alpha))

    # -- inside --------------------------------------------------------------------------------

    @cached_property
    def _repaired(self) -> dict[tuple[int, ...], tuple[int, int, int, int, int]]:
        return {}

    @cached_property
    def _depths(self) -> tuple[tuple[int, int, int, int, int], ...]:
        """All feasible depths (1,600 combinations at the most are looked at)."""
        values = itertools.product(self.b3, self.b4, self.b5, self.b6, self.b7)
        return tuple(depths for depths in values if ArchConfig(*depths, 1.0).feasible)

    def _data(self, resolution: int, colour: Colour) -> DataConfig:
        width = self.monochrome_width if colour == "monochrome" else 1.0
        return DataConfig(resolution, colour, width)

    def _data_neighbours(self, genome: Genome) -> list[Genome]:
        data = genome.data
        configs = [self._data(r, data.colour) for r in steps(self.resolution, data.resolution)]
        configs += [self._data(data.resolution, c) for c in self.colour if c != data.colour]
        return [Genome(config, genome.arch) for config in configs]

    def _depth_neighbours(self, genome: Genome) -> list[Genome]:
        found: dict[Genome, None] = {}
        for place, gene in enumerate(_DEPTHS):
            for value in steps(getattr(self, gene), genome.subnet.depths[place]):
                depths = list(genome.subnet.depths)
                depths[place] = value
                arch = ArchConfig(*self.repair(depths), genome.subnet.alpha)
                found[Genome(genome.data, arch)] = None
        return list(found)

    def _width_neighbours(self, genome: Genome) -> list[Genome]:
        return [
            Genome(genome.data, ArchConfig(*genome.subnet.depths, alpha))
            for alpha in steps(self.alpha, genome.subnet.alpha)
        ]


_REAL = ("alpha", "monochrome_width")

DEFAULT_SPACE = SearchSpace()
