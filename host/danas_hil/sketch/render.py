"""Templates and firmware to the files of a PlatformIO project."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from danas_hil.base import DanasError, tree_folder
from danas_hil.board import Board, Firmware
from danas_hil.sketch.library import Library

_OWN = "own"


@dataclass(frozen=True)
class Sketch:
    """A PlatformIO project, rendered.

    kind: of its model, the name of its folder of templates; projects of one kind share what is
    compiled. files: by path in the project folder. identity: sixteen hexadecimal digits over all
    that the program is made of; the program tells it. library: that PlatformIO must have; None
    where the program needs none.
    """

    board: Board
    kind: str
    files: Mapping[str, str]
    identity: str
    library: Library | None = None

    @property
    def libraries(self) -> tuple[str, ...]:
        """In PlatformIO's words."""
        return (self.library.place,) if self.library else ()


def render(
    board: Board,
    templates: Path,
    values: Mapping[str, Any],
    *,
    library: Library | None = None,
    flags: tuple[str, ...] = (),
) -> Sketch:
    """The project of the folder `templates`, and of those that all sketches share, for `board`.

    flags: that the compiler is given with the library. model.cpp alone is told its identity: it is
    the one file that differs from model to model. Raises DanasError for a board that no firmware
    is built for, and for text that can't stand in a settings file.
    """
    firmware, environment = firmware_of(board), _environment(templates)
    files = {
        f"src/{file.name}": file.read_text(encoding="utf-8")
        for file in sorted(tree_folder("firmware").iterdir())
        if file.suffix in (".h", ".cpp")
    }
    files["src/main.cpp"] = environment.get_template("main.cpp.j2").render()
    files["src/model.h"] = environment.get_template("model.h.j2").render()
    common = {**values, "board": board}
    for file in sorted(templates.glob("*.j2")):
        text = environment.get_template(f"{_OWN}/{file.name}").render(common, identity="")
        files[f"src/{file.name.removesuffix('.j2')}"] = text
    # Where things lie on this computer is no part of what the program is: the settings file is
    # not hashed, what it says is.
    parts = [files, asdict(firmware), _local_core(firmware), library.hash if library else "", flags]
    identity = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
    model = environment.get_template(f"{_OWN}/model.cpp.j2").render(common, identity=identity)
    files["src/model.cpp"] = model
    sketch = Sketch(board, templates.name, files, identity, library)
    files["platformio.ini"] = board_settings(board, sketch.libraries, flags)
    return sketch


def _local_core(firmware: Firmware) -> dict[str, str]:
    """The sources of a platform of ours, which are part of the program too."""
    if not firmware.is_local:
        return {}
    folder = tree_folder("platforms") / firmware.platform_name
    files = (file for place in ("arduino", "builder") for file in (folder / place).iterdir())
    return {file.name: file.read_text(encoding="utf-8") for file in files if file.is_file()}


def firmware_of(board: Board) -> Firmware:
    """How firmware for `board` is made. Raises DanasError where none is."""
    if board.firmware is None:
        raise DanasError(
            f"Nothing is built or flashed for {board.name} ({board.id}).",
            "`danas-hil boards list` tells which boards run a firmware.",
        )
    return board.firmware


def board_settings(
    board: Board,
    libraries: tuple[str, ...] = (),
    library_flags: tuple[str, ...] = (),
    platforms: str | None = None,
) -> str:
    """The board's environment of a platformio.ini.

    library_flags: that the compiler is given with the libraries. platforms: where our platforms
    stand, in PlatformIO's words, where it is not in the source tree as it lies on this computer.
    Raises DanasError for text that can't stand in such a file.
    """
    firmware = firmware_of(board)
    # Absolute: a relative one is resolved for the first project of a core folder only.
    folder = str(tree_folder("platforms"))
    platform = firmware.platform
    if firmware.is_local:
        platform = f"symlink://{folder}/{firmware.platform_name}"
    flags = (
        f"-DDANAS_SERIAL={firmware.serial_object}",
        f"-DDANAS_BAUD={firmware.serial_baud}",
        *library_flags,
        *firmware.flags,
    )
    for text in (folder, platform, *flags, *firmware.unflags, *libraries):
        if any(sign in text for sign in ("\n", "\r", "${", " ;", "\x00")):
            raise DanasError(
                f"{text!r} can't stand in platformio.ini.", "Use a path without such signs."
            )
    if platforms is not None:
        platform, folder = platform.replace(folder, platforms), platforms
    return (
        _environment()
        .get_template("platformio.ini.j2")
        .render(
            board=board,
            firmware=firmware,
            platform=platform,
            platforms=folder,
            flags=flags,
            libraries=libraries,
        )
    )


@cache
def _environment(templates: Path | None = None) -> jinja2.Environment:
    """Of the templates that all sketches share, and under `own/` those of one folder, which may
    stand in the user's."""
    shared = jinja2.FileSystemLoader(tree_folder("templates"))
    own = {_OWN: jinja2.FileSystemLoader(templates)} if templates else {}
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PrefixLoader(own), shared]),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # C++, not HTML; strings go through c_string
    )
    environment.filters["c_string"] = c_string
    return environment


def c_string(text: str) -> str:
    """A C string literal of `text`: printable ASCII as it is, everything else as octal UTF-8."""
    quoted = ""
    for byte in text.encode():
        sign = chr(byte)
        # A question mark may begin a trigraph.
        plain = 32 <= byte < 127 and sign not in '"\\?'
        quoted += sign if plain else f"\\{byte:03o}"
    return f'"{quoted}"'
