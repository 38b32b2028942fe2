"""What a build covers of a model: operators and types that it tells of, and what TFLM refuses."""

from __future__ import annotations

from danas_hil.base import DanasError
from danas_hil.builds import Build, Kernel
from danas_hil.estimate.graph import Operator, OperatorGraph
from danas_hil.estimate.refusals import REFUSALS

_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "SVDF")


def check_covered(graph: OperatorGraph, operator: Operator, build: Build) -> None:
    """Raise DanasError, naming the operator, where the build does not cover it or would
    refuse it."""
    kernel = build.operators.get(operator.kind)
    if kernel is None:
        raise DanasError(
            f"The model has the operator {operator.kind}, which the memory model of build"
            f" {build.name} does not cover.",
            f"It covers: {', '.join(sorted(build.operators))}.",
        )
    _check_types(graph, operator, kernel, build)
    _check_refused(graph, operator, kernel, build)
    if (
        any(graph.tensors[index].stretched for index in operator.outputs)
        and "stretched shape" not in kernel.prepare
    ):
        raise DanasError(
            f"The model leaves a dimension of its {operator.kind} open, which the build"
            f" {build.name} can't run from flash.",
            "Convert it again with a fixed batch of 1.",
        )


def _check_types(graph: OperatorGraph, operator: Operator, kernel: Kernel, build: Build) -> None:
    source = graph.input_of(operator, 0)
    if source is None or source.type not in kernel.types or not operator.outputs:
        given = "no input" if source is None else source.type
        raise DanasError(
            f"The model has {operator.kind} of {given}, which the memory model of build"
            f" {build.name} does not cover.",
            f"It covers {operator.kind} of {', '.join(kernel.types)}.",
        )
    weights = graph.input_of(operator, 1)
    if operator.kind in _WEIGHTED and (weights is None or weights.type != "int8"):
        raise DanasError(
            f"The model has {operator.kind} with weights of"
            f" {weights.type if weights else 'no type'}, which the memory model does not cover.",
            "It covers weights of int8.",
        )


def _check_refused(graph: OperatorGraph, operator: Operator, kernel: Kernel, build: Build) -> None:
    for word in kernel.refuses:
        if reason := REFUSALS[word](graph, operator):
            raise DanasError(
                f"The model has {operator.kind} with {reason}: the build {build.name} does not"
                " run it.",
                _HINTS.get(word, "Its quantisation is not sound; convert it again."),
            )


_HINTS = {
    "many inputs": "Join some of them first, and then the results.",
    "absent bias": "Give the layer a bias; zeros will do.",
    "no bias": "Give the layer a bias; zeros will do.",
}
