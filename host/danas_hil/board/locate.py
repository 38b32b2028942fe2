"""Where a board is: `BOARD`, or `BOARD@PLACE` where several are alike or one is elsewhere."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from danas_hil.base import DanasError
from danas_hil.board.board import Board, load_board
from danas_hil.board.hardware_map import UNKNOWN, MapEntry, read_hardware_map
from danas_hil.board.places import SUFFIX, board_names
from danas_hil.board.ports import Port, connected_ports, may_be, scan

HARDWARE_MAP_VARIABLE = "DANAS_HARDWARE_MAP"


@dataclass(frozen=True)
class Connection:
    """How a real board is reached: by its USB device, whatever name that has now, or by a port.

    place: what a person said after the @, if anything. serial_number, location: of the USB device
    (board.Port). url: a port that stays, such as `socket://host:4000`, for a board without either.
    """

    board: Board
    baud: int
    place: str | None = None
    serial_number: str | None = None
    location: str | None = None
    url: str | None = None

    @property
    def device(self) -> str:
        """What tells this device from all others."""
        return self.serial_number or self.location or self.url or self.board.id

    def find(self, *, running: bool = True) -> str | None:
        """The port's name now; None while there is none.

        running: only while firmware runs on the board, not its bootloader.
        """
        if self.url is not None:
            return self.url
        here = [port for port in connected_ports() if may_be(port, self.board, running=running)]
        for port in here:
            if self.serial_number is not None and port.serial_number == self.serial_number:
                return port.device
        # A bootloader may have another serial number, or none; the socket is the same.
        for port in here:
            if self.location is not None and port.location == self.location:
                return port.device
        return None


def split_address(address: str) -> tuple[Board, str | None]:
    """The board of `BOARD` or `BOARD@PLACE`, and the place. Raises DanasError for no such board.

    BOARD is an id, or a file; there may be an @ in the folders that it lies in.
    """
    file, at, place = address.rpartition(f"{SUFFIX}@")
    name = f"{file}{SUFFIX}"
    if address.endswith(SUFFIX):
        name, at, place = address, "", ""
    elif not at:
        name, at, place = address.partition("@")
    if at and not place:
        raise DanasError(
            f"{address!r} lacks what comes after the @.",
            "Write BOARD@SERIAL, with a USB serial number that `danas-hil boards scan` shows.",
        )
    return load_board(name), place or None


def locate(board: Board, place: str | None, hardware_map: Path | None = None) -> Connection:
    """Find a real board.

    place: USB serial number, USB socket, port or pyserial URL; None where one is connected only.
    hardware_map: says which boards are at hand; DANAS_HARDWARE_MAP names one where it is None.
    Raises DanasError when there is none, or there are several and none was named.
    """
    assert board.firmware is not None
    baud = board.firmware.serial_baud  # our firmware's, whatever others run at
    if place is not None and "://" in place:
        return Connection(board, baud, place, url=place)
    entries = _map(hardware_map)
    mine = [entry for entry in entries if _board_of(entry) == board.id and entry.connected]
    if place is not None:
        mine = [entry for entry in mine if place in (entry.id, entry.serial)]
    ports = connected_ports()
    others = {entry.id for entry in entries if _board_of(entry) not in (board.id, UNKNOWN)}
    named = {entry.id for entry in mine}
    found = [port for port in ports if may_be(port, board) and port.unique not in others]
    if place is not None:
        found = [port for port in ports if port.is_of(place)]
    elif any(port.unique in named for port in found):
        found = [port for port in found if port.unique in named]
    elsewhere = [entry for entry in mine if not any(port.unique == entry.id for port in ports)]
    elsewhere = [entry for entry in elsewhere if entry.serial]
    if len(found) + len(elsewhere) > 1:
        raise _several(board, found, elsewhere)
    if found:
        (port,) = found
        _refuse_other(board, port, entries)
        number, location = port.serial_number, port.location
        ours = may_be(port, board) and (number or location)
        fixed = None if ours else port.device  # such as an adapter between board and USB
        return Connection(board, baud, place, number, location, fixed)
    if elsewhere:
        (entry,) = elsewhere
        return Connection(board, baud, place, entry.id, url=entry.serial)
    if place is not None and (place.startswith("/") or place.upper().startswith("COM")):
        return Connection(board, baud, place, url=place)  # a port that is not on USB
    raise _none(board, place)


def _refuse_other(board: Board, port: Port, entries: Sequence[MapEntry]) -> None:
    """A device that a person named, and that is another board, is not to be flashed."""
    told = {_board_of(entry) for entry in entries if entry.id == port.unique} - {UNKNOWN}
    looks = next((one.boards for one in scan() if one.port == port), (board.id,))
    for by, boards in (("the hardware map", told), ("its USB ids", set(looks))):
        if boards and board.id not in boards:
            raise DanasError(
                f"{port.device} ({port.unique}) is not {board.id} by {by}, but"
                f" {' or '.join(sorted(boards))}.",
                "Name the board that it is, or correct the hardware map.",
            )


def _board_of(entry: MapEntry) -> str:
    """The id of the entry's board; Zephyr knows more, which are told by their USB ids as ever."""
    name = entry.platform.partition("/")[0]
    return name if name in board_names() else UNKNOWN


def _map(hardware_map: Path | None) -> tuple[MapEntry, ...]:
    path = hardware_map or os.environ.get(HARDWARE_MAP_VARIABLE)
    return read_hardware_map(Path(path)) if path else ()


def _several(board: Board, ports: Sequence[Port], entries: Sequence[MapEntry]) -> DanasError:
    told = [f"{port.device} ({port.serial_number or 'no serial number'})" for port in ports]
    told += [f"{entry.serial} ({entry.id})" for entry in entries]
    names = [port.unique for port in ports] + [str(entry.id or entry.serial) for entry in entries]
    return DanasError(
        f"{len(told)} connected boards may be {board.id}: {', '.join(told)}.",
        f"Say which: {' or '.join(f'{board.id}@{name}' for name in names)}.",
    )


def _none(board: Board, place: str | None) -> DanasError:
    what = f"{board.name} ({board.id}{'@' + place if place else ''})"
    told = [f"{one.port.device} ({' or '.join(one.boards)})" for one in scan()]
    return DanasError(
        f"{what} is not connected.",
        (f"Connected: {', '.join(told)}." if told else "No board shows itself on USB.")
        + " docs/boards.md tells what to look at.",
    )
