"""Boards and device classes: what they are, what they allow, and where they are."""

from danas_hil.board.access import busy, check_port, denied, holder
from danas_hil.board.board import (
    Board,
    choose_limits,
    device_class_names,
    known_boards,
    load_board,
    load_device_class,
)
from danas_hil.board.figures import (
    Figures,
    Share,
    build_key,
    keep_figures,
    read_every_figure,
    read_figures,
)
from danas_hil.board.firmware import Firmware
from danas_hil.board.hardware_map import (
    UNKNOWN,
    MapEntry,
    entries_of,
    read_hardware_map,
    update_hardware_map,
)
from danas_hil.board.limits import (
    Limits,
    format_latency,
    format_size,
    parse_latency,
    parse_size,
)
from danas_hil.board.locate import HARDWARE_MAP_VARIABLE, Connection, locate, split_address
from danas_hil.board.lock import device_lock
from danas_hil.board.places import (
    board_names,
    keep_beside,
    learn_from,
    names_file,
    shipped_names,
)
from danas_hil.board.ports import Port, Scanned, connected_ports, scan
from danas_hil.board.stall import Stall
from danas_hil.board.usb import Usb

__all__ = [
    "HARDWARE_MAP_VARIABLE",
    "UNKNOWN",
    "Board",
    "Connection",
    "Figures",
    "Firmware",
    "Limits",
    "MapEntry",
    "Port",
    "Scanned",
    "Share",
    "Stall",
    "Usb",
    "board_names",
    "build_key",
    "busy",
    "check_port",
    "choose_limits",
    "connected_ports",
    "denied",
    "device_class_names",
    "device_lock",
    "entries_of",
    "format_latency",
    "format_size",
    "holder",
    "keep_beside",
    "keep_figures",
    "known_boards",
    "learn_from",
    "load_board",
    "load_device_class",
    "locate",
    "names_file",
    "parse_latency",
    "parse_size",
    "read_every_figure",
    "read_figures",
    "read_hardware_map",
    "scan",
    "shipped_names",
    "split_address",
    "update_hardware_map",
]
