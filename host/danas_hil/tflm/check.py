"""A look at a .tflite file before C++ code is let loose on it."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from danas_hil.base import DanasError
from danas_hil.estimate import OperatorGraph, read_graph

Array = npt.NDArray[Any]
"""An array of the type of a model's input or output: int8 for what we convert."""


def check_model(model: bytes, name: str) -> OperatorGraph:
    """The graph of a .tflite file with one input and one output.

    Raises DanasError for a damaged file, and for what the graph reader does not cover.
    """
    graph = read_graph(model, name)
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise DanasError(
            f"{name} has {len(graph.inputs)} inputs and {len(graph.outputs)} outputs.",
            "Give a .tflite file with one of each.",
        )
    return graph


def generous_arena(graph: OperatorGraph) -> int:
    """Bytes of an arena in which a model has room and to spare.

    All tensors side by side, twice; for the tail the file's size again and 1 MiB. Memory that
    TFLM does not touch costs nothing. A multiple of 16: the tail starts at the arena's end, and
    would count the bytes that bring it to the next multiple.
    """
    tensors = sum(tensor.bytes for tensor in graph.tensors)
    return -(-(2 * tensors + graph.file_bytes + 2**20) // 16) * 16
