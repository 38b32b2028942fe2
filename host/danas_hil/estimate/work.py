"""The work of an operator: which kernel runs it, and how often that does what.

Time is taken to be a sum over these counts, each with a rate of its own, so they follow the loops
of the kernels: CMSIS-NN's for Arm cores with DSP extension, below Source/ of ARM-software/CMSIS-NN
(V11, as the build `arduino` has it). Kernels written otherwise get rates of zero for what they
don't do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import prod

from danas_hil.estimate.graph import Operator, OperatorGraph, Tensor, Window

TERMS: Mapping[str, str] = {
    "call": "call",
    "output": "output element",
    "input": "input element",
    "mac": "multiplication",
    "odd_mac": "one for an unpaired channel",
    "rest_mac": "one beyond whole blocks",
    "weight": "weight",
    "column": "element gathered",
    "tap": "window tap gathered",
    "pixel": "output pixel",
    "rest_output": "output beyond groups of 4",
}
"""What is counted, in words for tables. Multiplications are with accumulation."""

_BLOCK_1X1 = 16  # columns at a time in arm_nn_mat_mult_nt_t_s8.c
_BLOCK_KXK = 4  # in arm_nn_mat_mult_kernel_s8_s16.c
_PAIR = 2  # output channels at a time in both
_GROUP = 4  # channels at a time in arm_depthwise_conv_3x3_s8.c


@dataclass(frozen=True)
class Work:
    """What one call of `kernel` does; counts by the names of TERMS, none negative."""

    kernel: str
    counts: Mapping[str, int]


def work_of(graph: OperatorGraph) -> tuple[Work, ...]:
    """The work of each operator, in order. The graph's shapes agree, as `read_graph` checks."""
    return tuple(_work(graph, operator) for operator in graph.operators)


def _work(graph: OperatorGraph, operator: Operator) -> Work:
    output = graph.tensors[operator.outputs[0]]
    source, weights = graph.input_of(operator, 0), graph.input_of(operator, 1)
    if source is not None and weights is not None:
        if operator.kind == "CONV_2D" and operator.window is not None:
            return _convolution(weights, operator.window, output)
        if operator.kind == "DEPTHWISE_CONV_2D" and operator.window is not None:
            return _depthwise(source, weights, operator.window, output)
        if operator.kind == "FULLY_CONNECTED":
            depth = weights.shape[-1]
            return Work("dense", {"call": 1, "output": output.elements,
                                  "mac": output.elements * depth})  # fmt: skip
    if operator.window is not None:
        taps = output.elements * prod(operator.window.size)
        return Work(_name(operator), {"call": 1, "output": output.elements, "tap": taps})
    given = [graph.input_of(operator, place) for place in range(len(operator.inputs))]
    constants = [t for t in given if t is not None and t.constant and t.type in ("int8", "int16")]
    moving = [t for t in given if t is not None and not t.constant and not t.variable]
    return Work(
        _name(operator),
        {
            "call": 1,
            "output": output.elements,
            "input": sum(tensor.elements for tensor in moving),
            "weight": sum(tensor.elements for tensor in constants),
        },
    )


def _name(operator: Operator) -> str:
    """AVERAGE_POOL_2D is `average pool`; each operator without a rule of its own is a kernel."""
    return operator.kind.removesuffix("_2D").replace("_", " ").lower()


def _convolution(weights: Tensor, window: Window, output: Tensor) -> Work:
    channels = output.shape[3]
    pixels, depth = output.elements // channels, prod(weights.shape[1:])
    pointwise = weights.shape[1:3] == (1, 1) and window.stride == window.dilation == (1, 1)
    counts = {
        "call": 1,
        "output": output.elements,
        "mac": output.elements * depth,
        "odd_mac": pixels * (channels % _PAIR) * depth,
        "rest_mac": output.elements * (depth % (_BLOCK_1X1 if pointwise else _BLOCK_KXK)),
    }
    if pointwise:
        return Work("conv 1x1", {**counts, "weight": weights.elements})
    taps = pixels * prod(weights.shape[1:3])
    return Work("conv kxk", {**counts, "tap": taps, "column": pixels * depth})


def _depthwise(source: Tensor, weights: Tensor, window: Window, output: Tensor) -> Work:
    """Of three kernels: two want as many channels out as in, and one of these 3x3 windows."""
    channels = output.shape[3]
    pixels, size = output.elements // channels, weights.shape[1:3]
    kernel = "depthwise"
    if source.shape[3] == channels and window.dilation == (1, 1):
        kernel += " 3x3" if size == (3, 3) else " kxk"
    inside = prod(
        _taps_inside(
            source.shape[1 + axis],
            output.shape[1 + axis],
            size[axis],
            window.stride[axis],
            window.dilation[axis],
            window.padding(source.shape[1 + axis], size[axis], axis) if window.same else 0,
        )
        for axis in (0, 1)
    )
    return Work(
        kernel,
        {
            "call": 1,
            "output": output.elements,
            "mac": inside * channels,
            "pixel": pixels,
            "rest_output": pixels * (channels % _GROUP),
        },
    )


@cache
def _taps_inside(
    length: int, outputs: int, size: int, stride: int, dilation: int, padding: int
) -> int:
    """Taps of all windows along an axis that are not on padding, which the kernels skip."""
    inside = 0
    for tap in range(size):
        offset = tap * dilation - padding
        first = max(0, -(offset // stride))
        last = min(outputs - 1, (length - 1 - offset) // stride)
        inside += max(0, last - first + 1)
    return inside
