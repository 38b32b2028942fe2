"""A process that works on a run: how others know that it lives."""

from __future__ import annotations

import os
import secrets
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout

from danas_hil.base import DanasError, trouble


class Worker:
    """This process among those that work on a run.

    It holds the lock workers/NAME.lock in the run's folder for as long as it lives. The operating
    system lets go of it when a process dies, so that others on this computer know at once; those
    elsewhere go by the heartbeat in the storage.

    one_folder: all that work on the run do it in this folder, since the study is in it.
    """

    def __init__(self, folder: Path, beat_seconds: float, one_folder: bool) -> None:
        self.host = socket.gethostname()
        self._one_folder = one_folder
        self.name = f"{self.host}-{os.getpid()}-{secrets.token_hex(3)}"
        self._folder = folder
        self._beat_seconds = beat_seconds
        self._lock = FileLock(folder / f"{self.name}.lock")
        self._beats: dict[int, Callable[[], None]] = {}
        self._error: Exception | None = None
        self._ended = threading.Event()
        self._heart = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Worker:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except OSError as error:
            raise DanasError(
                f"{self._folder} can't be written: {error.strerror or error}.",
                f"A worker writes to its run folder. {trouble(error).hint}",
            ) from error
        self._heart.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._heart.join()
        self._lock.release()
        if error is None:  # else something may still be at work under our name
            (self._folder / f"{self.name}.lock").unlink(missing_ok=True)

    def is_dead(self, name: str) -> bool:
        """Whether the worker `name` is known to have ended: False where that can't be told."""
        lock = self._folder / f"{name}.lock"
        if name == self.name or name.rsplit("-", 2)[0] != self.host:
            return False
        if not lock.exists():  # it ended orderly, or works in another folder
            return self._one_folder
        try:
            with FileLock(lock, timeout=0):
                return True
        except Timeout:
            return False

    def keep(self, key: int, beat: Callable[[], None]) -> None:
        """Call `beat` from now on at every heartbeat, from a thread of its own."""
        self._beats[key] = beat

    def drop(self, key: int) -> None:
        self._beats.pop(key, None)

    def check(self) -> None:
        """Raise what stopped the heart: others take this process for dead then."""
        if self._error is not None:
            raise self._error

    def _beat(self) -> None:
        while not self._ended.wait(self._beat_seconds):
            try:
                for beat in list(self._beats.values()):
                    beat()
            except DanasError as error:
                self._error = error
                return
