"""The space of stacks of convolutions, as the earlier layer-based search had it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, get_args

from danas_hil.base import DanasError
from danas_hil.space.genes import distinct, one_of, read_values, steps
from danas_hil.space.genome import Colour, DataConfig, Genome
from danas_hil.space.stack import (
    ACTIVATIONS,
    CONV_GENES,
    FILTERS,
    KERNELS,
    MAX_LAYERS,
    NO_LAYER,
    Activation,
    Conv,
    LayerStack,
)

if TYPE_CHECKING:  # the estimate of a file needs no numpy, and is to be quick
    import numpy as np

FAMILY = "layers"

_HINT = (
    'A space of layers is a TOML file such as: family = "layers", resolution = [32, 64],'
    " layers = [1, 2, 3], filters = [4, 8]. Genes left out keep all their values."
)
_Convs = tuple[Conv, ...]


@dataclass(frozen=True)
class LayerSpace:
    """Values that each gene may take, ascending: of the data, and of every convolution alike.

    layers: how many convolutions there may be. The architecture's defaults are those of
    arXiv 2304.01821, the data's those of arXiv 2502.12690, which compares itself so.
    """

    resolution: tuple[int, ...] = (32, 64, 96, 128, 160, 192, 224)
    colour: tuple[Colour, ...] = get_args(Colour)
    layers: tuple[int, ...] = tuple(range(1, MAX_LAYERS + 1))
    filters: tuple[int, ...] = FILTERS
    kernel: tuple[int, ...] = KERNELS
    activation: tuple[Activation, ...] = ACTIVATIONS

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(
                self, field.name, distinct(field.name, getattr(self, field.name), _HINT)
            )
        if not 1 <= self.layers[0] <= self.layers[-1] <= MAX_LAYERS:
            raise DanasError(f"The search space has layers outside 1 to {MAX_LAYERS}.", _HINT)
        shallowest = LayerStack((self._convs[0],) * self.layers[0])
        for data in self.data_configs:  # both raise for a value out of range
            if not Genome(data, shallowest).feasible:
                raise DanasError(
                    f"{self.layers[0]} convolutions leave nothing of {data.name} images.", _HINT
                )

    # -- reading and writing -------------------------------------------------------------------

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> LayerSpace:
        """The inverse of `to_json`. Raises DanasError for unknown genes and values of no use."""
        kinds = {
            field.name: str if field.name in ("colour", "activation") else int
            for field in fields(LayerSpace)
        }
        genes = {gene: values for gene, values in value.items() if gene != "family"}
        return LayerSpace(**read_values(genes, kinds, _HINT))

    def to_json(self) -> dict[str, Any]:
        genes = {field.name: list(getattr(self, field.name)) for field in fields(self)}
        return {"family": FAMILY, **genes}

    # -- what is in it -------------------------------------------------------------------------

    @property
    def data_configs(self) -> tuple[DataConfig, ...]:
        """Every data configuration, ascending by resolution."""
        return tuple(DataConfig(r, c) for r, c in itertools.product(self.resolution, self.colour))

    @property
    def size(self) -> int:
        """How many different genomes there are."""
        count = 0
        for data in self.data_configs:
            ways = {0: 1}  # of as many convolutions to take so many pixels off the image
            for layer in range(1, self.layers[-1] + 1):
                longer: dict[int, int] = {}
                for (taken, stacks), kernel in itertools.product(ways.items(), self.kernel):
                    if taken + kernel - 1 < data.resolution:
                        total = longer.get(taken + kernel - 1, 0)
                        longer[taken + kernel - 1] = total + stacks
                ways = longer
                if layer in self.layers:
                    others = len(self.filters) * len(self.activation)
                    count += sum(ways.values()) * others**layer
        return count

    def genomes(self) -> list[Genome]:
        """Every genome there is, always in the same order: only for a space of moderate `size`."""
        stacks = [
            LayerStack(convs)
            for count in self.layers
            for convs in itertools.product(self._convs, repeat=count)
        ]
        pairs = itertools.product(self.data_configs, stacks)
        return [genome for pair in pairs if (genome := Genome(*pair)).feasible]

    @property
    def genes(self) -> dict[str, tuple[Any, ...]]:
        """The values of each gene, by its name in `Genome.to_json`."""
        convs = tuple(map(str, self._convs))
        places = {
            gene: convs if place <= self.layers[0] else (NO_LAYER, *convs)
            for place, gene in enumerate(CONV_GENES[: self.layers[-1]], 1)
        }
        return {"resolution": self.resolution, "colour": self.colour, **places}

    def __contains__(self, genome: object) -> bool:
        return (
            isinstance(genome, Genome)
            and genome.data in self.data_configs
            and isinstance(genome.arch, LayerStack)
            and len(genome.arch.convs) in self.layers
            and set(genome.arch.convs) <= set(self._convs)
            and genome.feasible
        )

    def leanest(self, data: DataConfig) -> tuple[Genome, ...]:
        """Of every depth and kernel the stack with the fewest filters and no sigmoid, if it can be.

        A wide kernel leaves a smaller map to the dense layer, and a deep stack too; but each layer
        has a price of its own.
        """
        found = dict.fromkeys(
            self._repaired(data, [Conv(self.filters[0], kernel, self.activation[0])] * count)
            for count, kernel in itertools.product(self.layers, self.kernel)
        )
        return tuple(found)

    # -- moving about in it --------------------------------------------------------------------

    def sample(self, rng: np.random.Generator, data: DataConfig | None = None) -> Genome:
        """A genome, each gene drawn evenly and the stack repaired; of `data` if given."""
        drawn = data or DataConfig(
            self.resolution[rng.integers(len(self.resolution))],
            self.colour[rng.integers(len(self.colour))],
        )
        count = self.layers[rng.integers(len(self.layers))]
        places = rng.integers(len(self._convs), size=count)
        return self._repaired(drawn, [self._convs[place] for place in places])

    def genome(self, genes: Mapping[str, Any]) -> Genome:
        """The genome with these values of `genes`; layers move up to empty places before them."""
        texts = [genes[gene] for gene in CONV_GENES if gene in genes]
        convs = [Conv.parse(text) for text in texts if text != NO_LAYER]
        return self._repaired(DataConfig(genes["resolution"], genes["colour"]), convs)

    def mutate(self, genome: Genome, rng: np.random.Generator) -> Genome:
        """A genome that differs in one gene (and what its repair changes on top).

        The gene is one of the data or one of a layer with probability 0.4 each; else a layer is
        put on top or taken off, as in the reference implementation; groups with nothing to change
        are left out. Ordered genes move one step, the others are redrawn. Raises DanasError when
        the space has one genome.
        """
        groups = [
            (0.4, self._data_neighbours(genome)),
            (0.4, self._layer_neighbours(genome)),
            (0.1, self._cut(genome)),
            (0.1, self._grown(genome)),
        ]
        return one_of(groups, genome, rng)

    def crossover(self, one: Genome, other: Genome, rng: np.random.Generator) -> Genome:
        """Each data gene and each layer from either parent with equal chance; then repaired.

        The depth is drawn between those of the parents; what the shorter one lacks, the longer one
        gives.
        """

        def either(a: Any, b: Any) -> Any:
            return a if rng.random() < 0.5 else b

        data = DataConfig(
            either(one.data.resolution, other.data.resolution),
            either(one.data.colour, other.data.colour),
        )
        short, long = sorted((_convs_of(one), _convs_of(other)), key=len)
        count = int(rng.integers(len(short), len(long) + 1))
        mixed = [either(a, b) for a, b in zip(short, long, strict=False)]
        return self._repaired(data, [*mixed, *long[len(short) :]][:count])

    # -- inside --------------------------------------------------------------------------------

    @cached_property
    def _convs(self) -> _Convs:
        """Every convolution, those that take the least off an image first."""
        values = itertools.product(self.kernel, self.filters, self.activation)
        return tuple(Conv(filters, kernel, activation) for kernel, filters, activation in values)

    def _repaired(self, data: DataConfig, convs: Sequence[Conv]) -> Genome:
        """The nearest feasible genome with a depth of the space.

        Where the image is too small, layers get the smallest kernel, from the last one on, before
        any is dropped: so deep stacks stay as frequent as they are drawn.
        """
        last = convs[-1] if convs else self._convs[0]
        count = min(self.layers, key=lambda n: (abs(n - len(convs)), n))
        fitted = [*convs, *[last] * count][:count]
        for place in reversed(range(count)):
            if not Genome(data, LayerStack(tuple(fitted))).feasible:
                fitted[place] = replace(fitted[place], kernel=self.kernel[0])
        depths = [n for n in self.layers if n <= count]
        while not Genome(data, LayerStack(tuple(fitted))).feasible:
            depths.pop()
            del fitted[depths[-1] :]
        return Genome(data, LayerStack(tuple(fitted)))

    def _data_neighbours(self, genome: Genome) -> list[Genome]:
        data = genome.data
        configs = [DataConfig(r, data.colour) for r in steps(self.resolution, data.resolution)]
        configs += [DataConfig(data.resolution, c) for c in self.colour if c != data.colour]
        return [self._repaired(config, _convs_of(genome)) for config in configs]

    def _layer_neighbours(self, genome: Genome) -> list[Genome]:
        convs = _convs_of(genome)
        found: dict[Genome, None] = {}
        for place, conv in enumerate(convs):
            changed = [replace(conv, filters=f) for f in steps(self.filters, conv.filters)]
            changed += [replace(conv, kernel=k) for k in steps(self.kernel, conv.kernel)]
            changed += [
                replace(conv, activation=a) for a in self.activation if a != conv.activation
            ]
            for one in changed:
                found[self._repaired(genome.data, [*convs[:place], one, *convs[place + 1 :]])] = (
                    None
                )
        return list(found)

    def _cut(self, genome: Genome) -> list[Genome]:
        """Without the layers on top, down to the next depth."""
        convs = _convs_of(genome)
        depths = [count for count in self.layers if count < len(convs)]
        return [self._repaired(genome.data, convs[:count]) for count in depths[-1:]]

    def _grown(self, genome: Genome) -> list[Genome]:
        """With layers on top up to the next depth, all alike."""
        convs = _convs_of(genome)
        for count in (n for n in self.layers if n > len(convs)):
            added = ([one] * (count - len(convs)) for one in self._convs)
            return list(dict.fromkeys(self._repaired(genome.data, [*convs, *a]) for a in added))
        return []


def _convs_of(genome: Genome) -> _Convs:
    if not isinstance(genome.arch, LayerStack):
        raise DanasError(f"The genome {genome} is no stack of layers.")
    return genome.arch.convs
