"""A model with the operators and shapes of MLPerf Tiny's keyword spotting, and random weights.

`python tests/board/keyword_model.py FILE` writes it: builds for every board want a model of a real
one's size, without a download (mlcommons/tiny, benchmark/training/keyword_spotting).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from estimate.little_models import little_model, operator, schema, tensor

CHANNELS, WORDS = 64, 12
_MAP = (1, 25, 5, CHANNELS)
_SCALE = 0.06  # of every activation behind the first
_SPREAD = 60.0  # of an output, in its steps: neither flat nor cut


def keyword_model(seed: int = 0) -> bytes:
    """49x10x1 -> 10x4 convolution, stride 2 -> four of depthwise 3x3 and pointwise -> average of
    all places -> dense to 12 -> softmax; int8."""
    return little_model(lambda model: _fill(model, np.random.default_rng(seed)))


def _fill(model: Any, random: np.random.Generator) -> None:
    graph = model.subgraphs[0]
    graph.tensors, graph.operators = [], []
    model.buffers, model.operatorCodes = [schema.BufferT()], []
    spectrum = _activation(model, (1, 49, 10, 1), 0.58, 83)
    now = _weighted(model, random, "CONV_2D", spectrum, (CHANNELS, 10, 4, 1), _MAP, _strides(2))
    for _ in range(4):
        depthwise = _strides(1, schema.DepthwiseConv2DOptionsT())
        depthwise.depthMultiplier = 1
        shape = (1, 3, 3, CHANNELS)
        now = _weighted(model, random, "DEPTHWISE_CONV_2D", now, shape, _MAP, depthwise)
        shape = (CHANNELS, 1, 1, CHANNELS)
        now = _weighted(model, random, "CONV_2D", now, shape, _MAP, _strides(1))
    pool = schema.Pool2DOptionsT()
    pool.filterHeight, pool.filterWidth = pool.strideH, pool.strideW = _MAP[1:3]
    pool.padding = schema.Padding.VALID
    averaged = _activation(model, (1, 1, 1, CHANNELS), _SCALE, -128)
    operator(model, "AVERAGE_POOL_2D", (now,), (averaged,), pool)
    flat = _activation(model, (1, CHANNELS), _SCALE, -128)
    shape_ = tensor(model, (2,), "INT32", data=np.array([-1, CHANNELS], np.int32), scales=0)
    operator(model, "RESHAPE", (averaged, shape_), (flat,))
    dense = schema.FullyConnectedOptionsT()
    logits = _weighted(model, random, "FULLY_CONNECTED", flat, (WORDS, CHANNELS), (1, WORDS), dense)
    scores = _activation(model, (1, WORDS), 1 / 256, -128)
    softmax = schema.SoftmaxOptionsT()
    softmax.beta = 1.0
    operator(model, "SOFTMAX", (logits,), (scores,), softmax)
    graph.inputs, graph.outputs = [spectrum], [scores]


def _strides(stride: int, options: Any = None) -> Any:
    options = options or schema.Conv2DOptionsT()
    options.strideW = options.strideH = stride
    options.padding = schema.Padding.SAME
    options.fusedActivationFunction = schema.ActivationFunctionType.RELU
    return options


def _activation(model: Any, shape: tuple[int, ...], scale: float, zero: int) -> int:
    index = tensor(model, shape)
    quantization = model.subgraphs[0].tensors[index].quantization
    quantization.scale, quantization.zeroPoint = [scale], [zero]
    return index


def _weighted(
    model: Any,
    random: np.random.Generator,
    kind: str,
    before: int,
    shape: tuple[int, ...],
    output: tuple[int, ...],
    options: Any,
) -> int:
    """A layer with weights of `shape`, one scale for each channel but of a dense one."""
    tensors = model.subgraphs[0].tensors
    dense = kind == "FULLY_CONNECTED"
    scales = 1 if dense else CHANNELS
    values = np.clip(random.normal(0, 40, shape).round(), -127, 127).astype(np.int8)
    weights = tensor(model, shape, data=values, scales=scales)
    summed = 9 if kind == "DEPTHWISE_CONV_2D" else int(np.prod(shape[1:]))
    (taken,) = tensors[before].quantization.scale
    scale = _SPREAD / (40 * 70 * summed**0.5) * _SCALE / taken
    # Scales that differ from channel to channel, as trained ones do.
    weight_scales = (scale * random.uniform(0.7, 1.3, scales)).tolist()
    tensors[weights].quantization.scale = weight_scales
    if kind == "DEPTHWISE_CONV_2D":
        tensors[weights].quantization.quantizedDimension = 3
    biases = random.integers(-5000, 5000, output[-1]).astype(np.int32)
    bias = tensor(model, (output[-1],), "INT32", data=biases, scales=scales)
    tensors[bias].quantization.scale = [one * taken for one in weight_scales]
    after = _activation(model, output, _SCALE, 14 if dense else -128)
    operator(model, kind, (before, weights, bias), (after,), options)
    return after


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(keyword_model())
