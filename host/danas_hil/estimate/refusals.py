"""What TensorFlow Lite Micro refuses of models that are sound as files: their numbers don't agree.

Each rule is one word of a build's TOML (`refuses`; builds/words.py has all of them). A rule says
what is wrong with an operator, or nothing. Where a figure is not known, as of a genome, nothing is
wrong: the converter sees to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from danas_hil.estimate.graph import Operator, OperatorGraph

Refusal = Callable[[OperatorGraph, Operator], str]

_MOST_INPUTS = 10  # kMaxInputNum of kernels/concatenation.cc
_BIAS_TOLERANCE = 0.02  # GetQuantizedConvolutionMultipler of tensorflow/lite/kernels/kernel_util.cc
_STATE_TOLERANCE = 1e-5  # PrepareSvdf of kernels/svdf_common.cc

Quantisation = tuple[float | None, int | None]


def _quantisation(graph: OperatorGraph, index: int) -> Quantisation:
    return graph.tensors[index].scale, graph.tensors[index].zero_point


def _no_bias(graph: OperatorGraph, operator: Operator) -> str:
    """Kernels that give back the copy of a bias that they never took."""
    return "no bias" if graph.input_of(operator, _bias_place(operator)) is None else ""


def _absent_bias(graph: OperatorGraph, operator: Operator) -> str:
    """The same where a bias is left out by its index only, and not from the inputs' count."""
    listed = len(operator.inputs) > _bias_place(operator)
    return _no_bias(graph, operator) if listed else ""


def _bias_place(operator: Operator) -> int:
    return 3 if operator.kind == "SVDF" else 2


def _too_many_inputs(_: OperatorGraph, operator: Operator) -> str:
    count = len(operator.inputs)
    return f"{count} inputs, and {_MOST_INPUTS} are the most" if count > _MOST_INPUTS else ""


def unequal_quantisation(graph: OperatorGraph, operator: Operator) -> str:
    """Inputs of int8 that count in other steps than the output."""
    ends = (*operator.inputs, operator.outputs[0])
    if any(graph.tensors[index].type != "int8" for index in ends):
        return ""
    known = {_quantisation(graph, index) for index in ends} - {(None, None)}
    return "inputs that are quantised otherwise than the output" if len(known) > 1 else ""


def _bias_scale(graph: OperatorGraph, operator: Operator) -> str:
    """A dense layer's bias counts in steps of input x weights, give or take 2 % of the output's."""
    tensors = [graph.input_of(operator, place) for place in range(3)]
    source, weights, bias = (tensor.scale if tensor else None for tensor in tensors)
    output = graph.tensors[operator.outputs[0]].scale
    if source is None or weights is None or bias is None or output is None:
        return ""
    if output > 0 and abs(source * weights - bias) / output <= _BIAS_TOLERANCE:
        return ""
    return f"a bias of scale {bias:g}, where input and weights have {source:g} x {weights:g}"


def _bias_scale_per_tensor(graph: OperatorGraph, operator: Operator) -> str:
    weights = graph.input_of(operator, 1)
    return "" if weights is None or weights.scales > 1 else _bias_scale(graph, operator)


def _state_bias_scale(graph: OperatorGraph, operator: Operator) -> str:
    tensors = [graph.input_of(operator, place) for place in (2, 3, 4)]
    times, bias, state = (tensor.scale if tensor else None for tensor in tensors)
    if times is None or bias is None or state is None:
        return ""
    if abs(bias - state * times) < _STATE_TOLERANCE:
        return ""
    return f"a bias of scale {bias:g}, where state and weights have {state:g} x {times:g}"


_SCORES = {
    ("int8", "int8"): (1 / 256, -128, 0.0),
    ("int8", "int16"): (2**-16, -(2**15), 1e-3),
    ("int16", "int16"): (2**-15, 0, 1e-3),
}
"""Of a SOFTMAX from one type to another: its step, its zero point, and how far off the step may be,
relatively (CalculateSoftmaxParams of kernels/softmax_common.cc)."""


def _scores_scale(graph: OperatorGraph, operator: Operator) -> str:
    source, output = graph.input_of(operator, 0), graph.tensors[operator.outputs[0]]
    rule = _SCORES.get((source.type if source else "", output.type))
    if rule is None or output.scale is None:
        return ""
    step, zero, tolerance = rule
    if abs(output.scale - step) <= tolerance * step and output.zero_point == zero:
        return ""
    found = f"an output of scale {output.scale:g} and zero point {output.zero_point}"
    return f"{found}, where it gives steps of {step:g} from {zero}"


def _scores_zero(graph: OperatorGraph, operator: Operator) -> str:
    output = graph.tensors[operator.outputs[0]]
    if output.type != "int8" or output.zero_point in (None, -128):
        return ""
    return f"an output with the zero point {output.zero_point}, where it gives values from -128"


REFUSALS: Mapping[str, Refusal] = {
    "absent bias": _absent_bias,
    "no bias": _no_bias,
    "many inputs": _too_many_inputs,
    "unequal inputs": unequal_quantisation,
    "bias scale": _bias_scale,
    "bias scale per tensor": _bias_scale_per_tensor,
    "state bias scale": _state_bias_scale,
    "scores scale": _scores_scale,
    "scores zero": _scores_zero,
}
