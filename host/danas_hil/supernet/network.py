"""The elastic MobileNetV2: shared weights in one flat vector, and subnets cut out of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from danas_hil.base import DanasError
from danas_hil.space import (
    CLASSES,
    DataConfig,
    Genome,
    Layer,
    SearchSpace,
    kept_channels,
    layers,
)
from danas_hil.space.layers import STAGES, TOP_CHANNELS
from danas_hil.supernet.backend import tensorflow

Array = npt.NDArray[np.float32]
Convolve = Callable[[Layer, Any], tuple[Any, tuple[Any, ...]]]
"""(convolution, its input) to (its output, normalised and activated; statistics to hand back)."""

EPSILON = 1e-3
"""Added to the variance in batch normalization, as in Keras' MobileNetV2."""

STEM = "stem"
TOP = "top"
HEAD = "classes"
SEGMENTS = ((1, 2), (3,), (4, 5, 6, 7))
"""Stages, cut where what subnets have in common may end: up to stage 2 all of one width are alike,
up to stage 3 those with one depth there too. The stem comes with the first."""
FIRST_HEAD = 2
"""The first stage that can be a network's last."""

_HEAD_CHANNELS = (*(stage.channels for stage in STAGES[FIRST_HEAD - 1 : -1]), TOP_CHANNELS)
"""Full channels that the dense layer sees, by last stage."""


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

    depths: (5,) int32, blocks in stages 3..7. kept: int32, channels kept for each full channel
    count of `Network.counts`. head: index of the dense head.
    """

    depths: npt.NDArray[np.int32]
    kept: npt.NDArray[np.int32]
    head: np.int32


@dataclass(frozen=True)
class Network:
    """The elastic MobileNetV2 between the genomes `smallest` and `largest`, for all `colours`.

    The shared weights are as wide as `largest`. Every last stage has a dense head of its own,
    because a head learned on other features is of no use to it; a narrower subnet takes the
    head's first rows, as it takes the first channels of every convolution. Each colour has a stem
    of its own, and shares the rest.

    colours: data configurations that differ in colour, all at one resolution, as the two genomes
        are: resolution is immaterial. `of` gives equal networks for all, which share their traces.
    """

    largest: Genome
    smallest: Genome
    colours: tuple[DataConfig, ...]

    @staticmethod
    def of(space: SearchSpace, configs: Iterable[DataConfig]) -> Network:
        """The network that holds every genome of `space` with one of the data configurations.

        No depth of the space is over the largest genome's or below the smallest's, stage by stage:
        feasible depths form a lattice.
        """
        colours = sorted({replace(data, resolution=32) for data in configs})
        widest = max(colours, key=lambda data: data.width_factor)
        return Network(space.largest(widest), space.smallest(widest), tuple(colours))

    # -- shared weights ------------------------------------------------------------------------

    @cached_property
    def table(self) -> tuple[Layer, ...]:
        """The layers of the largest net."""
        return layers(self.largest)

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
            full, channels, side = layer.full_channels, layer.output_shape[2], layer.kernel
            if layer.kind == "depthwise":
                kernels.append((layer.name, (side, side, channels, 1), (0, 0, full, 0)))
            else:
                above = self.table[layer.inputs[0]].full_channels if layer.inputs[0] >= 0 else 0
                shape = (side, side, layer.input_shape[2], channels)
                kernels.append((layer.name, shape, (0, 0, above, full)))
            others.append((f"{layer.name}_gamma", (channels,), (full,)))
            others.append((f"{layer.name}_beta", (channels,), (full,)))
        heads, width = (
            len(_HEAD_CHANNELS),
            self.largest.subnet.alpha * self.largest.data.width_factor,
        )
        rows = max(kept_channels(channels, width) for channels in _HEAD_CHANNELS)
        kernels.append((HEAD, (heads, rows, len(CLASSES)), (0, 0, 0)))
        others.append((f"{HEAD}_bias", (heads, len(CLASSES)), (0, 0)))
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

        The heads start near zero, so that the first probabilities are near one half.
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
        alpha, depths = genome.subnet.alpha, genome.subnet.depths
        low, high = self.smallest.subnet.depths, self.largest.subnet.depths
        if (
            not genome.feasible
            or replace(genome.data, resolution=32) not in self.colours
            or alpha > self.largest.subnet.alpha
            or not all(a <= b <= c for a, b, c in zip(low, depths, high, strict=True))
        ):
            raise DanasError(
                f"The genome {genome} is no subnet of a supernet up to {self.largest}.",
                "Evaluate it with the supernet of its own search space and data configuration.",
            )
        width = alpha * genome.data.width_factor
        stages = 2 + sum(blocks > 0 for blocks in depths)
        return Choice(
            np.array(depths, np.int32),
            np.array([kept_channels(count, width) for count in self.counts], np.int32),
            np.int32(stages - FIRST_HEAD),
        )

    def cut(self, flat: Array, genome: Genome) -> dict[str, Array]:
        """The weights of `genome` alone, by name, as views of the shared weights `flat`.

        A convolution NAME has the weights NAME (its kernel), NAME_gamma and NAME_beta; the dense
        layer has `classes` and `classes_bias`.
        """
        choice = self.choice(genome)
        kept = dict(zip(self.counts, choice.kept.tolist(), strict=True))
        table = layers(genome)
        names = {layer.name for layer in table}
        weights = {}
        for name, p in self._seen(self.parameters, genome.data.channels):
            if name.removesuffix("_gamma").removesuffix("_beta") in names:
                whole = flat[p.start : p.start + p.size].reshape(p.shape)
                weights[name] = whole[tuple(slice(kept[a] if a else None) for a in p.axes)]
        features = next(layer.input_shape[2] for layer in table if layer.name == HEAD)
        weights[HEAD] = weights[HEAD][choice.head, :features]
        bias = self.parameters[-1]
        heads = flat[bias.start : bias.start + bias.size].reshape(bias.shape)
        weights[bias.name] = heads[choice.head]
        return weights

    def cut_tensors(self, flat: Any, kept: Any, channels: int) -> dict[str, Any]:
        """The same inside a traced function: `flat` and `kept` are tensors.

        All layers come, kept or dropped, and all heads, whole; of the stems the one that sees
        images of so many channels.
        """
        tf = tensorflow()
        places = {count: kept[place] for place, count in enumerate(self.counts)}
        parts = dict(
            zip(self.parameters, tf.split(flat, [p.size for p in self.parameters]), strict=True)
        )
        weights = {}
        for name, p in self._seen(self.parameters, channels):
            whole = tf.reshape(parts[p], p.shape)
            if any(p.axes):
                size = [places.get(axis, -1) for axis in p.axes]
                whole = tf.slice(whole, [0] * len(size), size)
            weights[name] = whole
        return weights

    @cached_property
    def _stems(self) -> tuple[Layer, ...]:
        """A stem for each colour. They bear its name, except the largest net's."""
        first = self.convolutions[0]
        side = first.input_shape[0]
        return tuple(
            first
            if data == self.largest.data
            else replace(
                first, name=f"{STEM}_{data.colour}", input_shape=(side, side, data.channels)
            )
            for data in self.colours
        )

    @property
    def _all_convolutions(self) -> tuple[Layer, ...]:
        return (*self._stems, *self.convolutions[1:])

    def _seen(
        self, parameters: Iterable[Parameter], channels: int
    ) -> Iterator[tuple[str, Parameter]]:
        """The parameters of subnets that see images of `channels`, and what they call them."""
        names = {stem.name: stem.input_shape[2] for stem in self._stems}
        for parameter in parameters:
            kernel = parameter.name.removesuffix("_gamma").removesuffix("_beta")
            if kernel not in names:
                yield parameter.name, parameter
            elif names[kernel] == channels:
                yield STEM + parameter.name.removeprefix(kernel), parameter

    # -- the forward pass ----------------------------------------------------------------------

    def segment_layers(self, segment: int) -> tuple[Layer, ...]:
        """The convolutions of SEGMENTS[segment], in order."""
        return tuple(layer for layer in self.convolutions if _segment(layer) == segment)

    def features(self, images: Any, depths: Any, convolve: Convolve) -> tuple[Any, tuple[Any, ...]]:
        """Pooled features (n, c) of a subnet, and what `convolve` handed back, layer by layer."""
        x, collected = images, list[Any]()
        for segment in range(len(SEGMENTS)):
            x, statistics = self.segment(segment, x, depths, convolve)
            collected += statistics
        return x, tuple(collected)

    def segment(
        self, segment: int, x: Any, depths: Any, convolve: Convolve
    ) -> tuple[Any, tuple[Any, ...]]:
        """What SEGMENTS[segment] makes of x, and what `convolve` handed back, layer by layer.

        x is (n, h, w, c), images for the first segment; so is what comes out, but for the last
        one's pooled features (n, c). Meant for a traced function. A block that every subnet has is
        laid out as it is; one that some lack stands in a tf.cond on `depths`, and hands back empty
        statistics when dropped.
        """
        tf = tensorflow()
        shallowest = (1, 2, *self.smallest.subnet.depths)
        deepest = (1, 2, *self.largest.subnet.depths)
        layers = self.segment_layers(segment)
        by_name = {layer.name: layer for layer in layers}

        def chain(x: Any, names: list[str], residual: bool) -> tuple[Any, tuple[Any, ...]]:
            before, collected = x, list[Any]()
            for name in names:
                x, statistics = convolve(by_name[name], x)
                collected += statistics
            return (before + x if residual else x), tuple(collected)

        collected = list[Any]()
        if STEM in by_name:
            x, first = chain(x, [STEM], residual=False)
            collected += first
        for number in SEGMENTS[segment]:
            least, most = shallowest[number - 1], deepest[number - 1]
            for block in range(most):
                prefix = f"stage{number}_block{block + 1}_"
                names = [layer.name for layer in layers if prefix in layer.name]
                if number == len(STAGES):
                    names.append(TOP)
                if block < least:
                    x, statistics = chain(x, names, residual=block > 0)
                else:
                    x, statistics = _perhaps(
                        depths[number - 3] > block, chain, x, names, residual=block > 0
                    )
                collected += statistics
        last = segment == len(SEGMENTS) - 1
        return (tf.reduce_mean(x, [1, 2]) if last else x), tuple(collected)


def _segment(layer: Layer) -> int:
    """The place in SEGMENTS of a convolution."""
    if layer.name in (STEM, TOP):
        return 0 if layer.name == STEM else len(SEGMENTS) - 1
    stage = int(layer.name.removeprefix("stage").partition("_")[0])
    return next(place for place, stages in enumerate(SEGMENTS) if stage in stages)


def convolution(layer: Layer, x: Any, kernel: Any) -> Any:
    """The convolution of `layer` by itself: no batch norm, no bias, no activation."""
    nn = tensorflow().nn
    operator = nn.conv2d if layer.kind == "conv" else nn.depthwise_conv2d
    return operator(x, kernel, [1, layer.stride, layer.stride, 1], "SAME")


def activation(layer: Layer, x: Any) -> Any:
    """ReLU6 where `layer` has it."""
    return tensorflow().nn.relu6(x) if layer.relu6 else x


def _perhaps(
    wanted: Any, chain: Callable[..., Any], x: Any, names: list[str], *, residual: bool
) -> tuple[Any, tuple[Any, ...]]:
    """`chain` under tf.cond: a dropped block hands its input on, and empty statistics."""
    tf = tensorflow()
    count = 0

    def kept() -> tuple[Any, ...]:
        nonlocal count
        y, statistics = chain(x, names, residual)
        count = len(statistics)
        return (y, *statistics)

    def dropped() -> tuple[Any, ...]:
        return (tf.identity(x), *(tf.zeros([0]) for _ in range(count)))

    y, *statistics = tf.cond(wanted, kept, dropped)  # traces `kept` first, which counts
    return y, tuple(statistics)
