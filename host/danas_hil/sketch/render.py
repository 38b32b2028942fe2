"""Templates and firmware to the files of a PlatformIO project."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import jinja2

from danas_hil.base import DanasError, tree_folder
from danas_hil.board import Board, Firmware
from danas_hil.sketch.library import Library


@dataclass(frozen=True)
class Sketch:
    """A PlatformIO project, rendered.

    kind: of its model, the name of its folder in templates/; projects of one kind share what is
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
    kind: str,
    values: Mapping[str, Any],
    *,
    library: Library | None = None,
) -> Sketch:
    """The project of the templates in templates/`kind` for `board`.

    model.cpp alone is told its identity: it is the one file that differs from model to model.
    Raises DanasError for a board that no firmware is built for, and for text that can't stand in
    a settings file.
    """
    firmware = firmware_of(board)
    files = {
        f"src/{file.name}": file.read_text(encoding="utf-8")
        for file in sorted(tree_folder("firmware").iterdir())
        if file.suffix in (".h", ".cpp")
    }
    files["src/main.cpp"] = _template("main.cpp.j2").render()
    files["src/model.h"] = _template("model.h.j2").render()
    common = {**values, "board": board}
    for file in sorted((tree_folder("templates") / kind).glob("*.j2")):
        text = _template(f"{kind}/{file.name}").render(common, identity="")
        files[f"src/{file.name.removesuffix('.j2')}"] = text
    # Where things lie on this computer is no part of what the program is: the settings file is
    # not hashed, what it says is.
    parts = [files, asdict(firmware), _local_core(firmware), library.hash if library else ""]
    text = json.dumps(parts, sort_keys=True)
    identity = hashlib.sha256(text.encode()).hexdigest()[:16]
    files["src/model.cpp"] = _template(f"{kind}/model.cpp.j2").render(common, identity=identity)
    sketch = Sketch(board, kind, files, identity, library)
    files["platformio.ini"] = board_settings(board, sketch.libraries)
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
    board: Board, libraries: tuple[str, ...] = (), platforms: str | None = None
) -> str:
    """The board's environment of a platformio.ini.

    platforms: where our platforms stand, in PlatformIO's words, where it is not in the source tree
    as it lies on this computer. Raises DanasError for text that can't stand in such a file.
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
        "-DARDUINO_EXCLUDE_CODE",  # the library's own output, which would break our lines
        *firmware.flags,
    )
    for text in (folder, platform, *flags, *firmware.unflags, *libraries):
        if any(sign in text for sign in ("\n", "\r", "${", " ;", "\x00")):
            raise DanasError(
                f"{text!r} can't stand in platformio.ini.", "Use a path without such signs."
            )
    if platforms is not None:
        platform, folder = platform.replace(folder, platforms), platforms
    return _template("platformio.ini.j2").render(
        board=board,
        firmware=firmware,
        platform=platform,
        platforms=folder,
        flags=flags,
        libraries=libraries,
    )


def _template(name: str) -> jinja2.Template:
    return _environment().get_template(name)


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(tree_folder("templates")),
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
