"""The size of a .tflite file, to the byte, from its tensors and operators.

Counts what the FlatBuffers builder writes (flatbuffers/builder.py of Python, whose
alignment and sharing of vtables are part of its format) when the object tree of the schema is
packed: operator codes, subgraph, buffers, metadata. Tensor names are left out of the file.

Every constant is counted. The converter stores equal ones once, which happens by chance where a
kernel sees a single channel and so is nothing but signs: such a file is 16 bytes smaller or two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from danas_hil.estimate.graph import Operator

_DATA_ALIGNMENT = 16  # force_align of Buffer.data in schema.fbs
_METADATA = (("min_runtime_version", 16), ("CONVERSION_METADATA", 96))
"""What TensorFlow 2.21 adds: names, and bytes of their buffers."""
_DESCRIPTION = "MLIR Converted."
_SUBGRAPH_NAME = "main"

# Operator codes at 0 are left out, as every field with its default.
_ZERO_CODES = frozenset({"ADD"})
# Versions that the converter gives to int8 operators; 1 is the default and left out.
_VERSION_1 = frozenset({"RESHAPE"})


@dataclass(frozen=True)
class TensorEntry:
    """A tensor as the file has it.

    scaled_axis: the dimension that its scales go with; name: ours, the file has none.
    """

    shape: tuple[int, ...]
    type: str
    data_bytes: int = 0
    scales: int = 0
    scaled_axis: int = 0
    name: str = ""


def file_bytes(tensors: Sequence[TensorEntry], operators: Sequence[tuple[Operator, bool]]) -> int:
    """Bytes of the file; each operator comes with whether it ends in an activation."""
    builder = _Builder()
    kinds = list(dict.fromkeys(operator.kind for operator, _ in operators))
    for kind in kinds:
        zero, version = kind in _ZERO_CODES, kind not in _VERSION_1
        builder.table((not zero and 1, 0, version and 4, not zero and 4))
    builder.vector(len(kinds), 4)
    _subgraph(builder, kinds, tensors, operators)
    builder.vector(1, 4)
    builder.text(_DESCRIPTION)
    for size in (0, *(tensor.data_bytes for tensor in tensors), *(size for _, size in _METADATA)):
        if size:
            builder.vector(size, 1, _DATA_ALIGNMENT)
        builder.table((4 if size else 0,))
    buffers = 1 + len(tensors) + len(_METADATA)
    builder.vector(buffers, 4)
    for name, _ in _METADATA:
        builder.text(name)
        builder.table((4, 4))
    builder.vector(len(_METADATA), 4)
    builder.vector(0, 4)  # signatures
    builder.table((4, 4, 4, 4, 4, 0, 4, 4))
    return builder.finish()


def _subgraph(
    builder: _Builder,
    kinds: list[str],
    tensors: Sequence[TensorEntry],
    operators: Sequence[tuple[Operator, bool]],
) -> None:
    for tensor in tensors:
        builder.vector(len(tensor.shape), 4)
        if tensor.scales:
            builder.vector(tensor.scales, 4)
            builder.vector(tensor.scales, 8)
            builder.table((0, 0, 4, 4, 0, 0, 4 if tensor.scaled_axis else 0))
        else:
            builder.table(())
        #              shape, type, buffer, name, quantization, ..., has_rank
        builder.table((4, 1, 4, 0, 4, 0, 0, 0, 1))
    builder.vector(len(tensors), 4)
    builder.vector(1, 4)  # inputs
    builder.vector(1, 4)  # outputs
    for operator, activated in operators:
        builder.vector(len(operator.inputs), 4)
        builder.vector(len(operator.outputs), 4)
        options = _options(operator, activated)
        if options is not None:
            builder.table(options)
        known = 1 if options is not None else 0
        builder.table((4 if kinds.index(operator.kind) else 0, 4, 4, known, 4 * known))
    builder.vector(len(operators), 4)
    builder.text(_SUBGRAPH_NAME)
    builder.table((4, 4, 4, 4, 4))


def _options(operator: Operator, activated: bool) -> tuple[int, ...] | None:
    """Widths of the fields of an operator's options, 0 where one has its default."""
    window = operator.window
    valid = 1 if window is not None and not window.same else 0
    match operator.kind:
        case "CONV_2D":  # padding, stride_w, stride_h, activation
            return (valid, 4, 4, int(activated))
        case "DEPTHWISE_CONV_2D":  # padding, stride_w, stride_h, depth_multiplier, activation
            return (valid, 4, 4, 4, int(activated))
        case "AVERAGE_POOL_2D":  # padding, stride_w, stride_h, filter_width, filter_height
            return (valid, 4, 4, 4, 4)
        case "SOFTMAX":  # beta
            return (4,)
        case "FULLY_CONNECTED":  # activation
            return (int(activated),)
        case "RESHAPE" | "LOGISTIC":
            return None
        case _:
            return ()


class _Builder:
    """Counts bytes from the end of a buffer to its start, as the FlatBuffers builder fills it."""

    def __init__(self) -> None:
        self.size = 0
        self.alignment = 1
        self.vtables: set[tuple[int, ...]] = set()

    def vector(self, length: int, width: int, alignment: int = 0) -> None:
        alignment = max(alignment or width, 4)
        self._align(alignment, length * width)
        self.size += length * width + 4

    def text(self, text: str) -> None:
        self._align(4, len(text) + 1)
        self.size += len(text) + 1 + 4

    def table(self, widths: tuple[int, ...]) -> None:
        """A table with fields of these widths by slot; 0 where there is none."""
        advance, vtable = _table_at(self.size % 4, widths)
        self.size += advance
        self.alignment = max(self.alignment, 4)
        if vtable not in self.vtables:
            self.vtables.add(vtable)
            self.size += 2 + 2 * len(vtable)

    def finish(self) -> int:
        """Bytes with the root and the file's identifier."""
        self._align(self.alignment, 8)
        return self.size + 8

    def _align(self, alignment: int, following: int = 0) -> None:
        self.alignment = max(self.alignment, alignment)
        self.size += -(self.size + following) % alignment


@cache
def _table_at(start: int, widths: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    """How far a table reaches that starts `start` bytes behind a multiple of 4, and its vtable.

    Fields are at most 4 bytes wide, so that nothing else counts.
    """
    size, ends = start, []
    for width in widths:
        if width:
            size += -size % width + width
        ends.append(size if width else 0)
    size += -size % 4 + 4
    while ends and not ends[-1]:
        ends.pop()
    return size - start, (size - start, *(size - end if end else 0 for end in ends))
