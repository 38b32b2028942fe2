"""Waiting for what another process holds, and saying so."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

TOLD_AFTER_SECONDS = 1.0
"""What takes no longer is not worth a word."""


@contextlib.contextmanager
def held(
    path: Path, seconds: float | None, waiting: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Hold the lock file `path`.

    seconds: to wait for it at most; None for as long as it takes. waiting: called once, where
    another process has had it for TOLD_AFTER_SECONDS. Raises filelock.Timeout.
    """
    import filelock  # slow to import, and few commands hold a lock

    lock = filelock.FileLock(path)
    quiet = TOLD_AFTER_SECONDS if seconds is None else min(TOLD_AFTER_SECONDS, seconds)
    try:
        lock.acquire(timeout=quiet)
    except filelock.Timeout:
        if seconds is not None and seconds <= quiet:
            raise
        waiting()
        lock.acquire(timeout=-1 if seconds is None else seconds - quiet)
    try:
        yield
    finally:
        lock.release()
