"""Files: written whole or not at all; and the folders that we read and keep things in."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import platformdirs

from danas_hil.base.errors import DanasError
from danas_hil.base.plain import finite
from danas_hil.base.reading import read_bytes

JSON_BYTES = 256 * 1024 * 1024
"""Of a front with every evaluation of a long search, and more."""


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; when the block ends well it is renamed to `path`.

    A reader sees the old file or the new one, never half of one, also after kill -9. The
    temporary name keeps the suffix, for writers that go by it. What the operating system refuses
    is an OSError that names `path`: of a full disk, writing tells no name. Raises DanasError for a
    device or a pipe, which the renaming would put a file in place of.
    """
    with _naming(path):
        odd = path.exists() and not (path.is_file() or path.is_dir())
        if odd or path.absolute().parent == Path("/dev"):  # where /dev/stdout is a link to a file
            raise DanasError(f"{path} is a device or a pipe.", "Name a file to be written.")
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".part-", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    with _naming(path, temporary), _removing(temporary):
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)  # mkstemp makes private files
        temporary.replace(path)


@contextlib.contextmanager
def _naming(path: Path, temporary: Path | None = None) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        ours = error.filename is None or temporary is None or str(error.filename) == str(temporary)
        if error.errno is None or not ours:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


@contextlib.contextmanager
def _removing(temporary: Path) -> Iterator[None]:
    try:
        yield
    finally:
        temporary.unlink(missing_ok=True)


def write_atomic(path: Path, content: bytes | str) -> None:
    """Write `content` (text as UTF-8) to `path`, whole or not at all.

    Raises DanasError for a text with a name in it that is no UTF-8, as file systems allow.
    """
    try:
        written = content.encode() if isinstance(content, str) else content
    except UnicodeEncodeError as error:
        odd = ascii(str(error.object)[max(0, error.start - 20) : error.end + 20])
        raise DanasError(
            f"{path} can't keep a name that is no UTF-8: {odd}.", "Rename that file or folder."
        ) from error
    with atomic_path(path) as temporary:
        temporary.write_bytes(written)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, whole or not at all. NaN is refused: it is not JSON."""
    write_atomic(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def read_json(path: Path, hint: str = "") -> Any:
    """Read JSON from `path`. Raises DanasError naming the file when it is missing or damaged.

    NaN and infinities, which Python's reader would take, are damage: nothing of ours writes them.
    """
    try:
        content = read_bytes(path, JSON_BYTES, hint)
        return json.loads(content, parse_float=finite, parse_constant=finite)
    except (ValueError, RecursionError) as error:
        raise DanasError(f"{path} can't be read: {error}.", hint) from error


def tree_folder(name: str) -> Path:
    """The folder `name` (boards, templates, firmware) of the source tree or the installed wheel."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_tree" / name
    return installed if installed.is_dir() else package.parents[1] / name


def user_folder(kind: str) -> Path:
    """The user's folder for `kind` (builds, locks, data, calibrations), made if need be.

    DANAS_HIL_HOME overrides its place.
    """
    home = os.environ.get("DANAS_HIL_HOME")
    root = Path(home) if home else platformdirs.user_cache_path("danas-hil")
    folder = root / kind
    folder.mkdir(parents=True, exist_ok=True)
    return folder
