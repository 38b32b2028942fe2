"""A board that meets its user for the first time: what stands in the way is told, or goes."""

from __future__ import annotations

import errno
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import serial

from danas_hil.base import DanasError, EnvironmentFaultError
from danas_hil.board import Connection, board_names, load_board, locate
from danas_hil.cli import app as cli
from danas_hil.measure import Address, reach_device
from danas_hil.measure.selftest import CHECKS, selftest
from danas_hil.sketch import SelfTest, render_selftest
from danas_hil.targets import FirmwareTarget, ModelFile, SerialDevice
from danas_hil.targets.streams import open_serial
from devices.ports import NANO, NANO_BOOTLOADER
from devices.selftest import SimulatedSelfTest

from .contract import public_model

pytestmark = pytest.mark.usefixtures("short_waits")
NANO_BOARD = load_board("nano33ble")


def proved(folder):
    return selftest(SerialDevice(locate(NANO_BOARD, None), 1.0), folder)


def test_a_nano_that_is_silent_until_dtr_is_on_is_talked_to(
    board, selftested, tmp_path, monkeypatch
):
    """mbed's USB port takes its other end for gone until then."""
    heard = []
    monkeypatch.setattr(
        serial.Serial, "_update_dtr_state", lambda port: heard.append(port._dtr_state)
    )
    board.to_device = lambda data: data if heard[-1:] == [True] else b""
    assert proved(tmp_path).good
    assert heard
    assert all(heard)


def test_a_nano_whose_hub_gives_it_another_socket_is_the_same(board, selftested, tmp_path):
    device = SerialDevice(locate(NANO_BOARD, None), 1.0)
    board.location = "3-4.1.2"
    assert selftest(device, tmp_path).good
    assert board.ports[0].location == "3-4.1.2"


def test_its_port_may_have_another_name_after_the_touch_and_one_more_after_that(
    board, selftested, tmp_path, monkeypatch
):
    """The touch at 1200 baud brings the bootloader, flashing the program."""
    names = []

    def upload(sketch, port, log, *, flags=(), **_):
        names.append(port)
        for ids in (NANO_BOOTLOADER, NANO):
            board.ids = ids
            board.firmware = SimulatedSelfTest(sketch.identity, sketch.board.id)
            board.replug()

    monkeypatch.setattr("danas_hil.targets.devices.upload", upload)
    assert proved(tmp_path).good
    assert names == [board.names[0]]
    assert len(set(board.names)) > 1


def in_bootloader(board):
    board.unplug()
    board.ids = NANO_BOOTLOADER
    board.plug()
    board.ids = NANO  # of the program that is flashed next


def test_one_whose_button_was_pressed_twice_is_flashed_where_it_waits(board, selftested, tmp_path):
    in_bootloader(board)
    assert proved(tmp_path).good
    assert selftested == [board.names[1]]


def test_one_that_stays_in_its_bootloader_is_told_so_and_what_to_do(board, selftested, tmp_path):
    board.spoil = [lambda: in_bootloader(board)] * 3
    result = proved(tmp_path)
    boot = result.checks[CHECKS.index("boot")]
    assert boot.good is False
    assert "waits in its bootloader" in boot.detail
    assert "2341:005A" in boot.detail
    assert "Press it once" in result.failure.hint
    assert not result.environment


# -- the port is there, and can't be used --------------------------------------------------------

HOLD = """
import os, sys, time
port = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)
print("held", flush=True)
sys.stdin.read() if sys.argv[2] == "long" else time.sleep(0.5)
"""


@pytest.fixture
def held(board):
    """Lets another process hold the board's port; its number."""
    others = []

    def hold(how):
        command = [sys.executable, "-c", HOLD, board.names[-1], how]
        other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        others.append(other)
        assert other.stdout.readline() == "held\n"
        return other.pid

    yield hold
    for other in others:
        other.communicate()


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="there is no /proc")


@needs_proc
def test_a_port_that_a_serial_monitor_has_is_told_with_its_process(board, held, monkeypatch):
    monkeypatch.setattr("danas_hil.board.access.check_port.__defaults__", (0.3,))
    number = held("long")
    with (
        pytest.raises(EnvironmentFaultError, match=rf"Process {number} \(python") as caught,
        reach_device(Address(NANO_BOARD)),
    ):
        raise AssertionError("two programs at one port")
    assert board.names[-1] in caught.value.what
    assert "Close it" in caught.value.hint


@needs_proc
def test_one_that_lets_go_soon_is_waited_for(board, held):
    """As ModemManager looks at every port that is new."""
    held("briefly")
    with reach_device(Address(NANO_BOARD)) as device:
        assert device.board == NANO_BOARD


def commands(tmp_path):
    yield ["doctor", "--board", "nano33ble"]
    yield ["flash", str(tmp_path / "m.tflite"), "--board", "nano33ble"]


def told(monkeypatch, capsys, command):
    """The exit code of a command, and what it says, in one line."""
    monkeypatch.setattr(sys, "argv", ["danas-hil", *command])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    return caught.value.code, " ".join("".join(capsys.readouterr()).split())


def test_without_the_right_to_use_the_port_both_commands_end_with_2(
    board, monkeypatch, capsys, tmp_path
):
    monkeypatch.setattr("os.access", lambda *_: False)
    for command in commands(tmp_path):
        code, said = told(monkeypatch, capsys, command)
        assert code == 2
        assert f"This user may not use {board.names[-1]} of nano33ble" in said
        assert "udev rules" in said


@needs_proc
def test_a_port_that_is_busy_ends_both_commands_with_2(board, held, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("danas_hil.board.access.check_port.__defaults__", (0.1,))
    held("long")
    for command in commands(tmp_path):
        code, said = told(monkeypatch, capsys, command)
        assert code == 2
        assert "has" in said
        assert "open. Close it" in said


def test_without_network_both_commands_end_with_2(board, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("danas_hil.platformio.registry.registry_answers", lambda: False)
    for command in commands(tmp_path):
        code, said = told(monkeypatch, capsys, command)
        assert code == 2
        assert "its registry does not answer" in said
        assert "Connect this computer once" in said


@pytest.mark.parametrize(
    ("number", "what"),
    [(errno.EACCES, "This user may not use"), (errno.EBUSY, "Another program has")],
)
def test_a_port_that_refuses_only_when_it_is_opened_is_told_by_its_reason(
    board, monkeypatch, number, what
):
    def refuse(*_, **__):
        raise serial.SerialException(number, "could not open port")

    monkeypatch.setattr(serial, "serial_for_url", refuse)
    with pytest.raises(EnvironmentFaultError, match=what):
        open_serial(lambda: board.names[-1], 115200, 0.1, "the board").__enter__()


def test_a_board_at_another_computer_that_does_not_answer_is_no_fault_of_the_board():
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1]
    url = f"socket://127.0.0.1:{number}"
    with pytest.raises(EnvironmentFaultError, match="at another computer can't be reached"):
        open_serial(lambda: url, 115200, 0.1, "the board").__enter__()


def test_what_no_other_model_would_change_ends_the_batch(board, monkeypatch, tmp_path):
    """Such as the rights to a debug probe, which show first when it is flashed."""
    pytest.importorskip("tflite_micro", reason="needs the extra host")

    def upload(*_, **__):
        raise EnvironmentFaultError("LIBUSB_ERROR_ACCESS", "docs/boards.md has the udev rules.")

    monkeypatch.setattr("danas_hil.targets.devices.upload", upload)
    target = FirmwareTarget(SerialDevice(Connection(NANO_BOARD, 115200, url=board.names[-1])))
    model = public_model("hello_world_int8")
    assert isinstance(model, ModelFile)
    from danas_hil.targets import Program

    with pytest.raises(EnvironmentFaultError):
        target.flash(Program(model, target.identity(model), tmp_path))


def test_the_self_test_tells_it_in_its_line_and_tries_no_second_time(board, selftested, tmp_path):
    def fail():
        raise EnvironmentFaultError("LIBUSB_ERROR_ACCESS", "docs/boards.md has the udev rules.")

    board.spoil = [fail, fail, fail]
    result = proved(tmp_path)
    assert result.checks[1].good is False
    assert result.environment
    assert len(selftested) == 1


def test_a_board_that_can_not_be_flashed_again_for_another_reason_is_its_own_failure(
    board, monkeypatch, tmp_path
):
    def upload(*_, **__):
        raise DanasError("No device found.")

    monkeypatch.setattr("danas_hil.targets.devices.upload", upload)
    sketch = render_selftest(NANO_BOARD, SelfTest.make())
    with pytest.raises(DanasError) as caught:
        SerialDevice(locate(NANO_BOARD, None)).flash(sketch, tmp_path / "log")
    assert not isinstance(caught.value, EnvironmentFaultError)


def test_a_scan_says_of_one_in_its_bootloader_that_it_is_and_what_that_means(
    board, monkeypatch, capsys
):
    for waits in (False, True):
        if waits:
            in_bootloader(board)
        code, said = told(monkeypatch, capsys, ["boards", "scan"])
        assert code == 0
        assert ("(bootloader)" in said) == waits
        assert ("its button, pressed once, starts the program" in said) == waits


def test_the_boards_page_says_of_every_board_what_it_was_seen_to_do(root):
    page = (root / "docs" / "boards.md").read_text(encoding="utf-8")
    table = page.partition("## What each board was seen to do")[2].partition("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")]
    for name in board_names():
        named = sum(name in row.split("|")[1].replace(",", " ").split() for row in rows)
        assert named == (name != "host"), name
