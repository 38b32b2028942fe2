"""The one layer table: the network, the operator graph and all counts are made from it."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Literal

Kind = Literal["conv", "depthwise", "add", "average_pool", "reshape", "dense", "sigmoid", "softmax"]
Shape = tuple[int, int, int]
"""(height, width, channels) of one input or map."""
Pair = tuple[int, int]
"""(height, width)."""

HEAD = "classes"
"""The name of every network's last dense layer: an output for each class."""


@dataclass(frozen=True)
class Layer:
    """One operator as it is deployed: batch norm, ReLU and ReLU6 belong to the layer before them.

    name: unique; the same for the same weights in every subnet.
    inputs: indices into the table; -1 is the network's input.
    input_shape: (height, width, channels) of the first input; output_shape alike. After the
        reshape shapes are (1, 1, channels).
    full_channels: output channels at full width, the size of the shared weights.
    kernel, stride: (height, width) of a window; 1 where there is none.
    same: whether a convolution's padding is SAME, else VALID; the average pool is over the whole
        map.
    relu6, relu: whether the operator ends in ReLU6, or in ReLU.
    """

    name: str
    kind: Kind
    inputs: tuple[int, ...]
    input_shape: Shape
    output_shape: Shape
    full_channels: int
    kernel: Pair = (1, 1)
    stride: Pair = (1, 1)
    relu6: bool = False
    relu: bool = False
    same: bool = True

    @property
    def weights(self) -> int:
        """Elements of the kernel, without bias."""
        channels_in, channels_out = self.input_shape[2], self.output_shape[2]
        if self.kind in ("conv", "dense"):
            return prod(self.kernel) * channels_in * channels_out
        return prod(self.kernel) * channels_out if self.kind == "depthwise" else 0

    @property
    def biases(self) -> int:
        """Elements of the bias; batch norm is folded into it."""
        return self.output_shape[2] if self.weights else 0

    @property
    def macs(self) -> int:
        """Multiplications and additions for one input."""
        return self.output_shape[0] * self.output_shape[1] * self.weights


def kept_channels(channels: int, width: float) -> int:
    """Channels kept of `channels` at `width`.

    max(1, int(C * width)); products are taken to nine decimals, so that 0.7 of 10 is 7 whatever
    binary floating point makes of it.
    """
    return max(1, int(round(channels * width, 9)))


def map_shape(shape: Shape, window: Pair, stride: Pair, same: bool) -> Pair:
    """(height, width) of what a window leaves of a map of `shape`."""
    if same:
        return (-(-shape[0] // stride[0]), -(-shape[1] // stride[1]))
    return (
        -(-(shape[0] - window[0] + 1) // stride[0]),
        -(-(shape[1] - window[1] + 1) // stride[1]),
    )


class TableBuilder:
    """Lays a network out, operator after operator, for inputs of `shape`.

    width: factor on the channels of every convolution; `full_channels` counts without it.
    """

    def __init__(self, shape: Shape, width: float = 1.0) -> None:
        self.shape = shape
        self.width = width
        self._table: list[Layer] = []
        self._above = 0  # full channels of the map as it is

    @property
    def last(self) -> int:
        """The index of the last operator: -1 before there is one."""
        return len(self._table) - 1

    def conv(
        self,
        name: str,
        channels: int,
        kernel: Pair = (1, 1),
        stride: Pair = (1, 1),
        *,
        activation: Literal["relu6", "relu"] | None = None,
        same: bool = True,
    ) -> None:
        """A convolution to `channels` at full width."""
        kept = kept_channels(channels, self.width)
        output = (*map_shape(self.shape, kernel, stride, same), kept)
        self._above = channels
        self._append(name, "conv", output, kernel, stride, activation, same=same)

    def depthwise(self, name: str, kernel: Pair = (3, 3), stride: Pair = (1, 1)) -> None:
        """A depthwise convolution with SAME padding and ReLU6."""
        output = (*map_shape(self.shape, kernel, stride, True), self.shape[2])
        self._append(name, "depthwise", output, kernel, stride, "relu6")

    def add(self, name: str, other: int) -> None:
        """The sum of the map as it is and of what operator `other` gave."""
        self._append(name, "add", self.shape, inputs=(other, self.last))

    def sigmoid(self, name: str) -> None:
        self._append(name, "sigmoid", self.shape)

    def pooled(self) -> None:
        """The mean of the whole map, flat."""
        height, width, channels = self.shape
        self._append("pool", "average_pool", (1, 1, channels), (height, width))
        self._append("flatten", "reshape", (1, 1, channels))

    def flattened(self) -> None:
        """The map as one vector."""
        self._above = prod(self.shape)
        self._append("flatten", "reshape", (1, 1, prod(self.shape)))

    def dense(self, name: str, units: int) -> None:
        """A dense layer with ReLU."""
        self._above = units
        self._append(name, "dense", (1, 1, units), activation="relu")

    def classified(self, classes: int) -> tuple[Layer, ...]:
        """The whole table, with a dense layer and a softmax for `classes` on top."""
        self._above = classes
        self._append(HEAD, "dense", (1, 1, classes))
        self._append("softmax", "softmax", (1, 1, classes))
        return tuple(self._table)

    def _append(
        self,
        name: str,
        kind: Kind,
        output_shape: Shape,
        kernel: Pair = (1, 1),
        stride: Pair = (1, 1),
        activation: Literal["relu6", "relu"] | None = None,
        *,
        inputs: tuple[int, ...] | None = None,
        same: bool = True,
    ) -> None:
        self._table.append(
            Layer(
                name=name,
                kind=kind,
                inputs=(self.last,) if inputs is None else inputs,
                input_shape=self.shape,
                output_shape=output_shape,
                full_channels=self._above,
                kernel=kernel,
                stride=stride,
                relu6=activation == "relu6",
                relu=activation == "relu",
                same=same,
            )
        )
        self.shape = output_shape
