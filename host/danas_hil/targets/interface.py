"""What every way to run a model offers: a Target that builds, flashes and opens a Session.

The steps of one measurement are build, flash, open, and the questions to the session. Each fails
as a TargetError that names its stage. A target that lacks a step (the host has nothing to flash)
does nothing there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from danas_hil.base import DanasError
from danas_hil.platformio import BuildListener
from danas_hil.tflm import AllocationClass, Array

Kind = Literal["host", "emulated", "measured"]
"""What a figure is: of TFLM on this computer, of an emulator, of a real board."""

Stage = Literal[
    "RENDER", "BUILD", "SIZE", "FLASH", "BOOT", "IDENTITY", "PROTOCOL", "ALLOCATE", "FAULT"
]
"""Where a measurement can fail; RENDER is all that comes before the compiler, SIZE is a program
that does not fit, FAULT is a program that stopped."""


class TargetError(DanasError):
    """A stage failed. log: where to read more."""

    def __init__(self, stage: Stage, what: str, hint: str = "", log: Path | None = None) -> None:
        super().__init__(what, hint)
        self.stage = stage
        self.log = log


class ArenaError(TargetError):
    """The arena that a program was built with is too small for its model."""


@dataclass(frozen=True)
class ModelFile:
    """A .tflite file. name: of the candidate, or of the file."""

    name: str
    content: bytes = field(repr=False)

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True)
class BuildIdentity:
    """What a program is made of, such as the hashes of model, templates and flags.

    id: sixteen hexadecimal digits over all parts; the program tells it when it is asked.
    """

    id: str
    parts: Mapping[str, str]

    @property
    def custom_library(self) -> str:
        """`custom:HASH` where the library is none that estimates are made for; else empty."""
        library = self.parts.get("library", "")
        return library if library.startswith("custom:") else ""

    @staticmethod
    def of(parts: Mapping[str, str]) -> BuildIdentity:
        text = json.dumps(dict(parts), sort_keys=True)
        return BuildIdentity(hashlib.sha256(text.encode()).hexdigest()[:16], dict(parts))


@dataclass(frozen=True)
class Sizes:
    """What a program takes before it runs, from its ELF file, in bytes.

    static_ram_bytes: all that the linker places in RAM, the arena included. flash_shares,
    static_ram_shares: whose that is, by the names of platformio.Owner; they add up to the two.
    """

    flash_bytes: int
    static_ram_bytes: int
    sections: Mapping[str, int] = field(default_factory=dict)
    flash_shares: Mapping[str, int] = field(default_factory=dict)
    static_ram_shares: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Program:
    """A model in a program that is ready to be flashed. folder: where it was built, if anywhere."""

    model: ModelFile
    identity: BuildIdentity
    folder: Path | None = None
    sizes: Sizes | None = None
    log: Path | None = None


@dataclass(frozen=True)
class Hello:
    """What a program tells of itself.

    build_id: the `id` of its BuildIdentity. timer: what its times are taken with; timer_hz: its
    rate. arena_bytes: the arena it was built with. image_bytes: of the program in flash, from
    linker symbols. reset_cause, last_fault: since the last hello. None: does not apply there.
    """

    build_id: str
    board: str
    tflm_version: str
    timer: str
    timer_hz: int | None = None
    core_clock_hz: int | None = None
    arena_bytes: int | None = None
    image_bytes: int | None = None
    reset_cause: str | None = None
    last_fault: str | None = None


@dataclass(frozen=True)
class Memory:
    """Bytes in use. None: not told by this program (head and tail want a profiling build).

    minimum_sufficed: whether the arena was of the estimated minimum, and enough. heap_bytes: what
    the heap has taken of the RAM, the threads and buffers of an operating system included;
    heap_peak_bytes: the most of it that was allocated at once. thread_stacks_bytes: set aside for
    the stacks of all its threads, static ones and those in the heap.
    """

    arena_used_bytes: int
    head_bytes: int | None = None
    tail_bytes: int | None = None
    classes: tuple[AllocationClass, ...] = ()
    stack_peak_bytes: int | None = None
    minimum_sufficed: bool | None = None
    heap_bytes: int | None = None
    heap_peak_bytes: int | None = None
    thread_stacks_bytes: int | None = None


@dataclass(frozen=True)
class OperatorTime:
    """Microseconds that one operator of the graph took in one inference."""

    index: int
    name: str
    microseconds: float


class Session(Protocol):
    """A program that runs and can be asked. Each method raises TargetError.

    A session is asked in this order: identify, memory, infer for each golden input, time,
    profile, memory once more (for the stack peak).
    """

    def identify(self) -> Hello: ...

    def memory(self) -> Memory: ...

    def infer(self, one: Array) -> Array:
        """The output for one input, as from a fresh start: loads, invokes once, reads.

        Both without the batch; the input is loaded anew each time, because the memory planner
        lets later operators overwrite it.
        """
        ...

    def time(self, runs: int) -> tuple[float, ...]:
        """Microseconds of each of `runs` inferences, whose outputs mean nothing."""
        ...

    def profile(self) -> tuple[OperatorTime, ...] | None:
        """The time of each operator; None where the program was not built for it."""
        ...


class Target(Protocol):
    """One way to run a model.

    name: of the place, BOARD or BOARD@SERIAL, also of its folder. board: the id of its board.
    """

    @property
    def name(self) -> str: ...

    @property
    def board(self) -> str: ...

    @property
    def kind(self) -> Kind: ...

    def identity(self, model: ModelFile) -> BuildIdentity:
        """What a build of `model` would be; cheap, so that a measurement can be found again."""
        ...

    def build(self, model: ModelFile, folder: Path) -> Program:
        """Make the program, in `folder`. Raises TargetError: RENDER, BUILD, SIZE."""
        ...

    def flash(self, program: Program) -> None:
        """Bring the program onto the board. Raises TargetError: FLASH."""
        ...

    def open(self, program: Program) -> AbstractContextManager[Session]:
        """Start the program and wait for it. Raises TargetError: BOOT, PROTOCOL, ALLOCATE."""
        ...


@runtime_checkable
class HasProfiler(Protocol):
    """A target that takes the time of operators with a program of its own."""

    def profiler(self) -> Target: ...


@runtime_checkable
class TellsOfBuilds(Protocol):
    """A target whose builds take long enough to be told of."""

    def telling(self, listener: BuildListener) -> Target:
        """The same target, whose builds and uploads are heard by `listener`."""
        ...


@runtime_checkable
class Grows(Protocol):
    """A target whose arena is found by trying, where no estimate tells it.

    needed_bytes: that are in use where there is more than enough of them. Where fewer are, the
    arena was too small, whatever the library says: some go on without what they were refused.
    """

    @property
    def needed_bytes(self) -> int | None: ...

    def generous(self, model: ModelFile) -> Target | None:
        """The same target with more arena than `model` can need; None where it is estimated."""
        ...

    def needing(self, used_bytes: int) -> Target:
        """The same target, to begin with an arena of so many bytes at the least."""
        ...

    def larger(self, model: ModelFile) -> Target | None:
        """The same target with the next larger arena for `model`; None where it is estimated, or
        the board has no more room."""
        ...

    def with_arena(self, arena_bytes: int | None) -> Target:
        """The same target with this arena, if it is not estimated."""
        ...
