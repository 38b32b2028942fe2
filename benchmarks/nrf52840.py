"""The firmware of a Nano 33 BLE, built whole with mbed, run without a board.

    python benchmarks/nrf52840.py [MODEL.tflite ...]

Builds the self-test, and each model, for `renode-nano33ble` (results through Serial1) with the
packages that PlatformIO's folder holds, and runs the ELF files in Unicorn (`pip install unicorn`;
GPL-2.0, no dependency of ours). Exceptions, and what mbed's start, its clocks and its serial driver
need of the chip, are written by hand: bytes come at the line's pace, a fault is escalated, the
watchdog bites and says so in RESETREAS. There is no USB: it is never detected.

Prints each check, and of each model its arena, outputs and status. Time is no figure here.
"""

from __future__ import annotations

from pathlib import Path

from _cortex_m import IRQ, Chip, main
from danas_hil.board import load_board

# nRF52840 Product Specification; a peripheral's interrupt is its id
CLOCK, UARTE, TIMER1, RTC1, RNG, WDT = (
    0x40000000, 0x40002000, 0x40009000, 0x40011000, 0x4000D000, 0x40010000,
)  # fmt: skip
HFCLKSTARTED, LFCLKSTARTED, RESETREAS = CLOCK + 0x100, CLOCK + 0x104, CLOCK + 0x400
CLOCKS_RUN = {CLOCK + 0x40C: 0x10001, CLOCK + 0x418: 0x10001}  # HFCLKSTAT, LFCLKSTAT
ENDRX, RXDRDY, RXSTARTED = UARTE + 0x110, UARTE + 0x108, UARTE + 0x14C
INTENSET, INTENCLR = 0x304, 0x308
NVMC_READY = 0x4001E400
RELOAD = 0x6E524635
DOG = 2
BYTE = 10  # bits on the line


class Nrf52840(Chip):
    board = load_board("renode-nano33ble")
    clock_hz = 64_000_000
    step = 1000
    vectors = 0x10000
    memory = ((0, 0x100000), (0x20000000, 0x40000))
    peripherals = (
        (0x10000000, 0x10000), (0x40000000, 0x100000), (0x50000000, 0x1000), (0xF0000000, 0x1000),
    )  # fmt: skip

    def __init__(self, elf: Path, escalate: bool) -> None:  # noqa: ARG002
        self.reasons = 0
        super().__init__(elf, escalate=True)

    def begin(self) -> None:
        self.bites_at: int | None = None
        self.receiving = False
        self.next_byte = self.time
        self.counted = {RTC1: 0, TIMER1: 0}
        self.registers |= {RESETREAS: self.reasons, NVMC_READY: 1, **CLOCKS_RUN}

    def look(self) -> None:
        self._receive()
        held = self.registers.get
        for base, events in (
            (CLOCK, range(0x100, 0x108, 4)),
            (UARTE, range(0x100, 0x15C, 4)),
            (RTC1, range(0x100, 0x150, 4)),
            (TIMER1, range(0x140, 0x158, 4)),
        ):
            if base in self.counted:
                self._compare(base)
            enabled = held(base + INTENSET, 0)
            if any(held(base + at, 0) and enabled >> (at - 0x100) // 4 & 1 for at in events):
                self.pending.add(IRQ + (base >> 12 & 0x7F))
        if self.bites_at is not None and self.time > self.bites_at:
            self.reasons |= DOG
            self.event = "reset"

    def _count(self, base: int) -> int:
        ticks, bits = (32_768, 24) if base == RTC1 else (1_000_000, 32)
        return (self.time - self.started) * ticks // self.clock_hz & (1 << bits) - 1

    def _compare(self, base: int) -> None:
        """Events of the counter's values that were passed."""
        before, now = self.counted[base], self._count(base)
        self.counted[base] = now
        if now == before:
            return
        for at in range(0, 24, 4):
            value = self.registers.get(base + 0x540 + at, 0)
            passed = before < value <= now if before < now else value > before or value <= now
            if passed:
                self.registers[base + 0x140 + at] = 1
        if now < before and base == RTC1:
            self.registers[RTC1 + 0x104] = 1

    def _receive(self) -> None:
        if not (self.receiving and self.sent and self.time >= self.next_byte):
            return
        self.core.mem_write(self.to + self.taken, bytes([self.sent.pop(0)]))
        self.taken += 1
        self.next_byte = self.time + BYTE * self.clock_hz // 115_200
        self.registers[RXDRDY] = 1
        if self.taken == self.most:
            self.receiving = False
            self.registers |= {ENDRX: 1, UARTE + 0x53C: self.taken}
            if self.registers.get(UARTE + 0x200, 0) & 1 << 5:  # SHORTS: ENDRX_STARTRX
                self._start_receiving()

    def _start_receiving(self) -> None:
        self.to, self.most = (self.registers.get(UARTE + at, 0) for at in (0x534, 0x538))
        self.taken, self.receiving = 0, True
        self.registers[RXSTARTED] = 1

    def read(self, address: int, value: int) -> int:
        if address == RTC1 + 0x504:
            return self._count(RTC1)
        if address == RNG + 0x100:
            return 1
        return value

    def write(self, address: int, value: int) -> bool:
        base, offset = address & ~0xFFF, address & 0xFFF
        held = self.registers
        if offset == INTENCLR:
            held[base + INTENSET] = held.get(base + INTENSET, 0) & ~value
        elif offset == INTENSET:
            held[address] = held.get(address, 0) | value
        elif address in (CLOCK, CLOCK + 8):
            held[HFCLKSTARTED if address == CLOCK else LFCLKSTARTED] = 1
        elif address == RESETREAS:
            self.reasons &= ~value
            held[RESETREAS] = self.reasons
        elif base == TIMER1 and 0x40 <= offset < 0x58:
            held[TIMER1 + 0x540 + offset - 0x40] = self._count(TIMER1)
        elif base == UARTE and offset in (0x0, 0x4, 0x8, 0xC):
            self._serial(offset)
        elif base == WDT and (offset == 0 or (0x600 <= offset < 0x620 and value == RELOAD)):
            if offset == 0 or self.bites_at is not None:
                seconds = (held.get(WDT + 0x504, 0) + 1) / 32_768
                self.bites_at = self.time + int(seconds * self.clock_hz)
        else:
            return False
        return True

    def _serial(self, task: int) -> None:
        held = self.registers
        if task == 0x0:
            self._start_receiving()
        elif task == 0x4:
            self.receiving = False
            held[UARTE + 0x144] = 1  # RXTO
        elif task == 0x8:
            start, size = held.get(UARTE + 0x544, 0), held.get(UARTE + 0x548, 0)
            for byte in self.core.mem_read(start, size):
                self.said.put(byte)
            held |= {UARTE + 0x54C: size, UARTE + 0x11C: 1, UARTE + 0x120: 1, UARTE + 0x150: 1}
        else:
            held[UARTE + 0x158] = 1  # TXSTOPPED


if __name__ == "__main__":
    main(Nrf52840, __doc__)
