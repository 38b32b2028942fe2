"""Stacks of convolutions: the networks of the earlier, layer-based search (arXiv 2304.01821)."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from math import log2
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from danas_hil.base import DanasError
from danas_hil.base.genes import distinct, drawn, either, read_values, steps
from danas_hil.families.table import Layer, Shape, TableBuilder

if TYPE_CHECKING:  # the estimate of a file needs no numpy, and is to be quick
    import numpy as np

NAME = "layers"

Activation = Literal["relu", "sigmoid"]

FILTERS = (2, 4, 8, 16, 32, 64, 128)
KERNELS = (3, 5)
ACTIVATIONS: tuple[Activation, ...] = get_args(Activation)
MAX_LAYERS = 10
DENSE_UNITS = 20
"""Of the dense layer between the flattened maps and the classes."""

NO_LAYER = "none"
"""What a gene says of a layer that is not there."""

CONV_GENES = tuple(f"conv{place}" for place in range(1, MAX_LAYERS + 1))

_TEXT = re.compile(r"(\d+) (\d+)x(\d+) (\w+)")
_HINT = (
    'A space of layers is a TOML file such as: family = "layers", resolution = [32, 64],'
    " layers = [1, 2, 3], filters = [4, 8]. Genes left out keep all their values."
)


@dataclass(frozen=True, order=True)
class Conv:
    """A convolution with stride 1 and no padding, and what follows it."""

    filters: int
    kernel: int
    activation: Activation

    def __post_init__(self) -> None:
        for gene, values in (
            ("filters", FILTERS),
            ("kernel", KERNELS),
            ("activation", ACTIVATIONS),
        ):
            if getattr(self, gene) not in values:
                raise DanasError(
                    f"A convolution can't have {gene} = {getattr(self, gene)!r}.",
                    f"There are: {', '.join(map(str, values))}.",
                )

    def __str__(self) -> str:
        return f"{self.filters} {self.kernel}x{self.kernel} {self.activation}"

    @staticmethod
    def parse(text: str) -> Conv:
        """The inverse of `str`: `16 3x3 relu`. Raises DanasError for anything else."""
        match = _TEXT.fullmatch(text)
        if match is None or match[2] != match[3]:
            raise DanasError(f"{text!r} is no convolution.", "Write one so: 16 3x3 relu")
        return Conv(int(match[1]), int(match[2]), match[4])  # type: ignore[arg-type]  # checked there


_Convs = tuple[Conv, ...]


@dataclass(frozen=True, order=True)
class LayerStack:
    """One to MAX_LAYERS convolutions; then flatten, a dense layer with ReLU, and the classes."""

    convs: _Convs

    family: ClassVar[str] = NAME

    def __post_init__(self) -> None:
        if not 1 <= len(self.convs) <= MAX_LAYERS:
            raise DanasError(
                f"A stack of {len(self.convs)} convolutions is out of range.",
                f"It has 1 to {MAX_LAYERS}.",
            )

    def __str__(self) -> str:
        return "conv " + ", ".join(map(str, self.convs))

    @property
    def short(self) -> str:
        """For a column of a table: `c16 c32k5 c8s` (5x5 is k5, a sigmoid s)."""
        return " ".join(
            f"c{conv.filters}{'k5' if conv.kernel == 5 else ''}"
            f"{'s' if conv.activation == 'sigmoid' else ''}"
            for conv in self.convs
        )

    @property
    def features(self) -> tuple[float, ...]:
        count = len(self.convs)
        return (
            count,
            sum(conv.kernel for conv in self.convs) / count,
            sum(conv.activation == "relu" for conv in self.convs) / count,
            log2(self.convs[0].filters),
            log2(self.convs[-1].filters),
        )

    @property
    def shrinkage(self) -> int:
        """By how much the map's sides are less than the input's."""
        return sum(conv.kernel - 1 for conv in self.convs)

    def problem(self, shape: Shape) -> str:
        height, width, _ = shape
        if self.shrinkage < min(height, width):
            return ""
        return f"it takes {self.shrinkage} off each side of an input of {width}x{height}"

    def layers(self, shape: Shape, classes: int) -> tuple[Layer, ...]:
        builder = TableBuilder(shape)
        for number, conv in enumerate(self.convs, 1):
            relu = conv.activation == "relu"
            builder.conv(
                f"conv{number}",
                conv.filters,
                (conv.kernel, conv.kernel),
                activation="relu" if relu else None,
                same=False,
            )
            if not relu:
                builder.sigmoid(f"conv{number}_sigmoid")
        builder.flattened()
        builder.dense("dense", DENSE_UNITS)
        return builder.classified(classes)

    def to_json(self) -> dict[str, Any]:
        """A gene for each place: the convolution, or NO_LAYER."""
        texts = [*map(str, self.convs)] + [NO_LAYER] * (MAX_LAYERS - len(self.convs))
        return dict(zip(CONV_GENES, texts, strict=True))


@dataclass(frozen=True)
class LayerStackSpace:
    """Values that each gene of every convolution alike may take, ascending.

    layers: how many convolutions there may be. The defaults are those of arXiv 2304.01821.
    """

    layers: tuple[int, ...] = tuple(range(1, MAX_LAYERS + 1))
    filters: tuple[int, ...] = FILTERS
    kernel: tuple[int, ...] = KERNELS
    activation: tuple[Activation, ...] = ACTIVATIONS

    family: ClassVar[str] = NAME

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(
                self, field.name, distinct(field.name, getattr(self, field.name), _HINT)
            )
        if not 1 <= self.layers[0] <= self.layers[-1] <= MAX_LAYERS:
            raise DanasError(f"The search space has layers outside 1 to {MAX_LAYERS}.", _HINT)
        _ = self._convs  # raises for a value out of range

    def to_json(self) -> dict[str, Any]:
        return {field.name: list(getattr(self, field.name)) for field in fields(self)}

    @property
    def genes(self) -> dict[str, tuple[Any, ...]]:
        convs = tuple(map(str, self._convs))
        return {
            gene: convs if place <= self.layers[0] else (NO_LAYER, *convs)
            for place, gene in enumerate(CONV_GENES[: self.layers[-1]], 1)
        }

    # -- what is in it -------------------------------------------------------------------------

    def size(self, shape: Shape) -> int:
        count = 0
        ways = {0: 1}  # of as many convolutions to take so much off the input
        for layer in range(1, self.layers[-1] + 1):
            longer: dict[int, int] = {}
            for (taken, stacks), kernel in itertools.product(ways.items(), self.kernel):
                if taken + kernel - 1 < min(shape[:2]):
                    total = longer.get(taken + kernel - 1, 0)
                    longer[taken + kernel - 1] = total + stacks
            ways = longer
            if layer in self.layers:
                others = len(self.filters) * len(self.activation)
                count += sum(ways.values()) * others**layer
        return count

    def all(self, shape: Shape) -> list[LayerStack]:
        stacks = (
            LayerStack(convs)
            for count in self.layers
            for convs in itertools.product(self._convs, repeat=count)
        )
        return [stack for stack in stacks if not stack.problem(shape)]

    def contains(self, arch: LayerStack, shape: Shape) -> bool:
        return (
            len(arch.convs) in self.layers
            and set(arch.convs) <= set(self._convs)
            and not arch.problem(shape)
        )

    def leanest(self, shape: Shape) -> tuple[LayerStack, ...]:
        """Of every depth and kernel the stack with the fewest filters and no sigmoid, if it can be.

        A wide kernel leaves a smaller map to the dense layer, and a deep stack too; but each layer
        has a price of its own.
        """
        found = dict.fromkeys(
            self._fitted([Conv(self.filters[0], kernel, self.activation[0])] * count, shape)
            for count, kernel in itertools.product(self.layers, self.kernel)
        )
        return tuple(found)

    # -- moving about in it --------------------------------------------------------------------

    def sample(self, rng: np.random.Generator, shape: Shape) -> LayerStack:
        places = rng.integers(len(self._convs), size=drawn(rng, self.layers))
        return self._fitted([self._convs[place] for place in places], shape)

    def from_genes(self, genes: Mapping[str, Any], shape: Shape) -> LayerStack:
        """Layers move up to empty places before them."""
        texts = [genes[gene] for gene in CONV_GENES if gene in genes]
        return self._fitted([Conv.parse(text) for text in texts if text != NO_LAYER], shape)

    def repaired(self, arch: LayerStack, shape: Shape) -> LayerStack:
        return self._fitted(arch.convs, shape)

    def neighbours(self, arch: LayerStack, shape: Shape) -> list[tuple[float, list[LayerStack]]]:
        """A gene of a layer with probability 0.4; else a layer is put on top or taken off, as in
        the reference implementation. Ordered genes move one step, the others are redrawn."""
        return [
            (0.4, self._changed(arch, shape)),
            (0.1, self._cut(arch, shape)),
            (0.1, self._grown(arch, shape)),
        ]

    def crossover(
        self, one: LayerStack, other: LayerStack, rng: np.random.Generator, shape: Shape
    ) -> LayerStack:
        """Each layer from either parent. The depth is drawn between those of the parents; what the
        shorter one lacks, the longer one gives."""
        short, long = sorted((one.convs, other.convs), key=len)
        count = int(rng.integers(len(short), len(long) + 1))
        mixed = [either(rng, a, b) for a, b in zip(short, long, strict=False)]
        return self._fitted([*mixed, *long[len(short) :]][:count], shape)

    # -- inside --------------------------------------------------------------------------------

    @cached_property
    def _convs(self) -> _Convs:
        """Every convolution, those that take the least off an input first."""
        values = itertools.product(self.kernel, self.filters, self.activation)
        return tuple(Conv(filters, kernel, activation) for kernel, filters, activation in values)

    def _fitted(self, convs: Sequence[Conv], shape: Shape) -> LayerStack:
        """The nearest stack with a depth of the space that leaves something of the input.

        Where the input is too small, layers get the smallest kernel, from the last one on, before
        any is dropped: so deep stacks stay as frequent as they are drawn. Raises DanasError where
        the fewest layers leave nothing.
        """
        last = convs[-1] if convs else self._convs[0]
        count = min(self.layers, key=lambda n: (abs(n - len(convs)), n))
        fitted = [*convs, *[last] * count][:count]
        for place in reversed(range(count)):
            if LayerStack(tuple(fitted)).problem(shape):
                fitted[place] = replace(fitted[place], kernel=self.kernel[0])
        depths = [n for n in self.layers if n <= count]
        while LayerStack(tuple(fitted)).problem(shape):
            depths.pop()
            if not depths:
                raise DanasError(
                    f"{self.layers[0]} convolutions leave nothing of an input of"
                    f" {shape[1]}x{shape[0]}.",
                    _HINT,
                )
            del fitted[depths[-1] :]
        return LayerStack(tuple(fitted))

    def _changed(self, arch: LayerStack, shape: Shape) -> list[LayerStack]:
        convs = arch.convs
        found: dict[LayerStack, None] = {}
        for place, conv in enumerate(convs):
            changed = [replace(conv, filters=f) for f in steps(self.filters, conv.filters)]
            changed += [replace(conv, kernel=k) for k in steps(self.kernel, conv.kernel)]
            changed += [
                replace(conv, activation=a) for a in self.activation if a != conv.activation
            ]
            for one in changed:
                found[self._fitted([*convs[:place], one, *convs[place + 1 :]], shape)] = None
        return list(found)

    def _cut(self, arch: LayerStack, shape: Shape) -> list[LayerStack]:
        """Without the layers on top, down to the next depth."""
        depths = [count for count in self.layers if count < len(arch.convs)]
        return [self._fitted(arch.convs[:count], shape) for count in depths[-1:]]

    def _grown(self, arch: LayerStack, shape: Shape) -> list[LayerStack]:
        """With layers on top up to the next depth, all alike."""
        convs = arch.convs
        for count in (n for n in self.layers if n > len(convs)):
            added = ([one] * (count - len(convs)) for one in self._convs)
            return list(dict.fromkeys(self._fitted([*convs, *a], shape) for a in added))
        return []


@dataclass(frozen=True)
class LayersFamily:
    """The family itself."""

    name: str = NAME
    title: str = "Stacks of up to ten convolutions, each trained from scratch"
    elastic: bool = False
    normalised: bool = False

    def space(self, genes: Mapping[str, Any]) -> LayerStackSpace:
        kinds: dict[str, type | tuple[type, ...]] = {
            field.name: str if field.name == "activation" else int
            for field in fields(LayerStackSpace)
        }
        return LayerStackSpace(**read_values(genes, kinds, _HINT))

    def architecture(self, genes: Mapping[str, Any]) -> LayerStack:
        texts = [genes[gene] for gene in CONV_GENES]
        return LayerStack(tuple(Conv.parse(text) for text in texts if text != NO_LAYER))
