"""The one place where a file that somebody named is read: bounded, whatever it turns out to be."""

from __future__ import annotations

import os
import select
import stat
import tomllib
from pathlib import Path
from typing import Any

from danas_hil.base.deadline import Deadline
from danas_hil.base.errors import DanasError
from danas_hil.base.plain import finite

TEXT_BYTES = 16 * 1024 * 1024
"""Of files that people write: TOML, hardware maps, lists."""
PIPE_SECONDS = 30.0
"""For all that is to come out of a pipe; one that nobody writes to would keep us for ever."""
_PIECE_BYTES = 1024 * 1024


def read_bytes(path: Path, limit: int, hint: str = "") -> bytes:
    """The content of a file or pipe of at most `limit` bytes.

    Never more than that and one byte is read, whatever size the file has or says it has. Raises
    DanasError naming the path when it is missing, unreadable, larger, a folder or a device, and
    for a pipe that has not ended within PIPE_SECONDS.
    """
    try:
        _check_kind(path, path.stat().st_mode, hint)  # opening a device may do something
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            kind = os.fstat(handle).st_mode
            _check_kind(path, kind, hint)
            content = _read(path, handle, limit, stat.S_ISFIFO(kind))
        finally:
            os.close(handle)
    except FileNotFoundError as error:
        raise DanasError(f"There is no file {path}.", hint) from error
    except (OSError, ValueError) as error:  # a ValueError is a zero byte in the path
        reason = getattr(error, "strerror", None) or error
        raise DanasError(f"{path} can't be read: {reason}.", hint) from error
    if len(content) > limit:
        raise DanasError(
            f"{path} is larger than {limit:,} bytes, the most that is read of such a file.", hint
        )
    return content


def read_text(path: Path, hint: str = "", limit: int = TEXT_BYTES) -> str:
    """The text of a UTF-8 file, as `read_bytes` reads it."""
    try:
        return read_bytes(path, limit, hint).decode()
    except UnicodeDecodeError as error:
        raise DanasError(f"{path} can't be read: {error}.", hint) from error


def read_toml(path: Path, hint: str = "") -> dict[str, Any]:
    """The tables of a TOML file, with no NaN. Raises DanasError naming the file if it is none."""
    try:
        return tomllib.loads(read_text(path, hint), parse_float=finite)
    except (ValueError, RecursionError) as error:
        raise DanasError(f"{path} can't be read: {error}.", hint) from error


def check_file(path: Path, hint: str = "") -> None:
    """For libraries that open `path` by themselves. Raises DanasError unless it is a file on disk:
    of a pipe or a device they would read without end.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        raise DanasError(f"There is no file {path}.", hint) from error
    except (OSError, ValueError) as error:
        raise DanasError(f"{path} can't be read: {error}.", hint) from error
    if stat.S_ISFIFO(mode):
        raise DanasError(f"{path} is a pipe, not a file.", hint)
    _check_kind(path, mode, hint)


def _check_kind(path: Path, mode: int, hint: str) -> None:
    if stat.S_ISREG(mode) or stat.S_ISFIFO(mode):
        return
    what = "a folder" if stat.S_ISDIR(mode) else "a device, not a file"
    if stat.S_ISSOCK(mode):
        what = "a socket, not a file"
    raise DanasError(f"{path} is {what}.", hint)


def _read(path: Path, handle: int, limit: int, is_pipe: bool) -> bytes:
    deadline = Deadline(PIPE_SECONDS, f"the end of what is written to {path}")
    content = bytearray()
    while len(content) <= limit:
        if is_pipe and not select.select([handle], [], [], deadline.left())[0]:
            deadline.check("It is a pipe: something has to write to it and end.")
        try:
            piece = os.read(handle, min(_PIECE_BYTES, limit + 1 - len(content)))
        except BlockingIOError:
            continue
        if not piece:
            break
        content += piece
    return bytes(content)
