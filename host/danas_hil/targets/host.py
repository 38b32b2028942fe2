"""The target without a board: real TensorFlow Lite Micro on this computer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from danas_hil import tflm
from danas_hil.base import DanasError
from danas_hil.targets.interface import (
    BuildIdentity,
    Hello,
    Kind,
    Memory,
    ModelFile,
    OperatorTime,
    Program,
    Stage,
    TargetError,
)


class HostTarget:
    """Runs models in the `tflite-micro` wheel. There is nothing to compile and nothing to flash."""

    name = "host"
    board = "host"
    kind: Kind = "host"

    def identity(self, model: ModelFile) -> BuildIdentity:
        return BuildIdentity.of(
            {"target": "host", "model": model.sha256, "tflite-micro": tflm.version()}
        )

    def build(self, model: ModelFile, folder: Path) -> Program:  # noqa: ARG002
        with _as("RENDER"):
            tflm.check_model(model.content, model.name)
        return Program(model, self.identity(model))

    def flash(self, program: Program) -> None:
        """Nothing: it is here already."""

    @contextlib.contextmanager
    def open(self, program: Program) -> Iterator[HostSession]:
        with contextlib.ExitStack() as stack:
            with _as("ALLOCATE"):
                loaded = stack.enter_context(tflm.load(program.model.content, program.model.name))
            yield HostSession(program, loaded)


class HostSession:
    """A model in TFLM's interpreter on this computer."""

    def __init__(self, program: Program, loaded: tflm.LoadedModel) -> None:
        self._program = program
        self._loaded = loaded

    def identify(self) -> Hello:
        return Hello(
            build_id=self._program.identity.id,
            board="host",
            tflm_version=tflm.version(),
            timer="the clock of this computer",
        )

    def memory(self) -> Memory:
        with _as("FAULT"):
            told = self._loaded.allocations()
        return Memory(told.total_bytes, told.head_bytes, told.tail_bytes, told.classes)

    def infer(self, one: tflm.Array) -> tflm.Array:
        with _as("FAULT"):
            output = self._loaded.infer(one)
        return output.reshape(tflm.without_batch(output.shape))

    def time(self, runs: int) -> tuple[float, ...]:
        with _as("FAULT"):
            return self._loaded.time(runs)

    def profile(self) -> tuple[OperatorTime, ...] | None:
        """None: the wheel has no profiler."""
        return None


@contextlib.contextmanager
def _as(stage: Stage) -> Iterator[None]:
    """A DanasError of the block becomes a failure of `stage`; of a crash, one of FAULT."""
    try:
        yield
    except DanasError as error:
        crashed = isinstance(error, tflm.CrashedError)
        raise TargetError("FAULT" if crashed else stage, error.what, error.hint) from error
