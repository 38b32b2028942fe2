"""Renode as a target, held against a program that takes the same scripts."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from danas_hil.base import DanasError
from danas_hil.board import board_names, load_board
from danas_hil.measure import RULES, MeasureSettings, measure_candidate
from danas_hil.measure.timing import emulated_spread_us
from danas_hil.targets import (
    BuildIdentity,
    ModelFile,
    Program,
    RenodeDevice,
    TargetError,
    emulated_device,
    open_session,
)
from danas_hil.targets.renode import script_of
from danas_hil.targets.streams import open_serial
from danas_hil.tflm import Golden
from danas_hil.wire import Conversation

TESTS = Path(__file__).resolve().parents[1]
BOARDS = [name for name in board_names() if name.startswith("renode-")]
INPUTS = np.arange(80, dtype=np.uint8).reshape(2, 40)


VECTORS = {"renode-nano33ble": 0x10000, "renode-nucleo_f746zg": 0x08000000}


RECEIVED = {"renode-nano33ble": 256, "renode-nucleo_f746zg": 255}  # by flags and headers


def elf(identity: str, board: str, **more) -> str:
    about = {"build": identity, "board": board, "vectors": VECTORS[board]}
    return json.dumps({**about, "receive_bytes": RECEIVED[board], **more})


def test_the_receive_buffer_is_what_the_cores_make_of_their_flags():
    for board in BOARDS:
        firmware = load_board(board).firmware
        size = next((f for f in firmware.flags if "SERIAL_RX_BUFFER_SIZE" in f), None)
        assert firmware.receive_bytes == RECEIVED[board]
        if size is not None:  # a ring of the STM32 core, one place of which stays free
            assert firmware.receive_bytes == int(size.partition("=")[2]) - 1


class RenodeTarget:
    """Firmware that need not be built, in Renode."""

    kind = "emulated"

    def __init__(self, board: str) -> None:
        self.device = emulated_device(load_board(board))
        self.name = self.board = board

    def identity(self, model):
        return BuildIdentity.of({"model": model.sha256})

    def build(self, model, folder):
        identity = self.identity(model)
        (folder / "firmware.elf").write_text(elf(identity.id, self.board))
        return Program(model, identity, folder)

    def flash(self, program):
        self.device.flash(None, program.folder / "flash.log")

    @contextlib.contextmanager
    def open(self, program):
        with open_session(self.device, program.folder, (40,), "uint8") as session:
            yield session


@pytest.mark.parametrize("board", BOARDS)
def test_a_measurement_in_renode_is_whole_and_called_emulated(renode, tmp_path, board):
    golden = Golden(INPUTS, INPUTS + np.uint8(1))
    rule = replace(RULES["emulated"], runs=20)  # an interrupt falls into some of these
    found = measure_candidate(
        RenodeTarget(board), ModelFile("m", b"m"), golden, tmp_path, MeasureSettings(rule=rule)
    )
    assert found.status == "OK", found.failure
    assert found.latency.label == "emulated time"
    runs = found.latency.runs_us
    assert 0 < max(runs) - min(runs) <= emulated_spread_us("dwt", load_board(board).clock_hz)


@pytest.mark.parametrize("board", BOARDS)
def test_renode_gets_the_board_its_terminal_and_a_folder_of_its_own(renode, tmp_path, board):
    (tmp_path / "with space").mkdir()
    program = tmp_path / "with space" / "firmware.elf"
    program.write_text(elf("b", board))
    device = RenodeDevice(load_board(board))
    with device.connect(program, tmp_path / "device.log") as stream:
        Conversation(stream).hello(30)  # it writes down what it was told before it answers
        told = json.loads(renode.read_text())
        folder = Path(told["tmpdir"])
        assert folder.is_dir()
        assert folder not in (Path("/tmp"), tmp_path)
        assert (folder / "uart").is_symlink()
    assert not folder.exists(), "nothing of it stays"
    with pytest.raises(ProcessLookupError):
        os.kill(told["pid"], 0)
    name, port = {
        "renode-nano33ble": ("nano33ble", "uart0"),
        "renode-nucleo_f746zg": ("nucleo_f746zg", "usart3"),
    }[board]
    assert told["commands"] == [
        f"include @{folder}/start.resc",
        f'mach create "{name}"',
        f"machine LoadPlatformDescription @{folder}/board.repl",
        f'emulation CreateUartPtyTerminal "pty" "{folder}/uart" true',
        f"connector Connect sysbus.{port} pty",
        f"sysbus LoadELF @{folder}/firmware.elf",
        f"cpu VectorTableOffset 0x{VECTORS[board]:08x}",
        "start",
    ]


@pytest.mark.parametrize("board", BOARDS)
def test_the_script_that_stays_beside_the_program_runs_without_us(renode, tmp_path, board):
    folder = tmp_path / "with space"
    folder.mkdir()
    (folder / "firmware.elf").write_text(elf("b", board))
    with RenodeDevice(load_board(board)).connect(folder / "firmware.elf", tmp_path / "log"):
        pass
    script = folder / "firmware.resc"
    assert "include" not in script.read_text()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    command = ["renode", str(script)]
    with subprocess.Popen(command, cwd=elsewhere, stdout=subprocess.DEVNULL) as process:
        try:
            port = folder / "uart"
            with open_serial(
                lambda: str(port) if port.exists() else None, 115200, 30, board
            ) as stream:
                assert Conversation(stream).hello(10)["build"] == "b"
        finally:
            process.kill()


def test_a_board_that_is_known_to_stay_silent_there_says_why(renode, tmp_path):
    board = load_board("renode-nano33ble")
    (tmp_path / "firmware.elf").write_text(elf("b", board.id, vectors=1))  # it does not boot
    with (
        pytest.raises(TargetError, match="No reply to 'hello'") as caught,
        open_session(RenodeDevice(board), tmp_path, (40,), "uint8", boot_seconds=0.5),
    ):
        raise AssertionError("nothing answers")
    assert caught.value.stage == "BOOT"
    assert caught.value.hint.startswith(board.firmware.caveat)
    assert "one byte and no more" in board.firmware.caveat


def test_what_renode_says_before_it_fails_is_kept(renode, tmp_path):
    (tmp_path / "firmware.elf").write_text(elf("b", BOARDS[0], fails="no ELF file"))
    with (
        pytest.raises(TargetError, match="Renode ended with status 1") as caught,
        open_session(emulated_device(load_board(BOARDS[0])), tmp_path, (40,), "uint8"),
    ):
        raise AssertionError("nothing runs")
    assert caught.value.stage == "BOOT"
    assert "no ELF file" in (tmp_path / "device.log").read_text()


def test_without_renode_it_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    device = RenodeDevice(load_board(BOARDS[0]))
    with (
        pytest.raises(DanasError, match="renode can't be started"),
        device.connect(tmp_path / "firmware.elf", tmp_path / "device.log"),
    ):
        raise AssertionError("nothing runs")


def test_every_board_that_renode_runs_has_its_script():
    assert BOARDS
    for name in board_names():
        board = load_board(name)
        if board.firmware is not None and board.firmware.emulator == "renode":
            assert script_of(board).is_file()
    with pytest.raises(DanasError, match="no script"):
        script_of(load_board("qemu-m4"))
