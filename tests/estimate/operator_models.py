"""A little int8 .tflite file for each operator that a memory model covers, in several variants.

Each has one input and one output, and runs: scales are such that no value is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from estimate.little_models import operator, pack, schema, tensor

Shape = tuple[int, ...]


class Net:
    """A model that grows: tensors are given by their index."""

    def __init__(self, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        self.model: Any = schema.ModelT()
        self.model.version = 3
        self.model.buffers, self.model.operatorCodes = [schema.BufferT()], []
        graph = schema.SubGraphT()
        graph.tensors, graph.operators = [], []
        self.model.subgraphs = [graph]
        self.graph = graph

    def tensor(self, shape: Shape, kind: str = "INT8", scale: float = 0.5, zero: int = 0) -> int:
        scaled = kind in ("INT8", "INT16", "UINT8")
        return self._scaled(tensor(self.model, shape, kind, scales=int(scaled)), [scale], zero)

    def weights(self, shape: Shape, scales: int = 1, axis: int = 0) -> int:
        """int8, random."""
        values = self.random.integers(-9, 10, shape).astype(np.int8)
        index = tensor(self.model, shape, data=values, scales=scales)
        steps = [0.25 + 0.001 * place for place in range(scales)]
        self.graph.tensors[index].quantization.quantizedDimension = axis
        return self._scaled(index, steps)

    def bias(self, count: int, weights: int, source: int) -> int:
        values = self.random.integers(-9, 10, count).astype(np.int32)
        steps = self.graph.tensors[weights].quantization.scale
        index = tensor(self.model, (count,), "INT32", data=values, scales=len(steps))
        (step,) = self.graph.tensors[source].quantization.scale
        return self._scaled(index, [step * one for one in steps])

    def numbers(self, *values: int) -> int:
        """A constant vector of int32: a shape, axes, a permutation."""
        data = np.array(values, np.int32)
        return tensor(self.model, data.shape, "INT32", data=data, scales=0)

    def table(self, rows: Sequence[Sequence[int]]) -> int:
        data = np.array(rows, np.int32)
        return tensor(self.model, data.shape, "INT32", data=data, scales=0)

    def run(self, kind: str, inputs: Sequence[int], output: int, options: Any = None) -> int:
        operator(self.model, kind, tuple(inputs), (output,), options)
        return output

    def file(self, source: int, output: int) -> bytes:
        self.graph.inputs, self.graph.outputs = [source], [output]
        return pack(self.model)

    def _scaled(self, index: int, scales: list[float], zero: int = 0) -> int:
        quantization = self.graph.tensors[index].quantization
        if quantization is not None:
            quantization.scale, quantization.zeroPoint = scales, [zero] * len(scales)
        return index


def convolution(
    source: Shape = (1, 8, 8, 3),
    size: int = 3,
    channels: int = 4,
    *,
    stride: int = 1,
    dilation: int = 1,
    same: bool = True,
    depthwise: bool = False,
    scales: int | None = None,
    biased: bool = True,
    absent: bool = True,
) -> bytes:
    """absent: whether a bias that is not there is left out by its index, not from the count."""
    net = Net()
    entry = net.tensor(source)
    count = source[3] * channels if depthwise else channels
    shape = (1, size, size, count) if depthwise else (channels, size, size, source[3])
    weights = net.weights(shape, count if scales is None else scales, 3 if depthwise else 0)
    effective = (size - 1) * dilation + 1
    sides = [-(-(side if same else side - effective + 1) // stride) for side in source[1:3]]
    options = schema.DepthwiseConv2DOptionsT() if depthwise else schema.Conv2DOptionsT()
    options.strideW = options.strideH = stride
    options.dilationWFactor = options.dilationHFactor = dilation
    options.padding = schema.Padding.SAME if same else schema.Padding.VALID
    if depthwise:
        options.depthMultiplier = channels
    inputs = [entry, weights, net.bias(count, weights, entry) if biased else -1]
    inputs = inputs[: 3 if biased or absent else 2]
    output = net.tensor((source[0], *sides, count), scale=8.0)
    kind = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
    return net.file(entry, net.run(kind, inputs, output, options))


def dense(
    source: Shape = (1, 16),
    rows: int = 4,
    *,
    scales: int = 1,
    biased: bool = True,
    keep: bool = False,
    off: float = 0.0,
) -> bytes:
    """off: how far the bias's scale is from input x weights, in shares of the output's scale."""
    net = Net()
    entry = net.tensor(source)
    weights = net.weights((rows, source[-1]), scales)
    inputs = [entry, weights, net.bias(rows, weights, entry) if biased else -1]
    if biased:
        net.graph.tensors[inputs[2]].quantization.scale[0] += off * 8.0
    options = schema.FullyConnectedOptionsT()
    options.keepNumDims = keep
    output = net.tensor((*source[:-1], rows), scale=8.0)
    return net.file(entry, net.run("FULLY_CONNECTED", inputs, output, options))


def pooling(kind: str, source: Shape = (1, 8, 8, 4), size: int = 2) -> bytes:
    net = Net()
    entry = net.tensor(source)
    options = schema.Pool2DOptionsT()
    options.strideW = options.strideH = options.filterWidth = options.filterHeight = size
    options.padding = schema.Padding.VALID
    output = net.tensor((1, source[1] // size, source[2] // size, source[3]))
    return net.file(entry, net.run(kind, [entry], output, options))


def binary(kind: str, shape: Shape = (1, 4, 4, 6), other: Shape | None = None) -> bytes:
    """Of the input with itself, or with weights of another shape."""
    net = Net()
    entry = net.tensor(shape)
    second = entry if other is None else net.weights(other)
    options = {"ADD": "AddOptionsT", "SUB": "SubOptionsT", "MUL": "MulOptionsT"}[kind]
    output = net.tensor(shape, scale=2.0)
    return net.file(entry, net.run(kind, [entry, second], output, getattr(schema, options)()))


def alone(
    kind: str,
    source: Shape = (1, 4, 4, 6),
    output: Shape | None = None,
    *,
    types: tuple[str, str] = ("INT8", "INT8"),
    scales: tuple[float, float] = (0.5, 0.5),
    zero: int = 0,
    options: Any = None,
    with_numbers: Sequence[int] = (),
) -> bytes:
    """An operator of one input, and perhaps of a constant vector of int32."""
    net = Net()
    entry = net.tensor(source, types[0], scales[0])
    inputs = [entry, *([net.numbers(*with_numbers)] if with_numbers else [])]
    result = net.tensor(source if output is None else output, types[1], scales[1], zero)
    return net.file(entry, net.run(kind, inputs, result, options))


def concatenation(
    count: int, shape: Shape = (1, 4, 4, 3), axis: int = 3, scale: float = 0.5
) -> bytes:
    """Of so many RELUs of the input, so that each has a tensor of its own; scale: of the last."""
    net = Net()
    entry = net.tensor(shape)
    parts = [
        net.run("RELU", [entry], net.tensor(shape, scale=scale if place == count - 1 else 0.5))
        for place in range(count)
    ]
    options = schema.ConcatenationOptionsT()
    options.axis = axis
    sides = list(shape)
    sides[axis] *= count
    return net.file(entry, net.run("CONCATENATION", parts, net.tensor(tuple(sides)), options))


def mean(source: Shape, axes: Sequence[int], *, keep: bool, scale: float = 0.25) -> bytes:
    options = schema.ReducerOptionsT()
    options.keepDims = keep
    left = tuple(
        1 if place in axes else side
        for place, side in enumerate(source)
        if keep or place not in axes
    )
    return alone("MEAN", source, left, scales=(0.5, scale), options=options, with_numbers=axes)


def padding(kind: str) -> bytes:
    net = Net()
    entry = net.tensor((1, 4, 4, 3))
    inputs = [entry, net.table([[0, 0], [1, 1], [1, 2], [0, 0]])]
    if kind == "PADV2":
        inputs.append(tensor(net.model, (1,), data=np.array([3], np.int8)))
    return net.file(entry, net.run(kind, inputs, net.tensor((1, 6, 7, 3)), None))


def prelu() -> bytes:
    net = Net()
    entry = net.tensor((1, 4, 4, 6))
    return net.file(
        entry, net.run("PRELU", [entry, net.weights((1, 1, 6))], net.tensor((1, 4, 4, 6)))
    )


def packed(count: int = 3, kind: str = "INT8") -> bytes:
    net = Net()
    entry = net.tensor((1, 8), kind)
    options = schema.PackOptionsT()
    options.valuesCount, options.axis = count, 1
    made = schema.ReshapeOptionsT()
    made.newShape = [1, 8]
    parts = [net.run("RESHAPE", [entry], net.tensor((1, 8), kind), made) for _ in range(count)]
    return net.file(entry, net.run("PACK", parts, net.tensor((1, count, 8), kind), options))


def slice_of(kind: str = "INT8") -> bytes:
    net = Net()
    entry = net.tensor((1, 8, 8, 2), kind)
    inputs = [entry, net.numbers(0, 1, 2, 0), net.numbers(1, 7, 8, 2), net.numbers(1, 2, 3, 1)]
    output = net.tensor((1, 3, 2, 2), kind)
    return net.file(entry, net.run("STRIDED_SLICE", inputs, output, schema.StridedSliceOptionsT()))


def reshape(kind: str = "INT8", target: Shape = (1, 96)) -> bytes:
    options = schema.ReshapeOptionsT()
    options.newShape = list(target)
    return alone("RESHAPE", (1, 4, 4, 6), target, types=(kind, kind), options=options)


def softmax(
    kind: str = "INT8", count: int = 12, step: float | None = None, to: str | None = None
) -> bytes:
    options = schema.SoftmaxOptionsT()
    options.beta = 1.0
    scores = {
        ("INT8", "INT8"): (1 / 256, -128),
        ("INT8", "INT16"): (2**-16, -(2**15)),
        ("INT16", "INT16"): (2**-15, 0),
    }
    types = (kind, to or kind)
    usual, zero = scores[types]
    return alone(
        "SOFTMAX", (1, count), types=types, scales=(0.25, step or usual), zero=zero, options=options
    )


def svdf(
    units: int = 4, rank: int = 1, features: int = 8, memory: int = 5, bias: float = 0.25
) -> bytes:
    net = Net()
    filters = units * rank
    entry = net.tensor((1, features))
    by_feature = net.weights((filters, features))
    # int8 x int8 gives an int16 state; its weights are of int16, as TFLM has them.
    values = net.random.integers(-9, 10, (filters, memory)).astype(np.int16)
    by_time = tensor(net.model, values.shape, "INT16", data=values)
    biases = tensor(net.model, (units,), "INT32", data=np.zeros(units, np.int32))
    net.graph.tensors[biases].quantization.scale = [bias]  # of the state x weights by time
    state = net.tensor((1, filters * memory), "INT16")
    net.graph.tensors[state].isVariable = True
    options = schema.SVDFOptionsT()
    options.rank = rank
    options.fusedActivationFunction = schema.ActivationFunctionType.RELU
    inputs = [entry, by_feature, by_time, biases, state]
    return net.file(entry, net.run("SVDF", inputs, net.tensor((1, units), scale=4.0), options))


def leaky_relu() -> bytes:
    options = schema.LeakyReluOptionsT()
    options.alpha = 0.1
    return alone("LEAKY_RELU", options=options)


def shape_of(kind: str = "INT8") -> bytes:
    options = schema.ShapeOptionsT()
    options.outType = schema.TensorType.INT32
    return alone("SHAPE", (1, 4, 4, 6), (4,), types=(kind, "INT32"), options=options)


def chain() -> bytes:
    """Convolution, depthwise, addition, pooling, padding, mean, dense, softmax: one after another,
    so that buffers of one size but different lifetimes meet."""
    net = Net(3)
    entry = net.tensor((1, 12, 12, 3))

    def strided(options: Any, stride: int) -> Any:
        options.strideW = options.strideH = stride
        return options

    weights = net.weights((8, 3, 3, 3), 8)
    inputs = [entry, weights, net.bias(8, weights, entry)]
    now = net.tensor((1, 6, 6, 8))
    net.run("CONV_2D", inputs, now, strided(schema.Conv2DOptionsT(), 2))
    weights = net.weights((1, 5, 5, 8), 8, 3)
    options = strided(schema.DepthwiseConv2DOptionsT(), 1)
    options.depthMultiplier = 1
    after = net.tensor((1, 6, 6, 8))
    net.run("DEPTHWISE_CONV_2D", [now, weights, net.bias(8, weights, now)], after, options)
    total = net.run("ADD", [now, after], net.tensor((1, 6, 6, 8)), schema.AddOptionsT())
    rows = [[0, 0], [1, 1], [1, 1], [0, 0]]
    padded = net.run("PAD", [total, net.table(rows)], net.tensor((1, 8, 8, 8)))
    pool = schema.Pool2DOptionsT()
    pool.strideW = pool.strideH = pool.filterWidth = pool.filterHeight = 2
    pooled = net.run("AVERAGE_POOL_2D", [padded], net.tensor((1, 4, 4, 8)), pool)
    weights = net.weights((64, 128))
    flat = net.run("RESHAPE", [pooled], net.tensor((1, 128)))
    inputs = [flat, weights, net.bias(64, weights, flat)]
    options = schema.FullyConnectedOptionsT()
    wide = net.run("FULLY_CONNECTED", inputs, net.tensor((1, 64), scale=0.25), options)
    last = schema.SoftmaxOptionsT()
    last.beta = 1.0
    scores = net.tensor((1, 64), scale=1 / 256, zero=-128)
    return net.file(entry, net.run("SOFTMAX", [wide], scores, last))


def everything() -> bytes:
    """Nearly every operator that is covered, one after the other."""
    net = Net(4)
    entry = net.tensor((1, 8, 8, 3))
    options: Any = schema.Conv2DOptionsT()
    options.strideW = options.strideH = 1
    weights = net.weights((6, 3, 3, 3), 6)
    inputs = [entry, weights, net.bias(6, weights, entry)]
    now = net.run("CONV_2D", inputs, net.tensor((1, 8, 8, 6), scale=8.0), options)
    options = schema.DepthwiseConv2DOptionsT()
    options.strideW = options.strideH = options.depthMultiplier = 1
    weights = net.weights((1, 3, 3, 6), 6, 3)
    inputs = [now, weights, net.bias(6, weights, now)]
    now = net.run("DEPTHWISE_CONV_2D", inputs, net.tensor((1, 8, 8, 6), scale=8.0), options)
    for kind, made in (("ADD", schema.AddOptionsT()), ("MUL", schema.MulOptionsT())):
        now = net.run(kind, [now, net.weights((6,))], net.tensor((1, 8, 8, 6)), made)
    now = net.run("SUB", [now, now], net.tensor((1, 8, 8, 6)), schema.SubOptionsT())
    leaky = schema.LeakyReluOptionsT()
    leaky.alpha = 0.1
    for kind, made in (
        ("RELU", None),
        ("RELU6", None),
        ("LEAKY_RELU", leaky),
        ("HARD_SWISH", None),
    ):
        now = net.run(kind, [now], net.tensor((1, 8, 8, 6)), made)
    now = net.run("PRELU", [now, net.weights((1, 1, 6))], net.tensor((1, 8, 8, 6)))
    rows = net.table([[0, 0], [1, 1], [1, 1], [0, 0]])
    now = net.run("PAD", [now, rows], net.tensor((1, 10, 10, 6)))
    inputs = [now, net.numbers(0, 0, 0, 0), net.numbers(1, 8, 8, 6), net.numbers(1, 1, 1, 1)]
    strided = schema.StridedSliceOptionsT()
    now = net.run("STRIDED_SLICE", inputs, net.tensor((1, 8, 8, 6)), strided)
    for kind, side in (("MAX_POOL_2D", 4), ("AVERAGE_POOL_2D", 2)):
        pool = schema.Pool2DOptionsT()
        pool.strideW = pool.strideH = pool.filterWidth = pool.filterHeight = 2
        pool.padding = schema.Padding.VALID
        now = net.run(kind, [now], net.tensor((1, side, side, 6)), pool)
    turned = net.run("TRANSPOSE", [now, net.numbers(0, 2, 1, 3)], net.tensor((1, 2, 2, 6)))
    joined = schema.ConcatenationOptionsT()
    joined.axis = 3
    now = net.run("CONCATENATION", [now, turned], net.tensor((1, 2, 2, 12)), joined)
    reducer = schema.ReducerOptionsT()
    reducer.keepDims = True
    now = net.run("MEAN", [now, net.numbers(1)], net.tensor((1, 1, 2, 12)), reducer)
    now = net.run("RESHAPE", [now], net.tensor((1, 2, 12)))
    options = schema.FullyConnectedOptionsT()
    options.keepNumDims = True
    weights = net.weights((40, 12))
    inputs = [now, weights, net.bias(40, weights, now)]
    now = net.run("FULLY_CONNECTED", inputs, net.tensor((1, 2, 40), scale=8.0), options)
    now = net.run("LOGISTIC", [now], net.tensor((1, 2, 40), scale=1 / 256, zero=-128))
    options = schema.SoftmaxOptionsT()
    options.beta = 1.0
    now = net.run("SOFTMAX", [now], net.tensor((1, 2, 40), scale=1 / 256, zero=-128), options)
    now = net.run("QUANTIZE", [now], net.tensor((1, 2, 40), scale=1 / 128))
    return net.file(entry, net.run("DEQUANTIZE", [now], net.tensor((1, 2, 40), "FLOAT32")))


def random_net(seed: int) -> bytes:
    """One to four operators on vectors, dense layers per channel among them, of random sizes."""
    net = Net(seed)
    width = int(net.random.integers(1, 60))
    now = entry = net.tensor((1, width))
    kinds = ["dense", "per channel", "per channel", "without bias", "RELU", "ADD", "twice"]
    for kind in net.random.choice(kinds, net.random.integers(1, 5)):
        if kind == "RELU":
            now = net.run("RELU", [now], net.tensor((1, width)))
        elif kind == "ADD":
            output = net.tensor((1, width))
            now = net.run("ADD", [now, net.weights((width,))], output, schema.AddOptionsT())
        elif kind == "twice":
            options = schema.ConcatenationOptionsT()
            options.axis = 1
            parts = [net.run("RELU", [now], net.tensor((1, width))) for _ in range(2)]
            width *= 2
            now = net.run("CONCATENATION", parts, net.tensor((1, width)), options)
        else:
            rows = int(net.random.integers(1, 200))
            weights = net.weights((rows, width), rows if kind == "per channel" else 1)
            bias = -1 if kind == "without bias" else net.bias(rows, weights, now)
            output, width = net.tensor((1, rows), scale=8.0), rows
            options = schema.FullyConnectedOptionsT()
            now = net.run("FULLY_CONNECTED", [now, weights, bias], output, options)
    return net.file(entry, now)


MODELS: Mapping[str, Callable[[], bytes]] = {
    "ADD": lambda: binary("ADD"),
    "ADD of a vector": lambda: binary("ADD", other=(6,)),
    "AVERAGE_POOL_2D": lambda: pooling("AVERAGE_POOL_2D"),
    "CONCATENATION of 2": lambda: concatenation(2),
    "CONCATENATION of 10": lambda: concatenation(10),
    "CONV_2D 3x3": convolution,
    "CONV_2D 1x1": lambda: convolution(size=1),
    "CONV_2D 1x1 stride 2": lambda: convolution(size=1, stride=2),
    "CONV_2D 3x3 per tensor": lambda: convolution(scales=1),
    "CONV_2D 3x3 without bias": lambda: convolution(biased=False),
    "CONV_2D 3x3 of two inputs": lambda: convolution(biased=False, absent=False),
    "CONV_2D 3x3 to 200": lambda: convolution((1, 4, 4, 3), channels=200),
    "CONV_2D 5x5 dilated": lambda: convolution((1, 9, 9, 5), 3, dilation=2, same=False),
    "DEPTHWISE_CONV_2D 3x3": lambda: convolution(depthwise=True, channels=1),
    "DEPTHWISE_CONV_2D 5x5": lambda: convolution((1, 8, 8, 6), 5, 1, depthwise=True),
    "DEPTHWISE_CONV_2D x3": lambda: convolution(depthwise=True, channels=3),
    "DEPTHWISE_CONV_2D of two inputs": lambda: convolution(
        channels=1, depthwise=True, biased=False, absent=False
    ),
    "DEQUANTIZE": lambda: alone("DEQUANTIZE", types=("INT8", "FLOAT32")),
    "DEQUANTIZE int16": lambda: alone("DEQUANTIZE", types=("INT16", "FLOAT32")),
    "DEQUANTIZE uint8": lambda: alone("DEQUANTIZE", types=("UINT8", "FLOAT32")),
    "FULLY_CONNECTED": dense,
    "FULLY_CONNECTED without bias": lambda: dense(biased=False),
    "FULLY_CONNECTED per channel": lambda: dense(scales=4),
    "FULLY_CONNECTED of rank 3": lambda: dense((1, 3, 16), 6, keep=True),
    "FULLY_CONNECTED of rank 3 to 96": lambda: dense((1, 3, 16), 96, keep=True),
    "FULLY_CONNECTED per channel to 64": lambda: dense(rows=64, scales=64),
    "HARD_SWISH": lambda: alone("HARD_SWISH", scales=(0.05, 0.05)),
    "LEAKY_RELU": leaky_relu,
    "LOGISTIC": lambda: alone("LOGISTIC", scales=(0.05, 1 / 256), zero=-128),
    "MAX_POOL_2D": lambda: pooling("MAX_POOL_2D"),
    "MEAN": lambda: mean((1, 6, 6, 5), (1, 2), keep=True),
    "MEAN to a vector": lambda: mean((1, 6, 6, 5), (1, 2), keep=False, scale=0.5),
    "MEAN over one axis": lambda: mean((1, 6, 6, 5), (3,), keep=True),
    "MUL": lambda: binary("MUL"),
    "MUL of a vector": lambda: binary("MUL", other=(6,)),
    "PACK": packed,
    "PACK int32": lambda: packed(2, "INT32"),
    "PACK of float32": lambda: packed(2, "FLOAT32"),
    "PAD": lambda: padding("PAD"),
    "PADV2": lambda: padding("PADV2"),
    "PRELU": prelu,
    "QUANTIZE": lambda: alone("QUANTIZE", types=("FLOAT32", "INT8")),
    "QUANTIZE int8": lambda: alone("QUANTIZE", scales=(0.5, 0.25)),
    "QUANTIZE int32": lambda: alone("QUANTIZE", types=("INT32", "INT8")),
    "QUANTIZE int16": lambda: alone("QUANTIZE", types=("INT16", "INT8")),
    "QUANTIZE uint8": lambda: alone("QUANTIZE", types=("UINT8", "INT8")),
    "RELU": lambda: alone("RELU"),
    "RELU6": lambda: alone("RELU6"),
    "RESHAPE": reshape,
    "RESHAPE int16": lambda: reshape("INT16"),
    "RESHAPE int32": lambda: reshape("INT32"),
    "RESHAPE uint8": lambda: reshape("UINT8"),
    "RESHAPE of float32": lambda: reshape("FLOAT32"),
    "SHAPE": shape_of,
    "SHAPE of float32": lambda: shape_of("FLOAT32"),
    "SOFTMAX": softmax,
    "SOFTMAX int16": lambda: softmax("INT16"),
    "SOFTMAX int8 to int16": lambda: softmax("INT8", to="INT16"),
    "STRIDED_SLICE": slice_of,
    "STRIDED_SLICE int32": lambda: slice_of("INT32"),
    "SUB": lambda: binary("SUB"),
    "SUB of a vector": lambda: binary("SUB", other=(6,)),
    "SVDF": svdf,
    "SVDF of rank 2": lambda: svdf(6, 2, 20, 8),
    "TRANSPOSE": lambda: alone("TRANSPOSE", (1, 4, 5, 6), (1, 6, 4, 5), with_numbers=(0, 3, 1, 2)),
    "a chain": chain,
    "everything in a chain": everything,
}
"""By what they are; the operator is the first word."""
