"""TensorFlow Lite Micro's greedy memory planner, with its tie rule.

From tensorflow/lite/micro/memory_planner/greedy_memory_planner.cc of tensorflow/tflite-micro; the
lifetimes are those of micro_allocation_info.cc.
"""

from __future__ import annotations

from bisect import insort_right
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Literal

ALIGNMENT = 16
"""Of every buffer, and of the arena itself (micro_arena_constants.h)."""

BufferKind = Literal["activations", "scratch"]


@dataclass(frozen=True)
class BufferRequest:
    """A buffer that the arena's head must hold.

    name: the tensor's, or whose scratch it is. size: bytes. first, last: the operators between
    which it lives, both included, as TensorFlow Lite Micro counts: 0 is before the first
    operator, i + 1 is operator i.
    """

    name: str
    kind: BufferKind
    size: int
    first: int
    last: int


@dataclass(frozen=True)
class PlannedBuffer(BufferRequest):
    """A buffer and its place: `offset` bytes from the start of the arena."""

    offset: int

    @property
    def end(self) -> int:
        return self.offset + self.size


def align(size: int, alignment: int = ALIGNMENT) -> int:
    """`size` rounded up to a multiple of `alignment`."""
    return -(-size // alignment) * alignment


def plan(requests: Sequence[BufferRequest]) -> tuple[PlannedBuffer, ...]:
    """Give every buffer its place; in the order of the requests, sizes rounded up to 16.

    The largest goes first; of two as large, the one requested later. Each goes into the lowest
    gap between the buffers placed before it that live at the same time.
    """
    sizes = [align(request.size) for request in requests]
    order = sorted(range(len(requests)), key=lambda index: (-sizes[index], -index))
    placed: list[PlannedBuffer] = []  # by offset; of equal offsets, the later placed comes later
    result: dict[int, PlannedBuffer] = {}
    for index in order:
        request = requests[index]
        first, last = request.first, request.last
        offset = 0
        for other in placed:
            if other.first > last or first > other.last:
                continue
            if other.offset - offset >= sizes[index]:
                break
            offset = max(offset, other.offset + other.size)
        buffer = PlannedBuffer(request.name, request.kind, sizes[index], first, last, offset)
        insort_right(placed, buffer, key=attrgetter("offset"))
        result[index] = buffer
    return tuple(result[index] for index in range(len(requests)))


def head_bytes(buffers: Sequence[PlannedBuffer]) -> int:
    """The bytes that a plan takes in all."""
    return max((buffer.end for buffer in buffers), default=0)
