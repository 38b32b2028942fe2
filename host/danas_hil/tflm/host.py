"""Real TensorFlow Lite Micro on this computer: the `tflite-micro` wheel, in a child process.

The child is there because TFLM ends its process where a desktop program would raise: in an arena
that is too small at the wrong place, and on scales that it can't express, such as logits with a
scale below 2^-26, as of a network that has collapsed (CHECK_GT in QuantizeMultiplierGreaterThanOne,
tensorflow/lite/kernels/internal/quantization_util.cc). A candidate of that kind must not take a
search with it. The child's standard error is TFLM's own text, whole, whatever our caller does
with its own.
"""

from __future__ import annotations

import contextlib
import pickle
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version as _version_of
from pathlib import Path
from typing import IO, Any

import numpy as np

from danas_hil.base import DanasError, require, running_process
from danas_hil.estimate import why_not_run
from danas_hil.tflm.check import Array, check_model, generous_arena

ARENA_LIMIT = 256 * 2**20
"""Bytes; no microcontroller has nearly as much."""


@dataclass(frozen=True)
class AllocationClass:
    """One class of TFLM's recording allocator: bytes with and without alignment, and how often."""

    name: str
    used_bytes: int
    requested_bytes: int
    count: int


@dataclass(frozen=True)
class Allocations:
    """What a model takes of the arena with the host's TFLM: total = head + tail, in bytes.

    The recording allocator and 64-bit pointers make the tail larger than on a device.
    """

    total_bytes: int
    head_bytes: int
    tail_bytes: int
    classes: tuple[AllocationClass, ...]


def version() -> str:
    """The version of the tflite-micro wheel, which TFLM itself does not have."""
    require("tflite_micro", "host")
    return _version_of("tflite-micro")


class LoadedModel:
    """A model in TFLM's interpreter, in a child process of its own; made by `load`."""

    def __init__(self, name: str, child: subprocess.Popen[bytes], text: IO[bytes]) -> None:
        self.name = name
        self.input_shape: tuple[int, ...] = ()
        self.output_shape: tuple[int, ...] = ()
        self.input_type = self.output_type = np.dtype(np.int8)
        self._child = child
        self._text = text

    def infer(self, one: Array, *, seconds: float = 120.0) -> Array:
        """The output for one input of the input's type and size, from a fresh start.

        Raises DanasError when TFLM fails or takes longer than `seconds`.
        """
        if one.dtype != self.input_type or one.size != int(np.prod(self.input_shape)):
            raise DanasError(
                f"{self.name} takes {self.input_type} inputs of shape {self.input_shape};"
                f" this is {one.dtype} of shape {one.shape}."
            )
        return np.asarray(self._ask(("infer", one.reshape(self.input_shape)), seconds))

    def time(self, runs: int, *, seconds: float = 120.0) -> tuple[float, ...]:
        """Microseconds of each of `runs` invocations of the last input, on this computer."""
        return tuple(float(taken) for taken in self._ask(("time", runs), seconds))

    def allocations(self) -> Allocations:
        """What TFLM's recording allocator tells."""
        start = self._text.seek(0, 2)
        self._ask(("allocations",), 30.0)
        self._text.seek(start)
        return _read_allocations(self._text.read().decode(errors="replace"), self.name)

    def _load(self, model: bytes, arena_bytes: int) -> None:
        while True:
            if arena_bytes > ARENA_LIMIT:
                raise DanasError(
                    f"{self.name} needs an arena of more than {ARENA_LIMIT >> 20} MiB.",
                    "No microcontroller has that; use a smaller model.",
                )
            try:
                shapes = self._ask(("load", model, arena_bytes), 60.0)
                break
            except RefusedError as error:
                if reason := why_not_run(model, self.name):
                    raise RefusedError(error.what, f"{reason}") from error
                if arena_bytes * 4 > ARENA_LIMIT:
                    raise
                arena_bytes *= 4
        self.input_shape, type_in, self.output_shape, type_out = shapes
        self.input_type, self.output_type = np.dtype(type_in), np.dtype(type_out)

    def _ask(self, request: tuple[Any, ...], seconds: float) -> Any:
        child = self._child
        assert child.stdin is not None
        assert child.stdout is not None
        start = self._text.seek(0, 2)
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            child.terminate()

        timer = threading.Timer(seconds, expire)
        timer.start()
        try:
            pickle.dump(request, child.stdin)
            child.stdin.flush()
            kind, value = pickle.load(child.stdout)
        except (EOFError, BrokenPipeError, pickle.UnpicklingError) as error:
            status = child.wait()
            if expired.is_set():
                raise CrashedError(
                    f"TFLM took longer than {seconds:g} s with {self.name}."
                ) from error
            raise CrashedError(
                f"TFLM ended its process ({_how(status)}) with {self.name}{self._said(start)}.",
                "The file is damaged, or its quantisation is degenerate"
                " (as of a network whose activations have collapsed).",
            ) from error
        except BaseException:
            child.terminate()  # what it would answer now belongs to no question
            raise
        finally:
            timer.cancel()
        if kind == "error":
            raise RefusedError(
                f"TFLM refuses {self.name}: {value}{self._said(start)}.",
                "It has an operator, a type or a shape that TFLM does not run.",
            )
        return value

    def _said(self, start: int) -> str:
        self._text.seek(start)
        said = self._text.read().decode(errors="replace").split("\n")
        lines = list(dict.fromkeys(line.strip() for line in said if line.strip()))
        return f": {' / '.join(lines[-4:]).rstrip('.')}" if lines else ""


class RefusedError(DanasError):
    """TFLM raised: the operator, the shape or the arena was not to its liking."""


class CrashedError(DanasError):
    """TFLM ended its process, or had to be ended."""


@contextlib.contextmanager
def load(model: bytes, name: str = "the model") -> Iterator[LoadedModel]:
    """Give a .tflite file's content to TFLM with an arena that suffices; `name` is for errors.

    Raises DanasError, with TFLM's own text, when the file is not a model, is refused, crashes
    TFLM, or has not one input and one output.
    """
    require("tflite_micro", "host")
    arena_bytes = generous_arena(check_model(model, name))
    pipe = subprocess.PIPE
    worker = [sys.executable, "-P", str(Path(__file__).with_name("worker.py"))]
    with (
        tempfile.TemporaryFile() as text,
        running_process(worker, stdin=pipe, stdout=pipe, stderr=text) as child,
    ):
        loaded = LoadedModel(name, child, text)
        loaded._load(model, arena_bytes)
        yield loaded


_TOTAL = re.compile(r"Arena allocation (total|head|tail) (\d+) bytes")
_CLASS = re.compile(
    r"'([^']+)' used (\d+) bytes with alignment overhead \(requested (\d+) bytes for (\d+) "
)


def _read_allocations(text: str, name: str) -> Allocations:
    sums = {part: int(count) for part, count in _TOTAL.findall(text)}
    classes = tuple(
        AllocationClass(label, int(used), int(requested), int(count))
        for label, used, requested, count in _CLASS.findall(text)
    )
    if set(sums) != {"total", "head", "tail"} or not classes:
        raise DanasError(
            f"The tflite-micro package told the allocations of {name} in words not known here.",
            f"Its version is {version()}; this release was written for 0.dev20261023182759.",
        )
    return Allocations(sums["total"], sums["head"], sums["tail"], classes)


def _how(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"exit status {status}"
