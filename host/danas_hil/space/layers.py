"""The one layer table: the network, the operator graph and all counts are made from it."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Literal, NamedTuple

from danas_hil.space.genome import ArchConfig, Genome
from danas_hil.space.stack import DENSE_UNITS, LayerStack

CLASSES = ("no person", "person")
"""The classes, in the order of the network's outputs."""

Kind = Literal["conv", "depthwise", "add", "average_pool", "reshape", "dense", "sigmoid", "softmax"]


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


@dataclass(frozen=True)
class Layer:
    """One operator as it is deployed: batch norm, ReLU and ReLU6 belong to the layer before them.

    name: unique; the same for the same weights in every subnet.
    inputs: indices into the table; -1 is the network's input.
    input_shape: (height, width, channels) of the first input; output_shape alike. After the
        reshape shapes are (1, 1, channels).
    full_channels: output channels at full width, the size of the shared weights.
    kernel, stride: of a square window; 1 where there is none.
    same: whether a convolution's padding is SAME, else VALID; the average pool is over the whole
        map.
    relu6, relu: whether the operator ends in ReLU6, or in ReLU.
    """

    name: str
    kind: Kind
    inputs: tuple[int, ...]
    input_shape: tuple[int, int, int]
    output_shape: tuple[int, int, int]
    full_channels: int
    kernel: int = 1
    stride: int = 1
    relu6: bool = False
    relu: bool = False
    same: bool = True

    @property
    def weights(self) -> int:
        """Elements of the kernel, without bias."""
        channels_in, channels_out = self.input_shape[2], self.output_shape[2]
        if self.kind in ("conv", "dense"):
            return self.kernel**2 * channels_in * channels_out
        return self.kernel**2 * channels_out if self.kind == "depthwise" else 0

    @property
    def biases(self) -> int:
        """Elements of the bias; batch norm is folded into it."""
        return self.output_shape[2] if self.weights else 0

    @property
    def macs(self) -> int:
        """Multiplications and additions for one image."""
        return self.output_shape[0] * self.output_shape[1] * self.weights


def kept_channels(channels: int, width: float) -> int:
    """Channels kept of `channels` at `width` (alpha times the data's width factor).

    max(1, int(C * width)); products are taken to nine decimals, so that 0.7 of 10 is 7 whatever
    binary floating point makes of it.
    """
    return max(1, int(round(channels * width, 9)))


def layers(genome: Genome) -> tuple[Layer, ...]:
    """The operators of the network that `genome` names, in the order in which they run.

    In a subnet of MobileNetV2 residual additions stand at every block after the first of a stage,
    whatever the channel counts. Raises DanasError for a genome that is not feasible.
    """
    genome.check_feasible()
    table = _Table(genome)
    if isinstance(genome.arch, LayerStack):
        return table.stack(genome.arch)
    return table.subnet(genome.arch)


class _Table:
    def __init__(self, genome: Genome) -> None:
        self.data = genome.data
        self.shape = genome.data.shape
        self.width = 1.0
        self.table: list[Layer] = []

    def subnet(self, arch: ArchConfig) -> tuple[Layer, ...]:
        self.width = arch.alpha * self.data.width_factor
        self._conv("stem", STEM_CHANNELS, kernel=3, stride=2)
        expanded_from = STEM_CHANNELS
        for number, (stage, blocks) in enumerate(zip(STAGES, (1, 2, *arch.depths), strict=True), 1):
            for block in range(blocks):
                self._block(f"stage{number}_block{block + 1}", stage, expanded_from, block)
                expanded_from = stage.channels
        if arch.depths[-1]:
            self._conv("top", TOP_CHANNELS)
            expanded_from = TOP_CHANNELS
        height, _, channels = self.shape
        self._append("pool", "average_pool", (1, 1, channels), expanded_from, kernel=height)
        self._append("flatten", "reshape", (1, 1, channels), expanded_from)
        return self._classified()

    def stack(self, arch: LayerStack) -> tuple[Layer, ...]:
        for number, conv in enumerate(arch.convs, 1):
            side = self.shape[0] - conv.kernel + 1
            output = (side, side, conv.filters)
            relu = conv.activation == "relu"
            name = f"conv{number}"
            self._append(
                name, "conv", output, conv.filters, kernel=conv.kernel, relu=relu, same=False
            )
            if not relu:
                self._append(f"{name}_sigmoid", "sigmoid", output, conv.filters)
        features = prod(self.shape)
        self._append("flatten", "reshape", (1, 1, features), features)
        self._append("dense", "dense", (1, 1, DENSE_UNITS), DENSE_UNITS, relu=True)
        return self._classified()

    def _classified(self) -> tuple[Layer, ...]:
        self._append("classes", "dense", (1, 1, len(CLASSES)), len(CLASSES))
        self._append("softmax", "softmax", (1, 1, len(CLASSES)), len(CLASSES))
        return tuple(self.table)

    def _block(self, name: str, stage: Stage, channels_in: int, block: int) -> None:
        start = len(self.table) - 1
        hidden = channels_in * stage.expansion
        stride = stage.stride if block == 0 else 1
        if stage.expansion > 1:
            self._conv(f"{name}_expand", hidden)
        height, width, channels = self.shape
        after = (-(-height // stride), -(-width // stride), channels)
        self._append(
            f"{name}_depthwise", "depthwise", after, hidden, kernel=3, stride=stride, relu6=True
        )
        self._conv(f"{name}_project", stage.channels, relu6=False)
        if block:
            inputs = (start, len(self.table) - 1)
            self._append(f"{name}_add", "add", self.shape, stage.channels, inputs=inputs)

    def _conv(
        self, name: str, channels: int, kernel: int = 1, stride: int = 1, relu6: bool = True
    ) -> None:
        height, width, _ = self.shape
        kept = kept_channels(channels, self.width)
        output = (-(-height // stride), -(-width // stride), kept)
        self._append(name, "conv", output, channels, kernel=kernel, stride=stride, relu6=relu6)

    def _append(
        self,
        name: str,
        kind: Kind,
        output_shape: tuple[int, int, int],
        full_channels: int,
        *,
        inputs: tuple[int, ...] | None = None,
        kernel: int = 1,
        stride: int = 1,
        relu6: bool = False,
        relu: bool = False,
        same: bool = True,
    ) -> None:
        self.table.append(
            Layer(
                name=name,
                kind=kind,
                inputs=inputs or (len(self.table) - 1,),
                input_shape=self.shape,
                output_shape=output_shape,
                full_channels=full_channels,
                kernel=kernel,
                stride=stride,
                relu6=relu6,
                relu=relu,
                same=same,
            )
        )
        self.shape = output_shape
