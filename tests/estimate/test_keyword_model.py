"""The model that CI builds for every board in the stead of one that would have to be downloaded."""

from __future__ import annotations

from pathlib import Path

from board.keyword_model import keyword_model
from danas_hil.estimate.read import OperatorGraph, read_graph


def kinds(graph: OperatorGraph) -> list[object]:
    return [(one.kind, one.window) for one in graph.operators]


def shapes(graph: OperatorGraph) -> list[object]:
    return [
        [graph.tensors[at].shape for at in (*one.inputs, *one.outputs)] for one in graph.operators
    ]


def test_it_has_the_operators_and_shapes_of_the_public_model(shared: Path) -> None:
    public = shared / "data" / "models" / "kws_ref_model.tflite"
    ours, theirs = read_graph(keyword_model()), read_graph(public.read_bytes())
    assert kinds(ours) == kinds(theirs)
    assert shapes(ours) == shapes(theirs)
