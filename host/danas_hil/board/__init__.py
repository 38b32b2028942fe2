"""Boards and device classes: what they are and what they allow."""

from danas_hil.board.board import (
    Board,
    board_names,
    device_class_names,
    load_board,
    load_device_class,
)
from danas_hil.board.firmware import Firmware
from danas_hil.board.limits import Limits, format_size, parse_size

__all__ = [
    "Board",
    "Firmware",
    "Limits",
    "board_names",
    "device_class_names",
    "format_size",
    "load_board",
    "load_device_class",
    "parse_size",
]
