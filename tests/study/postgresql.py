"""A PostgreSQL server of the tests' own, in a temporary folder and at a socket there."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_DEBIAN = "/usr/lib/postgresql"


def _program(name: str) -> str:
    found = [shutil.which(name), *map(str, sorted(Path(_DEBIAN).glob(f"*/bin/{name}")))]
    for program in reversed(found):
        if program is not None:
            return program
    pytest.skip(f"PostgreSQL's {name} is not installed (Debian: postgresql)")


def _user() -> str | None:
    """Whom to run it as: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)


@contextmanager
def postgresql() -> Iterator[str]:
    """Yields the URL of an empty database; the server ends with the block."""
    initdb, pg_ctl, user = _program("initdb"), _program("pg_ctl"), _user()
    # Not below pytest's folder: that is closed to the other user, and too long for a socket.
    with tempfile.TemporaryDirectory(prefix="danas-pg-") as name:
        folder = Path(name)
        if user is not None:
            shutil.chown(folder, user)

        def run(*command: str) -> None:
            with (folder.parent / f"{folder.name}.log").open("a+") as log:
                done = subprocess.run(
                    command, user=user, cwd=folder, stdout=log, stderr=log, check=False
                )
                log.seek(0)
                assert done.returncode == 0, log.read()

        data = str(folder / "data")
        server = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
        try:
            run(initdb, "-D", data, "-U", "nas", "-A", "trust", "-E", "UTF8", "--no-sync")
            run(pg_ctl, "-D", data, "-w", "-t", "60", "-o", server, "start")
            try:
                yield f"postgresql://nas@/postgres?host={folder}"
            finally:
                run(pg_ctl, "-D", data, "-m", "immediate", "-w", "stop")
        finally:
            (folder.parent / f"{folder.name}.log").unlink()
