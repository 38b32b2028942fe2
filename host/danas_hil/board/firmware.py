"""How a firmware for a board is built: the table [firmware] of its TOML file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from danas_hil.base import DanasError, read_json, tree_folder

_WORDS = {
    "platform": re.compile(r"[\w./:@+~#-]+"),
    "platformio_id": re.compile(r"[A-Za-z0-9_-]+"),
    "framework": re.compile(r"[a-z0-9_-]+"),
    "serial_object": re.compile(r"[A-Za-z_]\w*"),
    "emulator": re.compile(r"\w+"),  # or None
}


@dataclass(frozen=True)
class Firmware:
    """What PlatformIO and the serial port need to know of a board.

    platform: PlatformIO's, with its version and perhaps its owner, or `platforms/NAME` for one of
    ours.
    platformio_id: PlatformIO's name of the board. framework: whose flags the compiler is given,
    `stm32` or `mbed`. optimisation: of the compiler, for everything that is built. flags, unflags:
    more that the compiler is given, and what it is not. serial_baud: bits a second.
    serial_object: the Arduino object of the port, where it is not Serial. emulator: that runs it,
    where no board does. receive_bytes: what the core's receive buffer holds, where the emulator
    brings all that was sent at once and what does not go in is lost; 0 where bytes come one after
    the other, as fast as the line carries them. caveat: what is known to stand in the way of
    running there; told when the board is silent.
    """

    platform: str
    platformio_id: str
    framework: str
    optimisation: str = "-O2"
    flags: tuple[str, ...] = ()
    unflags: tuple[str, ...] = ()
    serial_baud: int = 115200
    serial_object: str = "Serial"
    emulator: str | None = None
    receive_bytes: int = 0
    caveat: str = ""

    @property
    def platform_name(self) -> str:
        return self.platform.partition("@")[0].rpartition("/")[2]

    @property
    def is_local(self) -> bool:
        """Whether the platform is one of ours, which needs no registry."""
        return self.platform.startswith("platforms/")

    def manifest(self) -> dict[str, Any]:
        """PlatformIO's own manifest of the board, where it stands in boards/."""
        found = read_json(tree_folder("boards") / f"{self.platformio_id}.json")
        return dict(found)

    @staticmethod
    def from_toml(path: Path, table: Mapping[str, Any]) -> Firmware:
        """Raises DanasError naming the file and the key that is wrong."""
        known = {field.name: str(field.type) for field in fields(Firmware)}
        values: dict[str, Any] = {}
        for key, value in table.items():
            if key not in known:
                raise DanasError(
                    f"{path}: [firmware] has no {key!r}.", f"It has {', '.join(known)}."
                )
            wanted = int if known[key] == "int" else list if "tuple" in known[key] else str
            fits = isinstance(value, wanted) and not isinstance(value, bool)
            if not fits or (wanted is list and not all(isinstance(one, str) for one in value)):
                raise DanasError(f"{path}: [firmware] {key} = {value!r} is not {wanted.__name__}.")
            values[key] = tuple(value) if wanted is list else value
        for key in ("platform", "platformio_id", "framework"):
            if key not in values:
                raise DanasError(f"{path}: [firmware] {key} missing.")
        made = Firmware(**values)
        _check(path, made)
        return made


def _check(path: Path, made: Firmware) -> None:
    """Raises DanasError for what is no such thing, and would be something else where it is put: a
    line of platformio.ini, a file name, a name in C++."""
    for key, pattern in _WORDS.items():
        if not pattern.fullmatch(str(getattr(made, key))):
            raise DanasError(f"{path}: [firmware] {key} = {getattr(made, key)!r} can't be.")
    for flag in (made.optimisation, *made.flags, *made.unflags):
        # PlatformIO runs what stands behind a `!` as a command.
        if not flag.startswith("-") or not flag.isprintable():
            raise DanasError(f"{path}: [firmware] {flag!r} is no flag of a compiler.")
    if not 300 <= made.serial_baud <= 4_000_000 or not 0 <= made.receive_bytes < 1 << 20:
        raise DanasError(f"{path}: [firmware] serial_baud or receive_bytes is out of range.")
