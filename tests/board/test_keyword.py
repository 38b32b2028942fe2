"""A model of the size of MLPerf Tiny's keyword spotting, on whichever board."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from board.keyword_model import keyword_model
from danas_hil import tflm
from danas_hil.estimate.on_board import estimate_on
from danas_hil.pytest_plugin import Dut
from danas_hil.tflm import write_golden


def test_its_outputs_and_its_arena_are_as_foretold(tflm_dut: Dut, tmp_path: Path) -> None:
    pytest.importorskip("tflite_micro", reason="golden outputs need the extra `tflm`")
    model, golden = tmp_path / "keyword.tflite", tmp_path / "golden.npz"
    model.write_bytes(keyword_model())
    outputs = tflm.golden_of_random(keyword_model(), count=3)
    assert len(np.unique(outputs.outputs)) > 10, "scores that tell something"
    write_golden(golden, outputs)
    measured = tflm_dut.flash(model, golden=golden)
    assert measured.failure is None
    assert measured.parity is not None
    assert measured.parity.equal
    assert measured.memory is not None
    arena = estimate_on(tflm_dut.board, keyword_model()).arena
    assert measured.memory.arena_used_bytes == arena.used_bytes
