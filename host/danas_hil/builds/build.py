"""What is known of one TensorFlow Lite Micro, as it is compiled for an ABI."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from danas_hil.base import DanasError
from danas_hil.builds.code import CodeTable

Severity = Literal["wrong", "inexact"]
"""Of a fault. wrong: the outputs mean nothing. inexact: some are a step off."""


@dataclass(frozen=True)
class Structs:
    """Bytes of the structs that every model needs; see current.toml for their names."""

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
    allocates; prepare: what its Prepare allocates, in order; types: what its first input may be;
    refuses: what it does not take. words.py has the words of prepare and refuses. method: that adds
    it to a resolver, where that is not the builtin name in camel case.
    """

    parameters: tuple[int, int] | None = None
    data: int = 0
    prepare: tuple[str, ...] = ()
    types: tuple[str, ...] = ("int8",)
    refuses: tuple[str, ...] = ()
    method: str = ""


@dataclass(frozen=True)
class Fault:
    """Something that a build computes wrongly.

    operator: its builtin name; when: of which ones, a word of words.py. what: one sentence; hint:
    what to do about it.
    """

    operator: str
    when: str
    severity: Severity
    what: str
    hint: str


@dataclass(frozen=True)
class PinnedLibrary:
    """The library that a build is made of.

    owner: of it in PlatformIO's registry; empty where it does not come from there. hash: of what is
    compiled of it (sketch/library.py has how it is made); empty where no firmware is made of it.
    flags: that the compiler is given with it.
    """

    name: str
    version: str
    owner: str = ""
    hash: str = ""
    flags: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Where PlatformIO gets it from, in its words; empty where it does not."""
        return f"{self.owner}/{self.name}@{self.version}" if self.owner else ""

    @property
    def shown(self) -> str:
        """Name and version, as a program tells them."""
        return f"{self.name} {self.version}"


@dataclass(frozen=True)
class Build:
    """A version of TensorFlow Lite Micro, on an ABI, with a set of kernels.

    pointer: bytes of a pointer; scratch_requests: of scratch buffers that there is room for beside
    those made so far; operators: the kernel of each operator that is covered. cores: beginnings of
    the names of cores that this holds for; empty: for all. faults: what it is known to compute
    wrongly. code: the code sizes of each toolchain that is known (Board.toolchain). templates: the
    folder of templates that sketches are rendered from, its dialect; None where no sketch is.
    """

    name: str
    kernels: str
    title: str
    library: PinnedLibrary
    pointer: int
    scratch_requests: int
    structs: Structs
    operators: Mapping[str, Kernel]
    cores: tuple[str, ...]
    faults: tuple[Fault, ...]
    code: Mapping[str, CodeTable]
    templates: Path | None

    @property
    def dialect(self) -> str:
        """The name of that folder; empty without one."""
        return self.templates.name if self.templates else ""

    def check_core(self, core: str) -> None:
        """Raise DanasError where nothing is known of these kernels on `core`."""
        if self.cores and not core.startswith(self.cores):
            raise DanasError(
                f"The build {self.name} with {self.kernels} kernels is not known on a {core}.",
                f"It is known on {', '.join(self.cores)}; with reference kernels on any core.",
            )

    def sketch_templates(self) -> Path:
        """The folder of the dialect. Raises DanasError where there is none."""
        if self.templates is None:
            raise DanasError(
                f"No firmware is made of the build {self.name}: its file names no dialect.",
                "`danas-hil estimate --list-builds` tells of which builds one is.",
            )
        return self.templates


@dataclass(frozen=True)
class BuildChoice:
    """A line of `list_builds`: kernels are those a build can have, its default first. dialect: of
    its sketches; empty where none is made."""

    name: str
    title: str
    kernels: tuple[str, ...]
    library: str
    dialect: str
