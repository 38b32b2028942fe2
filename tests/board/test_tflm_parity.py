"""Where the library for boards computes otherwise than TensorFlow Lite Micro of today, a
measurement says so; its other figures stand. Needs what test_tflm_qemu.py needs, but no models.
"""

import os
import shutil

import numpy as np
import pytest

from danas_hil import tflm
from danas_hil.board import load_board
from danas_hil.builds import load_build
from danas_hil.estimate import estimate_model
from danas_hil.measure import Measurement, measure_candidate
from danas_hil.sketch import LIBRARY_VARIABLE
from danas_hil.targets import FirmwareTarget, ModelFile, QemuDevice

models = pytest.importorskip("estimate.operator_models", reason="packing models needs `search`")
little = pytest.importorskip("estimate.little_models", reason="packing models needs `search`")
pytest.importorskip("tflite_micro", reason="golden outputs need the extra `tflm`")

pytestmark = [
    *(
        pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")
        for program in ("qemu-system-arm", "arm-none-eabi-g++")
    ),
    pytest.mark.skipif(LIBRARY_VARIABLE not in os.environ, reason=f"{LIBRARY_VARIABLE} is not set"),
]


def one_operator(kind: str, *, weighted: bool) -> bytes:
    """A dense layer of 16 to 4 whose channels have scales of their own, or the mean of an image
    of 5x5x16."""

    def edit(model) -> None:
        graph = model.subgraphs[0]
        graph.tensors, graph.operators = [], []
        model.operatorCodes = []

        def add(shape, scales, data=None, kind="INT8"):
            place = little.tensor(model, shape, kind, data, scales=len(scales))
            if scales:
                graph.tensors[place].quantization.scale = scales
            return place

        if weighted:
            scales = [0.01, 0.02, 0.04, 0.08]
            weights = np.random.default_rng(0).integers(-100, 100, 64).astype(np.int8)
            inputs = (
                add((1, 16), [0.5]),
                add((4, 16), scales, weights),
                add((4,), [0.5 * one for one in scales], np.arange(4, dtype=np.int32), "INT32"),
            )
            output, options = add((1, 4), [8.0]), little.schema.FullyConnectedOptionsT()
        else:
            axes = np.array([1, 2], np.int32)
            inputs = (add((1, 5, 5, 16), [0.05]), add((2,), [], axes, "INT32"))
            output, options = add((1, 16), [0.013]), little.schema.ReducerOptionsT()
        little.operator(model, kind, inputs, (output,), options)
        graph.inputs, graph.outputs = [inputs[0]], [output]

    return little.little_model(edit)


def measured(name: str, content: bytes, folder) -> Measurement:
    board = load_board("qemu-m4")
    golden = tflm.golden_of_random(content, name=name)
    target = FirmwareTarget(QemuDevice(board), accept_wrong_outputs=True)
    found = measure_candidate(target, ModelFile(name, content), golden, folder)
    foretold = estimate_model(content, load_build(board.build)).arena
    assert found.memory.arena_used_bytes == foretold.used_bytes
    assert found.memory.minimum_sufficed is True
    assert found.latency is not None
    return found


def test_a_dense_layer_with_a_scale_for_each_channel_is_told_to_be_wrong(tmp_path):
    content = one_operator("FULLY_CONNECTED", weighted=True)
    found = measured("dense", content, tmp_path)
    assert found.status == "PARITY"
    # That library takes the first channel's scale for all: the first is right, by chance.
    assert found.parity.first_difference == (0, 1)
    assert found.parity.differing <= found.parity.elements * 3 // 4
    assert found.parity.largest_difference > 1


def test_a_mean_that_is_off_by_one_step_is_told_to_be(tmp_path):
    content = one_operator("MEAN", weighted=False)
    found = measured("mean", content, tmp_path)
    assert found.status == "PARITY"
    assert found.parity.largest_difference == 1
    assert 0 < found.parity.differing < found.parity.elements // 2


def test_outputs_of_a_model_that_keeps_state_are_golden(tmp_path):
    """Each from a fresh start, there as here."""
    found = measured("svdf", models.svdf(), tmp_path)
    assert found.status == "OK"
    assert found.parity.inputs > 1


def test_the_arena_of_nearly_every_operator_is_the_estimate_and_16_bytes_less_do_not_do(tmp_path):
    """benchmarks/operators.py has each of them alone."""
    content = models.everything()
    measured("everything", content, tmp_path)
    target = FirmwareTarget(QemuDevice(load_board("qemu-m4")), arena_margin_bytes=-16)
    golden = tflm.golden_of_random(content, count=1)
    found = measure_candidate(target, ModelFile("everything", content), golden, tmp_path)
    assert found.status == "ALLOCATE"
