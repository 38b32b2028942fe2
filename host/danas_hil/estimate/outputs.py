"""What a build is known to compute wrongly.

A build's TOML lists its faults; `when` is the rule here that says of which operators one holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from danas_hil.builds import Build, Severity
from danas_hil.estimate.graph import Operator, OperatorGraph
from danas_hil.estimate.refusals import unequal_quantisation


@dataclass(frozen=True)
class OutputFault:
    """What a build computes wrongly of a model: operators of one kind, and how many.

    what: one sentence, which names the operator. hint: what to do about it.
    """

    operator: str
    count: int
    severity: Severity
    what: str
    hint: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def output_faults(graph: OperatorGraph, build: Build) -> tuple[OutputFault, ...]:
    """The known faults of `build` that `graph` meets, the worst first."""
    met = Counter(
        place
        for operator in graph.operators
        for place, fault in enumerate(build.faults)
        if fault.operator == operator.kind and WHEN[fault.when](graph, operator)
    )
    found = (
        OutputFault(row.operator, count, row.severity, row.what, row.hint)
        for row, count in ((build.faults[place], count) for place, count in met.items())
    )
    return tuple(sorted(found, key=lambda one: one.severity, reverse=True))


def _always(*_: object) -> bool:
    return True


def _weights_per_channel(graph: OperatorGraph, operator: Operator) -> bool:
    weights = graph.input_of(operator, 1)
    return weights is not None and weights.scales > 1


def _more_than_two_axes(graph: OperatorGraph, operator: Operator) -> bool:
    axes = graph.input_of(operator, 1)
    return axes is not None and axes.elements > 2


def _unequal_inputs(graph: OperatorGraph, operator: Operator) -> bool:
    return bool(unequal_quantisation(graph, operator))


WHEN: Mapping[str, Callable[[OperatorGraph, Operator], bool]] = {
    "always": _always,
    "weights per channel": _weights_per_channel,
    "more than two axes": _more_than_two_axes,
    "unequal inputs": _unequal_inputs,
}
