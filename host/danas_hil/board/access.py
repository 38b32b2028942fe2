"""Whether a port can be used: told before anything is built, and without opening it.

Opening is no question without consequences: a port that was last opened at 1200 baud is opened so
again, and a Nano that sees such a port closed goes into its bootloader.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

from danas_hil.base import Deadline, EnvironmentFaultError

_LOOK_SECONDS = 5.0  # ModemManager lets go of a port that is new within these
_LOOK_AGAIN_SECONDS = 0.25


@dataclass(frozen=True)
class Holder:
    """A process that has a port open. number: its id; name: of its program."""

    number: int
    name: str


def check_port(port: str, board: str, seconds: float = _LOOK_SECONDS) -> None:
    """Raises EnvironmentFaultError where this user may not use `port`, or another program has it.

    seconds: to wait for that other to let it go. A port that is elsewhere, or not there at the
    moment, is not looked at.
    """
    if "://" in port or not Path(port).exists():
        return
    if not os.access(port, os.R_OK | os.W_OK):
        raise denied(port, board)
    deadline = Deadline(seconds)
    while (other := holder(port)) is not None:
        if deadline.expired:
            raise busy(port, board, other)
        time.sleep(_LOOK_AGAIN_SECONDS)


def denied(port: str, board: str) -> EnvironmentFaultError:
    """What is told of a port that this user may not use."""
    group = _group(port)
    who = f" It belongs to the group {group}: sudo usermod -a -G {group} $USER," if group else ""
    return EnvironmentFaultError(
        f"This user may not use {port} of {board}.",
        f"docs/boards.md has the udev rules.{who}"
        + (" then log out and in again." if group else ""),
    )


def busy(port: str, board: str, other: Holder | None) -> EnvironmentFaultError:
    """What is told of a port that another program has."""
    who = f"Process {other.number} ({other.name})" if other else "Another program"
    return EnvironmentFaultError(
        f"{who} has {port} of {board} open.",
        "Close it, such as a serial monitor: of two programs at one port each gets half of what"
        " the board says.",
    )


def holder(port: str) -> Holder | None:
    """Another process of this user that has `port` open, where the system tells (Linux)."""
    real = os.path.realpath(port)
    for folder in Path("/proc").glob("[0-9]*"):
        if int(folder.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):  # it ended, or is another user's
            for handle in (folder / "fd").iterdir():
                if str(handle.readlink()) == real:
                    name = (folder / "comm").read_text(encoding="utf-8", errors="replace")
                    return Holder(int(folder.name), name.strip())
    return None


def _group(port: str) -> str | None:
    """The group that may use the port, unless it is root's own."""
    try:
        import grp

        status = Path(port).stat()
        name = grp.getgrgid(status.st_gid).gr_name
    except (ImportError, KeyError, OSError):
        return None
    return name if status.st_gid and status.st_mode & 0o060 == 0o060 else None
