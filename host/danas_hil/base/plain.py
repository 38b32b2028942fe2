"""Values as JSON and TOML keep them, read back as what they were written from, and checked."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from danas_hil.base.errors import DanasError, first_line
from danas_hil.base.plugins import NotInstalledError

_SHOWN = 40
"""Characters of a wrong value that are told."""
_MOST = 2**63
"""Of whole numbers: what is counted, in bytes or nanoseconds, is less."""
_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


@contextmanager
def checking(file: Path | str, hint: str = "") -> Iterator[None]:
    """What goes wrong with the content of `file` becomes one sentence that names it."""
    try:
        yield
    except (AttributeError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        said = f"it lacks {error}" if isinstance(error, KeyError) else first_line(error)
        raise DanasError(f"{file} is damaged: {said}.", hint) from error
    except NotInstalledError as error:  # the file is sound: this installation lacks something
        told = f"{error.hint} The config.toml of a run names its package under [versions]."
        raise NotInstalledError(f"{file} can't be read here. {error.what}", told) from error
    except DanasError as error:
        raise DanasError(f"{file} is damaged: {error.what}", hint) from error


def check_format(file: Path | str, value: Any, newest: int, hint: str, key: str = "schema") -> None:
    """Raise DanasError unless `value` is the content of a `file` in a format that we know.

    What carries no number is of format 1.
    """
    if not isinstance(value, Mapping):
        raise DanasError(f"{file} is damaged: it is {_shown(value)}, not a table.", hint)
    number = value.get(key, 1)
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise DanasError(f"{file} is damaged: its {key} is {_shown(number)}.", hint)
    if number > newest:
        known = "1" if newest == 1 else f"1 to {newest}"
        raise DanasError(
            f"{file} has {key} {number}, and this danas-hil reads {known}.",
            "A newer danas-hil wrote it: use that one, or one still newer.",
        )


def build(kind: Any, value: Any, place: str = "", **given: Any) -> Any:
    """The dataclass `kind` from a mapping of its fields, each of the type that it declares.

    given: fields that are made already. Raises TypeError or ValueError that says which entry is
    wrong and why; what an earlier version did not write takes its default.
    """
    if not isinstance(value, Mapping):
        raise TypeError(f"{place or 'it'} is {_shown(value)}, not a table")
    hints = _hints(kind)
    names = [field.name for field in dataclasses.fields(kind) if field.init]
    if unknown := sorted(str(key) for key in value if key not in names):
        raise ValueError(f"{place or 'it'} has an entry {unknown[0]!r}, which is not known")
    before = f"{place}." if place else ""
    made = {
        name: restore(hints[name], value[name], before + name)
        for name in names
        if name in value and name not in given
    }
    lacking = [
        field.name
        for field in dataclasses.fields(kind)
        if field.init
        and field.name not in made
        and field.name not in given
        and field.default is dataclasses.MISSING
        and field.default_factory is dataclasses.MISSING
    ]
    if lacking:
        raise ValueError(f"{place or 'it'} lacks {lacking[0]!r}")
    return kind(**made, **given)


def restore(kind: Any, value: Any, place: str = "it") -> Any:
    """`value` as the type `kind`: a scalar, Literal, union, tuple, mapping, dataclass, or Any.

    A dataclass with a `from_json` is made by it. Raises ValueError that says what is wrong where.
    """
    origin, parts = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if origin in (Union, UnionType):
        return _one_of(parts, value, place)
    if origin is Literal:
        if value not in parts:
            listed = ", ".join(map(str, parts))
            raise ValueError(f"{place} is {_shown(value)}, none of: {listed}")
        return value
    if kind in _WORDS:
        return _scalar(kind, value, place)
    if kind is NoneType and value is None:
        return None
    if origin is tuple and isinstance(value, list | tuple):
        return _tuple(parts, value, place)
    if isinstance(origin, type) and issubclass(origin, Mapping) and isinstance(value, Mapping):
        return {
            restore(parts[0], key, f"a key of {place}"): restore(parts[1], one, f"{place}.{key}")
            for key, one in value.items()
        }
    if isinstance(kind, type) and hasattr(kind, "from_json"):
        if not isinstance(value, Mapping):
            raise ValueError(f"{place} is {_shown(value)}, not a table")
        return kind.from_json(value)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return build(kind, value, place)
    raise ValueError(f"{place} is {_shown(value)}, which it can't be")


def finite(text: str) -> float:
    """The number that a file says; `nan` and what is beyond all numbers are refused."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:_SHOWN]} is no number that a figure can have")
    return number


def _one_of(parts: tuple[Any, ...], value: Any, place: str) -> Any:
    if value is None and NoneType in parts:
        return None
    others = [part for part in parts if part is not NoneType]
    for part in others[:-1]:
        try:
            return restore(part, value, place)
        except (TypeError, ValueError):
            continue
    return restore(others[-1], value, place)


def _scalar(kind: type, value: Any, place: str) -> Any:
    usable = isinstance(value, int | float) if kind is float else isinstance(value, kind)
    if kind is not bool and isinstance(value, bool):
        usable = False
    if not usable:
        raise ValueError(f"{place} is {_shown(value)}, not {_WORDS[kind]}")
    if kind is float and not math.isfinite(value):
        raise ValueError(f"{place} is {value}")
    if kind is int and not -_MOST <= value <= _MOST:
        raise ValueError(f"{place} is too large")
    return float(value) if kind is float else value


def _tuple(parts: tuple[Any, ...], value: Any, place: str) -> tuple[Any, ...]:
    if len(parts) == 2 and parts[1] is Ellipsis:
        return tuple(restore(parts[0], one, f"{place}[{i}]") for i, one in enumerate(value))
    if len(value) != len(parts):
        raise ValueError(f"{place} has {len(value)} entries, not {len(parts)}")
    return tuple(
        restore(part, one, f"{place}[{i}]")
        for i, (part, one) in enumerate(zip(parts, value, strict=True))
    )


@cache
def _hints(kind: Hashable) -> dict[str, Any]:
    return get_type_hints(kind)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
