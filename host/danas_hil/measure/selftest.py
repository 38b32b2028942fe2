"""The self-test of a board: cable, port, wire, timer, memory, parity and faults, without TFLM."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from danas_hil.base import DanasError, EnvironmentFaultError
from danas_hil.measure.measuring import ATTEMPTS
from danas_hil.measure.record import Failure
from danas_hil.measure.timing import emulated_spread_us
from danas_hil.platformio import SILENCE, BuildListener, function_at
from danas_hil.sketch import SelfTest, Sketch, render_selftest
from danas_hil.targets import Device, Hello, Sizes, TargetError, build_into, open_session
from danas_hil.targets.wire_session import WireSession

IMAGES = 5
RUNS = 10
CHECKS = (
    "build", "flash", "boot", "identity", "image", "memory", "parity", "timer", "clock", "stack",
    "wire", "fault", "watchdog",
)  # fmt: skip
"""What is looked at, in this order; the last two take the device's memory of all before."""

_CLOCK_SECONDS = 2.0  # of the host's, that the device's is held against
_CLOCK_ERROR = 0.02
HANG = "danas_hang"  # of firmware/danas_fault.cpp
_WATCHDOG_PLACE = re.compile(r"watchdog at ([0-9a-f]{8})\b")


@dataclass(frozen=True)
class Check:
    """One thing that the self-test looked at. good: None where it was not run, because one before
    it ended the conversation. detail: with its figures, for the reader."""

    name: str
    good: bool | None
    detail: str


@dataclass(frozen=True)
class SelfTestResult:
    """All of CHECKS on one device, in order. hello, sizes: as the device and its ELF file tell
    them, None before they did. failure: what ended it before the last check, if anything did;
    environment: whether that is this computer's, and says nothing of the device."""

    device: str
    hello: Hello | None
    sizes: Sizes | None
    checks: tuple[Check, ...]
    failure: Failure | None = None
    environment: bool = False

    @property
    def good(self) -> bool:
        return all(check.good for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "good": self.good}


def selftest(
    device: Device,
    folder: Path,
    seed: int = 0,
    boot_seconds: float | None = None,
    listener: BuildListener = SILENCE,
) -> SelfTestResult:
    """Build, flash and run the self-test on `device`, and leave what comes of it in `folder`.

    boot_seconds: for it to answer once it was flashed, where that is not the usual time.
    listener: hears of the build and the upload.
    A check that fails by itself ends nothing. Where the program can't be built, or the device
    can't be asked any more, that is the check that failed, and those behind it were not run.
    """
    proof = _Proof(device, folder, SelfTest.make(seed), seed, listener)
    failure, environment = None, False
    checks = proof.checks
    try:
        with proof.started(boot_seconds) as session:
            proof.ask(session)
    except TargetError as error:
        log = None if error.log is None else str(error.log)
        failure = Failure(error.stage, error.what, error.hint, log)
        environment = isinstance(error.__cause__, EnvironmentFaultError)
        checks.append(Check(CHECKS[len(checks)], False, error.what))
    checks += [Check(name, None, "") for name in CHECKS[len(checks) :]]
    return SelfTestResult(
        device.name, proof.hello, proof.sizes, tuple(checks), failure, environment
    )


class _Proof:
    """What is known of a device so far, so that a failure loses none of it."""

    def __init__(
        self, device: Device, folder: Path, test: SelfTest, seed: int, listener: BuildListener
    ) -> None:
        self.device = device
        self.folder = folder
        self.test = test
        self.seed = seed
        self.listener = listener
        self.sketch: Sketch = render_selftest(device.board, test)
        self.checks: list[Check] = []
        self.sizes: Sizes | None = None
        self.hello: Hello | None = None

    @contextlib.contextmanager
    def started(self, boot_seconds: float | None) -> Iterator[WireSession]:
        """Build, flash, and wait for an answer.

        Flashed again where it can't be, or is silent: the watchdog of the program before may have
        started the board anew in the middle.
        """
        sizes = self.sizes = build_into(self.sketch, self.folder, self.listener)
        told = f"{sizes.flash_bytes} bytes of flash, {sizes.static_ram_bytes} of RAM"
        self.checks.append(Check("build", True, told))
        for attempt in range(1, ATTEMPTS + 1):
            with contextlib.ExitStack() as stack:
                try:
                    self._flash(attempt)
                    started = time.monotonic()
                    session = stack.enter_context(self._open(boot_seconds))
                except TargetError as error:
                    in_vain = isinstance(error.__cause__, EnvironmentFaultError)
                    if attempt == ATTEMPTS or in_vain:
                        raise
                    del self.checks[1:]  # of this attempt
                    continue
                told = f"answered {time.monotonic() - started:.1f} s after it was flashed"
                self.checks.append(Check("boot", True, told))
                yield session
                return

    def _flash(self, attempt: int) -> None:
        log = self.folder / "flash.log"
        try:
            self.device.flash(self.sketch, log, self.listener)
        except DanasError as error:
            raise TargetError("FLASH", error.what, error.hint, log) from error
        again = "" if attempt == 1 else f", at attempt {attempt}"
        where = "given to the emulator" if self.device.kind == "emulated" else "on the board"
        self.checks.append(Check("flash", True, where + again))

    def _open(self, boot_seconds: float | None) -> contextlib.AbstractContextManager[WireSession]:
        test = self.test
        shape = (test.side - 2, test.side - 2, test.outputs)
        return open_session(self.device, self.folder, shape, "int8", boot_seconds=boot_seconds)

    def ask(self, session: WireSession) -> None:
        """The checks of a program that answers."""
        device, sizes = self.device, self.sizes
        assert sizes is not None, "it was built"
        hello = self.hello = session.identify()
        done = self.checks
        done.append(self._identity(hello))
        done.append(_image(session, hello, sizes))
        done.append(_memory(session, device))
        done.append(_parity(session, self.test, self.seed))
        done.append(_timer(session, hello, device))
        done.append(_clock(session, hello, device))
        done.append(_stack(session))
        done.append(_wire(session))
        done.append(_fault(session))
        done.append(_watchdog(session, self.folder / "firmware.elf"))

    def _identity(self, hello: Hello) -> Check:
        board, wanted = self.device.board.id, self.sketch.identity
        if hello.build_id != wanted or hello.board != board:
            raise TargetError(
                "IDENTITY",
                f"{self.device.name} runs build {hello.build_id} for {hello.board}, not"
                f" {wanted} for {board}.",
                "See that port and board belong together.",
            )
        return Check("identity", True, f"build {wanted}")


def _image(session: WireSession, hello: Hello, sizes: Sizes) -> Check:
    """Linker symbols on the device and sections of the ELF file tell of the same program."""
    static = sum(sizes.sections.get(name, 0) for name in (".data", ".bss"))
    same = (hello.image_bytes, session.static_ram_bytes) == (sizes.flash_bytes, static)
    return Check(
        "image",
        same,
        f"flash {hello.image_bytes} by the device, {sizes.flash_bytes} by its file;"
        f" data and bss {session.static_ram_bytes} and {static}",
    )


def _memory(session: WireSession, device: Device) -> Check:
    """Every word of a block that fills most of the RAM holds what is written to it."""
    try:
        used = session.memory().arena_used_bytes
    except TargetError as error:
        if error.stage != "ALLOCATE":
            raise
        return Check("memory", False, error.what)
    return Check("memory", True, f"{used} of {device.board.ram_bytes} bytes written and read back")


def _parity(session: WireSession, test: SelfTest, seed: int) -> Check:
    wrong = 0
    for number in range(IMAGES):
        image = test.image(seed + number)
        wrong += not np.array_equal(session.infer(image), test.answer(image))
    return Check("parity", wrong == 0, f"{IMAGES - wrong} of {IMAGES} outputs as computed here")


def _timer(session: WireSession, hello: Hello, device: Device) -> Check:
    """Runs of the same work take the same time: on a board within a half, in an emulator but for
    what `emulated_spread_us` tells."""
    session.time(1)
    taken = session.time(RUNS)
    least, spread = min(taken), max(taken) - min(taken)
    allowed = least / 2
    detail = f"{RUNS} runs of {least:.1f} to {max(taken):.1f} us"
    if device.kind == "emulated":
        allowed = emulated_spread_us(hello.timer, hello.timer_hz)
        detail += f": {spread:.2f} apart, at most {allowed:.2f}"
    return Check("timer", least > 0 and spread <= allowed, detail)


def _clock(session: WireSession, hello: Hello, device: Device) -> Check:
    """The device's seconds are the host's; an emulator's need only pass."""
    seconds = 0.1 if device.kind == "emulated" else _CLOCK_SECONDS
    started, first = time.monotonic(), session.clock_seconds()
    last = session.clock_seconds()  # also where one answer takes longer than all of that
    while time.monotonic() - started < seconds:
        last = session.clock_seconds()
    ours, theirs = time.monotonic() - started, last - first
    good = theirs > 0 if device.kind == "emulated" else abs(theirs / ours - 1) < _CLOCK_ERROR
    return Check(
        "clock",
        good,
        f"{hello.timer} at {hello.timer_hz} Hz: {theirs:.3f} s while {ours:.3f} s passed here",
    )


def _stack(session: WireSession) -> Check:
    peak = session.memory().stack_peak_bytes or 0
    return Check("stack", peak > 0, f"{peak} bytes at its peak")


def _wire(session: WireSession) -> Check:
    """A good cable needs next to no request twice; a bad one costs time and never a figure."""
    talk = session.conversation
    good = talk.repeats * 20 <= talk.requests
    return Check("wire", good, f"{talk.requests} requests, {talk.repeats} of them sent again")


def _fault(session: WireSession) -> Check:
    """A fault on purpose is told after the reset that follows it."""
    hello = session.crash()
    good = hello.reset_cause == "fault" and hello.last_fault is not None
    return Check("fault", good, f"told after the reset: {hello.last_fault}")


def _watchdog(session: WireSession, elf: Path) -> Check:
    """A program that hangs is restarted by the watchdog, and tells so; where it also tells the
    address that it was at, that lies in the function that hangs."""
    started = time.monotonic()
    hello = session.crash("hang")
    fault = hello.last_fault or "no fault"
    detail = f"restarted after {time.monotonic() - started:.1f} s: {fault}"
    good = fault.startswith("watchdog")
    place = _WATCHDOG_PLACE.match(fault)
    if place is not None:
        function = function_at(elf, int(place[1], 16))
        good = function == HANG
        detail += f", in {function or 'no function'}"
    return Check("watchdog", good, detail)
