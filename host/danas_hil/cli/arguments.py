"""From what was typed to what a search is made of."""

from __future__ import annotations

import math
import os
from pathlib import Path

from danas_hil.base import DanasError, parse_duration
from danas_hil.board import names_file

_LONGEST_LEASE = 7 * 86_400


def lease_of(text: str) -> int:
    """Seconds of a --lease."""
    seconds = parse_duration(text)
    if seconds > _LONGEST_LEASE:
        raise DanasError(f"A --lease of {text} is too long.", "Use a week (168h) or less.")
    return round(seconds)


def data_place(data: str, signal: str | None = None) -> str:
    """A built-in set by name; a folder from the root on, since `resume` may stand elsewhere."""
    from danas_hil.data import settled
    from danas_hil.signals import DEFAULT, find_signal

    return settled(data, Path.cwd(), find_signal(signal or DEFAULT).files())


def place(supernets: str | None) -> str | None:
    """A URL as it is, a folder from the root on."""
    if supernets is None or "://" in supernets:
        return supernets
    return str(Path(supernets).expanduser().resolve())


def seen_from(folder: Path, run: Path) -> str:
    """`run` from the new run's `folder` on where they lie side by side, so that both can be moved
    together; else from the root on.
    """
    there, here = run.expanduser().resolve(), folder.resolve()
    return os.path.relpath(there, here) if there.parent == here.parent else str(there)


def listed(text: str | None) -> list[str] | None:
    """The parts of a list with commas."""
    return None if text is None else [part.strip() for part in text.split(",")]


def numbers(text: str, count: int | None = None) -> list[float]:
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise DanasError(
            f"{text!r} is not a list of numbers.", "Separate them by commas."
        ) from error
    if not all(map(math.isfinite, found)):
        raise DanasError(f"{text!r} has a number that is not finite.", "Use plain numbers.")
    if count is not None and len(found) != count:
        raise DanasError(f"{text!r} has {len(found)} numbers, not {count}.")
    return found


def from_anywhere(board: str | None) -> str | None:
    """An id as it is; a board's file from the root on, since `resume` may stand elsewhere."""
    named = board is not None and names_file(board)
    return str(Path(board).expanduser().resolve()) if named and board else board
