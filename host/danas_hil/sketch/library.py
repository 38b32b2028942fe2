"""Which TensorFlow Lite Micro is built: the one that estimates are made for, or another.

A build's TOML tells the hash of the library that it was written for. A folder
that differs from it in one byte that a compiler may read is another library, `custom:HASH`: what
is known of the one says nothing of it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from danas_hil.base import DanasError, read_bytes
from danas_hil.base.reading import TEXT_BYTES
from danas_hil.board import Board
from danas_hil.builds import PinnedLibrary, list_builds, load_build

LIBRARY_VARIABLE = "DANAS_TFLM_LIBRARY"

_LOCAL = "symlink://"
_SHOWN_DIGITS = 12
_NAME_CHARACTERS = 48  # a program tells name and version; its reply has room for so many
_COMPILED_FOLDERS = ("src", "include", "utility")  # or all of a library that has no src
_SETTINGS = (".git", ".gitignore", ".gitattributes", ".ds_store", ".piopm", ".svn", ".hg")
_FOR_PEOPLE = ("license", "licence", "copying", "notice", "readme", "authors", "changelog")
_FOR_PEOPLE_ENDS = ("", ".md", ".txt", ".rst")
_BUILD_FIELDS = ("dot_a_linkage", "ldflags", "precompiled")  # of library.properties
_DEFAULTS = ("", "false")


@dataclass(frozen=True)
class Library:
    """A TensorFlow Lite Micro.

    place: where PlatformIO gets it from, in its words. name: with its version. hash: of what is
    compiled, in hexadecimal. custom: `custom:HASH` of one that no estimate is made for, else empty.
    """

    place: str
    name: str
    hash: str
    custom: str = ""

    @property
    def shown(self) -> str:
        """What a program tells, and measurements are told apart by."""
        return f"{self.name} {self.custom}".rstrip()

    @property
    def folder(self) -> Path | None:
        """Where it lies, if it is one of the user's."""
        return Path(self.place.removeprefix(_LOCAL)) if self.place.startswith(_LOCAL) else None


def library_of(board: Board) -> Library:
    """The library that models are built with for `board`: a folder of the user's, or PlatformIO's.

    Raises DanasError when DANAS_TFLM_LIBRARY names no folder with a library, and where it names
    nothing and PlatformIO has no library of the board's build.
    """
    pinned = load_build(board.build, board.kernels).library
    named = os.environ.get(LIBRARY_VARIABLE)
    if not named:
        if not pinned.place:
            raise DanasError(
                f"PlatformIO has no library for the build {board.build}.",
                f"Let {LIBRARY_VARIABLE} name a folder that holds {pinned.shown}.",
            )
        # What is downloaded is held against the hash when it is there: `check_downloaded`.
        return Library(pinned.place, pinned.shown, pinned.hash)
    try:
        return read_library(Path(named), pinned.hash)
    except DanasError as error:
        raise DanasError(f"{LIBRARY_VARIABLE}: {error.what}", error.hint) from error


def read_library(folder: Path, pinned: str | None = None) -> Library:
    """The library in a folder.

    pinned: the hash of the one that estimates are made for; None for any that there are some for.
    Raises DanasError where no library stands there.
    """
    folder = folder.expanduser().resolve()
    if not any((folder / name).is_file() for name in ("library.properties", "library.json")):
        raise DanasError(
            f"No library stands in {folder}.",
            "It must be the folder that holds library.properties.",
        )
    hash_, custom = library_hash(folder), ""
    if hash_ not in (estimated() if pinned is None else (pinned,)):
        # What its sources include may lie outside of src.
        hash_ = library_hash(folder, whole=True)
        custom = f"custom:{hash_[:_SHOWN_DIGITS]}"
    return Library(f"{_LOCAL}{folder}", _name(folder), hash_, custom)


def estimated() -> tuple[str, ...]:
    """The hashes of the libraries that estimates are made for."""
    return tuple(one.hash for one in _pinned() if one.hash)


def _pinned() -> list[PinnedLibrary]:
    return [load_build(choice.name).library for choice in list_builds()]


def downloaded(projects: Path) -> tuple[Path, ...]:
    """Where PlatformIO has put libraries that are not the user's, for each kind of project and
    board. projects: the folder with all projects."""
    names = {one.name for one in _pinned() if one.place}
    return tuple(sorted(found for n in names for found in projects.glob(f"*/.pio/libdeps/*/{n}")))


def check_downloaded(library: Library, folder: Path) -> None:
    """Hold what PlatformIO downloaded against the hash it is known by.

    folder: with PlatformIO's downloads for a board. Raises DanasError where it is another one.
    """
    found = folder / library.place.partition("@")[0].rpartition("/")[2]
    if library.folder is None and found.is_dir() and library_hash(found) != library.hash:
        raise DanasError(
            f"{found} is not {library.name} as it is known: what is compiled there differs.",
            "Delete that folder, and it is downloaded anew. To build it as a library of your own:"
            f" {LIBRARY_VARIABLE}={found}.",
        )


def library_hash(folder: Path, *, whole: bool = False) -> str:
    """SHA-256 in hexadecimal over names and contents of what is compiled of a library.

    That is all in src, include and utility but licences and the like, with line ends as Unix has
    them, and what the manifest says of compiling. whole: all of the folder. Cheap for files that
    did not change. Raises DanasError for a file that can't be read.
    """
    folder = folder.resolve()
    try:
        files = tuple(sorted(set(_files(folder, whole))))
    except OSError as error:
        raise DanasError(f"The library {folder} can't be read: {error}.") from error
    return _hash(folder, files)


@lru_cache(maxsize=8)
def _hash(folder: Path, files: tuple[tuple[str, int, int], ...]) -> str:
    """files: names, and what changes with a file: its size, and when it was changed."""
    digest = hashlib.sha256()
    for name, size, _ in files:
        content = read_bytes(folder / name, size)
        inner = hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()
        if name in ("library.properties", "library.json"):
            inner = _of_manifest(folder / name)
        if inner:
            digest.update(f"{name}\0{inner}\n".encode())
    return digest.hexdigest()


def _files(folder: Path, whole: bool) -> Iterator[tuple[str, int, int]]:
    """What is hashed, by its name from `folder` on."""
    parts = []
    if (folder / "src").is_dir() and not whole:
        parts = [folder / name for name in _COMPILED_FOLDERS]
    seen: set[str] = set()
    for part in parts or [folder]:
        for place, folders, names in os.walk(part, followlinks=True):
            true_place = os.path.realpath(place)
            if true_place in seen:  # a link to a folder above
                folders.clear()
                continue
            seen.add(true_place)
            folders[:] = [name for name in folders if name.lower() not in _SETTINGS]
            yield from _states(folder, (Path(place) / name for name in names if _counts(name)))
    if parts:
        yield from _states(folder, (folder / f"library.{end}" for end in ("json", "properties")))


def _states(folder: Path, paths: Iterator[Path]) -> Iterator[tuple[str, int, int]]:
    for path in paths:
        if path.exists():
            state = path.stat()
            if stat.S_ISREG(state.st_mode):
                yield path.relative_to(folder).as_posix(), state.st_size, state.st_mtime_ns


def _counts(name: str) -> bool:
    """Whether a compiler may read it, which may include a text as well."""
    path = Path(name.lower())
    for_people = path.stem in _FOR_PEOPLE and path.suffix in _FOR_PEOPLE_ENDS
    return not for_people and path.name not in _SETTINGS and not path.name.startswith("._")


def _of_manifest(path: Path) -> str:
    """What a manifest says of compiling; empty where it says nothing."""
    text = _text(path)
    if path.suffix == ".properties":
        told = _properties(text)
        fields = {key: told.get(key, "") for key in _BUILD_FIELDS}
        changed = {key: value for key, value in fields.items() if value not in _DEFAULTS}
        return json.dumps(changed, sort_keys=True) if changed else ""
    try:
        build = json.loads(text).get("build")
    except (ValueError, AttributeError):
        return text  # PlatformIO will refuse it
    return json.dumps(build, sort_keys=True) if build else ""


def _text(path: Path) -> str:
    return read_bytes(path, TEXT_BYTES).decode(errors="replace")


def _properties(text: str) -> dict[str, str]:
    return dict(re.findall(r"^(\w+)=(.*?)\s*$", text, re.MULTILINE))


def _name(folder: Path) -> str:
    """Name and version, as its manifest has them."""
    told: dict[str, str] = {}
    if (folder / "library.properties").is_file():
        told = _properties(_text(folder / "library.properties"))
    name = f"{told.get('name', folder.name)} {told.get('version', 'of unknown version')}"
    return name[:_NAME_CHARACTERS]
