"""A Keras model and calibration images to an int8 .tflite file; and its answers by LiteRT."""

from __future__ import annotations

import importlib
import importlib.util
import os
import warnings
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from danas_hil.base import DanasError, captured_stderr, known_or_near, require
from danas_hil.estimate import read_ends
from danas_hil.supernet.tensorflow_experimental import frozen, quantise_dense_layers_per_tensor

if TYPE_CHECKING:
    import keras

RUNTIME_VARIABLE = "DANAS_LITE_RUNTIME"
"""Environment variable that chooses the interpreter behind `classify`: a key of `RUNTIMES`."""

RUNTIMES = {
    "litert": ("ai_edge_litert.interpreter", "search"),
    "tflite-runtime": ("tflite_runtime.interpreter", "tflite-runtime"),
}
"""Module and extra of each interpreter; the first one that is installed is the default."""

_BATCH = 64


# -- conversion --------------------------------------------------------------------------------


def to_tflite(
    model: keras.Model, representative: npt.NDArray[np.float32], *, clear_names: bool = True
) -> bytes:
    """The content of an int8 .tflite file with a batch of one.

    representative: float32 (n, height, width, channels), training images as the network sees
        them (-1 to 1), from which activation ranges are taken.
    clear_names: leave out tensor names, which take flash and mean nothing on a device.

    Inputs and outputs are int8, convolutions quantised per channel, dense layers per tensor
    (a device library computes per-channel ones wrongly). Raises DanasError, with the converter's
    own text, when TensorFlow can't convert the model.
    """
    if representative.ndim != 4 or not len(representative):
        raise DanasError(
            f"Calibration examples of shape {representative.shape} are of no use.",
            "Give float32 examples of shape (n, height, width, channels), n at least 1.",
        )
    tf = require("tensorflow", "search")
    try:
        with captured_stderr() as said, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            signature = tf.TensorSpec((1, *representative.shape[1:]), tf.float32)
            traced = tf.function(lambda images: model(images, training=False))
            # Unfrozen variables become READ_VARIABLE operators, which don't convert to int8.
            constant = frozen(traced.get_concrete_function(signature))
            converter = tf.lite.TFLiteConverter.from_concrete_functions([constant])
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = lambda: (
                [image[np.newaxis].astype(np.float32)] for image in representative
            )
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = tf.int8
            converter.inference_output_type = tf.int8
            quantise_dense_layers_per_tensor(converter)
            content: bytes = converter.convert()
            told = said()
    except Exception as error:
        raise DanasError(
            f"TensorFlow can't convert the model {model.name}: {error}.",
            _last_lines(getattr(error, "captured_stderr", "")),
        ) from error
    if content[4:8] != b"TFL3":
        raise DanasError(f"TensorFlow made no .tflite file of {model.name}.", _last_lines(told))
    return without_names(content) if clear_names else content


def without_names(model: bytes) -> bytes:
    """The same .tflite file without tensor names; all else, and what it computes, stays."""
    schema = require("ai_edge_litert.schema_py_generated", "search")
    content = schema.ModelT.InitFromPackedBuf(model)
    for graph in content.subgraphs:
        for tensor in graph.tensors:
            tensor.name = None
    builder = _aligned_builder(len(model))
    builder.Finish(content.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _aligned_builder(size: int) -> Any:
    """A flatbuffers builder that keeps buffers on 16 bytes, as the schema demands.

    (`force_align: 16` of Buffer.data in schema.fbs, which the generated Python code forgets:
    kernels that read int32 biases in place would meet unaligned ones.)
    """
    import flatbuffers

    class AlignedBuilder(flatbuffers.Builder):  # type: ignore[misc]
        def CreateNumpyVector(self, array: npt.NDArray[Any]) -> int:  # noqa: N802
            little = array.astype(array.dtype.newbyteorder("<"), copy=False)
            content = little.tobytes()
            alignment = 16 if little.dtype == np.uint8 else little.dtype.alignment
            self.StartVector(little.itemsize, little.size, alignment)
            self.head -= len(content)
            self.Bytes[self.head : self.head + len(content)] = content
            return int(self.EndVector())

    return AlignedBuilder(size)


def _last_lines(text: str, count: int = 5) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " / ".join(lines[-count:])


# -- inputs as the file wants them -------------------------------------------------------------


def input_quantisation(model: bytes, name: str = "the model") -> tuple[float, int]:
    """Scale and zero point of the input of a .tflite file. Raises DanasError if it is not int8."""
    first = next(iter(read_ends(model, name).inputs), None)
    if first is None or first.type != "int8" or first.scale is None or first.zero_point is None:
        raise DanasError(
            f"The input of {name} is not quantised to int8.",
            "Convert it with int8 inputs (full integer quantisation).",
        )
    return first.scale, first.zero_point


def quantise_input(
    images: npt.NDArray[np.uint8], quantisation: tuple[float, int]
) -> npt.NDArray[np.int8]:
    """Raw images, uint8 of 0 to 255 and any shape, as int8 inputs with (scale, zero point).

    The network sees x / 127.5 - 1; that is what is quantised. Halves are rounded up, with a little
    room for binary fractions: with the usual scale of 2/255 every pixel falls on a half, and
    rounding to even would make one value of two.
    """
    if images.dtype != np.uint8:
        raise DanasError(f"Examples are uint8, from 0 to 255; these are {images.dtype}.")
    scale, zero_point = quantisation
    seen = np.arange(256) / 127.5 - 1
    table = np.floor(seen / scale + 0.5001) + zero_point
    return np.asarray(np.clip(table, -128, 127).astype(np.int8)[images])


# -- what the file answers ---------------------------------------------------------------------


class LiteInterpreter(Protocol):
    """What we use of the Interpreter class that LiteRT and tflite-runtime share."""

    def allocate_tensors(self) -> None: ...
    def resize_tensor_input(self, index: int, shape: Any) -> None: ...
    def get_input_details(self) -> list[dict[str, Any]]: ...
    def get_output_details(self) -> list[dict[str, Any]]: ...
    def set_tensor(self, index: int, value: Any) -> None: ...
    def invoke(self) -> None: ...
    def get_tensor(self, index: int) -> Any: ...


def lite_interpreter(model: bytes, threads: int = 1) -> LiteInterpreter:
    """An interpreter of the runtime that DANAS_LITE_RUNTIME names, or else of the one installed.

    Raises DanasError when that runtime is not installed or not known, or refuses the model.
    """
    chosen = os.environ.get(RUNTIME_VARIABLE)
    if chosen and chosen not in RUNTIMES:
        raise DanasError(
            f"There is no runtime {chosen!r}.",
            known_or_near(chosen, RUNTIMES, f"{RUNTIME_VARIABLE} is one of"),
        )
    if not chosen:
        installed = (
            key for key, (module, _) in RUNTIMES.items() if _installed(module.split(".")[0])
        )
        chosen = next(installed, next(iter(RUNTIMES)))
    module = require(*RUNTIMES[chosen])
    try:
        interpreter: LiteInterpreter = module.Interpreter(model_content=model, num_threads=threads)
    except (RuntimeError, ValueError) as error:
        raise DanasError(f"{chosen} can't read the model: {error}.") from error
    return interpreter


def classify(
    model: bytes, images: npt.NDArray[np.uint8], *, threads: int = 1
) -> npt.NDArray[np.float32]:
    """Class probabilities, float32 (n, classes), of raw images (n, height, width, channels), uint8.

    By LiteRT, in batches, with its fast kernels: their outputs differ from a device's by a few
    steps of the quantisation. Raises DanasError when images and model don't fit.
    """
    inputs = quantise_input(images, input_quantisation(model))
    with captured_stderr():  # XNNPACK announces itself
        interpreter = lite_interpreter(model, threads)
        shape = tuple(int(side) for side in interpreter.get_input_details()[0]["shape"])
        if inputs.shape[1:] != shape[1:] or not len(inputs):
            raise DanasError(f"The model takes examples of {shape[1:]}; these are {inputs.shape}.")
        size = min(_BATCH, len(inputs))
        try:
            interpreter.resize_tensor_input(
                interpreter.get_input_details()[0]["index"], (size, *shape[1:])
            )
            interpreter.allocate_tensors()
        except RuntimeError:
            # XNNPACK can't resize a net whose last map is 1x1: these are small, one by one will do.
            interpreter, size = lite_interpreter(model, threads), 1
            interpreter.allocate_tensors()
        outputs = _in_batches(interpreter, inputs, size)
        scale, zero_point = interpreter.get_output_details()[0]["quantization"]
    probabilities = (outputs.astype(np.float32) - zero_point) * np.float32(scale)
    return np.asarray(probabilities, dtype=np.float32)


def _in_batches(interpreter: LiteInterpreter, inputs: npt.NDArray[Any], size: int) -> Any:
    """Outputs (n, classes); the last batch is filled up, because a resize costs more."""
    entry = interpreter.get_input_details()[0]["index"]
    result = interpreter.get_output_details()[0]["index"]
    outputs = []
    for start in range(0, len(inputs), size):
        batch = inputs[start : start + size]
        full = np.resize(batch, (size, *inputs.shape[1:])) if len(batch) < size else batch
        interpreter.set_tensor(entry, full)
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(result)[: len(batch)])
    return np.concatenate(outputs)


def _installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None
