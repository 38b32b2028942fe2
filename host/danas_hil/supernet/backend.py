"""TensorFlow and Keras, imported when first needed: the import takes seconds."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from danas_hil.base import require

EXTRA = "search"


def tensorflow() -> Any:
    """The module tensorflow, without its start-up chatter.

    Imported here first, it runs one operator at a time, with all cores on each: two at once get in
    each other's way (two cores: a fifth fewer candidates a minute, a third longer steps;
    benchmarks/evaluation.py, benchmarks/training_step.py).
    """
    if "tensorflow" in sys.modules:
        return require("tensorflow", EXTRA)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    module = require("tensorflow", EXTRA)
    module.config.threading.set_inter_op_parallelism_threads(1)
    return module


Precision = Literal["float32", "bfloat16"]
"""Of the convolutions in evaluations. Weights, statistics and training are float32 always."""


def quick_precision() -> Precision:
    """The quicker one on this computer.

    bfloat16 where the processor multiplies it (avx512_bf16, amx_bf16): convolutions take half the
    time there, and where it does not, several times as much.
    """
    if tensorflow().config.list_physical_devices("GPU"):
        return "float32"
    cpuinfo = Path("/proc/cpuinfo")
    features = set(cpuinfo.read_text().split()) if cpuinfo.exists() else set[str]()
    return "bfloat16" if features & {"avx512_bf16", "amx_bf16"} else "float32"


def keras() -> Any:
    """The module keras, on TensorFlow."""
    tensorflow()
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    return require("keras", EXTRA)


def traced(function: Callable[..., Any], signature: Sequence[Any]) -> Any:
    """`function` as a graph for tensors of `signature`, traced once.

    A concrete function: TensorFlow warns of functions that are traced anew, and takes the graphs of
    several networks for that.
    """
    kind = tensorflow().function(function, input_signature=signature, autograph=False)
    return kind.get_concrete_function()
