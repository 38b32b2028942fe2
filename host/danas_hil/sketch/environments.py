"""The source tree's platformio.ini: an environment for each board, made from boards/."""

from __future__ import annotations

from danas_hil.board import Board, load_board, shipped_names
from danas_hil.builds import load_build
from danas_hil.sketch.render import board_settings

_HEAD = """\
; Generated from boards/: danas-hil boards platformio > platformio.ini
; The sketches themselves are built in folders of their own; this file serves `pio pkg install -e`
; and editors. DANAS_TFLM_LIBRARY, which replaces the library by a folder, is danas-hil's.
[platformio]
boards_dir = boards
"""


def environments() -> str:
    """The text of that file, of the boards that are shipped; each environment as the board's
    sketches have it."""
    boards = [load_board(name) for name in shipped_names()]
    return _HEAD + "".join("\n" + _environment(board) for board in boards if board.firmware)


def _environment(board: Board) -> str:
    library = load_build(board.build, board.kernels).library
    places = (library.place,) if library.place else ()
    return board_settings(board, places, library.flags, "${PROJECT_DIR}/platforms")
