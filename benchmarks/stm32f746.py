"""The firmware of a Nucleo-F746ZG, built whole with the real core, run without board and Renode.

    python benchmarks/stm32f746.py [--escalate] [--at-once] [MODEL.tflite ...]

Builds the self-test, and each model, for `renode-nucleo_f746zg` with the packages that
PlatformIO's folder holds, and runs the ELF files in Unicorn (`pip install unicorn`; GPL-2.0, no
dependency of ours). Exceptions and the few registers that the core waits for are written by hand.
The chip behaves as Renode 1.16.1 was seen to: a UsageFault is not escalated (--escalate does, as a
real one), memory stays over a reset, no flag tells a watchdog's reset, and all that is sent is
there at once, for the core's own receive buffer to take or lose. --at-once sends without regard for
that, which is what the check `wire` is for.

Prints each check, and of each model its arena, outputs and status. Time is no figure here.
"""

from __future__ import annotations

from pathlib import Path

from _cortex_m import IRQ, Chip, main
from danas_hil.board import load_board

FLASH, RAM = 0x08000000, 0x20000000
# RM0385
RCC_CR, RCC_CFGR, PWR_CSR1, IWDG_KR = 0x40023800, 0x40023808, 0x40007004, 0x40003000
USART_CR1, USART_ISR, USART_RDR, USART_TDR = 0x40004800, 0x4000481C, 0x40004824, 0x40004828
USART3 = IRQ + 39
READY = 0x34000  # VOSRDY, ODRDY, ODSWRDY
IDLE = 0x6000C0  # REACK, TEACK, TXE, TC


class Stm32f746(Chip):
    board = load_board("renode-nucleo_f746zg")
    clock_hz = 216_000_000
    step = 4000
    vectors = FLASH
    memory = ((FLASH, 0x100000), (RAM, 0x50000))
    peripherals = ((0x40000000, 0x100000),)

    def __init__(self, elf: Path, escalate: bool) -> None:
        self.bites_at: int | None = None
        super().__init__(elf, escalate)

    def begin(self) -> None:
        self.bites_at = None

    def look(self) -> None:
        control = self.registers.get(USART_CR1, 0)
        wanted = control & 0xC0 or (control & 0x20 and self.sent)  # TXEIE, TCIE; RXNEIE
        if control & 1 and wanted:
            self.pending.add(USART3)
        else:
            self.pending.discard(USART3)
        if self.bites_at is not None and self.time > self.bites_at:
            self.event = "reset"

    def read(self, address: int, value: int) -> int:
        if address == RCC_CR:
            return value | (value & 0x55010001) << 1  # what is switched on is ready
        if address == RCC_CFGR:
            return value & ~0xC | (value & 3) << 2
        if address == PWR_CSR1:
            return READY
        if address == USART_ISR:
            return IDLE | (0x20 if self.sent else 0)
        if address == USART_RDR:
            return self.sent.pop(0) if self.sent else 0
        return value

    def write(self, address: int, value: int) -> bool:
        if address == USART_TDR:
            self.said.put(value & 0xFF)
        elif address == IWDG_KR and value in (0xCCCC, 0xAAAA):
            self.bites_at = self.time + 8 * self.clock_hz  # as the firmware sets it up
        return False


if __name__ == "__main__":
    main(Stm32f746, __doc__)
