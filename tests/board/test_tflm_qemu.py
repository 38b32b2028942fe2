"""Models in TensorFlow Lite Micro on an emulated board: what is measured against what is foretold.

Needs the emulator, the compiler, a TFLM library in a folder that DANAS_TFLM_LIBRARY names, and the
models of ../shared. The first build compiles that library, which takes minutes; where
DANAS_HIL_HOME names a folder, that keeps it for the next time.
"""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from danas_hil import tflm
from danas_hil.base import user_folder
from danas_hil.board import load_board
from danas_hil.builds import load_build
from danas_hil.estimate import estimate_model
from danas_hil.estimate.on_board import estimate_on
from danas_hil.estimate.read import read_graph
from danas_hil.measure import MeasureSettings, measure_candidate
from danas_hil.sketch import LIBRARY_VARIABLE
from danas_hil.targets import FirmwareTarget, ModelFile, QemuDevice, TargetError
from estimate.operator_models import dense

MODELS = Path(__file__).parents[2].parent / "shared" / "data" / "models"
NAMES = ("ad01_int8", "kws_ref_model", "pretrainedResnet_quant", "vww_96_int8")
BOARD = load_board("qemu-m4")

pytestmark = [
    *(
        pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")
        for program in ("qemu-system-arm", "arm-none-eabi-g++")
    ),
    pytest.mark.skipif(LIBRARY_VARIABLE not in os.environ, reason=f"{LIBRARY_VARIABLE} is not set"),
    pytest.mark.skipif(not MODELS.is_dir(), reason=f"{MODELS} is not there"),
]


def model_of(name: str) -> ModelFile:
    return ModelFile(name, (MODELS / f"{name}.tflite").read_bytes())


def estimate_of(model: ModelFile, **options):
    return estimate_model(model.content, load_build(BOARD.build, BOARD.kernels, **options))


@pytest.mark.parametrize("name", NAMES)
def test_the_arena_is_the_estimate_to_the_byte_and_the_outputs_are_golden(name, tmp_path):
    pytest.importorskip("tflite_micro", reason="golden outputs need the extra `tflm`")
    model = model_of(name)
    golden = tflm.golden_of_random(model.content, name=name)
    target = FirmwareTarget(QemuDevice(BOARD))
    found = measure_candidate(target, model, golden, tmp_path)
    assert found.failure is None
    foretold = estimate_of(model).arena
    assert found.memory.arena_used_bytes == foretold.used_bytes
    assert found.arena_bytes == foretold.minimum_bytes
    assert found.memory.minimum_sufficed is True
    assert found.parity.equal
    assert found.parity.inputs == len(golden.inputs) > 1
    assert len(set(found.latency.runs_us)) == 1
    image = found.sizes
    with target.open(target.build(model, tmp_path)) as session:
        assert session.identify().image_bytes == image.flash_bytes


def test_the_first_build_tells_what_the_next_estimate_needs(tmp_path):
    model = model_of("ad01_int8")
    known = user_folder("boards") / "qemu-m4.json"
    known.unlink(missing_ok=True)
    assert estimate_on(load_board("qemu-m4"), model.content).fits is None
    target = FirmwareTarget(QemuDevice(BOARD))
    with target.open(target.build(model, tmp_path)) as session:
        session.memory()
        session.infer(np.zeros((1, 640), np.int8))
        session.memory()
    for name in NAMES:
        one = model_of(name)
        foretold = estimate_on(load_board("qemu-m4"), one.content)
        built = target.build(one, tmp_path).sizes
        assert foretold.fits is True
        assert "the last of ad01_int8 on 20" in foretold.flash.lines[-1].source
        assert foretold.flash.total_bytes == pytest.approx(built.flash_bytes, rel=0.01)
        static = foretold.ram.total_bytes - foretold.ram.lines[2].bytes
        assert static == pytest.approx(built.static_ram_bytes, abs=512)


@pytest.mark.parametrize("name", NAMES)
def test_sixteen_bytes_less_than_the_minimum_do_not_allocate(name, tmp_path):
    model = model_of(name)
    target = FirmwareTarget(QemuDevice(BOARD), arena_margin_bytes=-16)
    with (
        pytest.raises(TargetError, match=r"AllocateTensors\(\) fails in an arena of") as failure,
        target.open(target.build(model, tmp_path)) as session,
    ):
        session.memory()
    assert failure.value.stage == "ALLOCATE"


@pytest.mark.parametrize("name", NAMES)
def test_the_profile_is_of_every_operator_and_head_and_tail_are_as_estimated(name, tmp_path):
    model = model_of(name)
    foretold = estimate_of(model, recording=True).arena
    target = FirmwareTarget(QemuDevice(BOARD)).profiler()
    with target.open(target.build(model, tmp_path)) as session:
        memory, profile = session.memory(), session.profile()
        (whole,) = session.time(1)
    assert (memory.head_bytes, memory.tail_bytes) == (foretold.head_bytes, foretold.tail_bytes)
    assert memory.arena_used_bytes == foretold.used_bytes
    assert memory.minimum_sufficed is True
    operators = [operator.kind for operator in read_graph(model.content, name).operators]
    assert [one.name for one in profile] == operators
    assert [one.index for one in profile] == list(range(len(operators)))
    assert sum(one.microseconds for one in profile) == pytest.approx(whole, rel=0.01)


def test_a_measurement_with_a_profile_keeps_the_figures_of_the_plain_program(tmp_path):
    pytest.importorskip("tflite_micro", reason="golden outputs need the extra `tflm`")
    model = model_of("ad01_int8")
    golden = tflm.golden_of_random(model.content, name=model.name)
    target = FirmwareTarget(QemuDevice(BOARD))
    found = measure_candidate(target, model, golden, tmp_path, MeasureSettings(profile=True))
    assert found.failure is None
    assert found.build == target.identity(model) != target.profiler().identity(model)
    foretold = estimate_of(model).arena
    assert found.memory.arena_used_bytes == foretold.used_bytes
    assert (found.memory.head_bytes, found.memory.tail_bytes) == (
        foretold.head_bytes,
        foretold.tail_bytes,
    )
    assert len(found.profile) == 10


def test_a_margin_leaves_it_open_whether_the_minimum_suffices(tmp_path):
    model = model_of("ad01_int8")
    target = FirmwareTarget(QemuDevice(BOARD), arena_margin_bytes=64)
    with target.open(target.build(model, tmp_path)) as session:
        memory = session.memory()
    assert memory.minimum_sufficed is None
    assert memory.arena_used_bytes == estimate_of(model).arena.used_bytes


def test_outputs_that_are_not_golden_are_told_with_their_place_and_difference(tmp_path):
    pytest.importorskip("tflite_micro", reason="golden outputs need the extra `tflm`")
    model = model_of("ad01_int8")
    golden = tflm.golden_of_random(model.content, name=model.name)
    wrong = golden.outputs.copy()
    place = (1, *(0,) * (wrong.ndim - 2), 7)
    wrong[place] = np.bitwise_xor(wrong[place], np.int8(1))
    found = measure_candidate(
        FirmwareTarget(QemuDevice(BOARD)), model, replace(golden, outputs=wrong), tmp_path
    )
    assert found.status == "PARITY"
    assert found.parity.differing == 1
    assert found.parity.first_difference == (1, 7)
    assert found.parity.largest_difference == 1
    assert found.latency is not None


def test_an_operator_that_is_left_out_has_a_status_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr("danas_hil.targets.firmware._operators", lambda _: ("CONV_2D", "SOFTMAX"))
    model = model_of("ad01_int8")
    target = FirmwareTarget(QemuDevice(BOARD))
    with (
        pytest.raises(TargetError, match="operator of the model is missing") as failure,
        target.open(target.build(model, tmp_path)) as session,
    ):
        session.memory()
    assert failure.value.stage == "ALLOCATE"


def test_a_dense_layer_per_channel_is_refused_and_really_comes_out_wrong(tmp_path):
    pytest.importorskip("tflite_micro", reason="golden outputs need the extra `tflm`")
    model = ModelFile("per_channel", dense(rows=16, scales=16))
    golden = tflm.golden_of_random(model.content, name=model.name)
    target = FirmwareTarget(QemuDevice(BOARD))
    refused = measure_candidate(target, model, golden, tmp_path)
    assert refused.status == "RENDER"
    built = measure_candidate(replace(target, accept_wrong_outputs=True), model, golden, tmp_path)
    assert built.status == "PARITY"
    assert built.memory.arena_used_bytes == estimate_of(model).arena.used_bytes
    assert built.memory.minimum_sufficed is True
