"""The one place where a subprocess is started."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from danas_hil.base.deadline import Deadline
from danas_hil.base.errors import DanasError


@dataclass(frozen=True)
class Finished:
    """A subprocess that ended: its exit status and all that it printed (stdout and stderr)."""

    arguments: tuple[str, ...]
    status: int
    output: str


def run_process(
    arguments: Sequence[str],
    *,
    deadline: Deadline,
    log: Path | None = None,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Finished:
    """Run a program to its end and keep what it printed, in `log` too if given.

    `environment` is laid over our own. The program gets no standard input and a process group of
    its own, which is killed whole at the deadline. Raises DanasError when the program is not
    there or the deadline passes; a non-zero exit status is the caller's to judge.
    """
    # A file, not a pipe: a daemon that the program leaves behind can't keep us waiting for its
    # end, and the log can be watched while it grows.
    with _open_log(log) as output:
        try:
            process = subprocess.Popen(
                list(arguments),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        except OSError as error:
            raise DanasError(
                f"{arguments[0]} can't be started: {error}.",
                "`danas-hil doctor` lists what is missing.",
            ) from error
        try:
            status = process.wait(timeout=deadline.left())
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if not isinstance(error, subprocess.TimeoutExpired):
                raise  # Ctrl-C: the child is gone, its log is kept
            where = f" What it printed is in {log}." if log else ""
            raise DanasError(
                f"{arguments[0]} did not end within {deadline.seconds:g} s"
                f" (waiting for {deadline.waiting_for}).{where}"
            ) from error
        output.seek(0)
        return Finished(tuple(arguments), status, output.read().decode(errors="replace"))


def _open_log(log: Path | None) -> IO[bytes]:
    if log is None:
        return tempfile.TemporaryFile()
    log.parent.mkdir(parents=True, exist_ok=True)
    return log.open("w+b")
