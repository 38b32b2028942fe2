"""Lines of a bill: what a firmware takes, one line for each thing, some of them not known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Line:
    """One thing that takes memory: bytes, None where no figure has a source; and that source."""

    name: str
    bytes: int | None
    source: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def sourced(name: str, size: int | None, source: str) -> Line:
    """A line whose source counts only where there is a figure."""
    return Line(name, size, "" if size is None else source)


def total_bytes(lines: Sequence[Line]) -> int | None:
    """The sum; None as long as one line is not known."""
    sizes = [line.bytes for line in lines]
    return None if None in sizes else known_bytes(lines)


def known_bytes(lines: Sequence[Line]) -> int:
    """The sum of the lines that are known: the total is at least this."""
    return sum(line.bytes or 0 for line in lines)


def fits_within(lines: Sequence[Line], limit: int | None) -> bool | None:
    """Whether the total is within `limit` (None: there is no limit); None if that is not known.

    What is known can be too much already, whatever the rest.
    """
    if limit is None:
        return True
    if known_bytes(lines) > limit:
        return False
    return None if total_bytes(lines) is None else True


def all_fit(verdicts: Sequence[bool | None]) -> bool | None:
    """False if one is False, else None if one is not known, else True."""
    if False in verdicts:
        return False
    return None if None in verdicts else True
