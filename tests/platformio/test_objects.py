"""What SCons takes for up to date belongs to one kind of sketch."""

from __future__ import annotations

import contextlib
import importlib
from pathlib import Path
from typing import Any

import pytest

from danas_hil.base import DanasError, Finished
from danas_hil.board import load_board
from danas_hil.platformio import build
from danas_hil.sketch import SelfTest, Sketch, render_selftest, render_tflm


def test_sketches_of_two_kinds_share_no_record_of_what_is_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have src/danas_wire.cpp: what one compiled anew would count as new in the other."""
    (tmp_path / "library.properties").write_text("name=TFLM\nversion=1\n")
    monkeypatch.setenv("DANAS_TFLM_LIBRARY", str(tmp_path))
    places: dict[str, str] = {}

    def run_process(arguments: list[str], *, environment: Any, **_: Any) -> Finished:
        places[arguments[arguments.index("-d") + 1]] = environment["PLATFORMIO_BUILD_CACHE_DIR"]
        return Finished(tuple(arguments), 1, "")

    module = importlib.import_module("danas_hil.platformio.build")  # beside a function of its name
    monkeypatch.setattr(module, "run_process", run_process)
    board = load_board("qemu-m4")
    sketches: list[Sketch] = [
        render_selftest(board, SelfTest.make()),
        render_tflm(board, "any", b"model", ("CONV_2D",), 1024),
    ]
    for sketch in sketches:
        with contextlib.suppress(DanasError):
            build(sketch, tmp_path / "firmware.elf", tmp_path / "log")
    assert len(places) == len(set(places.values())) == 2
