import os
import pty
import threading
import tty

import numpy as np
import pytest

from danas_hil.base import DanasError
from danas_hil.board import Connection, load_board
from danas_hil.targets import SerialDevice, TargetError
from danas_hil.targets.streams import PortLostError, open_process, open_serial
from danas_hil.targets.wire_session import WireSession
from danas_hil.wire import Conversation
from devices.simulated import Line, SimulatedDevice

ABOUT = {
    "build": "0123456789abcdef", "board": "simulated", "model": "m", "tflm": "none",
    "clock_hz": 64_000_000, "timer": "dwt", "timer_hz": 64_000_000, "arena_bytes": 100,
    "flash_bytes": 4096, "ram_bytes": 1024, "reset": "power", "starts": 1, "fault": None,
}  # fmt: skip


@pytest.fixture
def port():
    """The name of a pseudo-terminal with a simulated device at its other end."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    device = SimulatedDevice(about=dict(ABOUT))
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            data = os.read(ours, 4096)
            if data == b"stop":
                return
            os.write(ours, device.feed(data))

    thread = threading.Thread(target=serve)
    thread.start()
    yield os.ttyname(theirs)
    stop.set()
    os.write(theirs, b"stop")
    thread.join(timeout=5)
    os.close(ours)
    os.close(theirs)


def session(stream, tmp_path):
    return WireSession(stream, (10, 10), "uint8", tmp_path / "serial.log")


def test_a_session_over_a_serial_port_infers_and_identifies(port, tmp_path):
    device = SerialDevice(Connection(load_board("nano33ble"), 115200, "A1", "A1", url=port))
    assert device.name == "nano33ble@A1"
    with device.connect(tmp_path / "firmware.elf", tmp_path / "device.log") as stream:
        talk = session(stream, tmp_path)
        talk.start(5)
        hello = talk.identify()
        assert (hello.build_id, hello.timer_hz) == ("0123456789abcdef", 64_000_000)
        image = np.arange(100, dtype=np.uint8).reshape(10, 10)
        assert np.array_equal(talk.infer(image), image + 1)


def test_a_port_that_comes_late_under_another_name_is_found(port, tmp_path):
    names = iter([None, "/dev/does-not-exist", port])
    with open_serial(lambda: next(names), 115200, 5, "a board") as stream:
        assert Conversation(stream).hello(5)["board"] == "simulated"


def test_no_port_is_told_with_its_reason():
    with pytest.raises(DanasError, match=r"No serial port of a board within 0\.2 s: no port"):
        open_serial(lambda: None, 115200, 0.2, "a board").__enter__()


def test_a_process_that_ends_is_told_with_its_status(tmp_path):
    log = tmp_path / "device.log"
    with open_process(["false"], "The emulator", log) as stream:  # noqa: SIM117
        with pytest.raises(PortLostError, match="The emulator ended with status 1"):
            stream.read(5)


def test_a_program_that_is_not_there_is_told(tmp_path):
    with pytest.raises(DanasError, match="can't be started"):
        open_process(["no-such-program"], "x", tmp_path / "log").__enter__()


def test_a_silent_device_fails_at_boot(tmp_path):
    with pytest.raises(TargetError) as caught:
        session(Line(lambda _data: b""), tmp_path).start(0.2)
    assert caught.value.stage == "BOOT"


def test_a_reset_in_the_middle_tells_the_fault(tmp_path):
    device = SimulatedDevice(about=dict(ABOUT))
    talk = session(Line(device.feed), tmp_path)
    talk.start(5)
    device.start()
    device.about |= {"fault": "hardfault", "pc": "00000f90", "lr": "00000cd3", "status": "1"}
    with pytest.raises(TargetError, match="hardfault at 00000f90") as caught:
        talk.infer(np.zeros((10, 10), np.uint8))
    assert caught.value.stage == "FAULT"


def test_a_reset_without_a_fault_may_be_tried_again(tmp_path):
    device = SimulatedDevice(about=dict(ABOUT))
    talk = session(Line(device.feed), tmp_path)
    talk.start(5)
    device.start()
    with pytest.raises(TargetError) as caught:
        talk.infer(np.zeros((10, 10), np.uint8))
    assert caught.value.stage == "PROTOCOL"


def test_a_hello_that_lacks_something_is_a_failure(tmp_path):
    device = SimulatedDevice()
    with pytest.raises(TargetError, match="no timer_hz") as caught:
        session(Line(device.feed), tmp_path).start(5)
    assert caught.value.stage == "PROTOCOL"
