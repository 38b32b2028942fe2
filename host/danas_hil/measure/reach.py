"""From a board's address to the target that runs models there, and what is missing for it."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from danas_hil.base import DanasError
from danas_hil.board import Board, check_port, device_lock, format_size, locate
from danas_hil.builds import load_build
from danas_hil.platformio import core_folder
from danas_hil.platformio.build import project_folder
from danas_hil.platformio.registry import check_packages
from danas_hil.sketch import firmware_of, library_of
from danas_hil.targets import (
    EMULATORS,
    PORT_SECONDS,
    Device,
    FirmwareTarget,
    HostTarget,
    SerialDevice,
    Target,
    emulated_device,
)

TOOL_HINTS = {
    "pio": "It comes with danas-hil: is its environment active?",
    **{emulator.program: emulator.hint for emulator in EMULATORS.values()},
    "arm-none-eabi-g++": "Debian and Ubuntu: apt install gcc-arm-none-eabi"
    " libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib",
}
"""How to get each program."""


@dataclass(frozen=True)
class Address:
    """A board, and which of several.

    place: USB serial number, socket or port, or a pyserial URL; None for the only one.
    hardware_map: the file that says which boards are at hand, where it is not the user's own.
    """

    board: Board
    place: str | None = None
    hardware_map: Path | None = None


@contextlib.contextmanager
def reach(
    address: Address,
    *,
    arena_margin_bytes: int = 0,
    lock_seconds: float = 0.0,
    accept_wrong_outputs: bool = False,
) -> Iterator[Target]:
    """The target that runs models at `address`, ours alone for as long as the block lasts.

    arena_margin_bytes: more arena than the estimated minimum. lock_seconds: to wait for a device
    that another process has. accept_wrong_outputs: build a model too that the board's library is
    known to compute wrongly. Raises DanasError where a tool, the library or the board is missing,
    or the board stays with the other.
    """
    board = address.board
    if board.kind == "host":
        if address.place is not None or arena_margin_bytes:
            raise DanasError(
                "TensorFlow Lite Micro on this computer has neither devices nor an arena of ours.",
                "Leave device and arena margin out, or name a board.",
            )
        yield HostTarget()
        return
    if board.ram_bytes is not None and arena_margin_bytes >= board.ram_bytes:
        raise DanasError(
            f"{board.name} has {format_size(board.ram_bytes)} of RAM: an arena margin of"
            f" {format_size(arena_margin_bytes)} can't fit.",
            "Name a smaller one, as 1kB.",
        )
    with reach_device(address, lock_seconds=lock_seconds) as device:
        check_library(board)  # or every model of a batch would fail of the same
        yield FirmwareTarget(device, arena_margin_bytes, accept_wrong_outputs=accept_wrong_outputs)


@contextlib.contextmanager
def reach_device(
    address: Address, *, lock_seconds: float = 0.0, port_seconds: float = PORT_SECONDS
) -> Iterator[Device]:
    """The device at `address`, as `reach` has it.

    port_seconds: for a real board's port to come back after flashing or a reset.
    """
    board = address.board
    firmware = firmware_of(board)
    tools = lacking_tools(board)
    if tools:
        hints = ". ".join(dict.fromkeys(TOOL_HINTS[tool] for tool in tools))
        raise DanasError(f"{board.name} ({board.id}) needs {' and '.join(tools)}.", hints)
    if firmware.emulator is None:
        found = locate(board, address.place, address.hardware_map)
        device = SerialDevice(found, port_seconds)
        with device_lock(found.device, device.name, lock_seconds):
            if (port := found.find(running=False)) is not None:
                check_port(port, device.name)
            yield device
        return
    if address.place is not None:
        raise DanasError(f"{board.id} is emulated: there is no {board.id}@{address.place}.")
    yield emulated_device(board)


def lacking_tools(board: Board) -> tuple[str, ...]:
    """Programs that building for `board` or emulating it needs, and that are not on PATH."""
    firmware = firmware_of(board)
    emulator = EMULATORS.get(firmware.emulator or "")
    needed = [emulator.program] if emulator else []
    if firmware.is_local:
        needed.append("arm-none-eabi-g++")
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    return tuple(tool for tool in needed if shutil.which(tool, path=path) is None)


def check_platform(board: Board) -> None:
    """Raises DanasError, in seconds, where no program can be built for `board`: a package of
    PlatformIO is missing, and its registry does not answer.
    """
    check_packages(firmware_of(board), core_folder())


def check_library(board: Board) -> None:
    """Raises DanasError, in seconds, where models can't be built for `board`.

    A package of PlatformIO or TensorFlow Lite Micro is missing, and its registry does not answer.
    """
    project = project_folder(board, load_build(board.build, board.kernels).dialect)
    downloaded = project / ".pio" / "libdeps" / board.id
    check_packages(firmware_of(board), core_folder(), (library_of(board).place,), downloaded)
