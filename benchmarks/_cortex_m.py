"""What chips that are emulated by hand have in common: instructions by Unicorn, exceptions here.

Time goes on by the thousands of instructions between two looks at what is pending: no figure.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import queue
import struct
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from elftools.elf.elffile import ELFFile

from danas_hil import tflm
from danas_hil.base import DanasError
from danas_hil.board import Board
from danas_hil.measure import MeasureSettings, TimingRule, measure_candidate
from danas_hil.measure.selftest import selftest
from danas_hil.platformio import SILENCE, BuildListener
from danas_hil.sketch import Sketch
from danas_hil.targets import FirmwareTarget, Kind, ModelFile

try:
    import unicorn
    from unicorn import arm_const as arm
except ImportError:
    print("left out: pip install unicorn")
    sys.exit(0)

SHORT = 40  # instructions that a handler, or what ends before a step, counts for
HARD_FAULT, USAGE_FAULT, SV_CALL, PEND_SV, SYS_TICK, IRQ = 3, 6, 11, 14, 15, 16
# The ARMv7-M manual: B3.2 system control, B3.3 SysTick, B3.4 NVIC, C1.8 DWT
CYCCNT, SYST_CSR, SYST_RVR, SYST_CVR = 0xE0001004, 0xE000E010, 0xE000E014, 0xE000E018
ISER, ICER, ISPR, ICPR = 0xE000E100, 0xE000E180, 0xE000E200, 0xE000E280
ICSR, VTOR, AIRCR, CFSR, HFSR = 0xE000ED04, 0xE000ED08, 0xE000ED0C, 0xE000ED28, 0xE000ED2C
WAITS = (b"\x30\xbf", b"\x20\xbf")  # WFI, WFE
STACKED = (
    arm.UC_ARM_REG_R0, arm.UC_ARM_REG_R1, arm.UC_ARM_REG_R2, arm.UC_ARM_REG_R3,
    arm.UC_ARM_REG_R12, arm.UC_ARM_REG_LR,
)  # fmt: skip


class Chip:
    """A processor with a program, and memory that stays over a reset.

    A subclass has the peripherals: what their registers read and what comes of writing them, and
    what `look` finds pending. sent: bytes for the serial port that were not taken yet; said: those
    that came out of it. escalate: a UsageFault is a HardFault, as on the chip and not in Renode.
    """

    board: Board
    clock_hz: int
    step: int  # instructions between two looks at what is pending
    vectors: int
    memory: tuple[tuple[int, int], ...]
    peripherals: tuple[tuple[int, int], ...]

    def __init__(self, elf: Path, escalate: bool) -> None:
        self.escalate = escalate
        self.sent, self.said = bytearray(), queue.SimpleQueue[int]()
        self.ended = False
        self.time = 0
        self.core = core = unicorn.Uc(
            unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS
        )
        core.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_M4)
        for base, size in self.memory:
            core.mem_map(base, size)
        for address, content in loaded(elf.read_bytes()):
            core.mem_write(address, content)
        for base, size in (*self.peripherals, (0xE0000000, 0x100000)):
            core.mmio_map(base, size, self._read, base, self._write, base)
        core.hook_add(unicorn.UC_HOOK_INTR, self._interrupted)
        core.hook_add(unicorn.UC_HOOK_INSN_INVALID, self._undefined)
        core.hook_add(unicorn.UC_HOOK_MEM_FETCH_UNMAPPED, self._unmapped)
        self.start()

    # -- what a chip has of its own

    def begin(self) -> None:
        """Of peripherals, as after a reset."""

    def look(self) -> None:
        """Add to `pending` what interrupts now; set `event` to "reset" where a watchdog bites."""

    def read(self, address: int, value: int) -> int:
        """What the register at `address` reads that holds `value`."""
        raise NotImplementedError

    def write(self, address: int, value: int) -> bool:
        """What comes of a write; whether the register does not hold it."""
        raise NotImplementedError

    # -- what all have

    def start(self) -> None:
        self.registers: dict[int, int] = {VTOR: self.vectors}
        self.pending: set[int] = set()
        self.enabled: set[int] = set()
        self.active: list[int] = []
        self.event = ""
        self.returns = 0
        self.started = self.ticked = self.time
        core = self.core
        core.reg_write(arm.UC_ARM_REG_IPSR, 0)
        for register in (arm.UC_ARM_REG_CONTROL, arm.UC_ARM_REG_PRIMASK, arm.UC_ARM_REG_BASEPRI):
            core.reg_write(register, 0)
        stack, self.at = struct.unpack("<II", core.mem_read(self.vectors, 8))
        core.reg_write(arm.UC_ARM_REG_XPSR, 1 << 24)
        core.reg_write(arm.UC_ARM_REG_SP, stack)
        self.begin()

    def run(self) -> None:
        while not self.ended:
            self._take()
            if not self.event:
                waiting = not self.active and any(map(self._may, self.pending))
                try:  # a moment without PRIMASK may be three instructions long
                    self.core.emu_start(self.at | 1, 0xFFFFFFF0, count=3 if waiting else self.step)
                except unicorn.UcError as error:
                    self.event = self.event or str(error)
                self.at = self.core.reg_read(arm.UC_ARM_REG_PC)
                whole = not (self.event or waiting or self.active)
                self.time += self.step if whole else SHORT
            event, self.event = self.event, ""
            if event == "reset":
                self.start()
            elif event == "call":
                self._enter(SV_CALL)
            elif event == "return":
                self._leave()
            elif event == "undefined":
                if self.core.mem_read((self.at & ~1) - 2, 2) in WAITS:
                    self.time += self.step
                    continue
                self.registers |= {CFSR: 1 << 16, HFSR: 1 << 30 if self.escalate else 0}
                self._enter(HARD_FAULT if self.escalate else USAGE_FAULT)
            elif event:
                raise RuntimeError(f"{event} at {self.at:08x}")

    def _may(self, number: int) -> bool:
        return number < IRQ or number - IRQ in self.enabled

    def _take(self) -> None:
        """Begin what is pending, where the program is in no handler and lets it."""
        self.look()
        period = self.registers.get(SYST_RVR, 0) + 1
        if self.registers.get(SYST_CSR, 0) & 1 and self.time - self.ticked >= period:
            self.ticked += (self.time - self.ticked) // period * period
            self.pending.add(SYS_TICK)
        if self.event or self.active or self.core.reg_read(arm.UC_ARM_REG_PRIMASK) & 1:
            return
        ready = [number for number in self.pending if self._may(number)]
        if ready:  # PendSV has the least priority
            number = min(ready, key=lambda number: (number == PEND_SV, -number))
            self.pending.remove(number)
            self._enter(number)

    def _enter(self, number: int) -> None:
        core = self.core
        stack, status = core.reg_read(arm.UC_ARM_REG_SP), core.reg_read(arm.UC_ARM_REG_XPSR)
        by_process = not self.active and core.reg_read(arm.UC_ARM_REG_CONTROL) & 2
        padded = stack >> 2 & 1
        stack = (stack - 32) & ~7
        frame = [core.reg_read(register) for register in STACKED]
        frame += [self.at & ~1, status & 0xFC00FDFF | padded << 9 | 1 << 24]
        core.mem_write(stack, struct.pack("<8I", *frame))
        core.reg_write(arm.UC_ARM_REG_SP, stack)
        core.reg_write(arm.UC_ARM_REG_IPSR, number)  # which changes to the main stack
        back = 0xFFFFFFF1 if self.active else 0xFFFFFFFD if by_process else 0xFFFFFFF9
        core.reg_write(arm.UC_ARM_REG_LR, back)
        self.active.append(number)
        table = self.registers[VTOR]
        (self.at,) = struct.unpack("<I", core.mem_read(table + 4 * number, 4))

    def _leave(self) -> None:
        core = self.core
        self.active.pop()
        core.reg_write(arm.UC_ARM_REG_IPSR, self.active[-1] if self.active else 0)
        if not self.active:
            control = core.reg_read(arm.UC_ARM_REG_CONTROL) & ~2
            core.reg_write(arm.UC_ARM_REG_CONTROL, control | (2 if self.returns & 4 else 0))
        stack = core.reg_read(arm.UC_ARM_REG_SP)
        *registers, self.at, status = struct.unpack("<8I", core.mem_read(stack, 32))
        for register, value in zip(STACKED, registers, strict=True):
            core.reg_write(register, value)
        core.reg_write(arm.UC_ARM_REG_SP, stack + 32 + (4 if status & 1 << 9 else 0))
        core.reg_write(arm.UC_ARM_REG_APSR, status & 0xF80F0000)

    def _read(self, _core: object, offset: int, size: int, base: int) -> int:
        address, shift = (base + offset) & ~3, 8 * ((base + offset) & 3)
        value = self.registers.get(address, 0)
        if address == CYCCNT:
            value = (self.time - self.started) & 0xFFFFFFFF
        elif address == SYST_CVR:
            period = self.registers.get(SYST_RVR, 0) + 1
            value = period - 1 - (self.time - self.ticked) % period
        elif ISER <= address < ISER + 32:
            first = (address - ISER) * 8
            value = sum(1 << bit for bit in range(32) if first + bit in self.enabled)
        else:
            value = self.read(address, value)
        return value >> shift & (1 << 8 * size) - 1

    def _write(self, _core: object, offset: int, size: int, value: int, base: int) -> None:
        address, shift = (base + offset) & ~3, 8 * ((base + offset) & 3)
        bits = {bit for bit in range(32) if value >> bit & 1}
        if address == AIRCR:
            if value == 0x05FA0004:
                self.event = "reset"
                self.core.emu_stop()
        elif address == ICSR:
            self.pending |= {PEND_SV} if value & 1 << 28 else set()
            self.pending -= {PEND_SV} if value & 1 << 27 else set()
        elif ISER <= address < ISER + 32:
            self.enabled |= {(address - ISER) * 8 + bit for bit in bits}
        elif ICER <= address < ICER + 32:
            self.enabled -= {(address - ICER) * 8 + bit for bit in bits}
        elif ISPR <= address < ISPR + 32:
            self.pending |= {IRQ + (address - ISPR) * 8 + bit for bit in bits}
        elif ICPR <= address < ICPR + 32:
            self.pending -= {IRQ + (address - ICPR) * 8 + bit for bit in bits}
        elif address != CYCCNT and not self.write(address, value):
            kept = self.registers.get(address, 0) & ~(((1 << 8 * size) - 1) << shift)
            self.registers[address] = kept | value << shift

    def _interrupted(self, core: unicorn.Uc, number: int, _: object) -> None:
        self.event = {2: "call", 8: "return"}.get(number, f"interrupt {number}")
        self.returns = core.reg_read(arm.UC_ARM_REG_PC)
        core.emu_stop()

    def _undefined(self, _core: object, _: object) -> bool:
        self.event = "undefined"
        return False

    def _unmapped(self, _core: object, _kind: int, address: int, *_: object) -> bool:
        self.returns = address & 0xFFFFFFFF
        self.event = "return" if self.returns >= 0xFFFFFF00 else f"no code at {self.returns:08x}"
        return False


def loaded(elf: bytes) -> Iterator[tuple[int, bytes]]:
    """What an ELF file puts where, by its program headers."""
    for segment in ELFFile(io.BytesIO(elf)).iter_segments("PT_LOAD"):
        if segment["p_filesz"]:
            yield segment["p_paddr"], segment.data()


class Stream:
    def __init__(self, chip: Chip) -> None:
        self.chip = chip

    def read(self, seconds: float) -> bytes:
        try:
            data = bytearray([self.chip.said.get(timeout=seconds)])
        except queue.Empty:
            return b""
        while not self.chip.said.empty():
            data.append(self.chip.said.get())
        return bytes(data)

    def write(self, data: bytes) -> None:
        self.chip.sent += data


class ByHand:
    """A device that is such a chip; at_once: sent to without regard for its receive buffer."""

    kind: Kind = "emulated"

    def __init__(self, board: Board, make: Callable[[Path], Chip], at_once: bool) -> None:
        self.board, self.name, self.make = board, board.id, make
        assert board.firmware is not None
        self.receive_bytes = None if at_once else board.firmware.receive_bytes

    def flash(self, sketch: Sketch, log: Path, listener: BuildListener = SILENCE) -> None:
        """Nothing: it is started with the program."""

    @contextlib.contextmanager
    def connect(self, elf: Path, log: Path) -> Iterator[Stream]:  # noqa: ARG002
        chip = self.make(elf)
        thread = threading.Thread(target=chip.run, daemon=True)
        thread.start()
        try:
            yield Stream(chip)
        finally:
            chip.ended = True
            thread.join()


def main(chip: type[Chip], about: str) -> None:
    """Run the self-test, and the models that the command line names, on `chip`."""
    parser = argparse.ArgumentParser(description=about.partition("\n")[0])
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--escalate", action="store_true")
    parser.add_argument("--at-once", action="store_true")
    options = parser.parse_args()
    device = ByHand(chip.board, lambda elf: chip(elf, options.escalate), options.at_once)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        try:
            result = selftest(device, folder)
        except DanasError as error:
            sys.exit(str(error))
        words = {True: "good", False: "FAILED", None: "not run"}
        for check in result.checks:
            print(f"{check.name:9} {words[check.good]:8} {check.detail}")
        for path in options.models:
            model = ModelFile(path.stem, path.read_bytes())
            golden = tflm.golden_of_random(model.content, count=2)
            (place := folder / path.stem).mkdir()
            found = measure_candidate(
                FirmwareTarget(device), model, golden, place, MeasureSettings(rule=TimingRule(1))
            )
            used = found.memory.arena_used_bytes if found.memory else None
            equal = found.parity is not None and found.parity.equal
            print(
                f"{path.stem}: {found.status}, arena used {used} of {found.arena_bytes},"
                f" outputs {'equal' if equal else 'NOT equal'} {found.failure or ''}"
            )
