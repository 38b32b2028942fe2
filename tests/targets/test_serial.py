"""A board at a serial port as a target; the board is simulated, its port comes and goes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from danas_hil.base import DanasError
from danas_hil.board import load_board, locate
from danas_hil.measure import Address, reach_device
from danas_hil.sketch import SelfTest, render_selftest
from danas_hil.targets import FirmwareTarget, SerialDevice
from devices.ports import STLINK

from .contract import Contract

NANO_BOARD = load_board("nano33ble")


class TestSerial(Contract):
    @pytest.fixture
    def target(self, without_platformio):
        pytest.importorskip("tflite_micro", reason="needs the extra host")
        return FirmwareTarget(SerialDevice(locate(NANO_BOARD, None)))


HOLD = """
import sys
from danas_hil.board import device_lock
with device_lock(sys.argv[1], "the Nano"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_board_that_another_process_uses_is_not_given_away(board):
    command = [sys.executable, "-c", HOLD, board.serial]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"
        for place in (None, board.serial, board.names[0]):  # one device by any name
            with (
                pytest.raises(DanasError, match=f"Process {other.pid} uses nano33ble"),
                reach_device(Address(NANO_BOARD, place)),
            ):
                raise AssertionError("both have it")
        other.stdin.close()
        with reach_device(Address(NANO_BOARD), lock_seconds=10) as device:
            assert device.board == NANO_BOARD


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (None, "nano33ble"),
        ("7E1A", "nano33ble@7E1A"),
        ("socket://lab:4000/x", "nano33ble@socket-lab-4000-x"),
    ],
)
def test_its_name_does_for_a_folder(board, place, name):
    assert SerialDevice(locate(NANO_BOARD, place)).name == name


def uploads(monkeypatch):
    calls = []
    monkeypatch.setattr(
        "danas_hil.targets.devices.upload",
        lambda sketch, port, log, flags=(), **_: calls.append((port, list(flags))),
    )
    return calls


def test_of_two_nanos_the_right_port_is_flashed(board, ports, monkeypatch, tmp_path):
    ports.plug("/dev/ttyACM9", board.ids, "9F00", "1-9")
    calls = uploads(monkeypatch)
    sketch = render_selftest(NANO_BOARD, SelfTest.make())
    for place in ("7E1A", "9F00"):
        SerialDevice(locate(NANO_BOARD, place)).flash(sketch, tmp_path / "log")
    assert calls == [(board.names[0], []), ("/dev/ttyACM9", [])]


def test_of_two_debug_probes_openocd_is_told_the_serial_number(ports, monkeypatch, tmp_path):
    ports.plug("/dev/ttyACM0", STLINK, "066B")
    ports.plug("/dev/ttyACM1", STLINK, "0672")
    calls = uploads(monkeypatch)
    nucleo = load_board("nucleo_f446re")
    sketch = render_selftest(nucleo, SelfTest.make())
    SerialDevice(locate(nucleo, "0672")).flash(sketch, tmp_path / "log")
    assert calls == [("/dev/ttyACM1", ["-c", "adapter serial 0672"])]


def test_a_board_that_is_gone_can_not_be_flashed(board, tmp_path):
    sketch = render_selftest(NANO_BOARD, SelfTest.make())
    here = SerialDevice(locate(NANO_BOARD, None), seconds=0.2)
    board.unplug()
    with pytest.raises(DanasError, match="nano33ble is not connected any more"):
        here.flash(sketch, tmp_path / "log")


def test_a_board_that_stays_away_is_told_after_its_time(board, tmp_path):
    device = SerialDevice(locate(NANO_BOARD, None), seconds=0.3)
    board.unplug()
    with (
        pytest.raises(DanasError, match=r"No serial port of nano33ble within 0\.3 s"),
        device.connect(tmp_path / "firmware.elf", tmp_path / "log"),
    ):
        raise AssertionError("opened nothing")
