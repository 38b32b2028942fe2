"""Times of a board that was never timed: what its kernels do, counted, times one factor.

What is counted stands in counted/CORE.json, by kernel and term: cycles that a Cortex-M4 takes by
Arm's timings with zero wait states, and instructions. The factor stands in the board's file: it
holds all that makes the board slower than that, wait states of its flash first of all.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from danas_hil.base import DanasError, read_json
from danas_hil.board import Board
from danas_hil.estimate.latency import LatencyTable, Rates

_SCHEMA = 2
_FILE = Path(__file__).with_name("counted") / "cortex-m4.json"
_WORDS = {"cycles": "Arm's cycles of a Cortex-M4", "instructions": "instructions"}

QUICK_BAND, QUICK_BAND_BUILT_IN = 0.25, 0.20
"""How far off one timed model may be for others: any model; one with depthwise and 1x1 convolutions
and a dense layer, as built-in ones have. Of the four that were timed on a Nano each one foretells
the others within 22.5 %; the three without larger convolutions within 18.4 %
(`python benchmarks/latency.py`)."""


def estimated_table(board: Board) -> LatencyTable | None:
    """Rates of `board` by the factor of its file; None where it has none, or is built otherwise
    than what was counted."""
    stall = board.stall
    if stall is None:
        return None
    told = f"{_WORDS[stall.of]} x {stall.factor:.2f}; the factor: {stall.source}"
    return _table(board, stall.of, stall.factor, stall.band, told)


def counted_table(board: Board) -> LatencyTable | None:
    """What `estimated_table` has of it for a factor of 1: `scaled` gives it another."""
    of = board.stall.of if board.stall else "cycles"
    return _table(board, of, 1.0, 0.0, _WORDS[of])


def _table(board: Board, of: str, factor: float, band: float, told: str) -> LatencyTable | None:
    counted = _counted()
    optimisation = board.firmware.optimisation if board.firmware else ""
    own = (board.build, board.kernels, optimisation)
    if board.clock_hz is None or own != tuple(counted[key] for key in _COUNTED_OF):
        return None
    return LatencyTable(
        board=board.id,
        build=board.build,
        kernels=board.kernels,
        toolchain=board.toolchain,
        kind="estimated",
        rates=scaled(counted[of], factor * 1e6 / board.clock_hz),
        operators={},
        models=(),
        tflm=counted["tflm"],
        band=band,
        origin=told,
    )


def scaled(rates: Rates, factor: float) -> Rates:
    return {
        kernel: {term: factor * rate for term, rate in terms.items()}
        for kernel, terms in rates.items()
    }


_COUNTED_OF = ("build", "kernels", "optimisation")


@cache
def _counted() -> dict[str, Any]:
    value = read_json(_FILE)
    if not isinstance(value, dict) or value.get("schema") != _SCHEMA:
        raise DanasError(f"{_FILE} is damaged.", "Install danas-hil anew.")
    return value
