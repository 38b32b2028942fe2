"""Ports, sockets and pipes as the stream of bytes that a conversation needs."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import serial

from danas_hil.base import DanasError, Deadline, EnvironmentFaultError, running_process
from danas_hil.board import busy, denied, holder

LOOK_AGAIN_SECONDS = 0.1
_READ_SECONDS = 0.02  # in one piece; how late silence is noticed at the most
_WRITE_SECONDS = 5.0


class PortLostError(DanasError):
    """The other end is gone: a cable, a port, an emulator that ended."""


@runtime_checkable
class Reopens(Protocol):
    """A stream whose other end may leave and come back: a board on its own USB that restarts."""

    def reopen(self) -> None:
        """Open it anew, as soon as it is back. Raises DanasError where it does not come."""
        ...


class SerialStream:
    """A port that pyserial opens: a device file, `socket://…`, `rfc2217://…`.

    opening: opens it, wherever it is by then.
    """

    def __init__(self, opening: Callable[[], tuple[str, serial.SerialBase]]) -> None:
        self._opening = opening
        self._url, self._port = opening()

    def reopen(self) -> None:
        self.close()
        self._url, self._port = self._opening()

    def close(self) -> None:
        self._port.close()

    def read(self, seconds: float) -> bytes:
        deadline = Deadline(seconds)
        with self._as_lost():
            while True:
                # Of a fixed timeout: setting one sets up the port anew, which takes RFC 2217 long.
                first: bytes = self._port.read(1)
                if first:
                    return first + bytes(self._port.read(self._port.in_waiting))
                if deadline.expired:
                    return b""

    def write(self, data: bytes) -> None:
        with self._as_lost():
            self._port.write(data)

    @contextlib.contextmanager
    def _as_lost(self) -> Iterator[None]:
        try:
            yield
        except (serial.SerialException, OSError) as error:
            raise PortLostError(
                f"The port {self._url} is gone: {error}.", "Look at the cable and the board."
            ) from error


@contextlib.contextmanager
def open_serial(
    find: Callable[[], str | None],
    baud: int,
    seconds: float,
    board: str,
    absent: Callable[[], DanasError | None] = lambda: None,
) -> Iterator[SerialStream]:
    """Open the port that `find` names, as soon as it is there and lets itself be opened.

    `find` is asked again and again, because a board that starts anew may come back under another
    name. Raises DanasError when there is no port within `seconds`, with the last reason; absent:
    what is known of a board that has none.
    """
    stream = SerialStream(lambda: _opened(find, baud, seconds, board, absent))
    try:
        yield stream
    finally:
        stream.close()


def _opened(
    find: Callable[[], str | None],
    baud: int,
    seconds: float,
    board: str,
    absent: Callable[[], DanasError | None],
) -> tuple[str, serial.SerialBase]:
    """The port that `find` names, and its name."""
    deadline = Deadline(seconds, f"the serial port of {board}")
    refused: Exception | None = None
    while True:
        url = find()
        if url is not None:
            try:
                return url, serial.serial_for_url(
                    url,
                    baudrate=baud,
                    timeout=_READ_SECONDS,
                    # pyserial has none for RFC 2217
                    write_timeout=None if url.startswith("rfc2217:") else _WRITE_SECONDS,
                )
            except (serial.SerialException, OSError, ValueError) as error:
                refused = error
        if deadline.expired:
            raise _no_port(url, board, seconds, refused, absent) from refused
        time.sleep(LOOK_AGAIN_SECONDS)


def _no_port(
    url: str | None,
    board: str,
    seconds: float,
    refused: Exception | None,
    absent: Callable[[], DanasError | None],
) -> DanasError:
    """Why a port was not opened in its time: of what it is, as far as that is known."""
    number = getattr(refused, "errno", None)
    if url is not None and number == errno.EACCES:
        return denied(url, board)
    if url is not None and number == errno.EBUSY:
        return busy(url, board, holder(url))
    if url is not None and "://" in url:
        return EnvironmentFaultError(
            f"{board} at another computer can't be reached within {seconds:g} s: {refused}.",
            "See that the server of its port runs there and nobody else has it.",
        )
    if url is None and (why := absent()) is not None:
        return why
    return DanasError(
        f"No serial port of {board} within {seconds:g} s: {refused or 'no port appeared'}.",
        "`danas-hil boards scan` lists the boards that are connected.",
    )


class ProcessStream:
    """The standard input and output of a process of ours, such as an emulator."""

    def __init__(self, process: subprocess.Popen[bytes], what: str, log: Path) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._in, self._out = process.stdin.fileno(), process.stdout.fileno()
        self._what = what
        self._log = log

    def read(self, seconds: float) -> bytes:
        if not select.select([self._out], [], [], seconds)[0]:
            return b""
        data = os.read(self._out, 65536)
        if not data:
            raise self._lost()
        return data

    def write(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self._in, data) :]
            except BrokenPipeError as error:
                raise self._lost() from error

    def _lost(self) -> PortLostError:
        told = "closed its output"
        with contextlib.suppress(subprocess.TimeoutExpired):
            told = f"ended with status {self._process.wait(timeout=_WRITE_SECONDS)}"
        return PortLostError(f"{self._what} {told}.", f"What it printed is in {self._log}.")


@contextlib.contextmanager
def open_process(arguments: Sequence[str], what: str, log: Path) -> Iterator[ProcessStream]:
    """Run a program for as long as the block lasts; what it prints as errors goes to `log`.

    Raises DanasError when it can't be started.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    pipe = subprocess.PIPE
    with (
        log.open("wb") as errors,
        running_process(arguments, stdin=pipe, stdout=pipe, stderr=errors) as process,
    ):
        yield ProcessStream(process, what, log)
