"""Runtime profiles: what a version of TensorFlow Lite Micro, on an ABI, allocates for what."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from danas_hil.base import DanasError, known_or_near

Severity = Literal["wrong", "inexact"]
"""Of a fault. wrong: the outputs mean nothing. inexact: some are a step off."""

_FOLDER = Path(__file__).with_name("runtimes")


@dataclass(frozen=True)
class Structs:
    """Bytes of the structs that every model needs; see runtimes/current.toml for their names."""

    arena_allocator: int
    planner: int
    micro_allocator: int
    builtin_allocator: int
    subgraph: int
    eval_tensor: int
    node: int
    tensor: int
    quantization: int
    scratch_handle: int
    scratch_request: int
    allocation_info: int
    plan_entry: int


@dataclass(frozen=True)
class Kernel:
    """What one operator allocates.

    parameters: bytes and alignment of its builtin parameters, or None; data: bytes that its Init
    allocates; prepare: what its Prepare allocates, in order, in the words of
    runtimes/current.toml; types: what its first input may be; refuses: what it does not take, in
    the words of refusals.py.
    """

    parameters: tuple[int, int] | None
    data: int
    prepare: tuple[str, ...]
    types: tuple[str, ...]
    refuses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fault:
    """Something that a runtime computes wrongly.

    operator: its builtin name; when: of which ones, a rule of outputs.py. what: one sentence; hint:
    what to do about it.
    """

    operator: str
    when: str
    severity: Severity
    what: str
    hint: str


@dataclass(frozen=True)
class Runtime:
    """A version of TensorFlow Lite Micro on an ABI with a set of kernels.

    pointer: bytes of a pointer; operators: the kernel of each operator that is covered; faults:
    what it is known to compute wrongly. library: the hash of the library that firmware is built
    with (sketch/library.py has how it is made); empty where none is.
    """

    name: str
    kernels: str
    title: str
    pointer: int
    structs: Structs
    operators: Mapping[str, Kernel]
    faults: tuple[Fault, ...] = ()
    library: str = ""


@dataclass(frozen=True)
class RuntimeChoice:
    """A line of `list_runtimes`: kernels are those a runtime can have, its default first."""

    name: str
    title: str
    kernels: tuple[str, ...]


def list_runtimes() -> tuple[RuntimeChoice, ...]:
    """Every runtime there is, by name."""
    names = sorted(path.stem for path in _FOLDER.glob("*.toml"))
    return tuple(
        RuntimeChoice(name, _content(name)["title"], tuple(_content(name)["kernels"]))
        for name in names
    )


@cache
def load_runtime(name: str, kernels: str | None = None, *, recording: bool = False) -> Runtime:
    """The profile of runtime `name` with `kernels` (None: its default).

    recording: as a RecordingMicroInterpreter has it, whose own structs are larger; the host
    runtime always is. Raises DanasError for an unknown name or kernels the runtime lacks.
    """
    known = {choice.name: choice for choice in list_runtimes()}
    if name not in known:
        raise DanasError(f"There is no runtime {name!r}.", known_or_near(name, known, "Runtimes"))
    available = known[name].kernels
    chosen = available[0] if kernels is None else kernels
    if chosen not in available:
        raise DanasError(
            f"The runtime {name} has no {chosen} kernels.",
            known_or_near(chosen, available, "It has"),
        )
    content = _content(name)
    operators = content["operators"]
    if chosen != "reference":
        operators = _overlay(operators, content[chosen])
    structs = {**content["structs"], **(content["recording"] if recording else {})}
    return Runtime(
        name=name,
        kernels=chosen,
        title=content["title"],
        pointer=content["pointer"],
        structs=Structs(**structs),
        operators=MappingProxyType({kind: _kernel(row) for kind, row in operators.items()}),
        faults=tuple(Fault(**row) for row in content.get("faults", ())),
        library=content.get("library", ""),
    )


@cache
def _content(name: str) -> Mapping[str, Any]:
    content = tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    base = content.pop("extends", None)
    return _overlay(_content(base), content) if base else content


def _overlay(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the values of `over`, tables merged."""
    merged = dict(base)
    for key, value in over.items():
        old = base.get(key)
        merged[key] = _overlay(old or {}, value) if isinstance(value, Mapping) else value
    return merged


def _kernel(row: Mapping[str, Any]) -> Kernel:
    size_and_alignment = row.get("parameters")
    return Kernel(
        parameters=(size_and_alignment[0], size_and_alignment[1]) if size_and_alignment else None,
        data=row.get("data", 0),
        prepare=tuple(row.get("prepare", ())),
        types=tuple(row.get("types", ("int8",))),
        refuses=tuple(row.get("refuses", ())),
    )
