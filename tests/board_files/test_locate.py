"""Finding boards among fake ports, with and without a hardware map."""

from pathlib import Path

import pytest

from danas_hil.base import DanasError
from danas_hil.board import (
    HARDWARE_MAP_VARIABLE,
    MapEntry,
    connected_ports,
    load_board,
    locate,
    scan,
    split_address,
    update_hardware_map,
)
from devices.ports import NANO, NANO_BOOTLOADER, STLINK, Ports

NANO_BOARD = load_board("nano33ble")
NUCLEO = load_board("nucleo_f446re")


@pytest.fixture
def ports(monkeypatch):
    monkeypatch.delenv(HARDWARE_MAP_VARIABLE, raising=False)
    return Ports(monkeypatch)


def test_a_scan_tells_boards_from_probes_that_many_have_and_from_the_rest(ports):
    ports.plug("/dev/ttyS0")
    ports.plug("/dev/ttyUSB0", (0x1A86, 0x7523), "X")
    ports.plug("/dev/ttyACM1", STLINK, "066B", "1-3")
    ports.plug("/dev/ttyACM0", NANO, "7E1A", "1-2:1.0")
    ports.plug("/dev/ttyACM2", NANO_BOOTLOADER, "9F", "1-4")
    nano, probe, waiting = scan()
    assert (nano.port.device, nano.boards, nano.in_bootloader) == (
        "/dev/ttyACM0",
        ("nano33ble",),
        False,
    )
    assert nano.port.location == "1-2", "the interface is no part of the socket"
    assert {"nucleo_f446re", "nucleo_f746zg"} <= set(probe.boards)
    assert (waiting.boards, waiting.in_bootloader) == (("nano33ble",), True)


def test_a_device_with_two_ports_is_one_device(ports):
    ports.plug("/dev/ttyACM1", STLINK, "066B", "1-3:1.4")
    ports.plug("/dev/ttyACM0", STLINK, "066B", "1-3:1.2")
    assert [port.device for port in connected_ports()] == ["/dev/ttyACM0"]


def test_the_only_board_needs_no_more_than_its_name(ports):
    ports.plug("/dev/ttyACM1", STLINK, "066B")
    ports.plug("/dev/ttyACM0", NANO, "7E1A")
    found = locate(NANO_BOARD, None)
    assert (found.serial_number, found.find(), found.place) == ("7E1A", "/dev/ttyACM0", None)
    assert locate(NUCLEO, None).serial_number == "066B"


def test_two_alike_without_a_serial_number_are_an_error_that_lists_them(ports):
    ports.plug("/dev/ttyACM0", NANO, "7E1A")
    ports.plug("/dev/ttyACM1", NANO, "9F00")
    with pytest.raises(DanasError) as caught:
        locate(NANO_BOARD, None)
    assert "/dev/ttyACM0 (7E1A), /dev/ttyACM1 (9F00)" in caught.value.what
    assert "nano33ble@7E1A or nano33ble@9F00" in caught.value.hint
    assert locate(NANO_BOARD, "9f00").find() == "/dev/ttyACM1"


def test_boards_without_serial_numbers_are_told_apart_by_their_sockets(ports):
    ports.plug("/dev/ttyACM0", NANO, None, "1-1")
    ports.plug("/dev/ttyACM1", NANO, None, "1-2")
    with pytest.raises(DanasError, match="nano33ble@1-1 or nano33ble@1-2"):
        locate(NANO_BOARD, None)
    assert locate(NANO_BOARD, "1-2").find() == "/dev/ttyACM1"


def test_a_board_is_found_again_under_another_name_and_never_the_other_board(ports):
    mine = ports.plug("/dev/ttyACM0", NANO, "7E1A", "1-1")
    other = ports.plug("/dev/ttyACM1", NANO, "9F00", "1-2")
    found = locate(NANO_BOARD, "7E1A")
    ports.remove(mine)
    assert found.find() is None
    other.device, mine.device = "/dev/ttyACM0", "/dev/ttyACM7"
    ports.append(mine)
    assert found.find() == "/dev/ttyACM7"


def test_a_bootloader_is_flashed_but_not_talked_to(ports):
    board = ports.plug("/dev/ttyACM0", NANO, "7E1A", "1-1")
    found = locate(NANO_BOARD, None)
    board.vid, board.pid = NANO_BOOTLOADER
    board.device, board.serial_number = "/dev/ttyACM1", None  # the socket is the same
    assert found.find() is None
    assert found.find(running=False) == "/dev/ttyACM1"


def test_a_board_that_waits_in_its_bootloader_is_found(ports):
    ports.plug("/dev/ttyACM0", NANO_BOOTLOADER, "7E1A", "1-1")
    assert locate(NANO_BOARD, None).find(running=False) == "/dev/ttyACM0"


def test_a_board_that_is_not_there_is_told_with_what_is(ports):
    with pytest.raises(DanasError, match="No board shows itself on USB"):
        locate(NANO_BOARD, None)
    ports.plug("/dev/ttyACM0", NANO, "7E1A")
    with pytest.raises(DanasError, match=r"nucleo_f446re\) is not connected.*ttyACM0 \(nano33ble"):
        locate(NUCLEO, None)
    with pytest.raises(DanasError, match="nano33ble@other"):
        locate(NANO_BOARD, "other")


def test_the_wrong_board_at_the_right_port_is_refused_by_its_usb_ids(ports):
    ports.plug("/dev/ttyACM0", NANO, "7E1A")
    for place in ("7E1A", "/dev/ttyACM0"):
        with pytest.raises(DanasError, match="not nucleo_f446re by its USB ids, but nano33ble"):
            locate(NUCLEO, place)


def test_an_adapter_between_board_and_usb_is_taken_as_it_is_named(ports):
    ports.plug("/dev/ttyUSB0", (0x1A86, 0x7523), "X")
    assert locate(NUCLEO, "/dev/ttyUSB0").find() == "/dev/ttyUSB0"
    assert locate(NUCLEO, "/dev/ttyAMA0").find() == "/dev/ttyAMA0"
    assert locate(NUCLEO, "rfc2217://lab:4000").find() == "rfc2217://lab:4000"


def test_a_hardware_map_tells_boards_apart_that_look_alike(ports, tmp_path: Path, monkeypatch):
    ports.plug("/dev/ttyACM0", STLINK, "066B")
    ports.plug("/dev/ttyACM1", STLINK, "0672")
    hardware_map = tmp_path / "map.yaml"
    entries = [
        MapEntry(True, "066B", "nucleo_f746zg", serial_baud=230400),
        MapEntry(True, "0672", "nucleo_f446re"),
        MapEntry(True, "far", "nano33ble", serial="socket://lab:4000"),
        MapEntry(False, "gone", "disco_f746ng", serial="/dev/ttyACM9"),
    ]
    update_hardware_map(hardware_map, entries)
    with pytest.raises(DanasError, match="2 connected boards may be nucleo_f446re"):
        locate(NUCLEO, None)
    monkeypatch.setenv(HARDWARE_MAP_VARIABLE, str(hardware_map))
    assert locate(NUCLEO, None).find() == "/dev/ttyACM1"
    other = locate(load_board("nucleo_f746zg"), None, hardware_map)
    assert other.find() == "/dev/ttyACM0"
    assert other.baud == 115200, "the rate of our firmware, not of what the map was made for"
    with pytest.raises(DanasError, match=r"066B.*not nucleo_f446re by the hardware map"):
        locate(NUCLEO, "066B")
    assert locate(NANO_BOARD, None).find() == "socket://lab:4000"
    with pytest.raises(DanasError, match="not connected"):
        locate(load_board("disco_f746ng"), None)


def test_a_map_made_for_zephyr_serves_as_far_as_names_agree(ports, tmp_path: Path):
    ports.plug("/dev/ttyACM0", NANO, "7E1A")
    ports.plug("/dev/ttyACM1", STLINK, "0672")
    ports.plug("/dev/ttyACM2", STLINK, "066B")
    hardware_map = tmp_path / "map.yaml"
    entries = [
        MapEntry(True, "7E1A", "arduino_nano_33_ble/nrf52840"),
        MapEntry(True, "0672", "nucleo_f446re/stm32f446xx"),
        MapEntry(True, "066B", "nucleo_g071rb"),
    ]
    update_hardware_map(hardware_map, entries)
    assert locate(NANO_BOARD, None, hardware_map).find() == "/dev/ttyACM0"
    assert locate(NUCLEO, None, hardware_map).find() == "/dev/ttyACM1"


def test_an_address_is_a_board_and_perhaps_a_place():
    assert split_address("nano33ble") == (NANO_BOARD, None)
    assert split_address("nano33ble@7E1A") == (NANO_BOARD, "7E1A")
    assert split_address("nano33ble@socket://u@h:1")[1] == "socket://u@h:1"
    for wrong in ("nano33ble@", "nano@7E1A"):
        with pytest.raises(DanasError):
            split_address(wrong)
