"""The target that is a firmware of ours: rendered, built, flashed, and asked over the wire."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from danas_hil.base import DanasError, EnvironmentFaultError, write_atomic
from danas_hil.board import Figures, build_key, keep_figures, read_figures
from danas_hil.builds import load_build
from danas_hil.estimate.arena import estimate_arena
from danas_hil.estimate.graph import OperatorGraph
from danas_hil.estimate.outputs import output_faults
from danas_hil.estimate.planner import ALIGNMENT, align
from danas_hil.estimate.read import read_graph
from danas_hil.platformio import SILENCE, BuildListener, SizeError, build
from danas_hil.sketch import Sketch, firmware_of, library_of, render_tflm
from danas_hil.targets.devices import Device
from danas_hil.targets.interface import (
    BuildIdentity,
    Kind,
    ModelFile,
    Program,
    Sizes,
    TargetError,
)
from danas_hil.targets.wire_session import WireSession
from danas_hil.tflm import without_batch

BOOT_SECONDS = 15.0
_GROWTH = 1.25  # from one arena that is tried to the next: a search ends within a quarter
_SMALLEST_ARENA = 8 * 1024
_GENEROUS_BYTES = 16 * 1024
_RECORDING_BYTES = 1024
SERIAL_LOG = "serial.log"


@dataclass(frozen=True)
class FirmwareTarget:
    """Models in TensorFlow Lite Micro on `device`.

    arena_margin_bytes: how much larger than the estimated minimum the arena is made. profiling:
    with a program that tells head, tail and the time of each operator, which takes more RAM.
    boot_seconds: for a program to answer once it was flashed; None is BOOT_SECONDS. listener:
    hears of builds and uploads. accept_wrong_outputs: build a model too whose outputs the
    board's library is known to get wrong. arena_bytes: of the arena, where the library is none that
    estimates are made for; None for the one to begin with.
    """

    device: Device
    arena_margin_bytes: int = 0
    profiling: bool = False
    boot_seconds: float | None = None
    listener: BuildListener = field(default=SILENCE, repr=False, compare=False)
    accept_wrong_outputs: bool = False
    arena_bytes: int | None = None
    needed_bytes: int | None = None

    @property
    def name(self) -> str:
        return self.device.name

    @property
    def board(self) -> str:
        return self.device.board.id

    @property
    def kind(self) -> Kind:
        return self.device.kind

    def profiler(self) -> FirmwareTarget:
        return replace(self, profiling=True)

    def telling(self, listener: BuildListener) -> FirmwareTarget:
        return replace(self, listener=listener)

    def generous(self, model: ModelFile) -> FirmwareTarget | None:
        if not self._custom:
            return None
        first = self._arena_bytes(read_graph(model.content, model.name))
        room = (self.device.board.ram_bytes or _SMALLEST_ARENA) // 2
        return self.with_arena(align(max(first, min(4 * first + _GENEROUS_BYTES, room)), ALIGNMENT))

    def needing(self, used_bytes: int) -> FirmwareTarget:
        return replace(self, needed_bytes=used_bytes)

    def larger(self, model: ModelFile) -> FirmwareTarget | None:
        if not self._custom:
            return None
        graph, most = read_graph(model.content, model.name), self.device.board.ram_bytes
        arena = align(round(self._arena_bytes(graph) * _GROWTH), ALIGNMENT)
        return None if most is not None and arena > most else self.with_arena(arena)

    def with_arena(self, arena_bytes: int | None) -> FirmwareTarget:
        return replace(self, arena_bytes=arena_bytes) if self._custom else self

    @property
    def _custom(self) -> bool:
        """Whether the library is none that estimates are made for."""
        return bool(library_of(self.device.board).custom)

    def identity(self, model: ModelFile) -> BuildIdentity:
        sketch = self._sketch(model)
        library = sketch.library
        parts = {
            "model": model.sha256,
            "board": self.board,
            "program": sketch.identity,
            "library": (library.custom or library.hash) if library else "",
        }
        return BuildIdentity(sketch.identity, parts)

    def build(self, model: ModelFile, folder: Path) -> Program:
        try:
            self._check_outputs(model)
            sketch = self._sketch(model)
        except DanasError as error:
            raise TargetError("RENDER", error.what, error.hint) from error
        with _ending_a_batch():
            sizes = build_into(sketch, folder, self.listener)
        log, identity = folder / "build.log", self.identity(model)
        if identity.id != sketch.identity:
            raise TargetError(
                "BUILD",
                f"What {model.name} is built of changed while it was built: the library, or sources"
                " of danas-hil.",
                "Let them be, and build it once more.",
                log,
            )
        return Program(model, identity, folder, sizes, log)

    def flash(self, program: Program) -> None:
        folder = _folder(program)
        try:
            sketch = self._sketch(program.model)
            self.device.flash(sketch, folder / "flash.log", self.listener)
        except EnvironmentFaultError:
            raise
        except DanasError as error:
            raise TargetError("FLASH", error.what, error.hint, folder / "flash.log") from error

    @contextlib.contextmanager
    def open(self, program: Program) -> Iterator[WireSession]:
        graph = read_graph(program.model.content, program.model.name)
        output = graph.tensors[graph.outputs[0]]
        custom = program.identity.custom_library
        least = None if custom else self._minimum_arena_bytes(graph)
        with (
            _ending_a_batch(),
            open_session(
                self.device,
                _folder(program),
                without_batch(output.shape),
                output.type,
                minimum_arena_bytes=least,
                boot_seconds=self.boot_seconds,
            ) as session,
        ):
            yield session
            self._keep_figures(program, graph, session)

    def _keep_figures(self, program: Program, graph: OperatorGraph, session: WireSession) -> None:
        """What this program tells of its board, for the next estimate; nothing before inferences,
        and nothing where it has another library than estimates are made for."""
        if program.identity.custom_library:
            return
        if self.profiling or program.sizes is None or session.peak_stack_bytes is None:
            return
        board, hello = self.device.board, session.identify()
        table = load_build(board.build, board.kernels).code.get(board.toolchain)
        operators = frozenset(_operators(graph))
        library = table.bytes_for(operators) if table else None
        rest = program.sizes.flash_bytes - len(program.model.content)
        static, behind = program.sizes.static_ram_bytes - (hello.arena_bytes or 0), 0
        if table is not None:
            static, behind = table.static_rest(static, operators)
        key = build_key(board.build, board.kernels, board.toolchain)
        earlier = read_figures(board.kept_as, key)
        peaks = [session.peak_stack_bytes]
        if earlier is not None:
            peaks += [earlier.stack_bytes, earlier.stack_least_bytes]
        figures = Figures(
            framework_flash_bytes=None if library is None else rest - library,
            static_ram_bytes=static,
            static_behind_bytes=behind,
            stack_bytes=max(peaks),
            stack_least_bytes=min(peaks),
            framework_ram_bytes=session.heap_bytes,
            source=f"builds with {hello.tflm_version}, the last of {program.model.name} on"
            f" {datetime.now(UTC):%Y-%m-%d}",
        )
        keep_figures(board.kept_as, key, figures)

    def _check_outputs(self, model: ModelFile) -> None:
        """Raise DanasError where what the board would answer means nothing."""
        if self._custom:  # whatever that one computes
            return
        board = self.device.board
        build = load_build(board.build, board.kernels)
        faults = output_faults(read_graph(model.content, model.name), build)
        wrong = [fault for fault in faults if fault.severity == "wrong"]
        if wrong and not self.accept_wrong_outputs:
            raise DanasError(
                f"{model.name} comes out wrong on {board.id}: {wrong[0].what}.",
                f"{wrong[0].hint} danas-hil flash --accept-wrong-outputs builds it as it is.",
            )

    def _minimum_arena_bytes(self, graph: OperatorGraph) -> int:
        board = self.device.board
        build = load_build(board.build, board.kernels, recording=self.profiling)
        return estimate_arena(graph, build).minimum_bytes

    def _arena_bytes(self, graph: OperatorGraph) -> int:
        """Of the program. Another library than estimates are made for is tried first with what
        that one takes."""
        custom = self._custom
        # What records allocations takes some of the arena itself.
        recording = _RECORDING_BYTES if custom and self.profiling else 0
        if self.arena_bytes is not None and custom:
            return self.arena_bytes + recording
        try:
            estimated = self._minimum_arena_bytes(graph) + self.arena_margin_bytes
        except DanasError:
            if not custom:
                raise
            estimated = _SMALLEST_ARENA
        return max(estimated, align(self.needed_bytes or 0, ALIGNMENT)) + recording

    def _sketch(self, model: ModelFile) -> Sketch:
        graph = read_graph(model.content, model.name)
        arena = self._arena_bytes(graph)
        operators = _operators(graph)
        profiled = len(graph.operators) if self.profiling else 0
        return render_tflm(
            self.device.board, model.name, model.content, operators, arena, profiled=profiled
        )


@contextlib.contextmanager
def _ending_a_batch() -> Iterator[None]:
    """What no other model would change is no failure of this one: it is raised as it was."""
    try:
        yield
    except TargetError as error:
        if isinstance(error.__cause__, EnvironmentFaultError):
            raise error.__cause__ from None
        raise


def build_into(sketch: Sketch, folder: Path, listener: BuildListener = SILENCE) -> Sizes:
    """Leave the sources of `sketch` and its firmware.elf in `folder`. Raises TargetError.

    listener: hears of each file that is compiled.
    """
    log = folder / "build.log"
    (folder / SERIAL_LOG).unlink(missing_ok=True)  # of an earlier program
    for name, text in sketch.files.items():
        write_atomic(folder / "sketch" / name, text)
    try:
        built = build(sketch, folder / "firmware.elf", log, listener)
    except SizeError as error:
        raise TargetError("SIZE", error.what, error.hint, log) from error
    except DanasError as error:
        raise TargetError("BUILD", error.what, error.hint, log) from error
    sizes, shares = built.sizes, built.shares
    sections = {section.name: section.size for section in sizes.sections}
    return Sizes(
        sizes.flash_bytes,
        sizes.static_ram_bytes,
        sections,
        shares.flash,
        shares.static_ram,
    )


@contextlib.contextmanager
def open_session(
    device: Device,
    folder: Path,
    output_shape: tuple[int, ...],
    output_type: str,
    *,
    minimum_arena_bytes: int | None = None,
    boot_seconds: float | None = None,
) -> Iterator[WireSession]:
    """Start the firmware.elf of `folder` on `device` and wait for it. Raises TargetError (BOOT).

    What the device prints is kept in serial.log, behind that of earlier tries with the same build.
    """
    log = folder / SERIAL_LOG
    with log.open("a", encoding="utf-8") as file:
        file.write(f"--- {device.name}, {datetime.now(UTC).isoformat(timespec='seconds')}\n")
    with contextlib.ExitStack() as stack:
        try:
            stream = stack.enter_context(
                device.connect(folder / "firmware.elf", folder / "device.log")
            )
        except DanasError as error:
            raise TargetError("BOOT", error.what, error.hint, folder / "device.log") from error
        session = WireSession(
            stream,
            output_shape,
            output_type,
            log,
            minimum_arena_bytes,
            receive_bytes=device.receive_bytes,
        )
        try:
            session.start(BOOT_SECONDS if boot_seconds is None else boot_seconds)
        except TargetError as error:
            known = firmware_of(device.board).caveat
            hint = f"{known} {error.hint}".strip()
            raise TargetError(error.stage, error.what, hint, error.log) from error.__cause__
        yield session


def _operators(graph: OperatorGraph) -> tuple[str, ...]:
    """Builtin names of the operators used, each once, in the order of the file."""
    return tuple(dict.fromkeys(operator.kind for operator in graph.operators))


def _folder(program: Program) -> Path:
    assert program.folder is not None, "a firmware is built in a folder"
    return program.folder
