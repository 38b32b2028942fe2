"""What runs below a process, and what runs with a mark on its command line: read from /proc."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path


def processes() -> dict[int, tuple[int, str]]:
    """Parent and command line of every process that has not ended (a zombie has)."""
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                if fields[0] != "Z":
                    command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    found[int(folder.name)] = int(fields[1]), command
    return found


def below(process: int, word: str = "") -> list[int]:
    """Children of a process, theirs, and so on, with `word` in what they are called by."""
    all_of_them = processes()
    found, parents = [], {process}
    while parents:
        parents = {one for one, (parent, _) in all_of_them.items() if parent in parents}
        found += sorted(parents)
    return [one for one in found if word in all_of_them[one][1]]


def marked(mark: str) -> list[int]:
    """Processes with `mark` on their command line, wherever they belong."""
    return [one for one, (_, command) in processes().items() if mark in command]


def comes(condition: object, seconds: float = 10.0) -> bool:
    """Whether `condition()` is true within so many seconds."""
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
