"""The operator graph of an int8 network: what a .tflite file holds, without the weights."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod

from danas_hil.base import DanasError

TYPE_BYTES = {
    "float32": 4, "float16": 2, "int32": 4, "uint8": 1, "int64": 8, "bool": 1, "int16": 2,
    "int8": 1, "float64": 8, "uint64": 8, "uint32": 4, "uint16": 2,
}  # fmt: skip

ABSENT = -1
"""Index of an optional tensor that is left out, such as a bias."""


@dataclass(frozen=True)
class Tensor:
    """A tensor of the graph.

    shape: dimensions, none unknown. constant_bytes: bytes of data in the file, 0 where there is
    none. scales: how many quantisation scales it has, 0 where it is not quantised; scale,
    zero_point: the first of them, None where there is none or where it is not known yet (of a
    genome). variable: kept from one inference to the next. stretched: the file leaves a dimension
    to be found at run time.
    """

    name: str
    shape: tuple[int, ...]
    type: str
    constant_bytes: int = 0
    scales: int = 0
    variable: bool = False
    stretched: bool = False
    scale: float | None = None
    zero_point: int | None = None

    @cached_property
    def elements(self) -> int:
        return prod(self.shape)

    @cached_property
    def bytes(self) -> int:
        return self.elements * TYPE_BYTES[self.type]

    @property
    def constant(self) -> bool:
        return self.constant_bytes > 0


@dataclass(frozen=True)
class Window:
    """How a convolution or pooling moves over its input; pairs are (height, width).

    size: of the window of a pooling; a convolution's is its filter's. same: SAME padding, else
    VALID.
    """

    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    size: tuple[int, int] = (1, 1)
    same: bool = False

    def output(self, length: int, size: int, axis: int) -> int:
        """The output's length for an input of `length` along `axis` (0 height, 1 width).

        As ComputeOutSize of tensorflow/lite/kernels/padding.h.
        """
        stride = self.stride[axis]
        effective = (size - 1) * self.dilation[axis] + 1
        reach = length if self.same else length - effective + 1
        return -(-reach // stride)

    def padding(self, length: int, size: int, axis: int) -> int:
        """Elements of padding before the first, as ComputePadding of padding.h."""
        effective = (size - 1) * self.dilation[axis] + 1
        output = self.output(length, size, axis)
        return max(0, (output - 1) * self.stride[axis] + effective - length) // 2


@dataclass(frozen=True)
class Operator:
    """An operator: its builtin name (CONV_2D), and indices of its tensors (ABSENT for none).

    window: of convolutions and poolings. axis: of a concatenation.
    """

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    window: Window | None = None
    axis: int = 0


@dataclass(frozen=True)
class OperatorGraph:
    """One subgraph: tensors, operators in the order in which they run, inputs and outputs.

    file_bytes: size of the .tflite file that holds it.
    """

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    file_bytes: int

    def input_of(self, operator: Operator, place: int) -> Tensor | None:
        """The tensor at `place` of the operator's inputs; None where it is left out."""
        if place >= len(operator.inputs) or operator.inputs[place] == ABSENT:
            return None
        return self.tensors[operator.inputs[place]]

    def check_order(self) -> None:
        """Raise DanasError unless every tensor is made once, and before it is read."""
        made = {*self.inputs}
        for index in self.inputs:
            if self.tensors[index].constant or self.tensors[index].variable:
                raise DanasError(f"The model's input {self._name(index)} is not to be written to.")
        for number, operator in enumerate(self.operators):
            where = f"operator {number} ({operator.kind})"
            for index in operator.inputs:
                tensor = None if index == ABSENT else self.tensors[index]
                if tensor and not (index in made or tensor.constant or tensor.variable):
                    raise DanasError(
                        f"The model's {where} reads tensor {self._name(index)} before any operator"
                        " writes it."
                    )
            for index in operator.outputs:
                tensor = self.tensors[index]
                if index in made or tensor.constant or tensor.variable:
                    raise DanasError(
                        f"The model's {where} writes tensor {self._name(index)}, which is written"
                        " already."
                    )
                made.add(index)
        for index in self.outputs:
            if index not in made:
                raise DanasError(f"No operator writes the model's output {self._name(index)}.")

    def _name(self, index: int) -> str:
        return f"{index} {self.tensors[index].name!r}" if self.tensors[index].name else str(index)
