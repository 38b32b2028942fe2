"""The hardware map: what is written is read, also by twister; what twister writes is read too."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danas_hil.base import DanasError
from danas_hil.board import (
    UNKNOWN,
    MapEntry,
    entries_of,
    read_hardware_map,
    scan,
    update_hardware_map,
)
from danas_hil.board.hardware_map import merge
from devices.ports import NANO, STLINK, Ports

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20)
ENTRIES = st.builds(
    MapEntry, st.booleans(), st.none() | TEXT, TEXT, TEXT, TEXT, st.none() | TEXT, st.integers(1)
)

TWISTER = """\
# made by twister --generate-hardware-map
- connected: true
  id: 0240000026334e45
  platform: frdm_k64f
  product: DAPLink CMSIS-DAP
  runner: pyocd
  fixtures:
  - gpio_loopback
  - ble: true
  serial: /dev/ttyACM0   # by hand
  flash_timeout: 60
- connected: false
  id: '0669'
  platform: nucleo_f746zg
  product: "ST \\"LINK\\""
  runner: openocd
  runner_params:
    - --cmd
  serial: null

-
  id: 7E1A
  connected: True
  platform: arduino_nano_33_ble
  serial: rfc2217://lab:4000?logging=debug
  serial_baud: 9600
"""


@given(st.lists(ENTRIES, max_size=4, unique_by=lambda entry: entry.id))
def test_what_is_written_is_read(tmp_path_factory, entries):
    path = tmp_path_factory.getbasetemp() / "map.yaml"
    path.unlink(missing_ok=True)
    assert update_hardware_map(path, entries) == tuple(entries)
    assert read_hardware_map(path) == tuple(entries)


@pytest.mark.parametrize("indent", ["", "  "])
def test_a_scan_leaves_all_else_in_a_map_as_it_was(tmp_path: Path, indent):
    path = tmp_path / "map.yaml"
    path.write_text("# ours\n---\n" + "".join(f"{indent}{line}\n" for line in TWISTER.splitlines()))
    found = MapEntry(True, "0669", "nucleo_f746zg", serial="/dev/ttyACM7")
    new = MapEntry(True, "0070", UNKNOWN, "ST", serial="COM3")
    entries = update_hardware_map(path, [found, new])
    assert entries == read_hardware_map(path)
    expected = TWISTER.replace("- connected: true\n", "- connected: false\n", 1)
    expected = expected.replace("serial: /dev/ttyACM0   #", "serial: null   #")
    expected = expected.replace("false\n  id: '0669'", "true\n  id: '0669'")
    expected = expected.replace("serial: null\n", 'serial: "/dev/ttyACM7"\n')
    added = """\
- connected: true
  id: "0070"
  platform: "unknown"
  product: "ST"
  runner: "platformio"
  serial: "COM3"
  serial_baud: 115200
"""
    assert path.read_text().split() == ("# ours\n---\n" + expected + added).split()
    again = path.read_text()
    update_hardware_map(path, [found, new])
    assert path.read_text() == again


@pytest.mark.parametrize("text", ["", "[]\n", "# mine\n", "# mine", "---\n# mine\n[]\n"])
def test_a_board_is_added_to_an_empty_map_below_what_stands_there(tmp_path: Path, text):
    path = tmp_path / "map.yaml"
    path.write_text(text)
    update_hardware_map(path, [MapEntry(True, "1", "nano33ble")])
    assert [entry.id for entry in read_hardware_map(path)] == ["1"]
    assert ("# mine\n" in path.read_text()) == ("# mine" in text)
    assert '\n  id: "1"\n' in path.read_text()


@pytest.mark.parametrize("indent", ["", "  "])
def test_a_map_of_twister_is_read(tmp_path: Path, indent):
    path = tmp_path / "map.yaml"
    path.write_text("---\n" + "".join(f"{indent}{line}\n" for line in TWISTER.splitlines()))
    one, two, three = read_hardware_map(path)
    assert one == MapEntry(
        True, "0240000026334e45", "frdm_k64f", "DAPLink CMSIS-DAP", "pyocd", "/dev/ttyACM0", 115200
    )
    assert two == MapEntry(False, "0669", "nucleo_f746zg", 'ST "LINK"', "openocd", None, 115200)
    assert (three.id, three.connected, three.serial_baud) == ("7E1A", True, 9600)
    assert three.serial == "rfc2217://lab:4000?logging=debug"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("boards: 3", "line 1: 'boards: 3'"),
        ("- connected: true\n id: 5", "line 2"),
        ("- connected: true\n\tid: 5", "line 2"),
        ("- connected: perhaps", "line 1: connected is neither"),
        ("- id: 5", "line 1: connected is neither"),
        ("- connected: true\n  serial_baud: fast", "serial_baud is no number"),
        ("- connected: true\n  id: {a: b}", "line 2"),
        ("- connected: true\n  id: 'open", "line 2"),
        ("just text", "line 1"),
        ("- connected: true\n- text", "line 2: '- text'"),
        ("- connected: true\n  id: 1\n  id: 2", "line 3: 'id: 2'"),
        ("- connected: true\n  serial:\n  - COM3", "line 2: 'serial:'"),
        ("# two\n--- []\n--- []\n", "line 3"),
        ("[" * 5000, "line 1"),
    ],
)
def test_what_is_no_map_is_refused_with_its_line(tmp_path: Path, text, told):
    path = tmp_path / "map.yaml"
    path.write_text(text)
    for read in (read_hardware_map, lambda path: update_hardware_map(path, [])):
        with pytest.raises(DanasError, match=r"map\.yaml") as caught:
            read(path)
        assert told in str(caught.value)
    assert path.read_text() == text


def test_a_map_that_is_not_there_is_told_how_to_make(tmp_path: Path):
    with pytest.raises(DanasError, match="boards scan --write"):
        read_hardware_map(tmp_path / "none.yaml")


@given(st.text(alphabet="- ab:'\"#{[\n\tid", max_size=60))
def test_any_text_is_read_or_refused(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(text)
    with contextlib.suppress(DanasError):
        read_hardware_map(path)


def test_a_scan_brings_a_map_up_to_date_and_keeps_what_a_person_wrote(monkeypatch):
    ports = Ports(monkeypatch)
    ports.plug("/dev/ttyACM3", STLINK, "066B", product="STM32 STLink")
    ports.plug("/dev/ttyACM0", NANO, "7E1A")
    nano, probe = entries_of(scan())
    assert (nano.platform, nano.id, nano.serial) == ("nano33ble", "7E1A", "/dev/ttyACM0")
    assert (probe.platform, probe.product) == (UNKNOWN, "STM32 STLink")
    old = [
        MapEntry(False, "066B", "nucleo_f446re", "mine", serial_baud=9600),
        MapEntry(True, "gone", "nano33ble", serial="/dev/ttyACM5"),
        MapEntry(True, "far", "nano33ble", serial="socket://lab:4000"),
    ]
    mine, gone, far, new = merge(old, [nano, probe])
    assert mine == MapEntry(
        True, "066B", "nucleo_f446re", "mine", serial="/dev/ttyACM3", serial_baud=9600
    )
    assert (gone.connected, gone.serial) == (False, None)
    assert far == old[2]
    assert new == nano
