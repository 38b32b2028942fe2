"""The self-test of a board: cable, port, wire, timer, memory, parity and faults, without TFLM."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from danas_hil.base import DanasError
from danas_hil.sketch import SelfTest, render_selftest
from danas_hil.targets import Device, Hello, Sizes, TargetError, build_into, open_session
from danas_hil.targets.wire_session import WireSession

IMAGES = 5
RUNS = 10
_CLOCK_SECONDS = 2.0  # of the host's, that the device's is held against
_CLOCK_ERROR = 0.02


@dataclass(frozen=True)
class Check:
    """One thing that the self-test looked at. detail: with its figures, for the reader."""

    name: str
    good: bool
    detail: str


@dataclass(frozen=True)
class SelfTestResult:
    """All that was looked at on one device, in order; hello and sizes as the device and its
    ELF file tell them."""

    device: str
    hello: Hello
    sizes: Sizes
    checks: tuple[Check, ...]

    @property
    def good(self) -> bool:
        return all(check.good for check in self.checks)


def selftest(
    device: Device, folder: Path, seed: int = 0, boot_seconds: float | None = None
) -> SelfTestResult:
    """Build, flash and run the self-test on `device`, and leave what comes of it in `folder`.

    boot_seconds: for it to answer once it was flashed, where that is not the usual time.
    Raises TargetError where it does not even come to talk: BUILD, SIZE, FLASH, BOOT, IDENTITY,
    PROTOCOL.
    """
    test = SelfTest.make(seed)
    sketch = render_selftest(device.board, test)
    sizes = build_into(sketch, folder)
    try:
        device.flash(sketch, folder / "flash.log")
    except DanasError as error:
        raise TargetError("FLASH", error.what, error.hint, folder / "flash.log") from error
    shape = (test.side - 2, test.side - 2, test.outputs)
    with open_session(device, folder, shape, "int8", boot_seconds=boot_seconds) as session:
        hello = session.identify()
        if hello.build_id != sketch.identity or hello.board != device.board.id:
            raise TargetError(
                "IDENTITY",
                f"{device.name} runs build {hello.build_id} for {hello.board}, not"
                f" {sketch.identity} for {device.board.id}.",
                "See that port and board belong together.",
            )
        checks = [
            _image(session, hello, sizes),
            _memory(session, device),
            _parity(session, test, seed),
            _timer(session, device),
            _clock(session, hello, device),
            _stack(session),
            _wire(session),
            _fault(session),  # the last two: they take the device's memory of all before
            _watchdog(session),
        ]
    return SelfTestResult(device.name, hello, sizes, tuple(checks))


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


def _timer(session: WireSession, device: Device) -> Check:
    """Runs of the same work take the same time: to the tick where instructions are counted."""
    session.time(1)
    taken = session.time(RUNS)
    spread = (max(taken) - min(taken)) / min(taken) if min(taken) > 0 else float("inf")
    allowed = 0.0 if device.kind == "emulated" else 0.5
    detail = f"{RUNS} runs of {min(taken):.1f} to {max(taken):.1f} us"
    return Check("timer", spread <= allowed, detail)


def _clock(session: WireSession, hello: Hello, device: Device) -> Check:
    """The device's seconds are the host's; an emulator's need only pass."""
    seconds = 0.1 if device.kind == "emulated" else _CLOCK_SECONDS
    started, first = time.monotonic(), session.clock_seconds()
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


def _watchdog(session: WireSession) -> Check:
    """A program that hangs is restarted by the watchdog, and tells so."""
    started = time.monotonic()
    hello = session.crash("hang")
    fault = hello.last_fault or "no fault"
    detail = f"restarted after {time.monotonic() - started:.1f} s: {fault}"
    return Check("watchdog", fault.startswith("watchdog"), detail)
