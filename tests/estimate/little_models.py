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
