"""A real board that is none: on a pseudo-terminal, flashed without PlatformIO."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from danas_hil import tflm
from danas_hil.board import HARDWARE_MAP_VARIABLE
from danas_hil.measure.selftest import HANG as HANG_FUNCTION
from danas_hil.platformio import ElfSizes, Shares
from danas_hil.platformio.build import Built
from danas_hil.sketch import render_tflm
from danas_hil.wire import Conversation
from devices.board import SimulatedBoard
from devices.ports import Ports
from devices.selftest import HANG, SimulatedSelfTest, built

TESTS = Path(__file__).resolve().parents[1]


@pytest.fixture
def ports(monkeypatch):
    monkeypatch.delenv(HARDWARE_MAP_VARIABLE, raising=False)
    return Ports(monkeypatch)


@pytest.fixture
def board(ports):
    """A Nano 33 BLE that is plugged in."""
    board = SimulatedBoard(ports)
    board.plug()
    yield board
    board.end()


@pytest.fixture
def without_platformio(board, monkeypatch):
    """Building leaves an empty file; flashing puts the model of the sketch onto the board."""

    models = {}

    def render(board, name, model, *arguments, **options):
        sketch = render_tflm(board, name, model, *arguments, **options)
        models[sketch.identity] = model
        return sketch

    def build(sketch, elf, log, seconds=0):
        elf.write_bytes(b"")
        return Built(ElfSizes(4096, ()), Shares({}, {}), 0.0)

    def upload(sketch, port, log, *, flags=(), **_):
        assert port == board.names[-1]
        model = models[sketch.identity]
        board.unplug()  # the touch at 1200 baud
        firmware = board.firmware
        firmware.about |= {"build": sketch.identity, "board": sketch.board.id}
        firmware.model = lambda data: _run(model, data)
        firmware.size = _input(model).nbytes
        board.plug_later(0.2)

    monkeypatch.setattr("danas_hil.targets.firmware.render_tflm", render)
    monkeypatch.setattr("danas_hil.targets.firmware.build", build)
    monkeypatch.setattr("danas_hil.targets.devices.upload", upload)
    return board


def _input(model: bytes):
    return tflm.golden_of_random(model, count=1).inputs[0]


def _run(model: bytes, data: bytes) -> bytes:
    like = _input(model)
    with tflm.load(model, "simulated") as loaded:
        return loaded.infer(np.frombuffer(data, like.dtype).reshape(like.shape)).tobytes()


@pytest.fixture(autouse=True)
def _simulated_symbols(monkeypatch):
    """A simulated build's ELF file is none: the place where a simulated self-test hangs is known
    without it."""
    places = {HANG: HANG_FUNCTION}
    monkeypatch.setattr(
        "danas_hil.measure.selftest.function_at", lambda _elf, address: places.get(address)
    )


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
    monkeypatch.setenv("PYTHONPATH", f"{TESTS}:{TESTS.parent / 'host'}")
    monkeypatch.setenv("FAKE_RENODE_LOG", str(log))
    return log


@pytest.fixture
def short_waits(monkeypatch):
    """What never comes is waited for briefly."""
    monkeypatch.setattr("danas_hil.targets.firmware.BOOT_SECONDS", 0.5)
    monkeypatch.setattr("danas_hil.targets.wire_session.REPLY_SECONDS", 0.4)
    monkeypatch.setattr("danas_hil.targets.wire_session.RUN_SECONDS", 1.0)
    monkeypatch.setitem(Conversation.__init__.__kwdefaults__, "patience", 0.05)
    monkeypatch.setattr("danas_hil.measure.selftest._CLOCK_SECONDS", 0.2)
    monkeypatch.setattr("danas_hil.measure.selftest._CLOCK_ERROR", 0.5)


@pytest.fixture
def selftested(board, monkeypatch):
    """Lets the self-test be built and flashed; a list of the ports that it was flashed at.

    What `board.spoil` names is done at each flashing instead, for as long as there is some.
    """
    ports = []
    board.spoil = []

    def upload(sketch, port, log, *, flags=(), **_):
        ports.append(port)
        if board.spoil:
            board.spoil.pop(0)()
            return
        with board.moving:
            board.firmware = SimulatedSelfTest(sketch.identity, sketch.board.id)
            board.firmware.about |= getattr(board, "tells", {})
            board.replug()

    monkeypatch.setattr("danas_hil.targets.firmware.build", built())
    monkeypatch.setattr("danas_hil.targets.devices.upload", upload)
    return ports
