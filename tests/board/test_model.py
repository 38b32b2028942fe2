"""A model in TensorFlow Lite Micro, on whichever board: memory, outputs and time."""

from __future__ import annotations

from pathlib import Path

import pytest

from board.small_model import small_golden, small_model
from danas_hil.estimate.on_board import estimate_on
from danas_hil.measure import Measurement
from danas_hil.pytest_plugin import Dut
from danas_hil.tflm import write_golden


@pytest.fixture
def measured(tflm_dut: Dut, tmp_path: Path) -> Measurement:
    model, golden = tmp_path / "small.tflite", tmp_path / "golden.npz"
    model.write_bytes(small_model())
    write_golden(golden, small_golden(count=5))
    return tflm_dut.flash(model, golden=golden)


def test_its_arena_is_the_estimate_to_the_byte(measured: Measurement, dut: Dut) -> None:
    arena = estimate_on(dut.board, small_model()).arena
    assert measured.memory is not None
    assert measured.memory.arena_used_bytes == arena.used_bytes
    assert measured.arena_bytes in (None, arena.minimum_bytes)


def test_model_library_and_the_rest_have_their_shares(measured: Measurement, dut: Dut) -> None:
    if dut.board.kind == "host":
        pytest.skip("nothing is built there")
    sizes = measured.sizes
    assert sizes is not None
    assert sum(sizes.flash_shares.values()) == sizes.flash_bytes
    assert sum(sizes.static_ram_shares.values()) == sizes.static_ram_bytes
    assert len(small_model()) <= sizes.flash_shares["model"] < len(small_model()) + 512
    assert sizes.static_ram_shares["model"] == measured.arena_bytes
    assert sizes.flash_shares["tflm"] > 10_000


def test_its_outputs_are_those_computed_here(measured: Measurement) -> None:
    assert measured.parity is not None
    assert measured.parity.equal
    assert measured.parity.inputs == 5
    assert measured.good


def test_its_time_is_told_with_its_kind(measured: Measurement, dut: Dut) -> None:
    assert measured.latency is not None
    assert measured.latency.median_us > 0
    assert measured.kind == dut.kind


@pytest.mark.emulated
def test_equal_runs_take_equal_time_in_an_emulator(measured: Measurement) -> None:
    assert measured.latency is not None
    assert len(set(measured.latency.runs_us)) == 1


@pytest.mark.hardware
def test_a_real_board_is_timed_for_ten_seconds(measured: Measurement) -> None:
    assert measured.latency is not None
    assert len(measured.latency.runs_us) >= 10
    assert sum(measured.latency.runs_us) >= 10e6
