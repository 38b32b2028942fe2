"""danas-hil boards scan, among fake ports."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from danas_hil.board import UNKNOWN, read_hardware_map
from danas_hil.cli.app import app
from devices.ports import NANO, NANO_BOOTLOADER, STLINK, Ports


@pytest.fixture
def ports(monkeypatch):
    return Ports(monkeypatch)


def scan(*arguments):
    done = CliRunner().invoke(app, ["boards", "scan", *map(str, arguments)])
    assert done.exit_code == 0, done.output
    return done


def test_nothing_connected_is_said(ports):
    assert "No board shows itself on USB" in scan().stdout
    assert json.loads(scan("--json").stdout) == []


def test_each_board_is_shown_with_port_and_serial_number(ports):
    ports.plug("/dev/ttyACM0", NANO, "7E1A", product="Arduino Nano 33 BLE")
    ports.plug("/dev/ttyACM1", NANO_BOOTLOADER, "9F00")
    ports.plug("/dev/ttyACM2", STLINK, None, "1-3")
    shown = scan().stdout
    for part in ("nano33ble", "/dev/ttyACM0", "7E1A", "Arduino Nano 33 BLE"):
        assert part in shown.splitlines()[1]
    assert "(bootloader)" in shown
    assert "nucleo_f446re or" in " ".join(shown.split())
    assert "--board BOARD@SERIAL_NUMBER" in shown


def test_a_map_is_written_and_what_a_person_filled_in_is_shown_from_then_on(ports, tmp_path):
    ports.plug("/dev/ttyACM0", STLINK, "066B", product="STM32 STLink")
    path = tmp_path / "map.yaml"
    done = scan("--write", path)
    assert "Fill in the platform of 1" in done.stderr
    (entry,) = read_hardware_map(path)
    assert (entry.platform, entry.id, entry.connected) == (UNKNOWN, "066B", True)
    path.write_text(path.read_text().replace(UNKNOWN, "nucleo_f446re"))
    ports.clear()
    ports.plug("/dev/ttyACM5", STLINK, "066B")
    done = scan("--write", path, "--json")
    assert "Fill in" not in done.stderr
    (told,) = json.loads(done.stdout)
    assert (told["platform"], told["serial"]) == ("nucleo_f446re", "/dev/ttyACM5")
    assert set(told) == {
        "connected", "id", "platform", "product", "runner", "serial", "serial_baud",
    }  # fmt: skip
