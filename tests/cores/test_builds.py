"""Whole builds with what PlatformIO has installed, for the boards that DANAS_BUILDS names.

`DANAS_BUILDS=all` are all real boards: the self-test and a model of a real one's size for each,
with the platforms, cores and library of PlatformIO's registry. Minutes for each board the first
time; where DANAS_HIL_HOME names a folder, what is compiled is kept there.
"""

from __future__ import annotations

import os

import pytest

from board.keyword_model import keyword_model
from danas_hil.board import board_names, load_board
from danas_hil.estimate.on_board import estimate_on
from danas_hil.estimate.read import read_graph
from danas_hil.platformio import build
from danas_hil.sketch import SelfTest, Sketch, render_selftest, render_tflm

HOME = os.environ.get("DANAS_HIL_HOME")  # before the test session puts its own there
ASKED = os.environ.get("DANAS_BUILDS", "")
REAL = [name for name in board_names() if load_board(name).kind == "real"]
BOARDS = REAL if ASKED == "all" else ASKED.split()

pytestmark = pytest.mark.skipif(not BOARDS, reason="DANAS_BUILDS names no boards")


def test_there_are_eight_real_boards():
    assert len(REAL) >= 8


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", ["selftest", "model"])
@pytest.mark.parametrize("name", BOARDS)
def test_the_program_is_built_and_fits(name, kind, tmp_path, monkeypatch):
    if HOME is not None:
        monkeypatch.setenv("DANAS_HIL_HOME", HOME)
    board, model = load_board(name), keyword_model()
    arena = estimate_on(board, model).arena.minimum_bytes
    sketch: Sketch
    if kind == "selftest":
        sketch = render_selftest(board, SelfTest.make())
    else:
        operators = sorted({one.kind for one in read_graph(model).operators})
        sketch = render_tflm(board, "keyword", model, operators, arena)
    built = build(sketch, tmp_path / "firmware.elf", tmp_path / "build.log")
    sizes, shares = built.sizes, built.shares
    print(f"{name} {kind}: flash {sizes.flash_bytes}, static RAM {sizes.static_ram_bytes}")
    assert sum(shares.flash.values()) == sizes.flash_bytes
    assert sum(shares.static_ram.values()) == sizes.static_ram_bytes
    assert sizes.size_of(".noinit") == 64
    if kind == "model":
        assert shares.static_ram["model"] >= arena
        assert shares.flash["tflm"] > 20_000
