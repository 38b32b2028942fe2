"""A board at another computer, reached through its network: socket:// and rfc2217://."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable

import numpy as np
import pytest
import serial
import serial.rfc2217

from danas_hil.board import HARDWARE_MAP_VARIABLE, load_board, locate
from danas_hil.sketch import SelfTest, render_selftest
from danas_hil.targets import SerialDevice, TargetError, open_session
from devices.board import SimulatedFirmware

NANO_BOARD = load_board("nano33ble")
IMAGE = np.arange(40, dtype=np.uint8)


@pytest.fixture
def serve(monkeypatch):
    """Runs a server for one connection at a time; gives its host and port."""
    monkeypatch.delenv(HARDWARE_MAP_VARIABLE, raising=False)
    with contextlib.ExitStack() as stack:

        def start(talk: Callable[[socket.socket], None]) -> str:
            server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

            def accept() -> None:
                with contextlib.suppress(OSError):  # closed: the test is over
                    while True:
                        connection, _ = server.accept()
                        with connection, contextlib.suppress(OSError):
                            talk(connection)

            thread = threading.Thread(target=accept, daemon=True)
            stack.callback(thread.join, 5)
            stack.callback(server.shutdown, socket.SHUT_RDWR)
            thread.start()
            return f"127.0.0.1:{server.getsockname()[1]}"

        yield start


def plainly(firmware: SimulatedFirmware) -> Callable[[socket.socket], None]:
    """Bytes as they are, as ser2net's raw mode and labgrid's have it."""

    def talk(connection):
        while data := connection.recv(4096):
            connection.sendall(firmware.feed(data))

    return talk


def by_rfc2217(firmware: SimulatedFirmware) -> Callable[[socket.socket], None]:
    """As a telnet server with RFC 2217, which sets the other port's rate."""

    def talk(connection):
        with serial.serial_for_url("loop://", timeout=0) as port:
            connection_ = type("C", (), {"write": staticmethod(connection.sendall)})
            manager = serial.rfc2217.PortManager(port, connection_)
            while data := connection.recv(4096):
                answer = firmware.feed(b"".join(manager.filter(data)))
                connection.sendall(b"".join(manager.escape(answer)))

    return talk


@pytest.mark.parametrize(("scheme", "talk"), [("socket", plainly), ("rfc2217", by_rfc2217)])
def test_a_board_at_another_computer_is_measured_like_one_here(serve, tmp_path, scheme, talk):
    firmware = SimulatedFirmware("0123456789abcdef", "nano33ble")
    url = f"{scheme}://{serve(talk(firmware))}"
    device = SerialDevice(locate(NANO_BOARD, url), seconds=5)
    device.flash(render_selftest(NANO_BOARD, SelfTest.make()), tmp_path / "flash.log")
    for _ in range(2):
        with open_session(device, tmp_path, (40,), "uint8") as session:
            assert session.identify().build_id == "0123456789abcdef"
            assert session.memory().arena_used_bytes == 900
            assert np.array_equal(session.infer(IMAGE), IMAGE + 1)


def test_a_server_that_hangs_up_is_told_and_no_figure_comes_of_it(serve, tmp_path):
    firmware = SimulatedFirmware("0123456789abcdef", "nano33ble")

    def talk(connection):
        while b" invoke " not in (data := connection.recv(4096)):
            connection.sendall(firmware.feed(data))

    url = f"socket://{serve(talk)}"
    device = SerialDevice(locate(NANO_BOARD, url), seconds=5)
    with open_session(device, tmp_path, (40,), "uint8") as session:
        session.memory()
        with pytest.raises(TargetError, match=f"The port {url} is gone") as caught:
            session.infer(IMAGE)
    assert caught.value.stage == "PROTOCOL"
