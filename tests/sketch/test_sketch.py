import re
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from danas_hil.base import DanasError
from danas_hil.board import board_names, load_board
from danas_hil.builds import load_build
from danas_hil.sketch import SelfTest, render_selftest, render_tflm
from danas_hil.sketch.render import c_string
from danas_hil.sketch.tflm import _operator
from danas_hil.wire.framing import LINE_BYTES

BOARD = load_board("qemu-m4")


@given(st.text(max_size=40))
def test_a_c_string_says_the_text_whatever_it_holds(text):
    literal = c_string(text)
    assert re.fullmatch(r'"(?:[ !#-\[\]-~]|\\[0-7]{3})*"', literal)
    inner = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), literal[1:-1])
    assert inner.encode("latin-1") == text.encode()


def test_the_same_model_makes_the_same_program_and_another_one_another():
    one, again = (render_selftest(BOARD, SelfTest.make(0)) for _ in range(2))
    assert one == again
    assert one.identity in one.files["src/model.cpp"]
    assert render_selftest(BOARD, SelfTest.make(1)).identity != one.identity
    other = render_selftest(load_board("nucleo_f446re"), SelfTest.make(0))
    assert other.identity != one.identity


def test_only_the_file_of_the_model_differs_from_model_to_model():
    one, two = (render_selftest(BOARD, SelfTest.make(seed)).files for seed in (0, 1))
    assert [name for name in one if one[name] != two[name]] == ["src/model.cpp"]


@pytest.mark.parametrize("profiled", [0, 1])
def test_a_second_model_with_other_operators_compiles_no_header_of_the_library(
    monkeypatch, profiled
):
    monkeypatch.delenv("DANAS_TFLM_LIBRARY", raising=False)
    one, two = (
        render_tflm(
            BOARD, name, name.encode(), operators, 64 * len(name), profiled=profiled * len(name)
        ).files
        for name, operators in (("first", ["CONV_2D"]), ("the second", ["SOFTMAX", "ADD"]))
    )
    assert [name for name in one if one[name] != two[name]] == ["src/model.cpp"]
    assert "tensorflow" not in one["src/model.cpp"]


@pytest.mark.parametrize("name", [name for name in board_names() if load_board(name).firmware])
def test_every_board_that_runs_a_firmware_gets_one(name):
    board = load_board(name)
    settings = render_selftest(board, SelfTest.make()).files["platformio.ini"]
    assert f"board = {board.firmware.platformio_id}\n" in settings
    assert "\n    -O2\n" in settings


@pytest.mark.parametrize(
    "name", [name for name in board_names() if "nucleo" in name or "disco" in name]
)
def test_an_stm32s_receive_buffer_holds_a_request(name):
    """The core's own has 64 bytes."""
    settings = render_selftest(load_board(name), SelfTest.make()).files["platformio.ini"]
    found = re.search(r"-DSERIAL_RX_BUFFER_SIZE=(\d+)", settings)
    assert found is not None
    assert LINE_BYTES <= int(found[1]) <= 256, "the core counts its bytes in one"


def test_a_board_without_firmware_is_an_error():
    with pytest.raises(DanasError, match="Nothing is built"):
        render_selftest(load_board("host"), SelfTest.make())


def test_a_tflm_sketch_holds_the_model_its_arena_and_its_operators(monkeypatch):
    monkeypatch.delenv("DANAS_TFLM_LIBRARY", raising=False)
    model = bytes(range(256)) * 2
    sketch = render_tflm(BOARD, 'a "name"', model, ["CONV_2D", "FULLY_CONNECTED"], 4096)
    data = sketch.files["src/model.cpp"]
    words = re.search(r"danas_model_words\[64\] = \{(.*?)\};", data, re.DOTALL)[1]
    assert struct.pack("<64Q", *(int(word, 16) for word in re.findall(r"\w+", words))) == model
    assert "danas_arena_bytes = 4096;" in data
    assert "danas_operators_count = 2;" in data
    names = re.findall(r"^    (danas_\w+),$", data, re.MULTILINE)
    assert names == ["danas_conv_2d", "danas_fully_connected"]
    assert r'"a \042name\042"' in data
    assert "    spaziochirale/Chirale_TensorFLowLite@2.0.0\n" in sketch.files["platformio.ini"]


@pytest.mark.parametrize(
    ("operator", "method"),
    [
        ("CONV_2D", "AddConv2D"),
        ("DEPTHWISE_CONV_2D", "AddDepthwiseConv2D"),
        ("AVERAGE_POOL_2D", "AddAveragePool2D"),
        ("STRIDED_SLICE", "AddStridedSlice"),
        ("PADV2", "AddPadV2"),
        ("RELU6", "AddRelu6"),
        ("SVDF", "AddSvdf"),
    ],
)
def test_operators_have_the_names_of_the_resolver(operator, method):
    assert _operator(operator, load_build("arduino").operators[operator]).method == method


def test_a_name_that_is_no_operator_never_reaches_the_compiler():
    with pytest.raises(DanasError, match="no operator"):
        render_tflm(BOARD, "m", b"", ["CONV_2D(); system("], 64)


def test_a_library_that_is_not_there_is_an_error(monkeypatch, tmp_path: Path):
    monkeypatch.setenv("DANAS_TFLM_LIBRARY", str(tmp_path))
    with pytest.raises(DanasError, match="No library stands in"):
        render_tflm(BOARD, "m", b"", ["CONV_2D"], 64)


def test_the_answer_of_the_self_test_is_that_of_tensorflow_lites_arithmetic():
    test = SelfTest.make(3)
    image = test.image(7)
    answer = test.answer(image)
    weights = np.array(test.weights).reshape(test.outputs, 3, 3, test.inputs)
    for y, x, o in [(0, 0, 0), (7, 7, 3), (3, 5, 2), (6, 1, 1)]:
        window = image[y : y + 3, x : x + 3].astype(int) - test.input_zero
        scaled = (int((window * weights[o]).sum()) + test.bias[o]) * test.multiplier
        exact = scaled / 2**31 / 2**test.shift + test.output_zero
        # Two roundings: half a step, and half of a 256th.
        assert abs(np.clip(exact, test.output_zero, 127) - answer[y, x, o]) <= 0.5 + 0.5 / 2**8
    assert len(np.unique(answer)) > 20
