"""All that is used of TensorFlow outside its stable API. No other module touches such names.

TensorFlow may rename or drop them in any release. Each is one function here, which says what to do
then; its test fails when it has come to that.
"""

from __future__ import annotations

import importlib
from typing import Any

from danas_hil.base import DanasError, require


def make_deterministic() -> None:
    """From now on the same operators on the same values give the same bits, run after run.

    `tf.config.experimental.enable_op_determinism`. When it goes: it will have become stable, as
    `tf.config.enable_op_determinism`, or the default. Without it a search that was killed does not
    go on as it would have.
    """
    tensorflow = _tensorflow()
    try:
        enable = tensorflow.config.experimental.enable_op_determinism
    except AttributeError as error:
        raise _gone(
            "tf.config.experimental.enable_op_determinism", "training is not reproducible"
        ) from error
    enable()


def frozen(function: Any) -> Any:
    """A concrete function like `function` (of tf.function), with its variables as constants.

    `convert_variables_to_constants_v2`. When it goes: convert from a SavedModel
    (`tf.lite.TFLiteConverter.from_saved_model`), which freezes by itself, and compare the files
    with those of before: the arena hangs on the order of their operators.
    """
    _tensorflow()
    module = "tensorflow.python.framework.convert_to_constants"
    try:
        freeze = importlib.import_module(module).convert_variables_to_constants_v2
    except (ImportError, AttributeError) as error:
        raise _gone(
            f"{module}.convert_variables_to_constants_v2", "variables don't convert to int8"
        ) from error
    return freeze(function)


def quantise_dense_layers_per_tensor(converter: Any) -> None:
    """Make a tf.lite.TFLiteConverter give each dense layer one scale for all its weights.

    `_experimental_disable_per_channel_quantization_for_dense_layers`. When it goes: look for the
    converter's flag of that meaning (today `disable_per_channel_quantization_for_dense_layers` of
    `build_conversion_flags` in tensorflow/lite/python/convert.py). Without it the library on the
    boards computes dense layers wrongly: docs/memory.md.
    """
    switch = "_experimental_disable_per_channel_quantization_for_dense_layers"
    if not hasattr(converter, switch):
        raise _gone(f"tf.lite.TFLiteConverter.{switch}", "boards compute dense layers wrongly")
    setattr(converter, switch, True)


def _tensorflow() -> Any:
    return require("tensorflow", "search")


def _gone(name: str, without: str) -> DanasError:
    return DanasError(
        f"TensorFlow {_tensorflow().__version__} has no {name}; without it {without}.",
        "Install the TensorFlow that requirements.lock names.",
    )
