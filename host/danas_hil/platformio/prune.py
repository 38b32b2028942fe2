"""What builds leave is kept within bounds: what was not used for the longest goes first."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import filelock

from danas_hil.base import held, user_folder

KEPT_BYTES = 1024**3  # a library for a board and an optimisation takes some 20 MB


class _Kept(NamedTuple):
    used: float  # when last, in seconds since 1970
    size: int
    path: Path


@contextlib.contextmanager
def in_use(
    project: Path, seconds: float, waiting: Callable[[str], None] = lambda _: None
) -> Iterator[None]:
    """Hold the lock of a project folder; nothing is pruned meanwhile.

    seconds: to wait for it. waiting: hears for what, where that takes longer than a moment. Raises
    filelock.Timeout.
    """
    project.mkdir(parents=True, exist_ok=True)
    minutes = f"{max(1, round(seconds / 60))} min at most"
    with held(
        project / ".lock", seconds, lambda: waiting(f"another build in {project}, {minutes}")
    ):
        with held(
            _pruning(project.parent),
            seconds,
            lambda: waiting(f"the clearing up of {project.parent}, {minutes}"),
        ):
            pass  # whoever prunes has not seen our lock, so we wait for the end of it
        yield


def prune(objects: Path, most_bytes: int = KEPT_BYTES) -> None:
    """Delete compiled objects and build folders, the longest unused first, down to `most_bytes`.

    objects: the folder with SCons's caches, `objects-KIND`, which notes each use of an object as
    the time of its file. Libraries that were downloaded stay. Does nothing while anybody builds.
    """
    folder = user_folder("projects")
    with contextlib.ExitStack() as locks, contextlib.suppress(filelock.Timeout):
        locks.enter_context(filelock.FileLock(_pruning(folder), timeout=0))
        projects = [path for path in sorted(folder.iterdir()) if path.is_dir()]
        for project in projects:
            locks.enter_context(filelock.FileLock(project / ".lock", timeout=0))
        kept = [_of_file(path) for path in objects.glob("objects-*/[0-9A-F][0-9A-F]/*")]
        kept += [_of_folder(project) for project in projects]
        total = sum(one.size for one in kept)
        for one in sorted(kept):
            if total <= most_bytes:
                break
            total -= one.size
            if one.path.is_file():
                one.path.unlink()
            elif one.size:
                shutil.rmtree(one.path)


def _pruning(folder: Path) -> Path:
    return folder / ".pruning"


def _of_file(path: Path) -> _Kept:
    status = path.stat()
    return _Kept(status.st_mtime, status.st_size, path)


def _of_folder(project: Path) -> _Kept:
    """What a project has compiled; every build links the program anew."""
    folder = project / ".pio" / "build"
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    linked = (path.stat().st_mtime for path in folder.glob("*/firmware.elf"))
    return _Kept(max(linked, default=0.0), size, folder)
