"""Where latency tables are kept: the user's folder of calibrations, and those that come along.

Both are files of the same form, one for each board; what was fitted here goes first. Where there is
neither, a board's times are estimated uncalibrated, if its file has a factor for that.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from danas_hil.base import DanasError, check_format, checking, read_json, user_folder, write_json
from danas_hil.board import Board, build_key
from danas_hil.estimate.latency import LatencyTable
from danas_hil.estimate.uncalibrated import estimated_table

_SCHEMA = 2
_HINT = "Delete it; danas-hil calibrate makes it anew."
_SHIPPED = Path(__file__).with_name("latencies")


def find_table(
    board: Board, build: str | None = None, kernels: str | None = None
) -> LatencyTable | str:
    """The table for `board` with its own build and toolchain, or why there is none and what to do.

    build, kernels: None for the board's own. Raises DanasError if a file is damaged.
    """
    if board.firmware is None:
        return f"{board.name} has a time of its own, which is not estimated"
    wanted = build_key(build or board.build, kernels or board.kernels, board.toolchain)
    tables = {**_shipped(board.id), **_kept(board.kept_as)}
    if wanted in tables:
        return tables[wanted]
    own = build_key(board.build, board.kernels, board.toolchain)
    if wanted != own:
        return f"only the board's own build ({own}) is timed, not {wanted}"
    estimated = estimated_table(board)
    if estimated is not None:
        return estimated
    then = f"danas-hil calibrate --board {board.id}"
    if tables:
        others = " and ".join(tables)
        return f"there are rates for {others}, but this is {own}: {then}"
    return f"run {then}"


def related_table(board: Board) -> LatencyTable | None:
    """A shipped table of the same build and kernels on another board, if there is one."""
    for path in sorted(_SHIPPED.glob("*.json")):
        if path.stem == board.id:
            continue
        for table in _shipped(path.stem).values():
            if (table.build, table.kernels) == (board.build, board.kernels):
                return table
    return None


def keep_table(table: LatencyTable, kept_as: str = "") -> Path:
    """Keep a table for `find_table`; the file that it is in now.

    kept_as: as in Board, which the id is for all boards that are shipped.
    """
    path = _user_file(kept_as or table.board)
    key = build_key(table.build, table.kernels, table.toolchain)
    tables = {**_kept(kept_as or table.board), key: table}
    builds = {key: one.to_json() for key, one in tables.items()}
    try:
        write_json(path, {"schema": _SCHEMA, "builds": builds})
    except OSError as error:
        raise DanasError(f"The rates can't be written to {path}: {error.strerror}.") from error
    return path


def forget_table(board: Board) -> Path | None:
    """Drop what was kept for `board` as it is built; the file it stood in, None if there was
    nothing."""
    path = _user_file(board.kept_as)
    own = build_key(board.build, board.kernels, board.toolchain)
    tables = dict(_kept(board.kept_as))
    if tables.pop(own, None) is None:
        return None
    builds = {key: one.to_json() for key, one in tables.items()}
    try:
        write_json(path, {"schema": _SCHEMA, "builds": builds})
    except OSError as error:
        raise DanasError(f"The rates can't be taken from {path}: {error.strerror}.") from error
    return path


def _user_file(board: str) -> Path:
    return user_folder("calibrations") / f"{board}.json"


def _kept(board: str) -> dict[str, LatencyTable]:
    try:
        return _read(_user_file(board))
    except OSError:  # a home that can't be written to keeps no tables
        return {}


def _shipped(board: str) -> dict[str, LatencyTable]:
    return _read(_SHIPPED / f"{board}.json")


def _read(path: Path) -> dict[str, LatencyTable]:
    try:
        state = path.stat()
    except FileNotFoundError:
        return {}
    return dict(_parsed(path, (state.st_mtime_ns, state.st_size)))


@lru_cache(maxsize=64)
def _parsed(path: Path, state: tuple[int, int]) -> dict[str, LatencyTable]:  # noqa: ARG001
    """By build. A search asks thousands of times; `state` tells a file that was rewritten."""
    value: Any = read_json(path, _HINT)
    check_format(path, value, _SCHEMA, _HINT)
    with checking(path, _HINT):
        return {key: LatencyTable.from_json(row) for key, row in value["builds"].items()}
