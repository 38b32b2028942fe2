"""The tensor arena, to the byte: the allocations of TensorFlow Lite Micro, gone through in order.

The arena is filled from both ends. The tail holds what stays (structs, operator data, tables);
the head holds temporaries while the model is prepared, and then the activations as the memory
planner places them. The order of allocations is that of micro_interpreter.cc and
micro_allocator.cc below tensorflow/lite/micro of tensorflow/tflite-micro.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from danas_hil.base import DanasError
from danas_hil.builds import Build, Kernel
from danas_hil.estimate.covered import check_covered
from danas_hil.estimate.graph import ABSENT, Operator, OperatorGraph, Tensor
from danas_hil.estimate.kernels import FILLED_LATER, SCRATCH, TABLES
from danas_hil.estimate.planner import (
    ALIGNMENT,
    BufferRequest,
    PlannedBuffer,
    align,
    head_bytes,
    plan,
)

_MAX_BUFFERS = 2500  # placing more would take seconds

Cause = Literal[
    "activations",
    "scratch buffers",
    "per-channel tables",
    "operator data",
    "tensor structs",
    "operator structs",
    "variable tensors",
    "interpreter",
]
"""What arena bytes are for. Activations and scratch buffers are the head, the rest is the tail."""


@dataclass(frozen=True)
class ArenaEstimate:
    """Bytes of tensor arena that a model takes in a build.

    used_bytes: what arena_used_bytes() says after AllocateTensors(), head and tail.
    minimum_bytes: the smallest arena that is safe: AllocateTensors() succeeds in it, and writes
    over nothing that it still reads; small models need more than they use. by_cause: what the used
    bytes are for, alignment included; they add up to used_bytes. plan: the buffers of the head,
    tensors by index and then scratch buffers.
    """

    used_bytes: int
    head_bytes: int
    tail_bytes: int
    minimum_bytes: int
    by_cause: tuple[tuple[Cause, int], ...]
    plan: tuple[PlannedBuffer, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "used_bytes": self.used_bytes,
            "head_bytes": self.head_bytes,
            "tail_bytes": self.tail_bytes,
            "minimum_bytes": self.minimum_bytes,
        }


def estimate_arena(graph: OperatorGraph, build: Build) -> ArenaEstimate:
    """The arena that `graph` takes in `build`.

    Raises DanasError naming an operator or type that the build does not cover.
    """
    for operator in graph.operators:
        check_covered(graph, operator, build)
    return _Allocation(graph, build).estimate()


def activation_bytes(graph: OperatorGraph) -> int:
    """The most bytes of activations that live at one time: no plan can take less."""
    requests = list(_tensor_requests(graph))
    times = range(len(graph.operators) + 1)
    return max(sum(r.size for r in requests if r.first <= time <= r.last) for time in times)


class _Allocation:
    """The arena while a model is being allocated (SingleArenaBufferAllocator).

    head, temporaries: ends of the two parts at the start of the arena, temporaries being at or
    behind the head; tail: bytes at its end; needed: the smallest arena in which all went well so
    far.
    """

    def __init__(self, graph: OperatorGraph, build: Build) -> None:
        self.graph = graph
        self.structs = build.structs
        self.pointer = build.pointer
        self.scratch_requests = build.scratch_requests
        self.kernels = [build.operators[operator.kind] for operator in graph.operators]
        self.head = self.temporaries = self.tail = self.needed = 0
        self.by_cause: dict[Cause, int] = {}
        self.scratch: list[BufferRequest] = []

    def estimate(self) -> ArenaEstimate:
        self._start()
        for number, (operator, kernel) in enumerate(
            zip(self.graph.operators, self.kernels, strict=True)
        ):
            self._prepare(number, operator, kernel)
        if self.scratch:
            self._keep(
                self.structs.scratch_handle * len(self.scratch), self.pointer, "operator structs"
            )
        buffers = self._commit_plan()
        for ends in (self.graph.inputs, self.graph.outputs):
            self._keep(self.pointer * len(ends), ALIGNMENT, "tensor structs")
            for index in ends:
                self._keep_tensor(self.graph.tensors[index])
        head = head_bytes(buffers)
        without_scratch = (
            head_bytes(plan(list(_tensor_requests(self.graph)))) if self.scratch else head
        )
        activations = min(head, without_scratch)
        causes: dict[Cause, int] = {
            "activations": activations,
            "scratch buffers": head - activations,
            **self.by_cause,
        }
        return ArenaEstimate(
            used_bytes=head + self.tail,
            head_bytes=head,
            tail_bytes=self.tail,
            minimum_bytes=align(self.needed),
            by_cause=tuple(causes.items()),
            plan=buffers,
        )

    # -- the steps ---------------------------------------------------------------------------

    def _start(self) -> None:
        structs, pointer = self.structs, self.pointer
        self._keep(structs.arena_allocator, pointer, "interpreter")
        self._keep(structs.planner, pointer, "interpreter")
        self._keep(structs.micro_allocator, pointer, "interpreter")
        self._keep(structs.builtin_allocator, pointer, "interpreter")
        self._resize_head(structs.scratch_request * self.scratch_requests)
        self._keep(structs.subgraph, pointer, "interpreter")
        self._keep(structs.eval_tensor * len(self.graph.tensors), pointer, "tensor structs")
        self._keep(structs.node * len(self.graph.operators), pointer, "operator structs")
        for kernel in self.kernels:
            if kernel.parameters:
                self._keep(*kernel.parameters, "operator structs")
        for kernel in self.kernels:
            if kernel.data:
                self._keep(kernel.data, ALIGNMENT, "operator data")

    def _prepare(self, number: int, operator: Operator, kernel: Kernel) -> None:
        for step in kernel.prepare:
            if step in TABLES:
                for size in TABLES[step](self.graph, operator):
                    written = step not in FILLED_LATER
                    self._keep(size, ALIGNMENT, "per-channel tables", written=written)
            elif step in SCRATCH:
                name = f"{operator.kind} {number}: {step}"
                for size in SCRATCH[step](self.graph, operator):
                    self.scratch.append(
                        BufferRequest(name, "scratch", size, number + 1, number + 1)
                    )
            else:
                for tensor in self._tensors_of(operator, step):
                    self._copy_tensor(tensor)
        requests = len(self.scratch) + self.scratch_requests
        self._resize_head(self.structs.scratch_request * requests)

    def _commit_plan(self) -> tuple[PlannedBuffer, ...]:
        tensors = self.graph.tensors
        self._take(self.pointer, self.pointer)  # offsets of the subgraphs, of which there is one
        infos = len(tensors) + len(self.scratch)
        self._take(self.structs.allocation_info * infos, self.pointer)
        for tensor in tensors:
            if tensor.variable:
                self._keep(tensor.bytes, ALIGNMENT, "variable tensors")
        requests = [*_tensor_requests(self.graph), *self.scratch]
        if len(requests) > _MAX_BUFFERS:
            raise DanasError(
                f"The model has {len(requests)} buffers to place in its arena.",
                f"The most that are planned is {_MAX_BUFFERS}.",
            )
        planner = align(self.temporaries) + self.structs.plan_entry * len(requests)
        self.needed = max(self.needed, planner + align(self.tail))
        buffers = plan(requests)
        self._resize_head(head_bytes(buffers))
        return buffers

    def _tensors_of(self, operator: Operator, step: str) -> Iterator[Tensor]:
        if step == "output":
            places: Sequence[int] = operator.outputs[:1]
        elif step == "inputs":
            places = operator.inputs
        else:
            place = int(step.removeprefix("input "))
            places = operator.inputs[place : place + 1]
        return (self.graph.tensors[index] for index in places if index != ABSENT)

    # -- the allocator -----------------------------------------------------------------------

    def _keep(self, size: int, alignment: int, cause: Cause, *, written: bool = True) -> None:
        """Allocate for good, in the tail (AllocatePersistentBuffer).

        That function looks at the head only: in an arena that ends below the temporaries it gives
        out their bytes, and a kernel that fills its tables there destroys the tensors that it
        reads (or does not come back). Such an arena is too small, though nothing says so. written:
        whether the allocation is filled while the temporaries are there.
        """
        tail = align(self.tail + size, alignment)
        self.by_cause[cause] = self.by_cause.get(cause, 0) + tail - self.tail
        self.tail = tail
        self.needed = max(self.needed, (self.temporaries if written else self.head) + tail)

    def _keep_tensor(self, tensor: Tensor) -> None:
        self._keep(self.structs.tensor, self.pointer, "tensor structs")
        if tensor.scales:
            self._keep(self.structs.quantization, self.pointer, "tensor structs")
            self._keep(4 + 4 * tensor.scales, 4, "tensor structs")

    def _take(self, size: int, alignment: int) -> None:
        """Allocate for a while, behind the head (AllocateTemp); freed when the head is resized."""
        self.temporaries = align(self.temporaries, alignment) + size
        self.needed = max(self.needed, self.temporaries + self.tail)

    def _copy_tensor(self, tensor: Tensor) -> None:
        self._take(self.structs.tensor, self.pointer)
        if tensor.scales:
            self._take(self.structs.quantization, self.pointer)
            self._take(4 + 4 * tensor.scales, 4)

    def _resize_head(self, size: int) -> None:
        self.head = self.temporaries = size
        self.needed = max(self.needed, size + self.tail)


def _tensor_requests(graph: OperatorGraph) -> Iterator[BufferRequest]:
    """The tensors that live in the head, by index, with their lifetimes."""
    first: dict[int, int] = dict.fromkeys(graph.inputs, 0)
    last: dict[int, int] = dict.fromkeys(graph.inputs, 0)
    for time, operator in enumerate(graph.operators, 1):
        for index in operator.outputs:
            first[index] = time
        for index in (*operator.inputs, *operator.outputs):
            last[index] = time
    for index in graph.outputs:
        last[index] = len(graph.operators)
    for index, tensor in enumerate(graph.tensors):
        if not tensor.constant and not tensor.variable and tensor.bytes:
            yield BufferRequest(
                tensor.name or f"tensor {index}",
                "activations",
                tensor.bytes,
                first.get(index, -1),
                last.get(index, -1),
            )
