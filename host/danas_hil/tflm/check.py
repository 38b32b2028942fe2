"""A look at a .tflite file before C++ code is let loose on it."""

from __future__ import annotations

import struct
from typing import Any

import numpy.typing as npt
import tflite

from danas_hil.base import DanasError

Array = npt.NDArray[Any]
"""An array of the type of a model's input or output: int8 for what we convert."""

_HINT = "Give a .tflite file of one graph with one input and one output."


def check_model(model: bytes, name: str) -> None:
    """Raise DanasError unless `model` looks like a .tflite file with one input and one output."""
    if len(model) < 64 or model[4:8] != b"TFL3":
        raise DanasError(f"{name} is not a .tflite file.", _HINT)
    try:
        content = tflite.Model.GetRootAs(model)
        graph = content.Subgraphs(0) if content.SubgraphsLength() == 1 else None
        counts = (graph.InputsLength(), graph.OutputsLength()) if graph else None
    except (struct.error, IndexError, ValueError, TypeError) as error:
        raise DanasError(f"{name} is a damaged .tflite file ({error}).", _HINT) from error
    if counts is None:
        raise DanasError(f"{name} has several graphs.", _HINT)
    if counts != (1, 1):
        raise DanasError(f"{name} has {counts[0]} inputs and {counts[1]} outputs.", _HINT)


def generous_arena(model: bytes) -> int:
    """Bytes of an arena in which a checked model has room and to spare.

    All tensors side by side, as of four bytes and twice; for the tail the file's size again and
    1 MiB. Memory that TFLM does not touch costs nothing. A multiple of 16: the tail starts at the
    arena's end, and would count the bytes that bring it to the next multiple.
    """
    graph = tflite.Model.GetRootAs(model).Subgraphs(0)
    activations = sum(_bytes(graph.Tensors(index)) for index in range(graph.TensorsLength()))
    return -(-(2 * activations + len(model) + 2**20) // 16) * 16


def _bytes(tensor: Any) -> int:
    count = 4  # bytes of the widest usual type
    for axis in range(tensor.ShapeLength()):
        count *= max(1, tensor.Shape(axis))
    return count
