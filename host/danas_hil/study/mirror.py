"""Supernets in a place that several computers reach: a folder, or whatever fsspec takes."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from danas_hil.base import DanasError, atomic_path, first_line, public_url, require, scrubbed
from danas_hil.supernet import CHECKPOINT, Checkpoint


class SupernetStore(Protocol):
    """A folder of checkpoints here, kept the same as one elsewhere."""

    @property
    def folder(self) -> Path: ...

    def pull(self, name: str) -> None:
        """Get the checkpoint `name` here if it is further than ours."""

    def push(self, name: str) -> None:
        """Put our checkpoint `name` where the others look for it, unless it is there."""


def open_store(place: str, run_folder: Path) -> SupernetStore:
    """The supernets at `place`: a folder, from `run_folder` on, or a URL that fsspec takes.

    Raises DanasError when it can't be written, or nothing is known of such URLs.
    """
    if "://" in place:
        return _Mirror.open(place, run_folder / "supernets")
    folder = run_folder / place
    with _remote(str(folder), "written"):
        with atomic_path(folder / _PROBE) as path:
            path.touch()
        (folder / _PROBE).unlink(missing_ok=True)
    return _Folder(folder)


_PROBE = ".writable"


def open_to_read(place: str, run_folder: Path, copies: Path) -> SupernetStore:
    """Like `open_store`, of supernets that nobody is to write: those at a URL come to `copies`."""
    if "://" not in place:
        return _Folder(run_folder / place)
    files, root = _files_at(place)
    return _Mirror(copies, place, files, root)


@dataclass(frozen=True)
class _Folder:
    """All look into the same folder: there is nothing to carry."""

    folder: Path

    def pull(self, name: str) -> None:
        pass

    def push(self, name: str) -> None:
        pass


@dataclass(frozen=True)
class _Mirror:
    """Checkpoints at a URL, and copies of them in `folder`.

    _seen: what marks the file there that was last carried or looked at; _carried: the file here.
    """

    folder: Path
    url: str
    _files: Any
    _root: str
    _seen: dict[str, object] = field(default_factory=dict)
    _carried: dict[str, object] = field(default_factory=dict)

    @staticmethod
    def open(url: str, folder: Path) -> _Mirror:
        files, root = _files_at(url)
        probe = f"{root}/{_PROBE}-{secrets.token_hex(4)}"
        with _remote(url, "written"):
            files.makedirs(root, exist_ok=True)
            files.pipe_file(probe, b"writable")
            files.rm_file(probe)
        return _Mirror(folder, url, files, root)

    def pull(self, name: str) -> None:
        remote, local = f"{self._root}/{name}/{CHECKPOINT}", self.folder / name / CHECKPOINT
        pulled = local.with_name(f"pulled-{CHECKPOINT}")
        with _remote(self.url, "read"):
            self._files.invalidate_cache()
            if not self._files.exists(remote):
                return
            mark = self._files.ukey(remote)
            if local.exists() and self._seen.get(name) == mark:
                return
            with atomic_path(pulled) as path:
                self._files.get_file(remote, str(path))
        self._seen[name] = mark
        if not local.exists() or Checkpoint.load(local).step < Checkpoint.load(pulled).step:
            pulled.replace(local)
            self._carried[name] = _mark(local)
        pulled.unlink(missing_ok=True)

    def push(self, name: str) -> None:
        remote, local = f"{self._root}/{name}/{CHECKPOINT}", self.folder / name / CHECKPOINT
        if not local.exists() or self._carried.get(name) == _mark(local):
            return
        part = f"{self._root}/{name}/.part-{secrets.token_hex(4)}"
        with _remote(self.url, "written"):
            self._files.makedirs(f"{self._root}/{name}", exist_ok=True)
            self._files.put_file(str(local), part)
            self._files.mv(part, remote)  # a reader sees the old file or the new one
            self._files.invalidate_cache()
            self._seen[name] = self._files.ukey(remote)
        self._carried[name] = _mark(local)


def _files_at(url: str) -> tuple[Any, str]:
    """The file system of `url` and the path in it. Raises DanasError for an unknown one."""
    fsspec = require("fsspec", "remote")
    try:
        files, root = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise DanasError(
            f"Nothing is known of {public_url(url)}: {scrubbed(first_line(error), url)}.",
            "A folder will do, or a URL of fsspec: s3://, gs://, sftp://, file://.",
        ) from error
    return files, root


def _mark(file: Path) -> object:
    """What changes when the file does."""
    status = file.stat()
    return status.st_ino, status.st_mtime_ns, status.st_size


@contextmanager
def _remote(place: str, what: str) -> Iterator[None]:
    """Each file system has errors of its own; to the user all mean the same."""
    try:
        yield
    except Exception as error:
        raise DanasError(
            f"Supernets can't be {what} at {public_url(place)}:"
            f" {scrubbed(first_line(error), place)}.",
            "Choose another --supernets, or see to the rights of this one.",
        ) from error
