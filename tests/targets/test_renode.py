"""Renode as a target, held against a program that takes the same scripts."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from danas_hil.base import DanasError
from danas_hil.board import board_names, load_board
from danas_hil.measure import measure_candidate
from danas_hil.targets import (
    Build,
    BuildIdentity,
    ModelFile,
    RenodeDevice,
    TargetError,
    emulated_device,
    open_session,
)
from danas_hil.targets.renode import script_of
from danas_hil.tflm import Golden
from danas_hil.wire import Conversation

TESTS = Path(__file__).resolve().parents[1]
BOARDS = [name for name in board_names() if name.startswith("renode-")]
INPUTS = np.arange(80, dtype=np.uint8).reshape(2, 40)


@pytest.fixture
def renode(tmp_path, monkeypatch):
    """A `renode` on PATH; the name of the file where it writes what it was told."""
    programs = tmp_path / "bin"
    programs.mkdir()
    program = programs / "renode"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m devices.fake_renode "$@"\n')
    program.chmod(0o755)
    log = tmp_path / "renode.json"
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    monkeypatch.setenv("FAKE_RENODE_LOG", str(log))
    return log


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
        elf = {"build": identity.id, "board": self.board}
        (folder / "firmware.elf").write_text(json.dumps(elf))
        return Build(model, identity, folder)

    def flash(self, build):
        self.device.flash(None, build.folder / "flash.log")

    @contextlib.contextmanager
    def open(self, build):
        with open_session(self.device, build.folder, (40,), "uint8") as session:
            yield session


@pytest.mark.parametrize("board", BOARDS)
def test_a_measurement_in_renode_is_whole_and_called_emulated(renode, tmp_path, board):
    golden = Golden(INPUTS, INPUTS + np.uint8(1))
    found = measure_candidate(RenodeTarget(board), ModelFile("m", b"m"), golden, tmp_path)
    assert found.status == "OK", found.failure
    assert found.latency.label == "emulated time"
    assert len(set(found.latency.runs_us)) == 1


@pytest.mark.parametrize("board", BOARDS)
def test_renode_gets_the_board_its_terminal_and_a_folder_of_its_own(renode, tmp_path, board):
    (tmp_path / "with space").mkdir()
    elf = tmp_path / "with space" / "firmware.elf"
    elf.write_text(json.dumps({"build": "b", "board": board}))
    device = RenodeDevice(load_board(board))
    with device.connect(elf, tmp_path / "device.log") as stream:
        Conversation(stream).hello(30)  # it writes down what it was told before it answers
        told = json.loads(renode.read_text())
        folder = Path(told["tmpdir"])
        assert folder.is_dir()
        assert folder not in (Path("/tmp"), tmp_path)
        assert (folder / "uart").is_symlink()
    assert not folder.exists(), "nothing of it stays"
    with pytest.raises(ProcessLookupError):
        os.kill(told["pid"], 0)
    commands = told["commands"]
    clock = device.board.clock_hz
    assert f"cpu PerformanceInMips {clock // 1_000_000}" in commands
    assert any("Miscellaneous.DWT @ sysbus 0xE0001000" in command for command in commands)
    assert commands[-1] == "start"
    assert not any("space" in command for command in commands), "Renode would take a part of it"
    assert commands[-2] == f"sysbus LoadELF @{folder / 'firmware.elf'}"


def test_what_renode_says_before_it_fails_is_kept(renode, tmp_path):
    elf = tmp_path / "firmware.elf"
    elf.write_text(json.dumps({"fails": "no ELF file"}))
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
