"""Where boards are described, and what a description may say there.

In this order: a file that the user names, boards/ of the folder they stand in, boards/ of their
user folder, and the boards that are shipped. A folder that they stand in may be anybody's, such as
a repository just cloned, and a build runs what a platform and an uploader are told to run: so a
file there names nothing but packages that PlatformIO itself publishes, and harmless flags.
"""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from danas_hil.base import (
    DanasError,
    known_or_near,
    read_bytes,
    tree_folder,
    user_folder,
    write_atomic,
)
from danas_hil.base.reading import TEXT_BYTES
from danas_hil.board.firmware import Firmware
from danas_hil.board.usb import Usb

Place = Literal["named", "here", "user", "shipped", "kept"]
SUFFIX = ".toml"

_NOT_BOARDS = ("classes",)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,47}")  # a file name, and a string of the program
_PUBLISHED = re.compile(r"(platformio/)?[a-z0-9_-]+@\d+\.\d+\.\d+")
_HARMLESS_FLAG = re.compile(
    r"-D\w+(=[\w.+-]*)?|-O[0-3sg]|-O(fast|z)|-m[\w=.+-]+|-f(?!plugin)[\w=.+-]+|-W[\w=-]*"
    r"|-std=[\w+]+|-g\d?"
)


@dataclass(frozen=True)
class BoardFile:
    """A board's file. id: of the board, the name of its file."""

    id: str
    path: Path
    place: Place

    @property
    def shown(self) -> str:
        """Where it is, for the reader; empty where it is shipped."""
        if self.place == "shipped":
            return ""
        return str(Path("boards") / self.path.name if self.place == "here" else self.path)


_named: dict[str, BoardFile] = {}


def names_file(name: str) -> bool:
    """Whether what stands after --board is a file, not an id."""
    return name.endswith(SUFFIX) or os.sep in name


def board_names() -> tuple[str, ...]:
    """The ids of all boards, sorted."""
    mine = (one for folder in _folders().values() for one in _ids(folder))
    return tuple(sorted({*_named, *mine, *shipped_names()}))


def shipped_names() -> tuple[str, ...]:
    """The ids of the boards that are shipped, sorted."""
    return tuple(sorted(_ids(tree_folder("boards"))))


def find_board(name: str) -> BoardFile:
    """The file of a board by its id, or by the file's name.

    A file that was named before in this process stands for its id. Raises DanasError where there is
    none, and where it has the id of a shipped board or of another file that was named.
    """
    if names_file(name):
        return _file_named(Path(name).expanduser())
    candidates = [_named[name]] if name in _named else []
    if _ID.fullmatch(name) and name not in _NOT_BOARDS:
        for place, folder in (*_folders().items(), ("shipped", tree_folder("boards"))):
            path = folder / f"{name}{SUFFIX}"
            if path.is_file():
                candidates.append(BoardFile(name, path, place))
    shipped = tree_folder("boards") / f"{name}{SUFFIX}"
    candidates = [c for c in candidates if c.place == "shipped" or not _is_copy(c.path, shipped)]
    if not candidates:
        raise DanasError(
            f"There is no board {name!r}.",
            f"{known_or_near(name, board_names(), 'Boards')} `danas-hil boards list` tells more;"
            f" a file of your own: --board FILE{SUFFIX}.",
        )
    first, last = candidates[0], candidates[-1]
    if first.place != "shipped" and last.place == "shipped":
        raise _shadows(first.path, last.path)
    return first


def check_place(file: BoardFile, firmware: Firmware | None, usb: Usb | None) -> None:
    """Raises DanasError where the folder that the user stands in describes more than it may."""
    if file.place != "here":
        return
    told = None
    if firmware is not None:
        flags = (firmware.optimisation, *firmware.flags, *firmware.unflags)
        odd = [flag for flag in flags if not _HARMLESS_FLAG.fullmatch(flag)]
        if firmware.is_local:
            told = f"the local platform {firmware.platform!r}"
        elif not _PUBLISHED.fullmatch(firmware.platform):
            told = f"the platform {firmware.platform!r}, which is not PlatformIO's NAME@VERSION"
        elif odd:
            told = f"the compiler flag {odd[0]!r}"
    if told is None and usb is not None and usb.upload_flags:
        told = f"the upload flags {', '.join(usb.upload_flags)!r}"
    if told is not None:
        raise DanasError(
            f"{file.shown} names {told}, which the folder that you stand in may not do: it would"
            " run on this computer.",
            "If you trust it, move it to boards/ of the user folder that `danas-hil doctor` shows.",
        )


def published(firmware: Firmware) -> Firmware:
    """`firmware` with the platform of that name that PlatformIO itself publishes: without an owner
    it might be anybody's."""
    owned = "/" in firmware.platform
    return firmware if owned else replace(firmware, platform=f"platformio/{firmware.platform}")


def keep_beside(folder: Path, board: str) -> None:
    """Keep the file of a board of the user's in `folder`, so that `learn_from` knows it there."""
    if board in board_names() and board not in shipped_names():
        file = find_board(board)
        write_atomic(folder / f"{board}{SUFFIX}", read_bytes(file.path, TEXT_BYTES))


def learn_from(folder: Path, board: str) -> None:
    """Make a board known that is described nowhere any more but in `folder`, where it was kept.

    For its limits; nothing is built in a process that learnt of a board so.
    """
    kept = folder / f"{board}{SUFFIX}"
    if _ID.fullmatch(board) and board not in board_names() and kept.is_file():
        _named[board] = BoardFile(board, kept.resolve(), "kept")


def _file_named(given: Path) -> BoardFile:
    if not given.is_file():
        raise DanasError(f"There is no board file {given}.", "Give a TOML file, or a board's id.")
    name, path = given.name.removesuffix(SUFFIX), given.resolve()
    if given.suffix != SUFFIX or not _ID.fullmatch(name) or name in _NOT_BOARDS:
        raise DanasError(
            f"{given.name!r} is no name for a board's file.",
            f"It is the board's id and {SUFFIX}: letters, digits, - and _, 48 at the most.",
        )
    shipped = tree_folder("boards") / given.name
    if shipped.is_file():
        if not _is_copy(path, shipped):
            raise _shadows(path, shipped)
        return BoardFile(name, shipped, "shipped")
    here = _folders().get("here")
    if here and here.resolve() in (path.parent, given.parent.resolve()):
        return BoardFile(name, path, "here")
    named = BoardFile(name, path, "named")
    if (other := _named.setdefault(name, named).path) != path:
        raise DanasError(
            f"{path} and {other} are both called {name}.",
            "What is built and measured is kept by the board's id: give one of them another.",
        )
    return named


def _folders() -> dict[Place, Path]:
    """The folders of the user's that there are, but for the shipped one, in order."""
    found: dict[Place, Path] = {}
    here, shipped = Path("boards"), tree_folder("boards")
    if here.is_dir() and not (shipped.is_dir() and here.samefile(shipped)):
        found["here"] = here
    with contextlib.suppress(OSError):  # a home that can't be written to has no boards
        found["user"] = user_folder("boards")
    return found


def _ids(folder: Path) -> list[str]:
    names = [file.stem for file in folder.glob(f"*{SUFFIX}")]
    return [name for name in names if _ID.fullmatch(name) and name not in _NOT_BOARDS]


def _is_copy(path: Path, shipped: Path) -> bool:
    """Whether a file says what the shipped one of its name says, as in a source tree that an
    installed danas-hil is used in."""
    if not shipped.is_file():
        return False
    return read_bytes(path, TEXT_BYTES) == read_bytes(shipped, TEXT_BYTES)


def _shadows(path: Path, shipped: Path) -> DanasError:
    return DanasError(
        f"{path} has the name of a board that is shipped, {shipped}.",
        "Give it another name: what is known of the one would be taken for the other's.",
    )
