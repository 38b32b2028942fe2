"""An operator graph from the bytes of a .tflite file."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from math import prod
from pathlib import Path
from struct import unpack_from

from danas_hil.base import DanasError, read_bytes
from danas_hil.estimate.flatbuffer import Flatbuffer, Table
from danas_hil.estimate.graph import ABSENT, TYPE_BYTES, Operator, OperatorGraph, Tensor, Window
from danas_hil.estimate.kinds import (
    QuantisationError,
    check_is_int8,
    check_is_no_model_folder,
    check_is_tflite,
    check_is_uncompiled,
)
from danas_hil.estimate.shapes import check_shapes

MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_TENSORS = 8000
MAX_OPERATORS = 2000
_MAX_RANK = 8
_MAX_ENDS = 1000  # of inputs or outputs
_MAX_ELEMENTS = 2**31 - 1  # a 32-bit runtime counts in int

# Slots of tables in tensorflow/compiler/mlir/lite/schema/schema.fbs, version 3.
_MODEL = {"version": 0, "codes": 1, "subgraphs": 2, "buffers": 4, "metadata": 6}
_CODE = {"old": 0, "custom": 1, "builtin": 3}
_SUBGRAPH = {"tensors": 0, "inputs": 1, "outputs": 2, "operators": 3}
_TENSOR = {
    "shape": 0, "type": 1, "buffer": 2, "name": 3, "quantization": 4, "variable": 5, "sparsity": 6,
}  # fmt: skip
_QUANTIZATION = {"scale": 2, "zero_point": 3}
_OPERATOR = {"code": 0, "inputs": 1, "outputs": 2, "options_type": 3, "options": 4}
_BUFFER = {"data": 0, "offset": 1}
_METADATA = {"name": 0}

_UNSUPPORTED_METADATA = {
    "OfflineMemoryAllocation": "a memory plan made offline",
    "COMPRESSION_METADATA": "compressed tensors",
}
_OPTIONS = {
    "CONV_2D": "Conv2DOptions", "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "AVERAGE_POOL_2D": "Pool2DOptions", "MAX_POOL_2D": "Pool2DOptions",
    "CONCATENATION": "ConcatenationOptions", "FULLY_CONNECTED": "FullyConnectedOptions",
    "SOFTMAX": "SoftmaxOptions", "ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions",
    "MEAN": "ReducerOptions", "SVDF": "SVDFOptions", "STRIDED_SLICE": "StridedSliceOptions",
    "PACK": "PackOptions",
}  # fmt: skip


@dataclass(frozen=True)
class ModelEnds:
    """What runs a model needs to know of it: its inputs and outputs, and how large it is.

    tensor_bytes: of all tensors of all subgraphs side by side, as far as their types and shapes
    tell.
    """

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    tensor_bytes: int
    file_bytes: int


def read_graph(content: bytes, name: str = "The model") -> OperatorGraph:
    """The graph of a .tflite file's bytes; `name` is what errors call it.

    Raises DanasError for a damaged file, for a file of another kind, and for what TensorFlow Lite
    Micro's memory model here does not cover: several subgraphs, offline memory plans, compression,
    sparse or dynamic tensors, models that are not quantised to integers.
    """
    with naming(name):
        return _read(Flatbuffer(content, name))


def read_ends(content: bytes, name: str = "The model") -> ModelEnds:
    """The ends of a .tflite file that TensorFlow Lite Micro is to run, whatever is between them.

    Every table that it will read is walked through, so that a damaged file ends here. Raises
    DanasError for one, and for a file of another kind.
    """
    with naming(name):
        buffer = Flatbuffer(content, name)
        model, kinds = _open(buffer)
        sizes = [_data_bytes(table) for table in _buffers(model)]
        ends = [_walk(graph, kinds, sizes) for graph in _subgraphs(model)]
        inputs, outputs, _ = ends[0]
        return ModelEnds(inputs, outputs, sum(size for *_, size in ends), len(content))


def why_not_run(content: bytes, name: str = "The model") -> DanasError | None:
    """Why TensorFlow Lite Micro refuses a model, as far as its quantisation tells."""
    try:
        _read(Flatbuffer(content, name))
    except QuantisationError as error:
        return error
    except DanasError:  # what else there is, TFLM says better
        return None
    return None


@contextlib.contextmanager
def naming(name: str) -> Iterator[None]:
    """Put the model's name before errors that don't have it."""
    try:
        yield
    except DanasError as error:
        if name in error.what:
            raise
        raise DanasError(f"{name}: {error.what}", error.hint) from error


def read_file(path: Path) -> bytes:
    """The bytes of a model file. Raises DanasError when it is missing, unreadable or too big."""
    check_is_no_model_folder(path)
    return read_bytes(path, MAX_FILE_BYTES, "A .tflite file for a microcontroller is expected.")


def _open(buffer: Flatbuffer) -> tuple[Table, list[str]]:
    """The root of a model, and the kinds of its operator codes."""
    check_is_tflite(buffer.content, buffer.name)
    model = buffer.root()
    version = model.number(_MODEL["version"], "I")
    if version != 3:
        buffer.damaged(f"its schema is version {version}, not 3")
    kinds = [_kind(table) for table in model.tables(_MODEL["codes"], "operator code", 1000)]
    check_is_uncompiled(kinds, buffer.name)
    return model, kinds


def _subgraphs(model: Table) -> list[Table]:
    subgraphs = model.tables(_MODEL["subgraphs"], "subgraph", 1000)
    if not subgraphs:
        model.buffer.damaged("it has no subgraph")
    return subgraphs


def _buffers(model: Table) -> list[Table]:
    return model.tables(_MODEL["buffers"], "buffer", 20_000)


def _walk(
    graph: Table, kinds: list[str], sizes: list[int]
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...], int]:
    """Inputs and outputs of a subgraph, and the bytes of its tensors."""
    tables = graph.tables(_SUBGRAPH["tensors"], "tensor", MAX_TENSORS)
    tensors = [_tensor(table, sizes) for table in tables]
    for table in graph.tables(_SUBGRAPH["operators"], "operator", MAX_OPERATORS):
        _wires(table, kinds, len(tensors))
    inputs, outputs = (
        tuple(tensors[index] for index in _ends(graph, which, len(tensors), needed=False))
        for which in ("inputs", "outputs")
    )
    total = sum(abs(one.elements) * TYPE_BYTES.get(one.type, 1) for one in tensors)
    return inputs, outputs, total


def _read(buffer: Flatbuffer) -> OperatorGraph:
    model, kinds = _open(buffer)
    for metadata in model.tables(_MODEL["metadata"], "metadata", 1000):
        what = _UNSUPPORTED_METADATA.get(metadata.text(_METADATA["name"], "the name"))
        if what:
            _refuse(what)
    subgraphs = _subgraphs(model)
    if len(subgraphs) > 1:
        _refuse(f"{len(subgraphs)} subgraphs")
    buffers = _buffers(model)
    sizes = [_data_bytes(table) for table in buffers]
    if any(_is_outside(table) for table in buffers):
        _refuse("weights stored behind the flatbuffer")
    graph = subgraphs[0]
    tables = graph.tables(_SUBGRAPH["tensors"], "tensor", MAX_TENSORS)
    if any(table.table(_TENSOR["sparsity"], "the sparsity") for table in tables):
        _refuse("sparse tensors")
    tensors = [_tensor(table, sizes) for table in tables]
    operators = tuple(
        _operator(table, kinds, len(tensors))
        for table in graph.tables(_SUBGRAPH["operators"], "operator", MAX_OPERATORS)
    )
    if not operators:
        buffer.damaged("it has no operators")
    for operator in operators:
        _stretch(operator, tensors)
    for tensor in tensors:
        _check_tensor(tensor)
    result = OperatorGraph(
        tensors=tuple(tensors),
        operators=operators,
        inputs=_ends(graph, "inputs", len(tensors)),
        outputs=_ends(graph, "outputs", len(tensors)),
        file_bytes=len(buffer.content),
    )
    check_is_int8(result)
    result.check_order()
    check_shapes(result)
    return result


def _refuse(what: str) -> None:
    raise DanasError(
        f"The model has {what}, which the memory model does not cover.",
        "Its arena can be found by building and measuring it.",
    )


def _data_bytes(table: Table) -> int:
    return table.vector(_BUFFER["data"], 1, "the data")[1]


def _is_outside(table: Table) -> bool:
    return not _data_bytes(table) and table.number(_BUFFER["offset"], "Q") > 1


def _tensor(table: Table, sizes: list[int]) -> Tensor:
    place = table.number(_TENSOR["buffer"], "I")
    if place >= len(sizes):
        table.buffer.damaged(f"{table.what} has no buffer {place}")
    code = table.number(_TENSOR["type"], "b")
    quantization = table.table(_TENSOR["quantization"], "the quantization")
    scales, scale, zero_point = _quantization(quantization) if quantization else (0, None, None)
    shape = table.numbers(_TENSOR["shape"], "the shape", _MAX_RANK) or ()
    return Tensor(
        name=table.text(_TENSOR["name"], "the name"),
        shape=shape,
        type=_type_names().get(code, f"number {code}"),
        constant_bytes=sizes[place],
        scales=scales,
        variable=bool(table.number(_TENSOR["variable"], "B")),
        stretched=shape.count(-1) == 1,
        scale=scale,
        zero_point=zero_point,
    )


def _quantization(table: Table) -> tuple[int, float | None, int | None]:
    """How many scales there are, the first of them and its zero point."""
    start, scales = table.vector(_QUANTIZATION["scale"], 4, "the scales")
    zeros, zero_points = table.vector(_QUANTIZATION["zero_point"], 8, "the zero points")
    if zero_points not in (0, 1, scales):
        table.buffer.damaged(f"{table.what} has {scales} scales and {zero_points} zero points")
    if not scales or not zero_points:  # what lacks either is not quantised, says TFLM
        return 0, None, None
    (scale,) = unpack_from("<f", table.buffer.content, start)
    (zero_point,) = unpack_from("<q", table.buffer.content, zeros)
    return scales, scale, zero_point


def _check_tensor(tensor: Tensor) -> None:
    if tensor.type not in TYPE_BYTES:
        _refuse(f"tensors of type {tensor.type}")
    if tensor.stretched and -1 in tensor.shape:
        _refuse("tensors of unknown shape")
    if any(length < 0 for length in tensor.shape) or tensor.elements > _MAX_ELEMENTS:
        raise DanasError(f"The model's tensor {tensor.name!r} has the shape {list(tensor.shape)}.")
    if tensor.constant and tensor.constant_bytes != tensor.bytes:
        raise DanasError(
            f"The model's tensor {tensor.name!r} of shape {list(tensor.shape)} takes"
            f" {tensor.bytes} bytes, and the file has {tensor.constant_bytes}."
        )


def _kind(table: Table) -> str:
    # The old field holds codes below 127; the larger of both counts (schema_utils.cc).
    code = max(table.number(_CODE["old"], "b"), table.number(_CODE["builtin"], "i"))
    name = _operator_names().get(code)
    if name is None:
        table.buffer.damaged(f"there is no operator number {code}")
    return f"CUSTOM {table.text(_CODE['custom'], 'the name')}" if name == "CUSTOM" else name


def _wires(table: Table, kinds: list[str], tensors: int) -> Operator:
    """An operator without its options."""
    code = table.number(_OPERATOR["code"], "I")
    if code >= len(kinds):
        table.buffer.damaged(f"{table.what} has no code {code}")
    inputs = table.numbers(_OPERATOR["inputs"], "the inputs", _MAX_ENDS) or ()
    outputs = table.numbers(_OPERATOR["outputs"], "the outputs", _MAX_ENDS) or ()
    if any(not ABSENT <= index < tensors for index in inputs) or any(
        not 0 <= index < tensors for index in outputs
    ):
        table.buffer.damaged(f"{table.what} has tensors that are not there")
    return Operator(kinds[code], inputs, outputs)


def _operator(table: Table, kinds: list[str], tensors: int) -> Operator:
    plain = _wires(table, kinds, tensors)
    kind = plain.kind
    options_type = table.number(_OPERATOR["options_type"], "B")
    options = table.table(_OPERATOR["options"], "the options")
    expected = _OPTIONS.get(kind)
    if expected is not None and (options is None or options_type != _option_types()[expected]):
        table.buffer.damaged(f"{table.what} ({kind}) has no {expected}")
    if options is None or expected is None:
        return plain
    window = _WINDOWS[expected](options) if expected in _WINDOWS else None
    if window and min(*window.stride, *window.dilation, *window.size) < 1:
        table.buffer.damaged(f"{table.what} ({kind}) has the strides {window.stride}")
    axis = options.number(0, "i") if kind == "CONCATENATION" else 0
    return replace(plain, window=window, axis=axis)


# Slots of the options' tables: padding, stride_w, stride_h, then what each has of its own.
_WINDOWS: Mapping[str, Callable[[Table], Window]] = {
    "Conv2DOptions": lambda table: Window(
        stride=_pair(table, 2, 1), dilation=_pair(table, 5, 4, 1), same=not table.number(0, "b")
    ),
    "DepthwiseConv2DOptions": lambda table: Window(
        stride=_pair(table, 2, 1), dilation=_pair(table, 6, 5, 1), same=not table.number(0, "b")
    ),
    "Pool2DOptions": lambda table: Window(
        stride=_pair(table, 2, 1), size=_pair(table, 4, 3), same=not table.number(0, "b")
    ),
}


def _pair(table: Table, height: int, width: int, default: int = 0) -> tuple[int, int]:
    return table.number(height, "i", default), table.number(width, "i", default)


def _ends(graph: Table, which: str, tensors: int, *, needed: bool = True) -> tuple[int, ...]:
    ends = graph.numbers(_SUBGRAPH[which], which, _MAX_ENDS) or ()
    if (needed and not ends) or any(not 0 <= index < tensors for index in ends):
        graph.buffer.damaged(f"it has no sound {which}")
    return ends


def _stretch(operator: Operator, tensors: list[Tensor]) -> None:
    """Find the dimension that a RESHAPE leaves open (-1 in its output's shape)."""
    if operator.kind != "RESHAPE" or len(operator.outputs) != 1 or not operator.inputs:
        return
    output = tensors[operator.outputs[0]]
    if not output.stretched or -1 not in output.shape or operator.inputs[0] == ABSENT:
        return
    others = prod(length for length in output.shape if length != -1)
    elements = tensors[operator.inputs[0]].elements
    if others < 1 or elements < 1 or elements % others:
        raise DanasError(f"The model's RESHAPE can't make {list(output.shape)} of its input.")
    shape = tuple(elements // others if length == -1 else length for length in output.shape)
    tensors[operator.outputs[0]] = replace(output, shape=shape, stretched=True)


@cache
def _operator_names() -> dict[int, str]:
    from tflite import BuiltinOperator

    return _names_of(BuiltinOperator)


@cache
def _type_names() -> dict[int, str]:
    from tflite import TensorType

    return {code: name.lower() for code, name in _names_of(TensorType).items()}


@cache
def _option_types() -> dict[str, int]:
    from tflite import BuiltinOptions

    return {name: code for code, name in _names_of(BuiltinOptions).items()}


def _names_of(enum: type) -> dict[int, str]:
    return {code: name for name, code in vars(enum).items() if isinstance(code, int)}
