"""The elastic network: shared weights in one flat vector, and subnets cut out of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from danas_hil.base import DanasError
from danas_hil.families import HEAD, Block, Layer, Skeleton, kept_channels
from danas_hil.signals import DataConfig
from danas_hil.space import Genome, Space, layers
from danas_hil.supernet.backend import tensorflow

Array = npt.NDArray[np.float32]
Convolve = Callable[[Layer, Any], tuple[Any, tuple[Any, ...]]]
"""(convolution, its input) to (its output, normalised and activated; statistics to hand back)."""

EPSILON = 1e-3
"""Added to the variance in batch normalization, as in Keras' MobileNetV2."""

_SIDE = 64
"""Of the map that the layer table of shared weights is laid out for: weights are the same for all
sizes."""


@dataclass(frozen=True)
class Parameter:
    """A tensor of the shared weights: `size` elements from `start` on in the flat vector.

    axes: for each axis, the full channel count that a subnet's width cuts it by; 0 for an axis
        that stays whole.
    """

    name: str
    shape: tuple[int, ...]
    axes: tuple[int, ...]
    start: int

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))


@dataclass(frozen=True)
class Choice:
    """A genome as the traced functions see it.

    depths: int32, blocks at each gate of the skeleton. kept: int32, channels kept for each full
    channel count of `Network.counts`. head: index of the dense head.
    """

    depths: npt.NDArray[np.int32]
    kept: npt.NDArray[np.int32]
    head: np.int32


@dataclass(frozen=True, order=True)
class Stem:
    """What a stem of its own sees: a kind of input, and its channels."""

    kind: str
    channels: int


@dataclass(frozen=True)
class Network:
    """The elastic network between two architectures of a family, for inputs of all `stems`.

    The shared weights are as wide as `largest`. Every head is a dense layer of its own, because a
    head learned on other features is of no use; a narrower subnet takes the head's first rows, as
    it takes the first channels of every convolution. Each kind of input has a stem of its own, and
    shares the rest.

    Sizes of the input are immaterial: `of` gives equal networks for all, which share their traces.
    """

    largest: Any
    smallest: Any
    skeleton: Skeleton
    stems: tuple[Stem, ...]
    classes: int

    @staticmethod
    def of(space: Space, family: str, configs: Iterable[DataConfig], classes: int) -> Network:
        """The network that holds every genome of `space` and `family` with one of the data
        configurations.

        No depth of the space is over the largest's or below the smallest's, gate by gate: feasible
        depths form a lattice.
        """
        subnets = space.subnets(family)
        stems = {Stem(data.kind, data.shape[2]) for data in configs}
        if len({stem.kind for stem in stems}) < len(stems):
            raise DanasError("Data of one kind have different numbers of channels.")
        return Network(
            subnets.largest, subnets.smallest, subnets.skeleton, tuple(sorted(stems)), classes
        )

    # -- shared weights ------------------------------------------------------------------------

    @cached_property
    def table(self) -> tuple[Layer, ...]:
        """The layers of the largest subnet, for the inputs for which it is widest."""
        shape = (_SIDE, _SIDE, self._widest.channels)
        table: tuple[Layer, ...] = self.largest.layers(shape, self.classes)
        return table

    @cached_property
    def _widest(self) -> Stem:
        return max(self.stems, key=lambda stem: (self.largest.width(stem.channels), stem))

    @cached_property
    def convolutions(self) -> tuple[Layer, ...]:
        """The layers with batch normalization, in order; of the stems the largest net's."""
        return tuple(layer for layer in self.table if layer.kind in ("conv", "depthwise"))

    @cached_property
    def counts(self) -> tuple[int, ...]:
        """The different full channel counts."""
        return tuple(sorted({layer.full_channels for layer in self.convolutions}))

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """All shared weights: first the kernels, then batch norms and the bias of the heads."""
        kernels: list[tuple[str, tuple[int, ...], tuple[int, ...]]] = []
        others: list[tuple[str, tuple[int, ...], tuple[int, ...]]] = []
        shape: tuple[int, ...]
        for layer in self._all_convolutions:
            full, channels, window = layer.full_channels, layer.output_shape[2], layer.kernel
            if layer.kind == "depthwise":
                kernels.append((layer.name, (*window, channels, 1), (0, 0, full, 0)))
            else:
                above = self.table[layer.inputs[0]].full_channels if layer.inputs[0] >= 0 else 0
                shape = (*window, layer.input_shape[2], channels)
                kernels.append((layer.name, shape, (0, 0, above, full)))
            others.append((f"{layer.name}_gamma", (channels,), (full,)))
            others.append((f"{layer.name}_beta", (channels,), (full,)))
        heads, width = len(self.skeleton.heads), self.largest.width(self._widest.channels)
        rows = max(kept_channels(channels, width) for channels in self.skeleton.heads)
        kernels.append((HEAD, (heads, rows, self.classes), (0, 0, 0)))
        others.append((f"{HEAD}_bias", (heads, self.classes), (0, 0)))
        table, start = [], 0
        for name, shape, axes in kernels + others:
            table.append(Parameter(name, shape, axes, start))
            start += table[-1].size
        return tuple(table)

    @property
    def size(self) -> int:
        """Elements of the flat vector of shared weights."""
        return self.parameters[-1].start + self.parameters[-1].size

    @property
    def kernel_size(self) -> int:
        """Elements of the kernels, which stand first in the flat vector."""
        return next(p.start for p in self.parameters if p.name.endswith("_gamma"))

    def initial(self, rng: np.random.Generator) -> Array:
        """Fresh shared weights: He's normal initialization for kernels, batch norms at identity.

        The heads start near zero, so that the first probabilities are nearly alike.
        """
        flat = np.zeros(self.size, np.float32)
        layers = self._all_convolutions
        fan_in = {layer.name: layer.weights // layer.output_shape[2] for layer in layers}
        for parameter in self.parameters:
            part = flat[parameter.start : parameter.start + parameter.size]
            if parameter.name in fan_in:
                part[:] = rng.standard_normal(part.size) * np.sqrt(2 / fan_in[parameter.name])
            elif parameter.name == HEAD:
                part[:] = rng.standard_normal(part.size) * 0.01
            elif parameter.name.endswith("_gamma"):
                part[:] = 1
        return flat

    # -- subnets -------------------------------------------------------------------------------

    def choice(self, genome: Genome) -> Choice:
        """`genome` for the traced functions. Raises DanasError if this network can't hold it."""
        arch, channels = genome.arch, genome.data.shape[2]
        stem = Stem(genome.data.kind, channels)
        holds = genome.family == self.largest.family and genome.feasible and stem in self.stems
        if holds:
            depths = arch.depths  # type: ignore[attr-defined]  # of an elastic family
            width = arch.width(channels)  # type: ignore[attr-defined]
            bounds = zip(self.smallest.depths, depths, self.largest.depths, strict=True)
            holds = width <= self.largest.width(channels) and all(a <= b <= c for a, b, c in bounds)
            stem_layer = arch.layers(genome.data.shape, self.classes)[0]
            holds = holds and stem_layer.kernel == self.table[0].kernel  # a stem has one size
        if not holds:
            raise DanasError(
                f"The genome {genome} is no subnet of a supernet up to {self.largest}.",
                "Evaluate it with the supernet of its own search space and data configuration.",
            )
        return Choice(
            np.array(depths, np.int32),
            np.array([kept_channels(count, width) for count in self.counts], np.int32),
            np.int32(arch.head),  # type: ignore[attr-defined]
        )

    def cut(self, flat: Array, genome: Genome) -> dict[str, Array]:
        """The weights of `genome` alone, by name, as views of the shared weights `flat`.

        A convolution NAME has the weights NAME (its kernel), NAME_gamma and NAME_beta; the dense
        layer has `classes` and `classes_bias`.
        """
        choice = self.choice(genome)
        kept = dict(zip(self.counts, choice.kept.tolist(), strict=True))
        table = layers(genome, self.classes)
        names = {layer.name for layer in table}
        weights = {}
        for name, p in self._seen(self.parameters, genome.data.kind):
            if name.removesuffix("_gamma").removesuffix("_beta") in names:
                whole = flat[p.start : p.start + p.size].reshape(p.shape)
                weights[name] = whole[tuple(slice(kept[a] if a else None) for a in p.axes)]
        features = next(layer.input_shape[2] for layer in table if layer.name == HEAD)
        weights[HEAD] = weights[HEAD][choice.head, :features]
        bias = self.parameters[-1]
        heads = flat[bias.start : bias.start + bias.size].reshape(bias.shape)
        weights[bias.name] = heads[choice.head]
        return weights

    def cut_tensors(self, flat: Any, kept: Any, kind: str) -> dict[str, Any]:
        """The same inside a traced function: `flat` and `kept` are tensors.

        All layers come, kept or dropped, and all heads, whole; of the stems the one that sees
        inputs of this kind; of none an empty name.
        """
        tf = tensorflow()
        places = {count: kept[place] for place, count in enumerate(self.counts)}
        parts = dict(
            zip(self.parameters, tf.split(flat, [p.size for p in self.parameters]), strict=True)
        )
        weights = {}
        for name, p in self._seen(self.parameters, kind):
            whole = tf.reshape(parts[p], p.shape)
            if any(p.axes):
                size = [places.get(axis, -1) for axis in p.axes]
                whole = tf.slice(whole, [0] * len(size), size)
            weights[name] = whole
        return weights

    @cached_property
    def _stem_layers(self) -> dict[str, Layer]:
        """The stem for each kind of input. They bear its name, except the widest net's."""
        first = self.convolutions[0]
        height, width, _ = first.input_shape
        return {
            stem.kind: first
            if stem == self._widest
            else replace(
                first,
                name=f"{first.name}_{stem.kind}",
                input_shape=(height, width, stem.channels),
            )
            for stem in self.stems
        }

    @property
    def _all_convolutions(self) -> tuple[Layer, ...]:
        return (*self._stem_layers.values(), *self.convolutions[1:])

    def _seen(self, parameters: Iterable[Parameter], kind: str) -> Iterator[tuple[str, Parameter]]:
        """The parameters of subnets that see inputs of `kind`, and what they call them."""
        kinds = {stem.name: of for of, stem in self._stem_layers.items()}
        for parameter in parameters:
            kernel = parameter.name.removesuffix("_gamma").removesuffix("_beta")
            if kernel not in kinds:
                yield parameter.name, parameter
            elif kinds[kernel] == kind:
                yield self.skeleton.stem + parameter.name.removeprefix(kernel), parameter

    # -- the forward pass ----------------------------------------------------------------------

    @property
    def segments(self) -> int:
        return len(self.skeleton.segments)

    def depths_up_to(self, segment: int, depths: Iterable[int]) -> tuple[int, ...]:
        """The blocks that a subnet with these `depths` has at each gate, up to `segment`."""
        blocks = [block for part in self.skeleton.segments[: segment + 1] for block in part]
        return tuple(
            sum(block.gate == gate and block.index < depth for block in blocks)
            for gate, depth in enumerate(depths)
        )

    def segment_layers(self, segment: int) -> tuple[Layer, ...]:
        """The convolutions of a segment, in order; the stem comes with the first."""
        names = {name for block in self.skeleton.segments[segment] for name in block.layers}
        if segment == 0:
            names.add(self.skeleton.stem)
        return tuple(layer for layer in self.convolutions if layer.name in names)

    def features(self, images: Any, depths: Any, convolve: Convolve) -> tuple[Any, tuple[Any, ...]]:
        """Pooled features (n, c) of a subnet, and what `convolve` handed back, layer by layer."""
        x, collected = images, list[Any]()
        for segment in range(self.segments):
            x, statistics = self.segment(segment, x, depths, convolve)
            collected += statistics
        return x, tuple(collected)

    def segment(
        self, segment: int, x: Any, depths: Any, convolve: Convolve
    ) -> tuple[Any, tuple[Any, ...]]:
        """What a segment makes of x, and what `convolve` handed back, layer by layer.

        x is (n, h, w, c), images for the first segment; so is what comes out, but for the last
        one's pooled features (n, c). Meant for a traced function. A block that every subnet has is
        laid out as it is; one that some lack stands in a tf.cond on `depths`, and hands back empty
        statistics when dropped.
        """
        tf = tensorflow()
        by_name = {layer.name: layer for layer in self.segment_layers(segment)}

        def chain(x: Any, block: Block) -> tuple[Any, tuple[Any, ...]]:
            before, collected = x, list[Any]()
            for name in block.layers:
                x, statistics = convolve(by_name[name], x)
                collected += statistics
            return (before + x if block.residual else x), tuple(collected)

        collected = list[Any]()
        if segment == 0:
            x, first = chain(x, Block((self.skeleton.stem,)))
            collected += first
        for block in self.skeleton.segments[segment]:
            if block.gate is None or block.index < self.smallest.depths[block.gate]:
                x, statistics = chain(x, block)
            else:
                x, statistics = _perhaps(depths[block.gate] > block.index, chain, x, block)
            collected += statistics
        last = segment == self.segments - 1
        return (tf.reduce_mean(x, [1, 2]) if last else x), tuple(collected)


def convolution(layer: Layer, x: Any, kernel: Any) -> Any:
    """The convolution of `layer` by itself: no batch norm, no bias, no activation."""
    nn = tensorflow().nn
    operator = nn.conv2d if layer.kind == "conv" else nn.depthwise_conv2d
    strides = [1, *layer.stride, 1]
    return operator(x, kernel, strides, "SAME" if layer.same else "VALID")


def activation(layer: Layer, x: Any) -> Any:
    """ReLU6 or ReLU where `layer` has it."""
    nn = tensorflow().nn
    return nn.relu6(x) if layer.relu6 else nn.relu(x) if layer.relu else x


def _perhaps(
    wanted: Any, chain: Callable[..., Any], x: Any, block: Block
) -> tuple[Any, tuple[Any, ...]]:
    """`chain` under tf.cond: a dropped block hands its input on, and empty statistics."""
    tf = tensorflow()
    count = 0

    def kept() -> tuple[Any, ...]:
        nonlocal count
        y, statistics = chain(x, block)
        count = len(statistics)
        return (y, *statistics)

    def dropped() -> tuple[Any, ...]:
        return (tf.identity(x), *(tf.zeros([0]) for _ in range(count)))

    y, *statistics = tf.cond(wanted, kept, dropped)  # traces `kept` first, which counts
    return y, tuple(statistics)
