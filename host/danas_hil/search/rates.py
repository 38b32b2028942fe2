"""The rates that a run estimates latency by: those that its board had when the run began.

They stand in config.toml as the table [latency], so that a calibration meanwhile, or another
computer's, changes nothing in a search that goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from danas_hil.base import DanasError
from danas_hil.board import load_board
from danas_hil.estimate.latency import LatencyTable
from danas_hil.estimate.latency_tables import find_table
from danas_hil.search.settings import SearchSettings

_TABLE, _UNKNOWN = "latency", "unknown"


def rates_now(settings: SearchSettings) -> LatencyTable | str | None:
    """What the board of `settings` has, or why it has none; None without a board."""
    return None if settings.board is None else find_table(load_board(settings.board))


def latency_unknown(board: str, why: str) -> DanasError:
    """The error of a limit of latency on a board without rates. why: as `find_table` tells it."""
    return DanasError(
        f"The latency on {board} is not known, so it can't be limited.",
        f"{why[0].upper()}{why[1:]}.",
    )


def rates_to_config(rates: LatencyTable | str | None) -> dict[str, Any]:
    """[latency] of config.toml; nothing without a board."""
    if rates is None:
        return {}
    if isinstance(rates, str):
        return {_TABLE: {_UNKNOWN: rates}}
    return {_TABLE: {key: value for key, value in rates.to_json().items() if value is not None}}


def rates_of_run(config: Mapping[str, Any]) -> LatencyTable | str | None:
    """What stands in the config.toml of a run; None without a board, and in runs of versions that
    kept nothing. Raises DanasError if it is damaged.
    """
    kept = config.get(_TABLE)
    if kept is None:
        return None
    try:
        return str(kept[_UNKNOWN]) if _UNKNOWN in kept else LatencyTable.from_json(kept)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DanasError(
            f"The table [{_TABLE}] of config.toml is damaged ({error!r}).",
            "Take it from a copy of the run's folder, or start the search under another --name.",
        ) from error
