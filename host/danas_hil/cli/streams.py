"""Standard output and standard error as they may be: full, closed, of few letters, or none."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

from danas_hil.base import DanasError, trouble


class OutputError(DanasError):
    """Standard output takes no more. status: to exit with; closed: whether nobody reads on."""

    def __init__(self, error: OSError) -> None:
        refused = trouble(error)
        super().__init__(f"Standard output can't be written: {refused.what}", refused.hint)
        self.closed = error.errno == errno.EPIPE  # as behind `| head`, which has what it wanted
        self.status = 128 + signal.SIGPIPE if self.closed else 2


@contextlib.contextmanager
def safe_streams() -> Iterator[None]:
    """Let standard output fail with OutputError, once, and standard error never.

    What is told on standard error is for a person: a terminal that is gone ends no search. Letters
    that a stream does not have are told by their code. A stream that is closed is as /dev/null: the
    next file that we open would get its number, and what others print.
    """
    before = sys.stdout, sys.stderr
    for number in range(3):
        with contextlib.suppress(OSError):
            os.fstat(number)
            continue
        os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    sys.stdout = _Stream(sys.stdout or _nothing(), _refuse)
    sys.stderr = _Stream(sys.stderr or _nothing(), _ignore)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def _nothing() -> Any:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - for as long as we run


class _Stream:
    """A text stream whose failures are somebody's to judge."""

    def __init__(self, stream: Any, failed: Callable[[OSError], None]) -> None:
        self._stream, self._failed = stream, failed
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")

    def write(self, text: str) -> int:
        with self._judged():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with self._judged():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @contextlib.contextmanager
    def _judged(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._silence()
            self._failed(error)

    def _silence(self) -> None:
        """What is written from now on, and what still waits to be, goes nowhere."""
        with contextlib.suppress(OSError, ValueError):
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, self._stream.fileno())
            os.close(nothing)


def _refuse(error: OSError) -> None:
    raise OutputError(error) from error


def _ignore(_error: OSError) -> None:
    pass
