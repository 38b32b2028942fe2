"""The session of every program of ours on a board or an emulator: one conversation."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from danas_hil.base import DanasError
from danas_hil.targets.interface import (
    ArenaError,
    Hello,
    Memory,
    OperatorTime,
    Stage,
    TargetError,
)
from danas_hil.targets.streams import PortLostError, Reopens
from danas_hil.tflm import Array
from danas_hil.wire import (
    MOST_TICKS,
    ByteStream,
    Conversation,
    DeviceError,
    DeviceResetError,
    ProtocolError,
    Reply,
)

REPLY_SECONDS = 10.0  # for all that takes a device no time; repeated many times until then
# For one inference. A device that hangs is restarted by its watchdog before that: after 100 s, by
# an STM32 whose interrupts are off after up to 116 (firmware/danas_port_stm32.cpp).
RUN_SECONDS = 120.0
_FAULT_SECONDS = 5.0  # for a device to come back after a fault
_DAY_SECONDS = 86_400
_MOST_OPERATORS = 10_000
_HELLO_HINT = "Another program may answer on this port: flash it again."
_LOG_BYTES = 1024 * 1024  # of what a device prints; one that floods the line prints without end
_REFUSALS = {
    "allocate": (
        "AllocateTensors() fails in an arena of {arena} bytes.",
        "--arena-margin BYTES makes it larger than the estimated minimum.",
    ),
    "operator": (
        "An operator of the model is missing in the program.",
        "The library has no such operator, or it was left out of the resolver.",
    ),
    "schema": ("The model is of another schema than the library.", "Convert it again."),
    "tensors": ("The model has more than one input or output.", "The sketch feeds one of each."),
    "memory": ("Memory of the device does not hold what is written to it.", ""),
}


@dataclass(frozen=True)
class _About:
    """What a hello says. fault_has_place: whether its last fault came with addresses."""

    hello: Hello
    timer_hz: int
    static_ram_bytes: int
    fault_has_place: bool


def _about(told: Reply) -> _About:
    """Raises ProtocolError where something lacks or makes no sense."""
    fault = told.text("fault") if told.has("fault") else None
    has_place = fault is not None and told.has("pc")
    if has_place:
        pc, lr, status = (told.hexadecimal(key) for key in ("pc", "lr", "status"))
        fault = f"{fault} at {pc} (from {lr}, status {status})"
    timer_hz = told.number("timer_hz", 1)
    hello = Hello(
        build_id=told.text("build"),
        board=told.text("board"),
        tflm_version=told.text("tflm"),
        timer=told.text("timer"),
        timer_hz=timer_hz,
        core_clock_hz=told.number("clock_hz"),
        arena_bytes=told.number("arena_bytes"),
        image_bytes=told.number("flash_bytes"),
        reset_cause=told.text("reset"),
        last_fault=fault,
    )
    return _About(hello, timer_hz, told.number("ram_bytes"), has_place)


class WireSession:
    """A conversation with the measuring loop of firmware/.

    output_shape, output_type: of the model's one output, without the batch. log: where each line
    goes that the device prints. minimum_arena_bytes: the smallest that should do, by estimate;
    None where there is no estimate. receive_bytes: Device.receive_bytes.
    """

    def __init__(
        self,
        stream: ByteStream,
        output_shape: tuple[int, ...],
        output_type: str,
        log: Path,
        minimum_arena_bytes: int | None = None,
        *,
        receive_bytes: int | None = None,
    ) -> None:
        self._output_shape = output_shape
        self._output_type = np.dtype(output_type)
        self._log = log
        self._minimum_arena_bytes = minimum_arena_bytes
        self._about: _About | None = None
        self._last_line = ""
        self._log_room = _LOG_BYTES
        self._inferences = 0
        self._stream = stream
        self.heap_bytes: int | None = None  # in use, where the program can tell
        self.peak_stack_bytes: int | None = None  # told after inferences, which counts
        self.conversation = Conversation(stream, log=self._keep, receive_bytes=receive_bytes)

    def start(self, seconds: float) -> None:
        """Wait until the device answers. Raises TargetError (BOOT)."""
        try:
            told = self.conversation.hello(seconds)
        except DanasError as error:
            raise TargetError("BOOT", error.what, error.hint, self._log) from error
        with self._telling("PROTOCOL"):
            self._about = _about(Reply("hello", told, _HELLO_HINT))

    def identify(self) -> Hello:
        return self._told.hello

    @property
    def _told(self) -> _About:
        assert self._about is not None, "a session begins with start()"
        return self._about

    @property
    def static_ram_bytes(self) -> int:
        """Of the program, by linker symbols."""
        return self._told.static_ram_bytes

    def memory(self) -> Memory:
        with self._telling("ALLOCATE"):
            try:
                used = self.conversation.asked("prepare", RUN_SECONDS).number("arena")
            except DeviceError as error:
                raise self._refused_to_prepare(error.code) from error
        with self._telling("PROTOCOL"):
            told = self.conversation.asked("memory", REPLY_SECONDS)
            peak = told.number("stack_peak")
            head, tail, heap, heap_peak, stacks = (
                told.number(key) if told.has(key) else None
                for key in ("head", "tail", "heap", "heap_peak", "stacks")
            )
        self.heap_bytes = heap
        if self._inferences > 0:
            self.peak_stack_bytes = peak
        # A larger arena than the estimated minimum says nothing about the minimum.
        is_minimum = self._told.hello.arena_bytes == self._minimum_arena_bytes
        return Memory(
            used,
            head_bytes=head,
            tail_bytes=tail,
            stack_peak_bytes=peak,
            minimum_sufficed=True if is_minimum else None,
            heap_bytes=heap,
            heap_peak_bytes=heap_peak,
            thread_stacks_bytes=stacks,
        )

    def _refused_to_prepare(self, code: str) -> TargetError:
        what, hint = _REFUSALS.get(code, ("The model can't be made ready: {code}.", ""))
        what = what.format(arena=self._told.hello.arena_bytes, code=repr(code))
        if self._last_line:
            what += f" The device's last words: {self._last_line}"
        kind = ArenaError if code == "allocate" else TargetError
        return kind("ALLOCATE", what, hint, self._log)

    def infer(self, one: Array) -> Array:
        with self._telling("PROTOCOL"):
            # Every byte may need a second: at 9600 baud one line takes a tenth of one.
            seconds = REPLY_SECONDS + one.nbytes / 100
            self.conversation.upload(np.ascontiguousarray(one).tobytes(), seconds)
        with self._telling("FAULT"):
            done = self.conversation.asked("invoke", RUN_SECONDS)
            self._inferences += 1
        with self._telling("PROTOCOL"):
            size, crc = done.number("bytes"), done.hexadecimal("crc")
            if size != math.prod(self._output_shape) * self._output_type.itemsize:
                raise ProtocolError(
                    f"The device has an output of {size} bytes, not one of the shape"
                    f" {self._output_shape} in {self._output_type}.",
                    _HELLO_HINT,
                )
            content = self.conversation.download(size, crc, seconds + size / 100)
        return np.frombuffer(content, self._output_type).reshape(self._output_shape)

    def time(self, runs: int) -> tuple[float, ...]:
        with self._telling("FAULT"):
            return tuple(
                self._microseconds(self.conversation.asked("time", RUN_SECONDS))
                for _ in range(runs)
            )

    def clock_seconds(self) -> float:
        """What the device's clock shows, in seconds since some moment."""
        with self._telling("PROTOCOL"):
            told = self.conversation.asked("clock", REPLY_SECONDS)
            return told.number("ticks", 0, MOST_TICKS) / self._told.timer_hz

    def crash(self, how: Literal["crash", "hang"] = "crash") -> Hello:
        """Make a self-test fault on purpose, and return what it tells after that.

        hang: until its watchdog restarts it, which may be the one of an earlier program.
        """
        with self._telling("PROTOCOL"), contextlib.suppress(DeviceResetError):
            try:
                self.conversation.ask(how, REPLY_SECONDS if how == "crash" else RUN_SECONDS)
            except PortLostError as error:
                self._reopen(error)
            except ProtocolError as error:
                raise TargetError("PROTOCOL", error.what, error.hint, self._log) from error
        self.start(REPLY_SECONDS)
        return self.identify()

    def profile(self) -> tuple[OperatorTime, ...] | None:
        """None of a program that is not built for it."""
        try:
            with self._telling("FAULT"):
                told = self.conversation.asked("profile", RUN_SECONDS)
                count = told.number("operators", 0, _MOST_OPERATORS)
        except TargetError as error:
            if isinstance(error.__cause__, DeviceError) and error.__cause__.code == "request":
                return None
            raise
        with self._telling("PROTOCOL"):
            operators = []
            for at in range(count):
                one = self.conversation.asked("operator", REPLY_SECONDS, at=at)
                operators.append(OperatorTime(at, one.text("name"), self._microseconds(one)))
            return tuple(operators)

    def _microseconds(self, reply: Reply) -> float:
        """Its `ticks`, which are those of less than a day."""
        hz = self._told.timer_hz
        return reply.number("ticks", 0, hz * _DAY_SECONDS) * 1e6 / hz

    def _keep(self, line: str) -> None:
        self._last_line = line
        if self._log_room <= 0:
            return
        self._log_room -= len(line) + 1
        if self._log_room <= 0:
            line += "\n(what else came is left out)"
        try:
            with self._log.open("a", encoding="utf-8") as log:
                log.write(line + "\n")
        except OSError as error:  # no next try and no next model would mend that
            raise DanasError(
                f"The device's log {self._log} can't be written: {error.strerror}.",
                "What was measured before is on disk: the same command goes on from there.",
            ) from error

    @contextlib.contextmanager
    def _telling(self, refused: Stage) -> Iterator[None]:
        """Errors of a conversation as failures of a stage: `refused` where the device refuses."""
        try:
            yield
        except DeviceError as error:
            raise TargetError(refused, error.what, error.hint, self._log) from error
        except DeviceResetError as error:
            raise self._after_reset(error) from error
        except PortLostError as error:
            self._reopen(error)
            raise self._after_reset(error) from error
        except ProtocolError as error:
            raise TargetError("PROTOCOL", error.what, error.hint, self._log) from error

    def _reopen(self, lost: PortLostError) -> None:
        """Open a port that has vanished, once it is back. Raises TargetError (PROTOCOL)."""
        try:
            if not isinstance(self._stream, Reopens):
                raise lost
            self._stream.reopen()
        except DanasError as error:
            raise TargetError("PROTOCOL", lost.what, lost.hint, self._log) from error

    def _after_reset(self, error: DanasError) -> TargetError:
        """A device that started anew says why: a fault of the program, or none that it knows."""
        try:
            self.start(_FAULT_SECONDS)
        except TargetError:
            return TargetError("PROTOCOL", error.what, error.hint, self._log)
        fault = self.identify().last_fault
        if fault is None:
            return TargetError("PROTOCOL", error.what, "It tells of no fault.", self._log)
        return TargetError(
            "FAULT",
            f"The program stopped with a fault: {fault}.",
            "arm-none-eabi-addr2line -f -e firmware.elf ADDRESS tells where."
            if self._told.fault_has_place
            else "Nothing was heard of it for longer than an inference may take.",
            self._log,
        )
