"""How a board shows itself on USB: the table [usb] of its TOML file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from danas_hil.base import DanasError

_ID = re.compile(r"[0-9A-F]{4}:[0-9A-F]{4}")


@dataclass(frozen=True)
class Usb:
    """USB ids are vendor and product in hexadecimal, such as `2341:805A`.

    application: ids of the serial port while our firmware runs, of the board itself or of its
    debug probe. bootloader: ids while it waits to be flashed, where they differ. upload_flags: what
    chooses one of several alike for PlatformIO's uploader, where its port alone does not; the text
    {serial_number} stands for the USB serial number.
    """

    application: tuple[str, ...]
    bootloader: tuple[str, ...] = ()
    upload_flags: tuple[str, ...] = ()

    @staticmethod
    def from_toml(path: Path, table: Mapping[str, Any]) -> Usb:
        """Raises DanasError naming the file and the key that is wrong."""
        known = [field.name for field in fields(Usb)]
        for key, value in table.items():
            if key not in known:
                raise DanasError(f"{path}: [usb] has no {key!r}.", f"It has {', '.join(known)}.")
            if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
                raise DanasError(f"{path}: [usb] {key} = {value!r} is not a list of strings.")
            if key != "upload_flags" and not all(_ID.fullmatch(one) for one in value):
                raise DanasError(
                    f"{path}: [usb] {key} = {value!r} are no USB ids.", 'An id is "2341:805A".'
                )
        if not table.get("application"):
            raise DanasError(f"{path}: [usb] application missing.")
        return Usb(**{key: tuple(value) for key, value in table.items()})
