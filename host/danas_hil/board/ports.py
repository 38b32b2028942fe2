"""What is connected now: the serial ports of USB devices, and which boards they may be."""

from __future__ import annotations

from dataclasses import dataclass

from danas_hil.board.board import Board, known_boards


@dataclass(frozen=True)
class Port:
    """A serial port of a USB device.

    device: its name, such as /dev/ttyACM0. usb_id: vendor and product, such as `2341:805A`.
    serial_number: None where the device has none. location: of the USB socket, such as `1-1.2`.
    """

    device: str
    usb_id: str
    serial_number: str | None
    location: str | None
    product: str

    @property
    def unique(self) -> str:
        """What tells its device from others that are alike."""
        return self.serial_number or self.location or self.device

    def is_of(self, name: str) -> bool:
        """Whether a person means its device by `name`: serial number, USB socket or port."""
        serial_number = (self.serial_number or "").lower()
        return name.lower() == serial_number or name in (self.location, self.device)


@dataclass(frozen=True)
class Scanned:
    """A connected USB device that may be a board. boards: the ids of those it may be.

    in_bootloader: it waits to be flashed, and runs no firmware of ours.
    """

    port: Port
    boards: tuple[str, ...]
    in_bootloader: bool


def connected_ports() -> tuple[Port, ...]:
    """The serial ports of USB devices, by name, one for each device."""
    from serial.tools import list_ports

    first: dict[str, Port] = {}
    for info in sorted(list_ports.comports(), key=lambda info: info.device):
        if info.vid is None or info.pid is None:
            continue
        port = Port(
            device=info.device,
            usb_id=f"{info.vid:04X}:{info.pid:04X}",
            serial_number=info.serial_number or None,
            # With an interface behind it where a device has several.
            location=info.location.partition(":")[0] if info.location else None,
            product=info.product or info.description or "",
        )
        first.setdefault(port.unique, port)
    return tuple(first.values())


def scan() -> tuple[Scanned, ...]:
    """The connected devices that have the USB ids of a board."""
    boards = [board for board in known_boards()[0] if board.usb]
    found = []
    for port in connected_ports():
        fitting = tuple(board.id for board in boards if may_be(port, board))
        if fitting:
            waiting = not any(may_be(port, board, running=True) for board in boards)
            found.append(Scanned(port, fitting, waiting))
    return tuple(found)


def may_be(port: Port, board: Board, *, running: bool = False) -> bool:
    """Whether the device has USB ids of the board; `running`: those of its firmware only."""
    if board.usb is None:
        return False
    return port.usb_id in board.usb.application or (
        not running and port.usb_id in board.usb.bootloader
    )
