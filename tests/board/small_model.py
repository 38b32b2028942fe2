"""A model so small that its outputs are computed here, without any TensorFlow."""

from __future__ import annotations

from typing import Any

import numpy as np

from danas_hil.tflm import Golden
from estimate.little_models import little_model, operator, schema, tensor

INPUTS, OUTPUTS = 8, 4
_SCALE = 0.5  # of input, weights and output; so an output is half its accumulator

_random = np.random.default_rng(7)
# Even numbers give even accumulators, so that no half is left to be rounded.
WEIGHTS = (_random.integers(-12, 13, (OUTPUTS, INPUTS)) * 2).astype(np.int8)
BIAS = (_random.integers(-50, 51, OUTPUTS) * 2).astype(np.int32)


def small_model() -> bytes:
    """One FULLY_CONNECTED of 8 numbers to 4, int8."""

    def only_dense(model: Any) -> None:
        graph = model.subgraphs[0]
        graph.tensors, graph.operators = [], []
        model.buffers, model.operatorCodes = [schema.BufferT()], []
        entry = tensor(model, (1, INPUTS))
        weights = tensor(model, WEIGHTS.shape, data=WEIGHTS)
        bias = tensor(model, BIAS.shape, "INT32", data=BIAS)
        graph.tensors[bias].quantization.scale = [_SCALE * _SCALE]
        result = tensor(model, (1, OUTPUTS))
        options = schema.FullyConnectedOptionsT()
        operator(model, "FULLY_CONNECTED", (entry, weights, bias), (result,), options)
        graph.inputs, graph.outputs = [entry], [result]

    return little_model(only_dense)


def small_golden(count: int = 3, seed: int = 0) -> Golden:
    """Random inputs (count, 8) and what the model makes of them: (count, 4)."""
    inputs = np.random.default_rng(seed).integers(-20, 21, (count, INPUTS)).astype(np.int8)
    sums = inputs.astype(np.int64) @ WEIGHTS.T.astype(np.int64) + BIAS
    return Golden(inputs, np.clip(sums // 2, -128, 127).astype(np.int8))
