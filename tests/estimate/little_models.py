"""Little .tflite files for tests, packed by the schema's own object tree, to be bent at will."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flatbuffers
import numpy as np
import pytest

schema: Any = pytest.importorskip(
    "ai_edge_litert.schema_py_generated", reason="packing models needs the extra search"
)

Edit = Callable[[Any], None]


def pack(model: Any) -> bytes:
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def little_model(edit: Edit | None = None) -> bytes:
    """Image 4x4x3 -> 3x3 convolution to 2 channels -> ADD with itself -> RESHAPE -> SOFTMAX."""
    model = schema.ModelT()
    model.version = 3
    model.description = "a little model"
    model.buffers = [schema.BufferT()]
    model.operatorCodes = []
    graph = schema.SubGraphT()
    graph.tensors, graph.operators = [], []
    model.subgraphs = [graph]

    image = tensor(model, (1, 4, 4, 3))
    weights = tensor(model, (2, 3, 3, 3), data=np.arange(54, dtype=np.int8), scales=2)
    bias = tensor(model, (2,), "INT32", data=np.arange(2, dtype=np.int32), scales=2)
    mapped = tensor(model, (1, 4, 4, 2))
    doubled = tensor(model, (1, 4, 4, 2))
    flat = tensor(model, (1, 32))
    scores = tensor(model, (1, 32))
    graph.tensors[scores].quantization.scale = [1 / 256]
    graph.tensors[scores].quantization.zeroPoint = [-128]
    convolution = schema.Conv2DOptionsT()
    convolution.strideW = convolution.strideH = 1
    operator(model, "CONV_2D", (image, weights, bias), (mapped,), convolution)
    operator(model, "ADD", (mapped, mapped), (doubled,), schema.AddOptionsT())
    operator(model, "RESHAPE", (doubled,), (flat,))
    operator(model, "SOFTMAX", (flat,), (scores,), schema.SoftmaxOptionsT())
    graph.inputs, graph.outputs = [image], [scores]
    if edit:
        edit(model)
    return pack(model)


def tensor(
    model: Any,
    shape: tuple[int, ...],
    kind: str = "INT8",
    data: np.ndarray | None = None,
    scales: int = 1,
) -> int:
    """Add a tensor; its index."""
    new = schema.TensorT()
    new.shape = list(shape)
    new.type = getattr(schema.TensorType, kind)
    if data is not None:
        buffer = schema.BufferT()
        buffer.data = list(data.tobytes())
        model.buffers.append(buffer)
        new.buffer = len(model.buffers) - 1
    if scales:
        new.quantization = schema.QuantizationParametersT()
        new.quantization.scale = [0.5] * scales
        new.quantization.zeroPoint = [0] * scales
    graph = model.subgraphs[0]
    graph.tensors.append(new)
    return len(graph.tensors) - 1


def operator(
    model: Any, kind: str, inputs: tuple[int, ...], outputs: tuple[int, ...], options: Any = None
) -> Any:
    """Add an operator."""
    code = schema.OperatorCodeT()
    code.builtinCode = getattr(schema.BuiltinOperator, kind)
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    model.operatorCodes.append(code)
    new = schema.OperatorT()
    new.opcodeIndex = len(model.operatorCodes) - 1
    new.inputs, new.outputs = list(inputs), list(outputs)
    if options is not None:
        name = type(options).__name__.removesuffix("T")
        new.builtinOptionsType = getattr(schema.BuiltinOptions, name)
        new.builtinOptions = options
    model.subgraphs[0].operators.append(new)
    return new


def network(width: int) -> bytes:
    """8x8x3 -> 3x3 convolution -> 3x3 depthwise -> 1x1 convolution -> pooling -> dense -> softmax.

    width: channels of all convolutions. Weights are random.
    """
    random = np.random.default_rng(width)

    def layers(model: Any) -> None:
        graph = model.subgraphs[0]
        graph.tensors, graph.operators = [], []
        model.buffers, model.operatorCodes = [schema.BufferT()], []

        def weighted(kind: str, before: int, shape: tuple[int, ...], output: Any, made: Any) -> int:
            values = random.integers(-9, 10, shape).astype(np.int8)
            count = output[-1]
            scales = 1 if kind == "FULLY_CONNECTED" else count
            weights = tensor(model, shape, data=values, scales=scales)
            if kind == "DEPTHWISE_CONV_2D":
                graph.tensors[weights].quantization.quantizedDimension = 3
            biases = random.integers(-9, 10, count).astype(np.int32)
            bias = tensor(model, (count,), "INT32", data=biases, scales=scales)
            graph.tensors[bias].quantization.scale = [0.25] * scales
            after = tensor(model, output)
            operator(model, kind, (before, weights, bias), (after,), made)
            return after

        def strided(options: Any) -> Any:
            options.strideW = options.strideH = 1
            return options

        image = tensor(model, (1, 8, 8, 3))
        mapped = (1, 8, 8, width)
        now = weighted("CONV_2D", image, (width, 3, 3, 3), mapped, strided(schema.Conv2DOptionsT()))
        depthwise = strided(schema.DepthwiseConv2DOptionsT())
        depthwise.depthMultiplier = 1
        now = weighted("DEPTHWISE_CONV_2D", now, (1, 3, 3, width), mapped, depthwise)
        now = weighted(
            "CONV_2D", now, (width, 1, 1, width), mapped, strided(schema.Conv2DOptionsT())
        )
        pool = schema.Pool2DOptionsT()
        pool.strideW = pool.strideH = pool.filterWidth = pool.filterHeight = 8
        pool.padding = schema.Padding.VALID
        pooled = tensor(model, (1, 1, 1, width))
        operator(model, "AVERAGE_POOL_2D", (now,), (pooled,), pool)
        dense = schema.FullyConnectedOptionsT()
        now = weighted("FULLY_CONNECTED", pooled, (2, width), (1, 2), dense)
        scores = tensor(model, (1, 2))
        graph.tensors[scores].quantization.scale = [1 / 256]
        graph.tensors[scores].quantization.zeroPoint = [-128]
        softmax = schema.SoftmaxOptionsT()
        softmax.beta = 1.0
        operator(model, "SOFTMAX", (now,), (scores,), softmax)
        graph.inputs, graph.outputs = [image], [scores]

    return little_model(layers)
