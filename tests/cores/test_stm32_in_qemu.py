"""The real STM32 core in QEMU's STM32F405, where DANAS_BUILDS names nucleo_f446re.

That machine has the processor, the tick and the UARTs of the chip, but no clock tree and no
interrupt for a byte that was sent: so the clocks stay as they are after a reset, and the serial
port is polled. All else is the core's: start-up, tick, handlers, linker script.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from danas_hil.board import load_board
from danas_hil.measure.selftest import HANG
from danas_hil.platformio import build, function_at
from danas_hil.sketch import SelfTest, render_selftest
from danas_hil.targets.streams import open_process
from danas_hil.targets.wire_session import WireSession

HOME = os.environ.get("DANAS_HIL_HOME")
BOARD = load_board("nucleo_f446re")
ASKED = os.environ.get("DANAS_BUILDS", "").split()
POLLED = """#pragma once
#include <Arduino.h>
struct Polled {
  void begin(unsigned long) { USART2->CR1 = USART_CR1_UE | USART_CR1_TE | USART_CR1_RE; }
  int read() { return (USART2->SR & USART_SR_RXNE) != 0 ? int(USART2->DR & 0xff) : -1; }
  void write(const uint8_t* bytes, size_t size) {
    for (size_t i = 0; i < size; ++i) USART2->DR = bytes[i];
  }
};
static Polled polled;
#undef DANAS_SERIAL
#define DANAS_SERIAL polled
"""
CLOCKS = 'extern "C" void SystemClock_Config(void) {}\n'

pytestmark = [
    pytest.mark.skipif(
        not {"all", BOARD.id} & set(ASKED), reason=f"DANAS_BUILDS does not name {BOARD.id}"
    ),
    pytest.mark.skipif(
        shutil.which("qemu-system-arm") is None, reason="qemu-system-arm is not installed"
    ),
]


@pytest.fixture
def elf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if HOME is not None:
        monkeypatch.setenv("DANAS_HIL_HOME", HOME)
    sketch = render_selftest(BOARD, SelfTest.make())
    port = "src/danas_port_stm32.cpp"
    text = sketch.files[port].replace("#include <Arduino.h>\n", '#include "polled.h"\n')
    files = {port: text, "src/polled.h": POLLED, "src/clocks.cpp": CLOCKS}
    sketch = replace(sketch, kind="selftest-qemu", files={**sketch.files, **files})
    build(sketch, tmp_path / "firmware.elf", tmp_path / "build.log")
    return tmp_path / "firmware.elf"


@pytest.mark.timeout(1800)
def test_faults_and_hangs_are_told_after_the_reset_with_their_address(elf, tmp_path):
    command = ["qemu-system-arm", "-M", "netduinoplus2", "-display", "none", "-monitor", "none"]
    command += ["-serial", "null", "-serial", "stdio", "-kernel", str(elf)]
    with open_process(command, "QEMU", tmp_path / "qemu.log") as stream:
        session = WireSession(stream, (1,), "int8", tmp_path / "serial.log")
        session.start(60)
        assert session.identify().reset_cause == "power"
        memory = session.memory()
        assert memory.heap_bytes == 0
        assert 0 < (memory.stack_peak_bytes or 0) < 2048
        faulted = session.crash()
        assert re.match(r"hardfault at 0800", faulted.last_fault or "")
        assert faulted.last_fault is not None
        assert faulted.last_fault.endswith("status 00010000)"), "an undefined instruction"
        hung = session.crash("hang")
    found = re.match(r"watchdog at ([0-9a-f]{8})", hung.last_fault or "")
    assert found is not None, hung.last_fault
    assert function_at(elf, int(found[1], 16)) == HANG
