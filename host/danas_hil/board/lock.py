"""One device, one process: a lock that tells who holds it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import filelock

from danas_hil.base import DanasError, folder_name, user_folder, write_atomic


@contextlib.contextmanager
def device_lock(device: str, name: str, seconds: float = 0.0) -> Iterator[None]:
    """Hold the device for as long as the block lasts; within one process it may be held again.

    device: what tells it from all others, such as its USB serial number. name: what people call
    it. seconds: to wait for it. Raises DanasError that names the process which holds it.
    """
    path = user_folder("locks") / f"{folder_name(device)}.lock"
    holder = path.with_suffix(".pid")
    lock = filelock.FileLock(path, is_singleton=True)
    try:
        lock.acquire(timeout=seconds)
    except filelock.Timeout as error:
        try:
            who = f"Process {holder.read_text(encoding='ascii').strip()}"
        except OSError:
            who = "Another process"  # which has it since this moment
        raise DanasError(
            f"{who} uses {name}, and did not let it go within {seconds:g} s.",
            "Let it end, or stop it; two programs at one board would spoil each other's figures.",
        ) from error
    try:
        if lock.lock_counter == 1:
            write_atomic(holder, f"{os.getpid()}\n")
        yield
    finally:
        if lock.lock_counter == 1:
            holder.unlink(missing_ok=True)
        lock.release()
