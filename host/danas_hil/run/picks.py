"""Which candidates of the front were picked, and for what limits (picks.json)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from danas_hil.base import build, check_format, checking
from danas_hil.board import Limits

SCHEMA = 1


@dataclass(frozen=True)
class Pick:
    """A picked candidate.

    accuracy: int8, on validation images. ram_bytes, flash_bytes: estimated for the board of the
    picks. gain: the hypervolume (see `search.pareto`) that it added to those picked before it.
    latency_us: of one inference, estimated; None where it is not. fits: whether it is within the
    limits for the whole of every band; None where that is not known, for the reason `unknown`.
    """

    id: str
    accuracy: float
    ram_bytes: int
    flash_bytes: int
    gain: float
    latency_us: float | None = None
    fits: bool | None = None
    unknown: str = ""


@dataclass(frozen=True)
class Picks:
    """The picked candidates, in the order in which they were picked.

    board: for which memory was estimated; None: as the search estimated it. hypervolume: of all
    candidates within the limits, picked or not. latency_source: of the board and its rates; empty
    where latencies are not estimated. latency_complete: whether all operators were timed.
    latency_band: by which share they may be more or less; 0 where they are fitted on times.
    """

    limits: Limits
    board: str | None
    hypervolume: float
    picked: tuple[Pick, ...]
    latency_source: str = ""
    latency_complete: bool = True
    latency_band: float = 0.0

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(pick.id for pick in self.picked)

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "board": self.board,
            "limits": self.limits.to_json(),
            "hypervolume": self.hypervolume,
            "latency_source": self.latency_source,
            "latency_complete": self.latency_complete,
            "latency_band": self.latency_band,
            "picked": [asdict(pick) for pick in self.picked],
        }

    @staticmethod
    def from_json(
        value: Any, file: Path | str = "picks.json", hint: str = "Pick anew: danas-hil pick RUN."
    ) -> Picks:
        """The inverse of `to_json`. Raises DanasError for another schema or a damaged `file`."""
        check_format(file, value, SCHEMA, hint)
        with checking(file, hint):
            picks: Picks = build(Picks, {k: v for k, v in value.items() if k != "schema"})
        return picks
