"""Whether the shapes of an operator's tensors agree: what a damaged file rarely gets right."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import zip_longest

from danas_hil.base import DanasError
from danas_hil.estimate.graph import Operator, OperatorGraph, Tensor, Window


def check_shapes(graph: OperatorGraph) -> None:
    """Raise DanasError where an operator's output can't come from its inputs.

    Checks what the kernels of TensorFlow Lite Micro take for granted: they size nothing
    themselves. Operators that it knows nothing of pass.
    """
    for number, operator in enumerate(graph.operators):
        rule = _RULES.get(operator.kind)
        if rule is None:
            continue
        inputs = [graph.input_of(operator, place) for place in range(len(operator.inputs))]
        outputs = [graph.tensors[index] for index in operator.outputs]
        if len(outputs) != 1 or not inputs or inputs[0] is None or not outputs[0].elements:
            raise DanasError(
                f"The model's operator {number} ({operator.kind}) has {len(inputs)} inputs and"
                f" {len(outputs)} outputs, or an empty one."
            )
        if not rule(operator, inputs, outputs[0]):
            shapes = ", ".join(str(list(t.shape)) if t else "none" for t in inputs)
            raise DanasError(
                f"The model's operator {number} ({operator.kind}) can't make"
                f" {list(outputs[0].shape)} of {shapes}."
            )


_Inputs = list[Tensor | None]
_Rule = Callable[[Operator, _Inputs, Tensor], bool]


def _moved(window: Window, size: tuple[int, int], source: Tensor, output: Tensor) -> bool:
    """Batch, height and width of `output` follow from `source` and a window of `size`."""
    return (
        len(source.shape) == len(output.shape) == 4
        and source.shape[0] == output.shape[0]
        and all(
            window.output(source.shape[1 + axis], size[axis], axis) == output.shape[1 + axis]
            for axis in (0, 1)
        )
    )


def _convolution(operator: Operator, inputs: _Inputs, output: Tensor) -> bool:
    source, weights, bias = (*inputs, None, None)[:3]
    if source is None or weights is None or operator.window is None or len(weights.shape) != 4:
        return False
    if not weights.constant or not _moved(operator.window, weights.shape[1:3], source, output):
        return False
    depthwise = operator.kind == "DEPTHWISE_CONV_2D"
    channels_in, channels_out = source.shape[3], output.shape[3]
    channels = weights.shape[3 if depthwise else 0]
    grouped = channels_out % channels_in if depthwise else channels_in % (weights.shape[3] or 1)
    return (
        channels == channels_out
        and not grouped
        and (not depthwise or weights.shape[0] == 1)
        and (weights.type != "int8" or weights.scales in (1, channels))
        and (bias is None or bias.elements == channels_out)
    )


def _pooling(operator: Operator, inputs: _Inputs, output: Tensor) -> bool:
    source = inputs[0]
    return (
        source is not None
        and operator.window is not None
        and _moved(operator.window, operator.window.size, source, output)
        and source.shape[3] == output.shape[3]
    )


def _dense(_: Operator, inputs: _Inputs, output: Tensor) -> bool:
    source, weights, bias = (*inputs, None, None)[:3]
    if source is None or weights is None or len(weights.shape) != 2 or not weights.elements:
        return False
    rows, depth = weights.shape
    return (
        source.elements % depth == 0
        and output.elements == source.elements // depth * rows
        and output.shape[-1:] == (rows,)
        and (weights.type != "int8" or weights.scales in (1, rows))
        and (bias is None or bias.elements == rows)
    )


def _same_elements(_: Operator, inputs: _Inputs, output: Tensor) -> bool:
    return inputs[0] is not None and inputs[0].elements == output.elements


def _same_shape(_: Operator, inputs: _Inputs, output: Tensor) -> bool:
    return inputs[0] is not None and inputs[0].shape == output.shape


def _broadcast(_: Operator, inputs: _Inputs, output: Tensor) -> bool:
    if len(inputs) != 2 or inputs[0] is None or inputs[1] is None:
        return False
    pairs = zip_longest(reversed(inputs[0].shape), reversed(inputs[1].shape), fillvalue=1)
    shape = []
    for one, other in pairs:
        if one != other and 1 not in (one, other):
            return False
        shape.append(max(one, other))
    return tuple(reversed(shape)) == output.shape


def _padded(_: Operator, inputs: _Inputs, output: Tensor) -> bool:
    source, paddings = (*inputs, None)[:2]
    return (
        source is not None
        and paddings is not None
        and paddings.constant
        and paddings.elements == 2 * len(output.shape)
        and len(source.shape) == len(output.shape)
        and all(a <= b for a, b in zip(source.shape, output.shape, strict=True))
    )


def _joined(operator: Operator, inputs: _Inputs, output: Tensor) -> bool:
    rank = len(output.shape)
    if not -rank <= operator.axis < rank or any(t is None or len(t.shape) != rank for t in inputs):
        return False
    axis = operator.axis % rank
    total = 0
    for tensor in inputs:
        if tensor is None or any(
            a != b
            for i, (a, b) in enumerate(zip(tensor.shape, output.shape, strict=True))
            if i != axis
        ):
            return False
        total += tensor.shape[axis]
    return total == output.shape[axis]


def _reduced(_: Operator, inputs: _Inputs, output: Tensor) -> bool:
    source, axes = (*inputs, None)[:2]
    return (
        source is not None
        and axes is not None
        and axes.constant
        and axes.elements <= len(source.shape)
        and source.elements % output.elements == 0
    )


def _filtered(_: Operator, inputs: _Inputs, output: Tensor) -> bool:
    if len(inputs) != 5:
        return False
    source, features, times, _bias, state = inputs
    if source is None or features is None or times is None or state is None:
        return False
    if [len(t.shape) for t in (source, features, times, state, output)] != [2] * 5:
        return False
    batch, filters = source.shape[0], features.shape[0]
    return (
        source.shape[1] == features.shape[1]
        and times.shape[0] == filters
        and state.variable
        and state.shape == (batch, filters * times.shape[1])
        and output.shape[0] == batch
        and filters % output.shape[1] == 0
    )


_RULES: Mapping[str, _Rule] = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _convolution,
    "AVERAGE_POOL_2D": _pooling,
    "MAX_POOL_2D": _pooling,
    "FULLY_CONNECTED": _dense,
    "RESHAPE": _same_elements,
    "TRANSPOSE": _same_elements,
    "ADD": _broadcast,
    "SUB": _broadcast,
    "MUL": _broadcast,
    "PAD": _padded,
    "PADV2": _padded,
    "CONCATENATION": _joined,
    "MEAN": _reduced,
    "SVDF": _filtered,
    **{
        kind: _same_shape
        for kind in (
            "SOFTMAX", "QUANTIZE", "DEQUANTIZE", "RELU", "RELU6", "LOGISTIC", "HARD_SWISH",
            "LEAKY_RELU", "PRELU",
        )
    },
}  # fmt: skip
