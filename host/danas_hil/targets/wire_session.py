"""The session of every program of ours on a board or an emulator: one conversation."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np

from danas_hil.base import DanasError
from danas_hil.targets.interface import Hello, Memory, OperatorTime, Stage, TargetError
from danas_hil.targets.streams import PortLostError, Reopens
from danas_hil.tflm import Array
from danas_hil.wire import ByteStream, Conversation, DeviceError, DeviceResetError, ProtocolError

REPLY_SECONDS = 10.0  # for all that takes a device no time; repeated many times until then
# For one inference. A device that hangs is restarted by its watchdog before that: after 100 s, by
# an STM32 with a slow clock after 116 (firmware/danas_watchdog.cpp).
RUN_SECONDS = 120.0
_FAULT_SECONDS = 5.0  # for a device to come back after a fault
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
        self._hello: dict[str, Any] = {}
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
            self._hello = self.conversation.hello(seconds)
        except DanasError as error:
            raise TargetError("BOOT", error.what, error.hint, self._log) from error

    def identify(self) -> Hello:
        told = self._hello
        fault = told.get("fault")
        if fault is not None and "pc" in told:
            fault = f"{fault} at {told['pc']} (from {told['lr']}, status {told['status']})"
        try:
            return Hello(
                build_id=str(told["build"]),
                board=str(told["board"]),
                tflm_version=str(told["tflm"]),
                timer=str(told["timer"]),
                timer_hz=int(told["timer_hz"]),
                core_clock_hz=int(told["clock_hz"]),
                arena_bytes=int(told["arena_bytes"]),
                image_bytes=int(told["flash_bytes"]),
                reset_cause=str(told["reset"]),
                last_fault=fault,
            )
        except (KeyError, ValueError, TypeError) as error:
            raise TargetError(
                "PROTOCOL", f"The device's hello makes no sense: {error!r}.", log=self._log
            ) from error

    @property
    def static_ram_bytes(self) -> int:
        """Of the program, by linker symbols."""
        return int(self._hello["ram_bytes"])

    def memory(self) -> Memory:
        with self._telling("ALLOCATE"):
            try:
                ready = self.conversation.ask("prepare", RUN_SECONDS)
            except DeviceError as error:
                raise self._refused_to_prepare(error.code) from error
        with self._telling("PROTOCOL"):
            told = self.conversation.ask("memory", REPLY_SECONDS)
        self.heap_bytes = int(told["heap"]) if "heap" in told else None
        if self._inferences > 0:
            self.peak_stack_bytes = int(told["stack_peak"])
        # A larger arena than the estimated minimum says nothing about the minimum.
        is_minimum = self._hello["arena_bytes"] == self._minimum_arena_bytes
        return Memory(
            int(ready["arena"]),
            head_bytes=told.get("head"),
            tail_bytes=told.get("tail"),
            stack_peak_bytes=int(told["stack_peak"]),
            minimum_sufficed=True if is_minimum else None,
        )

    def _refused_to_prepare(self, code: str) -> TargetError:
        what, hint = _REFUSALS.get(code, (f"The model can't be made ready: {code!r}.", ""))
        if self._last_line:
            what += f" The device's last words: {self._last_line}"
        what = what.format(arena=self._hello.get("arena_bytes"))
        return TargetError("ALLOCATE", what, hint, self._log)

    def infer(self, one: Array) -> Array:
        with self._telling("PROTOCOL"):
            # Every byte may need a second: at 9600 baud one line takes a tenth of one.
            seconds = REPLY_SECONDS + one.nbytes / 100
            self.conversation.upload(np.ascontiguousarray(one).tobytes(), seconds)
        with self._telling("FAULT"):
            done = self.conversation.ask("invoke", RUN_SECONDS)
            self._inferences += 1
        with self._telling("PROTOCOL"):
            size = int(done["bytes"])
            content = self.conversation.download(size, str(done["crc"]), seconds + size / 100)
        output = np.frombuffer(content, self._output_type)
        if output.size != np.prod(self._output_shape, dtype=int):
            raise TargetError(
                "PROTOCOL",
                f"The device has an output of {output.size} numbers, not {self._output_shape}.",
                log=self._log,
            )
        return output.reshape(self._output_shape)

    def time(self, runs: int) -> tuple[float, ...]:
        with self._telling("FAULT"):
            ticks = [self.conversation.ask("time", RUN_SECONDS)["ticks"] for _ in range(runs)]
        return tuple(self._microseconds(int(one)) for one in ticks)

    def clock_seconds(self) -> float:
        """What the device's clock shows, in seconds since some moment."""
        with self._telling("PROTOCOL"):
            told = self.conversation.ask("clock", REPLY_SECONDS)
        return int(told["ticks"]) / int(self._hello["timer_hz"])

    def crash(self, how: Literal["crash", "hang"] = "crash") -> Hello:
        """Make a self-test fault on purpose, and return what it tells after that.

        hang: until its watchdog restarts it, which may be the one of an earlier program.
        """
        with contextlib.suppress(DeviceResetError):
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
                count = int(self.conversation.ask("profile", RUN_SECONDS)["operators"])
        except TargetError as error:
            if isinstance(error.__cause__, DeviceError) and error.__cause__.code == "request":
                return None
            raise
        with self._telling("PROTOCOL"):
            told = [self.conversation.ask("operator", REPLY_SECONDS, at=at) for at in range(count)]
        return tuple(
            OperatorTime(index, str(one["name"]), self._microseconds(int(one["ticks"])))
            for index, one in enumerate(told)
        )

    def _microseconds(self, ticks: int) -> float:
        return ticks * 1e6 / int(self._hello["timer_hz"])

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
            if "pc" in self._hello
            else "Nothing was heard of it for longer than an inference may take.",
            self._log,
        )
