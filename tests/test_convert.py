"""Conversion to int8 .tflite files, and their answers by LiteRT."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tflite

from danas_hil import convert, tflm
from danas_hil.base import DanasError
from danas_hil.estimate import read_graph
from danas_hil.families.ds_cnn import DsCnn
from danas_hil.families.mobilenet_v2 import MobileNetV2
from danas_hil.signals.image import ImageConfig
from danas_hil.space import Genome, layers

RGB = Genome(ImageConfig(32, "rgb"), MobileNetV2(1, 1, 1, 0, 0, 0.3))
GREY = Genome(ImageConfig(32, "monochrome"), MobileNetV2(1, 1, 1, 1, 1, 0.9))
WIDE = Genome(ImageConfig(48, "rgb", 32), DsCnn(3, 0.25))
CLASSES = {RGB: 2, GREY: 2, WIDE: 10}


def network(genome: Genome, images: np.ndarray[Any, Any]) -> Any:
    """The genome's network with random weights, its batch norm fitted to `images`."""
    import keras

    from danas_hil.supernet import build

    keras.utils.set_random_seed(1)
    model = build(genome, CLASSES[genome])
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    model(images, training=True)
    return model


def scaled(images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return (images / 127.5 - 1).astype(np.float32)


def photos(genome: Genome, count: int) -> np.ndarray[Any, Any]:
    """Smooth random images, uint8."""
    rng = np.random.default_rng(3)
    height, width, channels = genome.data.shape
    coarse = rng.integers(0, 256, (count, 4, 4, channels), dtype=np.uint8)
    return coarse.repeat(height // 4, 1).repeat(width // 4, 2)


@pytest.fixture(scope="module", params=[RGB, GREY, WIDE], ids=str)
def genome(request: pytest.FixtureRequest) -> Genome:
    return request.param


@pytest.fixture(scope="module")
def converted(genome: Genome) -> tuple[Any, bytes, bytes, np.ndarray[Any, Any]]:
    """Keras model, its file without and with names, and images."""
    pytest.importorskip("tensorflow", reason="needs the extra search")
    images = photos(genome, 100)
    model = network(genome, scaled(images))
    without = convert.to_tflite(model, scaled(images[:20]))
    return model, without, convert.to_tflite(model, scaled(images[:20]), clear_names=False), images


def graph_of(content: bytes) -> Any:
    return tflite.Model.GetRootAs(content).Subgraphs(0)


def test_the_operators_are_those_of_the_layer_table_the_reshape_being_fused(
    converted: Any, genome: Genome
) -> None:
    names = {
        "conv": "CONV_2D",
        "depthwise": "DEPTHWISE_CONV_2D",
        "add": "ADD",
        "average_pool": "AVERAGE_POOL_2D",
        "dense": "FULLY_CONNECTED",
        "softmax": "SOFTMAX",
    }
    wanted = [
        names[layer.kind] for layer in layers(genome, CLASSES[genome]) if layer.kind != "reshape"
    ]
    assert [operator.kind for operator in read_graph(converted[1]).operators] == wanted


def test_inputs_and_outputs_are_int8_with_a_batch_of_one(converted: Any) -> None:
    graph = graph_of(converted[1])
    for index in (graph.Inputs(0), graph.Outputs(0)):
        assert graph.Tensors(index).Type() == tflite.TensorType.INT8
        assert graph.Tensors(index).Shape(0) == 1
    assert all(not graph.Tensors(i).ShapeSignatureLength() for i in range(graph.TensorsLength()))


def test_convolutions_are_quantised_per_channel_and_dense_layers_per_tensor(converted: Any) -> None:
    content = converted[1]
    model, graph = tflite.Model.GetRootAs(content), graph_of(content)
    for place in range(graph.OperatorsLength()):
        operator = graph.Operators(place)
        code = model.OperatorCodes(operator.OpcodeIndex()).BuiltinCode()
        weights = graph.Tensors(operator.Inputs(1)) if operator.InputsLength() > 1 else None
        if code == tflite.BuiltinOperator.FULLY_CONNECTED:
            assert weights.Quantization().ScaleLength() == 1
        elif code == tflite.BuiltinOperator.CONV_2D:
            assert weights.Quantization().ScaleLength() == weights.Shape(0)


def test_a_file_without_names_is_smaller_and_computes_the_same(converted: Any) -> None:
    _, without, named, images = converted
    assert len(without) < len(named) - 1000
    assert all(not graph_of(without).Tensors(i).Name() for i in range(5))
    assert graph_of(named).Tensors(0).Name()
    assert np.array_equal(convert.classify(without, images), convert.classify(named, images))
    inputs = convert.quantise_input(images[:5], convert.input_quantisation(without))
    assert np.array_equal(tflm.run(without, inputs), tflm.run(named, inputs))


def test_taking_names_away_changes_nothing_but_names(converted: Any) -> None:
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    _, without, named, _ = converted

    def told(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return value.tolist()
        if isinstance(value, list):
            return [told(item) for item in value]
        if hasattr(value, "__dict__"):
            nameless = isinstance(value, schema.TensorT)
            return {k: told(v) for k, v in vars(value).items() if not (nameless and k == "name")}
        return value

    assert told(schema.ModelT.InitFromPackedBuf(without)) == told(
        schema.ModelT.InitFromPackedBuf(named)
    )


def test_buffers_stand_on_sixteen_bytes(converted: Any) -> None:
    model = tflite.Model.GetRootAs(converted[1])
    starts = []
    for index in range(model.BuffersLength()):
        buffer = model.Buffers(index)
        if buffer.DataLength():
            starts.append(buffer._tab.Vector(buffer._tab.Offset(4)))
    assert len(starts) > 10
    assert all(start % 16 == 0 for start in starts)


def test_the_int8_file_answers_nearly_as_the_float_network(converted: Any, genome: Genome) -> None:
    model, content, _, images = converted
    answers = convert.classify(content, images)
    wanted = np.asarray(model(scaled(images), training=False))
    assert answers.shape == (100, CLASSES[genome])
    assert answers.dtype == np.float32
    assert np.abs(answers.sum(axis=1) - 1).max() < 0.02
    assert np.ptp(wanted, axis=0).max() > 0.05, (
        "the network must tell images apart for this to mean much"
    )
    assert np.abs(answers - wanted).mean() < 0.2 / CLASSES[genome]


def test_answers_do_not_depend_on_the_batch_they_are_in(converted: Any) -> None:
    _, content, _, images = converted
    together = convert.classify(content, images)
    assert np.array_equal(together[:3], convert.classify(content, images[:3]))
    assert np.array_equal(together[64:], convert.classify(content, images[64:]))


def test_litert_and_tflm_agree_within_a_few_steps(converted: Any) -> None:
    _, content, _, images = converted
    inputs = convert.quantise_input(images[:10], convert.input_quantisation(content))
    golden = tflm.run(content, inputs).astype(int)
    answers = np.rint(convert.classify(content, images[:10]) * 256 - 128).astype(int)
    assert np.abs(golden - answers).mean() <= 8, "another scale or zero point would be far off"


def test_conversion_says_nothing_on_standard_error(
    converted: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    model, _, _, images = converted
    convert.classify(convert.to_tflite(model, scaled(images[:2])), images[:2])
    assert capfd.readouterr() == ("", "")


def test_a_model_that_does_not_convert_is_named_with_the_reason() -> None:
    keras = pytest.importorskip("keras", reason="needs the extra search")
    tf = pytest.importorskip("tensorflow", reason="needs the extra search")

    class Odd(keras.layers.Layer):  # type: ignore[misc, name-defined]
        def call(self, x: Any) -> Any:
            return tf.raw_ops.Betainc(a=x, b=x, x=x)

    entry = keras.Input((8, 8, 1))
    model = keras.Model(entry, Odd()(entry), name="odd_one")
    with pytest.raises(DanasError, match=r"odd_one.*Betainc") as caught:
        convert.to_tflite(model, np.full((1, 8, 8, 1), 0.5, np.float32))
    assert "stderr" not in str(caught.value)


def test_no_calibration_images_are_refused() -> None:
    with pytest.raises(DanasError, match=r"shape \(0, 8, 8, 1\)"):
        convert.to_tflite(None, np.empty((0, 8, 8, 1), np.float32))  # type: ignore[arg-type]


def test_inputs_are_quantised_as_the_network_sees_them() -> None:
    pixels = np.arange(256, dtype=np.uint8)
    assert convert.quantise_input(pixels, (0.5, 3)).tolist() == [
        int(np.floor((x / 127.5 - 1) / 0.5 + 0.5)) + 3 for x in range(256)
    ]
    assert convert.quantise_input(pixels, (0.001, 0)).min() == -128
    assert convert.quantise_input(pixels, (0.001, 0)).max() == 127
    with pytest.raises(DanasError, match="float64"):
        convert.quantise_input(np.zeros(3), (1.0, 0))  # type: ignore[arg-type]


@pytest.mark.parametrize("scale", [2 / 255, float(np.float32(2 / 255)), 0.0078431377])
def test_no_two_pixels_become_one_at_the_usual_scale(scale: float) -> None:
    quantised = convert.quantise_input(np.arange(256, dtype=np.uint8), (scale, -1))
    assert quantised.tolist() == list(range(-128, 128))


def test_images_of_another_size_are_refused(converted: Any) -> None:
    with pytest.raises(DanasError, match=r"\(16, 16, 3\)|16, 16"):
        convert.classify(converted[1], np.zeros((2, 16, 16, 3), np.uint8))


def test_an_unknown_lite_runtime_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(convert.RUNTIME_VARIABLE, "lite")
    with pytest.raises(DanasError, match="tflite-runtime"):
        convert.lite_interpreter(b"")
