"""A look at a .tflite file before C++ code is let loose on it."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from danas_hil.base import DanasError
from danas_hil.estimate import ModelEnds, read_ends

Array = npt.NDArray[Any]
"""An array of the type of a model's input or output: int8 for what we convert."""


def check_model(model: bytes, name: str) -> ModelEnds:
    """The ends of a .tflite file with one input and one output.

    Raises DanasError for a damaged file, and for a file of another kind. What the memory model does
    not cover is no matter here: TFLM may well run it.
    """
    ends = read_ends(model, name)
    if len(ends.inputs) != 1 or len(ends.outputs) != 1:
        raise DanasError(
            f"{name} has {len(ends.inputs)} inputs and {len(ends.outputs)} outputs.",
            "Give a .tflite file with one of each.",
        )
    return ends


def generous_arena(ends: ModelEnds) -> int:
    """Bytes of an arena in which most models have room and to spare.

    All tensors side by side, twice; for the tail the file's size again and 1 MiB. Memory that
    TFLM does not touch costs nothing. A multiple of 16: the tail starts at the arena's end, and
    would count the bytes that bring it to the next multiple.
    """
    return -(-(2 * ends.tensor_bytes + ends.file_bytes + 2**20) // 16) * 16
