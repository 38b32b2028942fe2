"""What builds for a board have told: figures that no datasheet has, kept in the user's folder."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from danas_hil.base import DanasError, read_json, user_folder, write_json

_SCHEMA = 1


@dataclass(frozen=True)
class Figures:
    """What a firmware took besides model, library code and arena, in bytes.

    framework_flash_bytes: code and constants of all that is neither model nor library; None where
    the library's share is not known. static_ram_bytes: all static data but the arena.
    stack_bytes: the stack's peak in inferences. framework_ram_bytes: the heap in use; None where
    the firmware can't tell. source: how and when these came about.
    """

    framework_flash_bytes: int | None
    static_ram_bytes: int
    stack_bytes: int
    framework_ram_bytes: int | None
    source: str


def build_key(runtime: str, kernels: str, build: str) -> str:
    """Builds of one key have the same figures; build: framework and optimisation."""
    return f"{runtime} {kernels} {build}"


def read_figures(board: str, key: str) -> Figures | None:
    """What the last good build told; None before the first. Raises DanasError if damaged."""
    try:
        path = _file(board)
    except OSError:  # a home that can't be written to keeps no figures
        return None
    row = _content(path).get(key)
    try:
        return None if row is None else Figures(**row)
    except TypeError as error:
        raise _damaged(path) from error


def keep_figures(board: str, key: str, figures: Figures) -> None:
    """Keep what a build told, for `read_figures`."""
    path = _file(board)
    builds = {**_content(path), key: asdict(figures)}
    write_json(path, {"schema": _SCHEMA, "builds": builds})


def _file(board: str) -> Path:
    return user_folder("boards") / f"{board}.json"


def _content(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    value = read_json(path)
    builds = value.get("builds") if isinstance(value, dict) else None
    if not isinstance(builds, dict) or value.get("schema") != _SCHEMA:
        raise _damaged(path)
    return dict(builds)


def _damaged(path: Path) -> DanasError:
    return DanasError(f"{path} is damaged.", "Delete it; the next build for the board makes it.")
