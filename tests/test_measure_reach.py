"""From an address to a target: which board, which of several, and nobody else's meanwhile."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from danas_hil.base import DanasError, tree_folder
from danas_hil.board import load_board
from danas_hil.measure import (
    TOOL_HINTS,
    Address,
    check_library,
    lacking_tools,
    reach,
    reach_device,
)
from danas_hil.targets import (
    EMULATORS,
    Emulator,
    HostTarget,
    QemuDevice,
    SerialDevice,
    emulated_device,
)

NANO = load_board("nano33ble")


def port(number: str, device: str) -> Any:
    return SimpleNamespace(
        device=device,
        vid=0x2341,
        pid=0x805A,
        serial_number=number,
        location=None,
        product="Nano 33 BLE",
        description="",
    )


@pytest.fixture(autouse=True)
def _two_boards(monkeypatch: pytest.MonkeyPatch) -> None:
    ports = [port("AAAA", "/dev/ttyACM0"), port("BBBB", "/dev/ttyACM1")]
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: ports)


def test_one_of_two_alike_is_chosen_by_its_serial_number() -> None:
    with reach_device(Address(NANO, "BBBB")) as device:
        assert isinstance(device, SerialDevice)
        assert device.name == "nano33ble@BBBB"
        assert device.kind == "measured"
        assert device.connection.find() == "/dev/ttyACM1"


def test_two_alike_are_not_guessed_between() -> None:
    with (
        pytest.raises(DanasError, match="2 connected boards") as caught,
        reach_device(Address(NANO)),
    ):
        pass
    assert "nano33ble@AAAA or nano33ble@BBBB" in caught.value.hint


def test_a_board_is_held_by_one_process_at_a_time(tmp_path: Path) -> None:
    """Another process asks for a board while we hold it, and for the other board."""
    script = tmp_path / "ask.py"
    script.write_text(
        "import sys\n"
        "from danas_hil.base import DanasError\n"
        "from danas_hil.board import device_lock\n"
        "try:\n"
        "    with device_lock(sys.argv[1], 'the board'): print('held')\n"
        "except DanasError as error: print(error)\n"
    )

    def ask(number: str) -> str:
        return subprocess.run(
            [sys.executable, script, number], capture_output=True, text=True, check=True
        ).stdout

    with reach_device(Address(NANO, "AAAA")):
        assert "uses the board" in ask("AAAA")
        assert "held" in ask("BBBB")
    assert "held" in ask("AAAA")


def test_the_host_and_emulators_are_shared_by_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name, **_: name)
    emulated = Address(load_board("qemu-m4"))
    with reach_device(emulated) as one, reach_device(emulated) as other:
        assert isinstance(one, QemuDevice)
        assert one == other
        assert one.kind == "emulated"
    with reach(Address(load_board("host"))) as target:
        assert isinstance(target, HostTarget)


def test_a_board_that_nothing_is_built_for_is_told() -> None:
    with pytest.raises(DanasError, match="Nothing is built"):
        lacking_tools(load_board("host"))


@pytest.mark.parametrize(
    ("board", "tools"),
    [
        ("qemu-m4", ("qemu-system-arm", "arm-none-eabi-g++")),
        ("renode-nano33ble", ("renode",)),
        ("nano33ble", ()),
    ],
)
def test_each_kind_of_board_needs_its_own_tools(
    board: str, tools: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    assert lacking_tools(load_board(board)) == tools


def test_an_emulator_is_added_by_its_device_and_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A board's file names it; the device is made, its program asked for, and the hint told."""
    text = (tree_folder("boards") / "qemu-m4.toml").read_text(encoding="utf-8")
    (tmp_path / "qiling-m4.toml").write_text(text.replace('"qemu"', '"qiling"'), encoding="utf-8")
    board = load_board(str(tmp_path / "qiling-m4.toml"))
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with pytest.raises(DanasError, match="has the emulator 'qiling'") as caught:
        emulated_device(board)
    assert "qemu, renode" in caught.value.hint
    added = Emulator(QemuDevice, "qiling-arm", "It has a package of its own")
    monkeypatch.setitem(EMULATORS, "qiling", added)
    assert emulated_device(board) == QemuDevice(board)
    assert lacking_tools(board) == ("qiling-arm", "arm-none-eabi-g++")


def test_every_emulator_tells_how_to_get_its_program() -> None:
    assert {one.program: one.hint for one in EMULATORS.values()}.items() <= TOOL_HINTS.items()


def test_a_library_is_at_hand_or_its_absence_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("SCons", reason="the build tool scons is not installed")
    board = load_board("qemu-m4")
    monkeypatch.setattr("danas_hil.platformio.registry.registry_answers", lambda: False)
    monkeypatch.delenv("DANAS_TFLM_LIBRARY", raising=False)
    with pytest.raises(DanasError, match="Chirale") as caught:
        check_library(board)
    assert "DANAS_TFLM_LIBRARY" in caught.value.hint
    (tmp_path / "library.properties").write_text("name=TFLM\n")
    monkeypatch.setenv("DANAS_TFLM_LIBRARY", str(tmp_path))
    check_library(board)
