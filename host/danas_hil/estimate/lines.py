"""Lines of a bill: what a firmware takes, one line for each thing, some of them not known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from danas_hil.board import Share
from danas_hil.estimate.held import Held

Bounds = tuple[int, int | None]
"""The least and the most that something takes; None where nothing says how much it is at most."""


@dataclass(frozen=True)
class Line:
    """One thing that takes memory.

    bytes: the best figure, None where none has a source. source: of figure and bounds. bounds: of
    the band that the truth lies in; None for a figure that is exact, or for nothing known at all.
    """

    name: str
    bytes: int | None
    source: str = ""
    bounds: Bounds | None = None

    def __post_init__(self) -> None:
        best = self.least if self.bytes is None else self.bytes
        assert self.least <= best, f"{self.name}: {best} is below the band"
        assert self.most is None or best <= self.most, f"{self.name}: {best} is above the band"

    @property
    def least(self) -> int:
        """It takes at least this."""
        return self.bounds[0] if self.bounds else self.bytes or 0

    @property
    def most(self) -> int | None:
        """It takes at most this; None where nothing says so."""
        return self.bounds[1] if self.bounds else self.bytes

    @property
    def exact(self) -> bool:
        return self.bytes is not None and self.least == self.most

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "bytes": self.bytes,
            "least": self.least,
            "most": self.most,
            "source": self.source,
        }


def of_share(name: str, share: Share | None) -> Line:
    """What a board's firmware takes of one thing."""
    if share is None:
        return Line(name, None)
    return Line(name, share.bytes, share.source, (share.least, share.most))


def total(lines: Sequence[Line], name: str = "total") -> Line:
    """The sum as a line: its figure is None as long as one line has none, its bounds are theirs."""
    sizes = [line.bytes for line in lines]
    most = [line.most for line in lines]
    return Line(
        name,
        None if None in sizes else sum(size or 0 for size in sizes),
        bounds=(known_bytes(lines), None if None in most else sum(size or 0 for size in most)),
    )


def total_bytes(lines: Sequence[Line]) -> int | None:
    """The best figure of the sum; None as long as one line has none."""
    return total(lines).bytes


def known_bytes(lines: Sequence[Line]) -> int:
    """What is certain of the sum: it is at least this."""
    return sum(line.least for line in lines)


def fits_within(lines: Sequence[Line], limit: int | None) -> bool | None:
    """Whether the total is within `limit` (None: there is no limit); None if that is not known.

    Only what holds for the whole of every band is a verdict: the least can be too much already,
    whatever the rest, and the most little enough.
    """
    whole = total(lines)
    return Held(whole.bytes, whole.least, whole.most, limit).fits


def all_fit(verdicts: Sequence[bool | None]) -> bool | None:
    """False if one is False, else None if one is not known, else True."""
    if False in verdicts:
        return False
    return None if None in verdicts else True
