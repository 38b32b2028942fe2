"""TensorFlow and Keras, imported when first needed: the import takes seconds."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

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


def make_deterministic() -> None:
    """From now on the same operators on the same values give the same bits, run after run."""
    tensorflow().config.experimental.enable_op_determinism()


def keras() -> Any:
    """The module keras, on TensorFlow."""
    tensorflow()
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    return require("keras", EXTRA)


def traced(function: Callable[..., Any], signature: Sequence[Any]) -> Any:
    """`function` as a graph for tensors of `signature`, traced once, at its first call."""
    return tensorflow().function(function, input_signature=signature, autograph=False)
