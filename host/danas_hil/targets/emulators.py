"""The emulators that there are: another one is a Device in a module of its own, and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from danas_hil.base import DanasError, known_or_near
from danas_hil.board import Board
from danas_hil.sketch import firmware_of
from danas_hil.targets.devices import Device, QemuDevice
from danas_hil.targets.renode import RenodeDevice


@dataclass(frozen=True)
class Emulator:
    """device: a board's, in this emulator. program: that has to be on PATH. hint: how to get it."""

    device: Callable[[Board], Device]
    program: str
    hint: str


EMULATORS: Mapping[str, Emulator] = {
    "qemu": Emulator(
        QemuDevice, "qemu-system-arm", "Debian and Ubuntu: apt install qemu-system-arm"
    ),
    "renode": Emulator(
        RenodeDevice,
        "renode",
        "https://renode.io has a portable release; put its folder on PATH",
    ),
}
"""By what `emulator` of a board's TOML file calls them."""


def emulated_device(board: Board) -> Device:
    """The device in the emulator that the board's TOML file names.

    Raises DanasError for an unknown one.
    """
    name = firmware_of(board).emulator or ""
    if name not in EMULATORS:
        raise DanasError(
            f"{board.id} has the emulator {name!r}.",
            known_or_near(name, EMULATORS, "Emulators"),
        )
    return EMULATORS[name].device(board)
