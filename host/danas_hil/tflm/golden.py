"""Golden outputs: what TensorFlow Lite Micro on this computer answers, byte for byte."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from danas_hil.base import atomic_path, checking, read_arrays
from danas_hil.run import anew
from danas_hil.tflm.check import Array
from danas_hil.tflm.host import LoadedModel, load

_MOST_BYTES = 1024**3


@dataclass(frozen=True)
class Golden:
    """Inputs and the outputs that a device must give for them, byte for byte.

    inputs: (n, ...), outputs: (n, ...), of the model's types, int8 for what we convert; the axis n
        replaces the batch of one.
    made: whether the inputs are random ones, for want of images.
    """

    inputs: Array
    outputs: Array
    made: bool = False

    @property
    def sha256(self) -> str:
        """Of inputs and outputs, with their shapes."""
        digest = hashlib.sha256()
        for array in (self.inputs, self.outputs):
            digest.update(
                f"{array.dtype}{array.shape}".encode() + np.ascontiguousarray(array).tobytes()
            )
        return digest.hexdigest()


def write_golden(path: Path, golden: Golden) -> None:
    """Write golden.npz, whole or not at all."""
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, inputs=golden.inputs, outputs=golden.outputs, made=golden.made)


def read_golden(path: Path) -> Golden:
    """The inverse of `write_golden`. Raises DanasError naming a missing or damaged file."""
    hint = anew(path)
    content = read_arrays(path, "The golden outputs", hint, _MOST_BYTES)
    with checking(path, hint):
        inputs, outputs, made = content["inputs"], content["outputs"], content["made"]
        if made.shape or made.dtype != np.bool_:
            raise ValueError("`made` is neither true nor false")
        if not (inputs.ndim and outputs.ndim and 0 < len(inputs) == len(outputs)):
            raise ValueError("outputs are not one for each input")
    return Golden(inputs, outputs, bool(made))


def run(model: bytes, inputs: Array, name: str = "the model") -> Array:
    """Outputs (n, ...) for inputs (n, ...) of the model's type, each from a fresh start.

    Raises DanasError as `load` does.
    """
    with load(model, name) as loaded:
        return _run(loaded, inputs)


def golden(model: bytes, inputs: Array, name: str = "the model") -> Golden:
    """Golden outputs for inputs (n, ...) of the model's type. Raises DanasError as `load` does."""
    return Golden(inputs, run(model, inputs, name))


def golden_of_random(
    model: bytes, count: int = 4, seed: int = 0, name: str = "the model"
) -> Golden:
    """Golden outputs for `count` random inputs, for a model that comes without images."""
    with load(model, name) as loaded:
        shape = (count, *without_batch(loaded.input_shape))
        inputs = _random(shape, loaded.input_type, np.random.default_rng(seed))
        return Golden(inputs, _run(loaded, inputs), made=True)


def without_batch(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A tensor's shape without its leading batch of one, if it has one."""
    return shape[1:] if len(shape) > 1 and shape[0] == 1 else shape


def _run(loaded: LoadedModel, inputs: Array) -> Array:
    outputs = np.empty((len(inputs), *without_batch(loaded.output_shape)), dtype=loaded.output_type)
    for place, one in enumerate(inputs):
        outputs[place] = loaded.infer(one).reshape(outputs.shape[1:])
    return outputs


def _random(shape: tuple[int, ...], kind: np.dtype[Any], rng: np.random.Generator) -> Array:
    """Any value of an integer type; -1 to 1 of a real one."""
    if np.issubdtype(kind, np.integer):
        span = np.iinfo(kind)
        return rng.integers(span.min, span.max, shape, dtype=kind, endpoint=True)
    return rng.uniform(-1, 1, shape).astype(kind)
