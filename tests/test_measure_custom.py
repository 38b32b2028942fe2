"""A library that no estimate is made for: its arena is found, and its figures feed nothing."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from board.small_model import small_golden, small_model
from danas_hil.base import DanasError
from danas_hil.board import build_key, load_board, read_figures
from danas_hil.calibrate import calibrate
from danas_hil.cli.app import app
from danas_hil.compare import compare, keep_estimate
from danas_hil.estimate.on_board import estimate_on
from danas_hil.measure import Item, Measurement, measure_all, recall
from danas_hil.sketch import LIBRARY_VARIABLE, Sketch, read_library
from danas_hil.targets import (
    ArenaError,
    FirmwareTarget,
    Hello,
    Memory,
    OperatorTime,
    QemuDevice,
    Sizes,
)
from danas_hil.tflm import Array, write_golden

BOARD = load_board("qemu-m4")
ESTIMATED = estimate_on(BOARD, small_model()).arena.minimum_bytes


class Program:
    """What was built last; its model needs `needs` bytes of arena.

    silent: the library goes on without what does not go in.
    """

    def __init__(self, needs: int, silent: bool = False) -> None:
        self.needs = needs
        self.silent = silent
        self.tried: list[int] = []
        self.sketch: Sketch | None = None
        self.peak_stack_bytes = 500
        self.heap_bytes = None

    def build_into(self, sketch: Sketch, *_: Any) -> Sizes:
        self.sketch = sketch
        return Sizes(50_000, 20_000)

    @contextlib.contextmanager
    def opened(self, *_: Any, **options: Any) -> Iterator[Program]:
        self.told_minimum = options["minimum_arena_bytes"]
        yield self

    def identify(self) -> Hello:
        assert self.sketch is not None
        text = self.sketch.files["src/model.cpp"]
        told = re.search(r"danas_arena_bytes = (\d+);", text)
        assert told
        library = self.sketch.library
        assert library
        self.arena = int(told[1])
        version = library.shown
        return Hello(self.sketch.identity, BOARD.id, version, "timer", arena_bytes=self.arena)

    def memory(self) -> Memory:
        self.tried.append(self.arena)
        if self.arena < self.needs and self.silent:
            return Memory(100, stack_peak_bytes=500)
        if self.arena < self.needs:
            raise ArenaError("ALLOCATE", f"AllocateTensors() fails in {self.arena} bytes.")
        return Memory(self.needs - 16, stack_peak_bytes=500)

    def infer(self, one: Array) -> Array:
        golden = small_golden()
        (place,) = np.flatnonzero((golden.inputs == one.ravel()).all(axis=1))
        return np.asarray(golden.outputs[place])

    def time(self, runs: int) -> tuple[float, ...]:
        return (1000.0,) * runs

    def profile(self) -> tuple[OperatorTime, ...]:
        return (OperatorTime(0, "FULLY_CONNECTED", 900.0),)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    folder = tmp_path / "tflm"
    (folder / "src").mkdir(parents=True)
    (folder / "library.properties").write_text("name=Mine\nversion=1.0\n")
    (folder / "src" / "a.cpp").write_text("int a;\n")
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DANAS_HIL_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: Program, **options: Any
) -> tuple[Measurement, bool]:
    monkeypatch.setattr("danas_hil.targets.firmware.build_into", program.build_into)
    monkeypatch.setattr("danas_hil.targets.firmware.open_session", program.opened)
    model, golden = tmp_path / "small.tflite", tmp_path / "golden.npz"
    model.write_bytes(small_model())
    write_golden(golden, small_golden())
    item = Item("small", model, golden, tmp_path / "measured")
    ((_, found, earlier),) = measure_all(FirmwareTarget(QemuDevice(BOARD)), [item], **options)
    return found, earlier


@pytest.mark.parametrize("silent", [False, True])
def test_the_arena_of_another_library_is_found_by_growing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, library: Path, home: Path, silent: bool
) -> None:
    """Also where the library runs on in an arena that is too small."""
    monkeypatch.setenv(LIBRARY_VARIABLE, str(library))
    program = Program(needs=3 * ESTIMATED, silent=silent)
    found, _ = measured(monkeypatch, tmp_path, program)
    assert found.status == "OK", found.failure
    generous, *tried = dict.fromkeys(program.tried)
    assert generous > 4 * ESTIMATED
    assert tried == sorted(tried)
    assert 3 * ESTIMATED <= tried[-1] < 3 * ESTIMATED * 1.3
    assert found.arena_bytes == program.tried[-1]
    assert program.told_minimum is None, "nothing is promised of it"
    assert found.custom_library == read_library(library).custom != ""

    again, earlier = measured(monkeypatch, tmp_path, Program(needs=0))
    assert earlier
    assert again == found


def test_a_byte_of_the_library_is_another_measurement(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, library: Path, home: Path
) -> None:
    monkeypatch.setenv(LIBRARY_VARIABLE, str(library))
    measured(monkeypatch, tmp_path, Program(needs=100))
    (library / "src" / "a.cpp").write_text("int b;\n")
    _, earlier = measured(monkeypatch, tmp_path, Program(needs=100))
    assert not earlier


def test_a_library_that_is_changed_while_it_is_built_is_no_measurement(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, library: Path, home: Path
) -> None:
    monkeypatch.setenv(LIBRARY_VARIABLE, str(library))
    program = Program(needs=100)

    def build_into(sketch: Sketch, *_: Any) -> Sizes:
        with (library / "src" / "a.cpp").open("a") as file:
            file.write("int more;\n")
        return Program.build_into(program, sketch)

    program.build_into = build_into  # type: ignore[method-assign]
    found, _ = measured(monkeypatch, tmp_path, program)
    assert found.status == "BUILD"
    assert found.failure
    assert "changed while it was built" in found.failure.reason
    assert not program.tried


def test_an_arena_that_never_suffices_ends_with_the_room_of_the_board(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, library: Path, home: Path
) -> None:
    monkeypatch.setenv(LIBRARY_VARIABLE, str(library))
    program = Program(needs=2**40)
    found, _ = measured(monkeypatch, tmp_path, program)
    assert found.status == "ALLOCATE"
    assert BOARD.ram_bytes is not None
    assert BOARD.ram_bytes * 0.8 < max(program.tried) <= BOARD.ram_bytes


def test_the_library_that_is_estimated_is_tried_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, home: Path
) -> None:
    monkeypatch.delenv(LIBRARY_VARIABLE, raising=False)
    program = Program(needs=2 * ESTIMATED)
    found, _ = measured(monkeypatch, tmp_path, program)
    assert (found.status, found.custom_library) == ("ALLOCATE", "")
    assert program.tried == [ESTIMATED]
    assert program.told_minimum == ESTIMATED


@pytest.mark.parametrize("custom", [True, False])
def test_what_another_library_takes_feeds_no_estimate(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, library: Path, home: Path, custom: bool
) -> None:
    if custom:
        monkeypatch.setenv(LIBRARY_VARIABLE, str(library))
    else:
        monkeypatch.delenv(LIBRARY_VARIABLE, raising=False)
    found, _ = measured(monkeypatch, tmp_path, Program(needs=ESTIMATED), profile=True)
    assert found.good, found.failure
    assert bool(recall(BOARD)) != custom
    key = build_key(BOARD.build, BOARD.kernels, BOARD.toolchain)
    assert (read_figures(BOARD.id, key) is None) == custom
    if custom:
        with pytest.raises(DanasError, match="No model was timed"):
            calibrate(BOARD)

    estimate = keep_estimate({}, BOARD.id, tmp_path / "small.tflite", tmp_path / "estimate")
    comparison = compare([found], {"small": {**estimate, "paper": {"ram_bytes": 9}}})
    estimates = {(row.quantity, row.model): row.estimate for row in comparison.rows}
    assert (estimates["arena", "exact"] is None) == custom
    assert (estimates["model", "exact"] is None) == custom
    assert estimates["arena", "paper"] == 9


def test_calibrate_refuses_to_time_another_library(
    monkeypatch: pytest.MonkeyPatch, library: Path, home: Path
) -> None:
    monkeypatch.setenv(LIBRARY_VARIABLE, str(library))
    told = CliRunner().invoke(app, ["calibrate", "--board", "qemu-m4"])
    assert "no rates are learned from it" in str(told.exception)
