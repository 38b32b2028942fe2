"""An image of 96x64 pixels from its data configuration to a firmware: nothing takes it for square.

Width and height differ, and so do what the two orders of them make of the same bytes.
"""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from danas_hil import tflm
from danas_hil.board import load_board
from danas_hil.estimate import read_graph
from danas_hil.estimate.on_board import estimate_on
from danas_hil.families.ds_cnn import DsCnn
from danas_hil.pytest_plugin import Dut
from danas_hil.signals.image import ImageConfig
from danas_hil.sketch import render_tflm
from danas_hil.space import Genome
from danas_hil.tflm import Golden, write_golden

GENOME = Genome(ImageConfig(96, "rgb", 64), DsCnn(2, 0.125, stem_height=3, stem_width=5))
INPUT = (64, 96, 3)
CLASSES = 5


@pytest.fixture(scope="module")
def pictures() -> np.ndarray[Any, Any]:
    """Fields of a random colour each, uint8 (20, 64, 96, 3)."""
    coarse = np.random.default_rng(5).integers(0, 256, (20, 2, 3, 3), dtype=np.uint8)
    return coarse.repeat(32, 1).repeat(32, 2)


@pytest.fixture(scope="module")
def model(pictures: np.ndarray[Any, Any]) -> bytes:
    """The genome's int8 file, with random weights, and batch norm fitted to the pictures."""
    keras = pytest.importorskip("keras", reason="needs the extra search")
    pytest.importorskip("tensorflow", reason="needs the extra search")
    pytest.importorskip("tflite_micro", reason="needs the extra host")
    from danas_hil import convert
    from danas_hil.supernet import build

    keras.utils.set_random_seed(1)
    network = build(GENOME, CLASSES)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    shown = (pictures / 127.5 - 1).astype(np.float32)
    network(shown, training=True)
    return convert.to_tflite(network, shown)


@pytest.fixture(scope="module")
def golden(model: bytes, pictures: np.ndarray[Any, Any]) -> Golden:
    from danas_hil import convert

    inputs = convert.quantise_input(pictures[:4], convert.input_quantisation(model))
    return tflm.golden(model, inputs)


def test_the_outputs_on_this_computer_are_those_of_the_converter_s_runtime(
    model: bytes, pictures: np.ndarray[Any, Any], golden: Golden
) -> None:
    from danas_hil import convert

    assert golden.inputs.shape == (4, *INPUT)
    answers = np.rint(convert.classify(model, pictures[:4]) * 256 - 128).astype(int)
    assert answers.shape == (4, CLASSES)
    assert np.abs(golden.outputs - answers).max() <= 8
    assert len(np.unique(golden.outputs, axis=0)) == 4, "it tells them apart"


def test_the_sketch_holds_a_model_whose_input_is_64_rows_of_96_pixels(
    model: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DANAS_TFLM_LIBRARY", raising=False)
    board = load_board("qemu-m4")
    arena = estimate_on(board, model).arena.minimum_bytes
    operators = list(dict.fromkeys(one.kind for one in read_graph(model).operators))
    data = render_tflm(board, str(GENOME), model, operators, arena).files["src/model.cpp"]
    assert '"96x64-rgb ds_cnn blocks 2' in data
    assert f"danas_arena_bytes = {arena};" in data
    found = re.search(r"danas_model_words\[(\d+)\] = \{(.*?)\};", data, re.DOTALL)
    assert found is not None
    words = (int(word, 16) for word in re.findall(r"\w+", found[2]))
    graph = read_graph(struct.pack(f"<{found[1]}Q", *words))
    assert graph.tensors[graph.inputs[0]].shape == (1, *INPUT)
    assert arena > 64 * 96 * 3, "the input is in it"


def test_its_outputs_and_its_arena_are_as_foretold(
    tflm_dut: Dut, model: bytes, golden: Golden, tmp_path: Path
) -> None:
    """On this computer, and on a board, which refuses an input that has not its model's size."""
    file, outputs = tmp_path / "wide.tflite", tmp_path / "golden.npz"
    file.write_bytes(model)
    write_golden(outputs, golden)
    measured = tflm_dut.flash(file, golden=outputs)
    assert measured.parity is not None
    assert measured.parity.equal
    assert measured.parity.inputs == 4
    assert measured.memory is not None
    arena = estimate_on(tflm_dut.board, model).arena
    assert measured.memory.arena_used_bytes == arena.used_bytes
