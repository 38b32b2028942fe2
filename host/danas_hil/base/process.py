"""The one place where a subprocess is started."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from danas_hil.base.deadline import Deadline
from danas_hil.base.errors import DanasError

_KEEPER = Path(__file__).with_name("keeper.py")
_STARTED = b"started"  # what it says of a program that runs
_END_SECONDS = 10.0  # for it to end all that is left
_LOOK_SECONDS = 0.5  # between looks at what a program has printed

Stream = IO[bytes] | int


class UnfinishedError(DanasError):
    """A program was given up: it took too long, or printed nothing for too long."""


@dataclass(frozen=True)
class Finished:
    """A subprocess that ended: its exit status and all that it printed (stdout and stderr)."""

    arguments: tuple[str, ...]
    status: int
    output: str


@contextlib.contextmanager
def running_process(
    arguments: Sequence[str],
    *,
    stdin: Stream = subprocess.DEVNULL,
    stdout: Stream = subprocess.DEVNULL,
    stderr: Stream = subprocess.DEVNULL,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that is ended with the block, with all that it started, also when we are killed.

    Streams are files or what `subprocess` has for pipes; `environment` is laid over our own. The
    program has a session of its own: Ctrl-C is ours to handle. What it leaves behind ends with it.
    Raises DanasError when it can't be started.
    """
    # See keeper.py, which this process is; it passes on the program's streams and status.
    ours, its = socket.socketpair()
    with ours:
        with its:
            command = [sys.executable, "-I", "-S", str(_KEEPER), str(its.fileno()), *arguments]
            try:
                process = subprocess.Popen(
                    command,
                    stdin=stdin,
                    stdout=stdout,
                    stderr=stderr,
                    cwd=folder,
                    env={**os.environ, **(environment or {})},
                    pass_fds=(its.fileno(),),
                    start_new_session=True,
                )
            except OSError as error:
                raise _not_started(arguments[0], str(error)) from error
        try:
            told = ours.recv(16)
            if told != _STARTED:
                number = int(told or 0)
                raise _not_started(arguments[0], os.strerror(number) if number else "it was killed")
            yield process
        finally:
            ours.close()
            try:
                process.wait(timeout=_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    with contextlib.suppress(OSError):  # nobody reads what was not yet written
                        pipe.close()


def run_process(
    arguments: Sequence[str],
    *,
    deadline: Deadline,
    log: Path | None = None,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    silence_seconds: float | None = None,
    heard: Callable[[str], None] = lambda _: None,
) -> Finished:
    """Run a program to its end and keep what it printed, in `log` too if given.

    `environment` is laid over our own. The program gets no standard input, and is ended at the
    deadline, or when it has printed nothing for `silence_seconds`, with all that it started.
    heard: called with each line soon after it was printed. Raises DanasError when the program is
    not there, UnfinishedError when it is given up; a non-zero exit status is the caller's to judge.
    """
    # A file, not a pipe: the log can be watched while it grows.
    with _open_log(log) as output:
        with running_process(
            arguments,
            stdout=output,
            stderr=subprocess.STDOUT,
            folder=folder,
            environment=environment,
        ) as process:
            lines = _Lines(output.fileno(), heard)
            quiet = Deadline(silence_seconds)
            while process.poll() is None:
                if deadline.expired:
                    raise _unfinished(
                        arguments[0], f"did not end within {deadline.seconds:g} s", deadline, log
                    )
                if quiet.expired:
                    raise _unfinished(
                        arguments[0], f"printed nothing for {quiet.seconds:g} s", deadline, log
                    )
                left = deadline.left()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_LOOK_SECONDS if left is None else min(left, _LOOK_SECONDS))
                if lines.read():
                    quiet = Deadline(silence_seconds)
        output.seek(0)
        text = output.read().decode(errors="replace")
        return Finished(tuple(arguments), process.returncode, text)


class _Lines:
    """The lines of a file that grows. Our own place in it: the program writes at the file's."""

    def __init__(self, file: int, heard: Callable[[str], None]) -> None:
        self._file = file
        self._heard = heard
        self._place = 0
        self._rest = b""

    def read(self) -> bool:
        """Tell the lines that are new; whether there is anything new."""
        new = False
        while data := os.pread(self._file, 65536, self._place):
            new = True
            self._place += len(data)
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                self._heard(line.decode(errors="replace"))
        return new


def _not_started(program: str, why: str) -> DanasError:
    return DanasError(
        f"{program} can't be started: {why}.", "`danas-hil doctor` lists what is missing."
    )


def _unfinished(program: str, what: str, deadline: Deadline, log: Path | None) -> UnfinishedError:
    where = f" What it printed is in {log}." if log else ""
    return UnfinishedError(f"{program} {what} (waiting for {deadline.waiting_for}).{where}")


def _open_log(log: Path | None) -> IO[bytes]:
    if log is None:
        return tempfile.TemporaryFile()
    log.parent.mkdir(parents=True, exist_ok=True)
    return log.open("w+b")
