"""The one place where a build's TOML file is read.

The builds that are shipped stand beside this file, those of the user's in builds/ of their user
folder. A build takes structs, operators and kernels from the one that it `extends`, but tells
library, dialect, faults and code sizes itself: those of one version say nothing of another.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from danas_hil.base import (
    DanasError,
    build,
    first_line,
    known_or_near,
    read_toml,
    tree_folder,
    user_folder,
)
from danas_hil.builds import words
from danas_hil.builds.build import Build, BuildChoice, Fault, Kernel, PinnedLibrary, Structs
from danas_hil.builds.code import CodeTable

REFERENCE = "reference"
"""The kernels that [operators] describes; [optimised.NAME] has what others have otherwise."""

_OWN = ("title", "library", "dialect", "faults", "code")
_SUFFIX = ".toml"
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,47}")
_OPERATOR = re.compile(r"[A-Z][A-Z0-9_]*")  # the name of a builtin, which stands in C++ too
_METHOD = re.compile(r"Add\w+")
_PACKAGE = re.compile(r"[\w.-]+")
_MOST_BYTES = 1 << 24  # of a struct, an operator, or all code
_DEEPEST = 8


@dataclass(frozen=True)
class _Optimised:
    """[optimised.NAME]: rows of operators over those of the reference kernels, key by key."""

    operators: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    cores: tuple[str, ...] = ()


@dataclass(frozen=True)
class _CodeRow:
    """[[code]]: a CodeTable, whose keys are operators in one string."""

    kernels: str
    toolchain: str
    source: str
    spread: int
    sets: Mapping[str, int] = field(default_factory=dict)
    base: int | None = None
    groups: Mapping[str, int] = field(default_factory=dict)
    error: tuple[int, int] = (0, 0)
    static_operator: int = 0
    static_round: int = 1
    static_groups: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _File:
    """A build's file, with what it extends."""

    title: str
    kernels: tuple[str, ...]
    pointer: int
    scratch_requests: int
    library: PinnedLibrary
    structs: Mapping[str, int]
    operators: Mapping[str, Mapping[str, Any]]
    recording: Mapping[str, int] = field(default_factory=dict)
    optimised: Mapping[str, _Optimised] = field(default_factory=dict)
    dialect: str = ""
    faults: tuple[Fault, ...] = ()
    code: tuple[_CodeRow, ...] = ()


def list_builds() -> tuple[BuildChoice, ...]:
    """Every build there is, by name: those that are shipped and the user's.

    Raises DanasError naming a file of the user's that is wrong.
    """
    choices = []
    for name, path in sorted({**_users(), **_shipped()}.items()):
        file = _read(path, _state(path))
        library = file.library.shown
        choices.append(BuildChoice(name, file.title, file.kernels, library, file.dialect))
    return tuple(choices)


def load_build(name: str, kernels: str | None = None, *, recording: bool = False) -> Build:
    """The build `name` with `kernels` (None: its default).

    recording: as a RecordingMicroInterpreter has it, whose own structs are larger; the host build
    always is. Raises DanasError for an unknown name, kernels that the build lacks, and a file that
    is wrong.
    """
    path = _path_of(name)
    return _load(path, _state(path), kernels, recording)


@cache
def _shipped() -> Mapping[str, Path]:
    return {path.stem: path for path in Path(__file__).parent.glob(f"*{_SUFFIX}")}


def _users() -> dict[str, Path]:
    with contextlib.suppress(OSError):  # a home that can't be written to has no builds
        found = user_folder("builds").glob(f"*{_SUFFIX}")
        users = {path.stem: path for path in found if _NAME.fullmatch(path.stem)}
        if shadows := sorted(users.keys() & _shipped().keys()):
            raise DanasError(
                f"{users[shadows[0]]} has the name of a build that is shipped.",
                "Give it another name: what is known of the one would be taken for the other's.",
            )
        return users
    return {}


def _path_of(name: str) -> Path:
    """Raises DanasError where there is none."""
    shipped = _shipped().get(name)
    if shipped is not None:  # without a look at the user's folder: a search asks thousands of times
        return shipped
    users = _users()
    if name not in users:
        known = sorted({*users, *_shipped()})
        raise DanasError(f"There is no build {name!r}.", known_or_near(name, known, "Builds"))
    return users[name]


def _state(path: Path) -> tuple[int, int]:
    """What changes with a file of the user's; the shipped ones stay."""
    if _shipped().get(path.stem) == path:
        return (0, 0)
    state = path.stat()
    return state.st_mtime_ns, state.st_size


@lru_cache(maxsize=64)
def _load(path: Path, state: tuple[int, int], kernels: str | None, recording: bool) -> Build:
    file = _read(path, state)
    chosen = file.kernels[0] if kernels is None else kernels
    if chosen not in file.kernels:
        raise DanasError(
            f"The build {path.stem} has no {chosen} kernels.",
            known_or_near(chosen, file.kernels, "It has"),
        )
    with _telling(path):
        optimised = file.optimised[chosen] if chosen != REFERENCE else _Optimised()
        rows = _overlay(file.operators, optimised.operators)
        return Build(
            name=path.stem,
            kernels=chosen,
            title=file.title,
            library=file.library,
            pointer=file.pointer,
            scratch_requests=file.scratch_requests,
            structs=build(
                Structs, {**file.structs, **(file.recording if recording else {})}, "structs"
            ),
            operators=MappingProxyType({kind: _kernel(kind, row) for kind, row in rows.items()}),
            cores=optimised.cores,
            faults=file.faults,
            code=MappingProxyType(
                {row.toolchain: _table(row) for row in file.code if row.kernels == chosen}
            ),
            templates=_templates(path.parent, file.dialect) if file.dialect else None,
        )


@lru_cache(maxsize=64)
def _read(path: Path, state: tuple[int, int]) -> _File:  # noqa: ARG001
    """state: tells a file that was rewritten. Raises DanasError naming the file."""
    content = _content(path)
    with _telling(path):
        file: _File = build(_File, content)
        _check(file)
    return file


def _content(path: Path, depth: int = 0) -> dict[str, Any]:
    content = read_toml(path)
    extended = content.pop("extends", None)
    if extended is None:
        return content
    if not isinstance(extended, str) or depth == _DEEPEST:
        raise DanasError(f"{path}: extends = {extended!r} can't be.", "Name one other build.")
    base = _content(_path_of(extended), depth + 1)
    with _telling(path):
        return _overlay({key: value for key, value in base.items() if key not in _OWN}, content)


@contextlib.contextmanager
def _telling(path: Path) -> Iterator[None]:
    """What is wrong with a file becomes one sentence that names it."""
    try:
        yield
    except (KeyError, TypeError, ValueError) as error:
        said = f"it lacks {error}" if isinstance(error, KeyError) else first_line(error)
        raise DanasError(f"{path}: {said}.", "The builds that are shipped show how.") from error


def _overlay(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the values of `over`, tables merged."""
    merged = dict(base)
    for key, value in over.items():
        old = base.get(key)
        merged[key] = _overlay(old or {}, value) if isinstance(value, Mapping) else value
    return merged


def _kernel(kind: str, row: Mapping[str, Any]) -> Kernel:
    kernel: Kernel = build(Kernel, row, kind)
    for word in kernel.prepare:
        if word not in words.TABLES | words.SCRATCH and not words.COPY.fullmatch(word):
            raise ValueError(f"{kind}.prepare has {word!r}, which is no rule")
    for word in kernel.refuses:
        if word not in words.REFUSALS:
            raise ValueError(f"{kind}.refuses has {word!r}, which is no rule")
    if not _OPERATOR.fullmatch(kind) or (kernel.method and not _METHOD.fullmatch(kernel.method)):
        raise ValueError(f"{kind} or its method {kernel.method!r} is no name of an operator")
    sizes = (kernel.data, *(kernel.parameters or (0, 1)))
    if not all(0 <= size < _MOST_BYTES for size in sizes) or sizes[2] < 1:
        raise ValueError(f"{kind}: data or parameters are out of range")
    return kernel


def _table(row: _CodeRow) -> CodeTable:
    return CodeTable(
        source=row.source,
        sets=_by_users(row.sets),
        base=row.base,
        groups=_by_users(row.groups),
        error=row.error,
        spread=row.spread,
        static_operator=row.static_operator,
        static_round=row.static_round,
        static_groups=_by_users(row.static_groups),
    )


def _by_users(row: Mapping[str, int]) -> Mapping[frozenset[str], int]:
    return {frozenset(users.split()): size for users, size in row.items()}


def _templates(beside: Path, dialect: str) -> Path:
    """The folder of a dialect: the user's, beside the build's file, or one that is shipped."""
    for folder in (beside / dialect, tree_folder("templates") / dialect):
        if (folder / "model.cpp.j2").is_file():
            return folder
    raise ValueError(f"dialect = {dialect!r} has no folder of templates with a model.cpp.j2")


def _check(file: _File) -> None:
    """Raise ValueError for what is no such thing, and would be something else where it is put: a
    line of platformio.ini, a path, a flag of a compiler."""
    lacking = [one for one in file.kernels if one != REFERENCE and one not in file.optimised]
    if not file.kernels or lacking:
        raise ValueError(f"[optimised.{lacking[0]}] is missing" if lacking else "kernels is empty")
    if file.dialect and not _NAME.fullmatch(file.dialect):
        raise ValueError(f"dialect = {file.dialect!r} is no name of a folder")
    library = file.library
    for text in (library.name, library.version, library.owner or "-", library.hash or "-"):
        if not _PACKAGE.fullmatch(text):
            raise ValueError(f"library: {text!r} can't be")
    for flag in library.flags:
        # PlatformIO runs what stands behind a `!` as a command.
        if not flag.startswith("-") or not flag.isprintable():
            raise ValueError(f"library: {flag!r} is no flag of a compiler")
    sizes = (file.pointer, file.scratch_requests, *file.structs.values(), *file.recording.values())
    if not all(0 < size < _MOST_BYTES for size in sizes):
        raise ValueError("pointer, scratch_requests, structs or recording are out of range")
    for fault in file.faults:
        if fault.when not in words.WHEN:
            raise ValueError(f"faults: when = {fault.when!r} is no rule")
    for row in file.code:
        if row.kernels not in file.kernels:
            raise ValueError(f"code: {row.toolchain} is of {row.kernels} kernels, which it lacks")
        if row.static_round < 1 or row.error[0] > row.error[1] or row.spread < 0:
            raise ValueError(f"code: error, spread or static_round of {row.toolchain} can't be")
