"""What kernels ask of the arena in Prepare, besides temporary copies of their tensors.

Each rule is one word of a build's TOML (builds/words.py has all of them). A rule gives the sizes,
in bytes, of what is allocated for good (`TABLES`) or only while the operator runs (`SCRATCH`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod

from danas_hil.base import DanasError
from danas_hil.estimate.graph import Operator, OperatorGraph, Tensor
from danas_hil.estimate.planner import align

Rule = Callable[[OperatorGraph, Operator], list[int]]

_SOFTMAX_TABLE = 2 * 513
"""Bytes of each lookup table of a softmax of int16 (LUTSize of kernels/internal/common.h)."""


def _input(graph: OperatorGraph, operator: Operator, place: int = 0) -> Tensor:
    tensor = graph.input_of(operator, place)
    if tensor is None:
        raise DanasError(f"The model has a {operator.kind} without its input {place}.")
    return tensor


def _output(graph: OperatorGraph, operator: Operator) -> Tensor:
    return graph.tensors[operator.outputs[0]]


# -- for good ----------------------------------------------------------------------------------


def _channel_tables(graph: OperatorGraph, operator: Operator) -> list[int]:
    """Multiplier and shift of each output channel."""
    return [4 * _output(graph, operator).shape[3]] * 2


def _filter_tables(graph: OperatorGraph, operator: Operator) -> list[int]:
    """Multiplier and shift of each row of the weights, where each has its own scale."""
    scales = _input(graph, operator, 1).scales
    return [4 * scales] * 2 if scales > 1 else []


def _dense_as_convolution(graph: OperatorGraph, operator: Operator) -> bool:
    """CMSIS-NN runs such a FULLY_CONNECTED as a 1x1 convolution."""
    rank = len(_output(graph, operator).shape)
    return rank > 2 and _input(graph, operator, 1).shape[-1] % 4 == 0


def _persistent_row_tables(graph: OperatorGraph, operator: Operator) -> list[int]:
    rows = _output(graph, operator).shape[-1]
    return [4 * rows] * 2 if _dense_as_convolution(graph, operator) else []


def _exponent_tables(graph: OperatorGraph, operator: Operator) -> list[int]:
    return [_SOFTMAX_TABLE] * 2 if _input(graph, operator).type == "int16" else []


def _stretched_shape(graph: OperatorGraph, operator: Operator) -> list[int]:
    """A writable copy of the output's shape, where the file leaves a dimension open."""
    output = _output(graph, operator)
    return [4 + 4 * len(output.shape)] if output.stretched else []


def _input_tables(graph: OperatorGraph, operator: Operator) -> list[int]:
    """Scale and zero point of each input of a CONCATENATION of int8."""
    return [4 * len(operator.inputs)] * 2 if _input(graph, operator).type == "int8" else []


# -- while the operator runs -------------------------------------------------------------------


def _is_pointwise(graph: OperatorGraph, operator: Operator) -> bool:
    """A 1x1 convolution over all channels, without padding or dilation."""
    weights, window = _input(graph, operator, 1), operator.window
    return (
        window is not None
        and weights.shape[1:3] == (1, 1)
        and window.dilation == (1, 1)
        and weights.shape[3] == _input(graph, operator).shape[3]
    )


def _columns(graph: OperatorGraph, operator: Operator) -> list[int]:
    """Two columns of an im2col in 16 bits, each padded to four values."""
    if _is_pointwise(graph, operator):
        return []
    return [4 * align(prod(_input(graph, operator, 1).shape[1:]), 4)]


def _unrounded_columns(graph: OperatorGraph, operator: Operator) -> list[int]:
    """The same in CMSIS-NN V11: nothing padded; a 1x1 with a stride needs it too."""
    if _is_pointwise(graph, operator) and operator.window and operator.window.stride == (1, 1):
        return []
    height, width = _input(graph, operator, 1).shape[1:3]
    return [4 * height * width * _input(graph, operator).shape[3]]


def _any_window(graph: OperatorGraph, operator: Operator) -> list[int]:
    """One window of a depthwise convolution in 16 bits."""
    source, weights, window = _input(graph, operator), _input(graph, operator, 1), operator.window
    plain = window is not None and window.dilation == (1, 1) and source.shape[0] == 1
    if not plain or source.shape[3] != _output(graph, operator).shape[3]:
        return []
    return [2 * prod(weights.shape[1:3]) * source.shape[3]]


def _window(graph: OperatorGraph, operator: Operator) -> list[int]:
    """The same, but for 3x3 windows with a padding of at most 1 there is a kernel of its own."""
    source, weights, window = _input(graph, operator), _input(graph, operator, 1), operator.window
    if window is not None and weights.shape[1:3] == (3, 3):
        paddings = (window.padding(source.shape[1 + axis], 3, axis) for axis in (0, 1))
        if max(paddings) <= 1:
            return []
    return _any_window(graph, operator)


def _channel_sums(graph: OperatorGraph, operator: Operator) -> list[int]:
    return [4 * _input(graph, operator).shape[3]]


def _row_tables(graph: OperatorGraph, operator: Operator) -> list[int]:
    """Multiplier and shift of each row, made from the one scale that all rows share."""
    if _input(graph, operator, 1).scales > 1 or not _dense_as_convolution(graph, operator):
        return []
    return [8 * _output(graph, operator).shape[-1]]


def _sums(graph: OperatorGraph, operator: Operator) -> list[int]:
    return [4 * _output(graph, operator).elements]


def _axes(graph: OperatorGraph, operator: Operator) -> list[int]:
    return [4 * len(_input(graph, operator).shape), 4 * _input(graph, operator, 1).elements]


def _filter_sums(graph: OperatorGraph, operator: Operator) -> list[int]:
    batch, filters = _input(graph, operator).shape[0], _input(graph, operator, 1).shape[0]
    return [4 * batch * filters, 4 * batch * _output(graph, operator).shape[1]]


TABLES: Mapping[str, Rule] = {
    "channel tables": _channel_tables,
    "filter tables": _filter_tables,
    "persistent row tables": _persistent_row_tables,
    "exponent tables": _exponent_tables,
    "stretched shape": _stretched_shape,
    "input tables": _input_tables,
}

FILLED_LATER = frozenset({"persistent row tables"})
"""Tables that are written when the operator runs, not in Prepare: until then they do no harm to the
temporary copies that they may lie over."""

SCRATCH: Mapping[str, Rule] = {
    "columns": _columns,
    "unrounded columns": _unrounded_columns,
    "window": _window,
    "any window": _any_window,
    "channel sums": _channel_sums,
    "row tables": _row_tables,
    "sums": _sums,
    "axes": _axes,
    "filter sums": _filter_sums,
}
