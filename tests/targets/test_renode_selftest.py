"""The self-test in what stands in for Renode, and what the platforms of ours for it say."""

from __future__ import annotations

import json
import re

import pytest

from danas_hil.board import load_board
from danas_hil.measure.selftest import CHECKS, selftest
from danas_hil.targets import RenodeDevice, emulated_device
from danas_hil.targets import renode as renode_
from danas_hil.wire import Conversation
from devices.fake_renode import read_description
from devices.selftest import HANG, built

from .test_renode import BOARDS, RECEIVED, VECTORS

F746 = "renode-nucleo_f746zg"


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    """What never comes is waited for briefly."""
    monkeypatch.setattr("danas_hil.targets.firmware.BOOT_SECONDS", 2.0)
    monkeypatch.setattr("danas_hil.targets.wire_session.REPLY_SECONDS", 3.0)
    monkeypatch.setattr("danas_hil.targets.wire_session.RUN_SECONDS", 2.5)
    monkeypatch.setattr("danas_hil.measure.selftest.ATTEMPTS", 1)
    monkeypatch.setitem(Conversation.__init__.__kwdefaults__, "patience", 0.1)


def proved(folder, monkeypatch, board=F746, **elf):
    """The checks of a firmware that is like this, by name, with those that were not run."""

    def content(sketch):
        about = {"build": sketch.identity, "board": sketch.board.id, "selftest": True}
        about |= {"vectors": VECTORS[board], "receive_bytes": RECEIVED[board]}
        return json.dumps({**about, **elf})

    monkeypatch.setattr("danas_hil.targets.firmware.build", built(content))
    result = selftest(emulated_device(load_board(board)), folder)
    assert [check.name for check in result.checks] == list(CHECKS)
    return {check.name: check for check in result.checks}


def bad(checks):
    return [name for name, check in checks.items() if check.good is False]


@pytest.mark.parametrize("board", BOARDS)
def test_the_self_test_is_good_there(renode, tmp_path, monkeypatch, board):
    checks = proved(tmp_path, monkeypatch, board)
    assert bad(checks) == [], checks
    assert all(check.good for check in checks.values())
    assert "hardfault" in checks["fault"].detail
    assert f"{HANG:08x}" in checks["watchdog"].detail  # by its record: no flag tells it
    assert checks["wire"].detail.endswith("0 of them sent again")


@pytest.mark.parametrize(
    ("elf", "failed"),
    [
        # Nothing escalates a UsageFault: the core's own handler loops.
        ({"handlers": ["HardFault"]}, "fault"),
        # Nothing tells a watchdog's restart from any other but the firmware's own record.
        ({"hung_is_recorded": False}, "watchdog"),
    ],
)
def test_a_firmware_that_is_not_made_for_it_fails_there(renode, tmp_path, monkeypatch, elf, failed):
    assert bad(proved(tmp_path, monkeypatch, **elf)) == [failed]


@pytest.mark.parametrize(
    ("suffix", "line", "instead", "failed"),
    [
        # A reset that loads the program again writes over the record of what happened.
        (".resc", r"    cpu Vector.*", r"    sysbus LoadELF $elf\n\g<0>", ["fault", "watchdog"]),
        # A reset clears the register, and the core would begin at address 0.
        (".resc", r"    cpu Vector.*\n", "", ["boot"]),
        (".repl", r"iwdg: .*\n", "", ["watchdog"]),
    ],
)
def test_no_line_of_script_and_platform_is_left_out(
    renode, tmp_path, monkeypatch, suffix, line, instead, failed
):
    boards = tmp_path / "boards"
    boards.mkdir()
    for end in (".resc", ".repl"):
        text = renode_._file_of(load_board(F746), end, "").read_text()
        if end == suffix:
            text, count = re.subn(line, instead, text)
            assert count == 1
        (boards / f"{F746}{end}").write_text(text)
    monkeypatch.setattr(renode_, "_file_of", lambda board, end, what: boards / f"{board.id}{end}")
    assert bad(proved(tmp_path, monkeypatch)) == failed


def test_without_regard_for_the_receive_buffer_the_wire_check_fails(renode, tmp_path, monkeypatch):
    monkeypatch.setattr(RenodeDevice, "receive_bytes", None)
    checks = proved(tmp_path, monkeypatch, receive_bytes=255)
    assert bad(checks) == ["wire"], checks


# -- what the platform descriptions say ----------------------------------------------------------

DEVICES = {  # type, address, values and interrupts of what our firmware stands on
    "renode-nano33ble": {
        "cpu": ("CPU.CortexM", None, {"cpuType": '"cortex-m4f"', "PerformanceInMips": "64"}, []),
        "nvic": ("IRQControllers.NVIC", 0xE000E000, {"systickFrequency": "64000000"}, ["cpu@0"]),
        "dwt": ("Miscellaneous.DWT", 0xE0001000, {"frequency": "64000000"}, []),
        "flash": ("Memory.MappedMemory", 0, {"size": "0x100000"}, []),
        "ram": ("Memory.MappedMemory", 0x20000000, {"size": "0x40000"}, []),
        "uart0": ("UART.NRF52840_UART", 0x40002000, {"easyDMA": "true"}, ["nvic@2"]),
        "wdt": ("Timers.NRF52840_Watchdog", 0x40010000, {}, ["nvic@16"]),
        "timer1": ("Timers.NRF52840_Timer", 0x40009000, {}, ["nvic@9"]),
        "rtc1": ("Timers.NRF52840_RTC", 0x40011000, {}, ["nvic@17"]),
    },
    "renode-nucleo_f746zg": {
        "cpu": ("CPU.CortexM", None, {"cpuType": '"cortex-m7"', "PerformanceInMips": "216"}, []),
        "nvic": ("IRQControllers.NVIC", 0xE000E000, {"systickFrequency": "216000000"}, ["cpu@0"]),
        "dwt": ("Miscellaneous.DWT", 0xE0001000, {"frequency": "216000000"}, []),
        "iwdg": (
            "Timers.STM32_IndependentWatchdog", 0x40003000, {"frequency": "32000"}, [],
        ),
        "flash": ("Memory.MappedMemory", 0x08000000, {"size": "0x100000"}, []),
        "sram": ("Memory.MappedMemory", 0x20000000, {"size": "0x50000"}, []),
        "usart3": ("UART.STM32F7_USART", 0x40004800, {}, ["nvic@39"]),
        "rcc": ("Miscellaneous.STM32F4_RCC", 0x40023800, {"rtcPeripheral": "rtc"}, []),
    },
}  # fmt: skip


@pytest.mark.parametrize("board", BOARDS)
def test_a_platform_has_what_the_firmware_stands_on(board):
    devices, _ = read_description(renode_._description_of(load_board(board)))
    for name, (type_, address, values, interrupts) in DEVICES[board].items():
        found = devices[name]
        assert (found.type, found.address) == (type_, address)
        assert values.items() <= found.values.items(), name
        assert found.interrupts == interrupts


@pytest.mark.parametrize("board", BOARDS)
def test_a_platform_has_the_boards_memory_and_clock_and_asks_no_network(board):
    loaded = load_board(board)
    path = renode_._description_of(loaded)
    assert "://" not in path.read_text()
    devices, _ = read_description(path)
    memory = {device.address: int(device.values["size"], 16) for device in devices.values()
              if device.type == "Memory.MappedMemory"}  # fmt: skip
    assert memory[0x20000000] == loaded.ram_bytes
    vectors = VECTORS[board]
    start = max(address for address in memory if address <= vectors)
    assert vectors - start + loaded.flash_bytes <= memory[start], "behind a bootloader, if any"
    assert int(devices["cpu"].values["PerformanceInMips"]) * 1_000_000 == loaded.clock_hz


def test_an_nrf52840s_interrupts_are_the_ids_in_its_addresses():
    devices, _ = read_description(renode_._description_of(load_board("renode-nano33ble")))
    told = {
        device.address >> 12 & 0x7F: device.interrupts
        for device in devices.values()
        if device.interrupts and device.address is not None and device.address >> 28 == 4
    }
    assert len(told) >= 6
    assert all(interrupts == [f"nvic@{id_}"] for id_, interrupts in told.items())


def test_what_the_core_waits_for_at_216_mhz_is_there():
    """Over-drive and voltage, RM0385 4.4.4: VOSRDY 14, ODRDY 16, ODSWRDY 17 of PWR_CSR1."""
    _, init = read_description(renode_._description_of(load_board(F746)))
    value = next(int(line.split()[-1], 16) for line in init if "PWR_CSR1" in line)
    assert value == 1 << 14 | 1 << 16 | 1 << 17
