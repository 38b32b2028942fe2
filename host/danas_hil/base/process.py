"""The one place where a subprocess is started."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

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
    try:
        process = subprocess.Popen(
            list(arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise DanasError(
            f"The program {arguments[0]} is not there.", "`danas-hil doctor` lists what is missing."
        ) from error
    try:
        raw, _ = process.communicate(timeout=deadline.left())
    except BaseException as error:
        os.killpg(process.pid, signal.SIGKILL)
        raw, _ = process.communicate()
        _keep(log, raw)
        if not isinstance(error, subprocess.TimeoutExpired):
            raise  # Ctrl-C: the child is gone, its log is kept
        where = f" What it printed is in {log}." if log else ""
        raise DanasError(
            f"{arguments[0]} did not end within {deadline.seconds:g} s"
            f" (waiting for {deadline.waiting_for}).{where}"
        ) from error
    _keep(log, raw)
    return Finished(tuple(arguments), process.returncode, raw.decode(errors="replace"))


def _keep(log: Path | None, raw: bytes) -> None:
    if log is not None:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_bytes(raw)
