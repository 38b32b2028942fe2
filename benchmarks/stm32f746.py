"""The firmware of a Nucleo-F746ZG, built whole with the real core, run without board and Renode.

    python benchmarks/stm32f746.py [--escalate] [--at-once] [MODEL.tflite ...]

Builds the self-test, and each model, for `renode-nucleo_f746zg` with the packages that PlatformIO's
folder holds, and runs the ELF files in Unicorn (`pip install unicorn`; GPL-2.0, no dependency of
ours). Unicorn has the instructions; exceptions and the few registers that the core waits for are
here. It behaves as Renode 1.16.1 was seen to: a UsageFault is not escalated (--escalate does, as a
chip does), memory stays over a reset, no flag tells a watchdog's reset, and all that is sent is
there at once, for the core's own receive buffer to take or lose. --at-once sends without regard for
that, which is what the check `wire` is for.

Prints each check, and of each model its arena, outputs and status. Time is counted in steps of
thousands of instructions: no figure.
"""

from __future__ import annotations

import argparse
import contextlib
import queue
import struct
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from danas_hil import tflm
from danas_hil.base import DanasError
from danas_hil.board import load_board
from danas_hil.measure import TimingRule, measure_candidate
from danas_hil.measure.selftest import selftest
from danas_hil.sketch import Sketch
from danas_hil.targets import FirmwareTarget, Kind, ModelFile

try:
    import unicorn
    from unicorn import arm_const as arm
except ImportError:
    print("left out: pip install unicorn")
    sys.exit(0)

BOARD = load_board("renode-nucleo_f746zg")
CLOCK_HZ = 216_000_000
FLASH, RAM = 0x08000000, 0x20000000
STEP = 4000  # instructions between two looks at what is pending
HARD_FAULT, USAGE_FAULT, PEND_SV, SYS_TICK, USART3 = 3, 6, 14, 15, 16 + 39
# RM0385 and the ARMv7-M manual
RCC_CR, RCC_CFGR, PWR_CSR1, IWDG_KR = 0x40023800, 0x40023808, 0x40007004, 0x40003000
USART_CR1, USART_ISR, USART_RDR, USART_TDR = 0x40004800, 0x4000481C, 0x40004824, 0x40004828
CYCCNT, SYST_CSR, SYST_RVR, SYST_CVR = 0xE0001004, 0xE000E010, 0xE000E014, 0xE000E018
NVIC_ISER, NVIC_ICER = 0xE000E100, 0xE000E180
ICSR, AIRCR, CFSR = 0xE000ED04, 0xE000ED0C, 0xE000ED28
STACKED = (
    arm.UC_ARM_REG_R0, arm.UC_ARM_REG_R1, arm.UC_ARM_REG_R2, arm.UC_ARM_REG_R3,
    arm.UC_ARM_REG_R12, arm.UC_ARM_REG_LR,
)  # fmt: skip


class Machine:
    """One chip with a program. Bytes go in by `sent` and come out by `said`."""

    def __init__(self, elf: Path, escalate: bool) -> None:
        self.escalate = escalate
        self.sent, self.said = bytearray(), queue.SimpleQueue[int]()
        self.ended = False
        self.time = 0
        self.core = core = unicorn.Uc(
            unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS
        )
        core.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_M4)
        core.mem_map(FLASH, BOARD.flash_bytes)
        core.mem_map(RAM, BOARD.ram_bytes)
        for address, content in loaded(elf.read_bytes()):
            core.mem_write(address, content)
        for base, size in ((0x40000000, 0x100000), (0xE0000000, 0x100000)):
            core.mmio_map(base, size, self._read, base, self._write, base)
        core.hook_add(unicorn.UC_HOOK_INTR, self._interrupted)
        core.hook_add(unicorn.UC_HOOK_INSN_INVALID, self._undefined)
        core.hook_add(unicorn.UC_HOOK_MEM_FETCH_UNMAPPED, self._unmapped)
        self.start()

    def start(self) -> None:
        """As after a reset: RAM stays."""
        self.registers: dict[int, int] = {}
        self.pending: set[int] = set()
        self.active: list[int] = []
        self.event = ""
        self.ticked = self.time
        self.bites_at: int | None = None
        stack, self.at = struct.unpack("<II", self.core.mem_read(FLASH, 8))
        self.core.reg_write(arm.UC_ARM_REG_XPSR, 1 << 24)
        self.core.reg_write(arm.UC_ARM_REG_PRIMASK, 0)
        self.core.reg_write(arm.UC_ARM_REG_SP, stack)

    def run(self) -> None:
        while not self.ended:
            self._look()
            if not self.event:
                steps = STEP if not self.active else STEP // 2
                try:
                    self.core.emu_start(self.at | 1, 0xFFFFFFF0, count=steps)
                except unicorn.UcError as error:
                    self.event = self.event or str(error)
                self.at = self.core.reg_read(arm.UC_ARM_REG_PC)
                self.time += steps if not self.active else 40
            match self.event:
                case "":
                    continue
                case "reset":
                    self.start()
                    continue
                case "return":
                    self._leave()
                case "undefined":
                    self.registers[CFSR] = 1 << 16
                    self._enter(HARD_FAULT if self.escalate else USAGE_FAULT)
                case other:
                    raise RuntimeError(f"{other} at {self.at:08x}")
            self.event = ""

    def _look(self) -> None:
        """What is pending now, and taken by a program that is in no handler."""
        control = self.registers.get(USART_CR1, 0)
        enabled = self.registers.get(NVIC_ISER + 4, 0) >> (39 - 32) & 1
        wanted = control & 0xC0 or (control & 0x20 and self.sent)  # TXE, TC; RXNE
        if control & 1 and enabled and wanted:
            self.pending.add(USART3)
        period = self.registers.get(SYST_RVR, 0) + 1
        if self.registers.get(SYST_CSR, 0) & 1 and self.time - self.ticked >= period:
            self.ticked += (self.time - self.ticked) // period * period
            self.pending.add(SYS_TICK)
        if self.bites_at is not None and self.time > self.bites_at:
            self.event = "reset"
        elif not self.active and not self.core.reg_read(arm.UC_ARM_REG_PRIMASK) & 1:
            for number in (USART3, SYS_TICK, PEND_SV):
                if number in self.pending:
                    self.pending.remove(number)
                    self._enter(number)
                    return

    def _enter(self, number: int) -> None:
        core = self.core
        stack, status = core.reg_read(arm.UC_ARM_REG_SP), core.reg_read(arm.UC_ARM_REG_XPSR)
        padded = stack >> 2 & 1
        stack = (stack - 32) & ~7
        frame = [core.reg_read(register) for register in STACKED]
        frame += [self.at & ~1, status & ~(1 << 9) | padded << 9 | 1 << 24]
        core.mem_write(stack, struct.pack("<8I", *frame))
        core.reg_write(arm.UC_ARM_REG_SP, stack)
        core.reg_write(arm.UC_ARM_REG_LR, 0xFFFFFFF1 if self.active else 0xFFFFFFF9)
        self.active.append(number)
        (self.at,) = struct.unpack("<I", core.mem_read(FLASH + 4 * number, 4))

    def _leave(self) -> None:
        core = self.core
        stack = core.reg_read(arm.UC_ARM_REG_SP)
        *registers, self.at, status = struct.unpack("<8I", core.mem_read(stack, 32))
        for register, value in zip(STACKED, registers, strict=True):
            core.reg_write(register, value)
        core.reg_write(arm.UC_ARM_REG_SP, stack + 32 + (4 if status & 1 << 9 else 0))
        core.reg_write(arm.UC_ARM_REG_XPSR, status & 0xF8000000 | 1 << 24)
        self.active.pop()

    def _read(self, _core: object, offset: int, size: int, base: int) -> int:
        address, shift = (base + offset) & ~3, 8 * ((base + offset) & 3)
        value = self.registers.get(address, 0)
        if address == RCC_CR:
            value |= (value & 0x55010001) << 1  # what is switched on is ready
        elif address == RCC_CFGR:
            value = value & ~0xC | (value & 3) << 2
        elif address == PWR_CSR1:
            value = 0x34000  # voltage and over-drive are ready
        elif address == USART_ISR:
            value = 0x6000C0 | (0x20 if self.sent else 0)
        elif address == USART_RDR:
            value = self.sent.pop(0) if self.sent else 0
        elif address == CYCCNT:
            value = self.time
        elif address == SYST_CVR:
            period = self.registers.get(SYST_RVR, 0) + 1
            value = period - 1 - (self.time - self.ticked) % period
        return value >> shift & (1 << 8 * size) - 1

    def _write(self, _core: object, offset: int, size: int, value: int, base: int) -> None:
        address, shift = (base + offset) & ~3, 8 * ((base + offset) & 3)
        kept = self.registers.get(address, 0)
        whole = kept & ~(((1 << 8 * size) - 1) << shift) | value << shift
        if address == AIRCR:
            if value == 0x05FA0004:
                self.event = "reset"
                self.core.emu_stop()
        elif address == ICSR:
            if value & 1 << 28:
                self.pending.add(PEND_SV)
        elif address == USART_TDR:
            self.said.put(value & 0xFF)
        elif address == IWDG_KR:
            if value in (0xCCCC, 0xAAAA):
                self.bites_at = self.time + 8 * CLOCK_HZ
        elif NVIC_ISER <= address < NVIC_ISER + 16:
            self.registers[address] = kept | value
        elif NVIC_ICER <= address < NVIC_ICER + 16:
            enabled = address - NVIC_ICER + NVIC_ISER
            self.registers[enabled] = self.registers.get(enabled, 0) & ~value
        else:
            self.registers[address] = whole

    def _interrupted(self, core: unicorn.Uc, number: int, _: object) -> None:
        self.event = "return" if number == 8 else f"interrupt {number}"
        core.emu_stop()

    def _undefined(self, _core: object, _: object) -> bool:
        self.event = "undefined"
        return False

    def _unmapped(self, _core: object, _kind: int, address: int, *_: object) -> bool:
        far = address & 0xFFFFFFFF
        self.event = "return" if far >= 0xFFFFFF00 else f"no code at {far:08x}"
        return False


def loaded(elf: bytes) -> Iterator[tuple[int, bytes]]:
    """What an ELF file of 32 bits puts where, by its program headers."""
    (start,), (size, count) = struct.unpack_from("<I", elf, 28), struct.unpack_from("<HH", elf, 42)
    for at in range(start, start + size * count, size):
        kind, offset, _, address, length = struct.unpack_from("<5I", elf, at)
        if kind == 1 and length:
            yield address, elf[offset : offset + length]


class Stream:
    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def read(self, seconds: float) -> bytes:
        try:
            data = bytearray([self.machine.said.get(timeout=seconds)])
        except queue.Empty:
            return b""
        while not self.machine.said.empty():
            data.append(self.machine.said.get())
        return bytes(data)

    def write(self, data: bytes) -> None:
        self.machine.sent += data


class ByHand:
    """The device that is this file."""

    board = BOARD
    name = BOARD.id
    kind: Kind = "emulated"

    def __init__(self, escalate: bool, at_once: bool) -> None:
        self.escalate = escalate
        assert BOARD.firmware is not None
        self.receive_bytes = None if at_once else BOARD.firmware.receive_bytes

    def flash(self, sketch: Sketch, log: Path) -> None:
        """Nothing: it is started with the program."""

    @contextlib.contextmanager
    def connect(self, elf: Path, log: Path) -> Iterator[Stream]:  # noqa: ARG002
        machine = Machine(elf, self.escalate)
        thread = threading.Thread(target=machine.run, daemon=True)
        thread.start()
        try:
            yield Stream(machine)
        finally:
            machine.ended = True
            thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--escalate", action="store_true")
    parser.add_argument("--at-once", action="store_true")
    options = parser.parse_args()
    device = ByHand(options.escalate, options.at_once)
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
                FirmwareTarget(device), model, golden, place, rule=TimingRule(1)
            )
            memory, parity = found.memory, found.parity
            print(
                f"{path.stem}: {found.status}, arena used"
                f" {memory.arena_used_bytes if memory else None} of {found.arena_bytes},"
                f" outputs {'equal' if parity and parity.equal else 'NOT equal'};"
                f" {found.failure or ''}"
            )


if __name__ == "__main__":
    main()
