"""A fake of what pyserial lists."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from serial.tools import list_ports

NANO = (0x2341, 0x805A)
NANO_BOOTLOADER = (0x2341, 0x005A)
STLINK = (0x0483, 0x374B)


class Ports(list):
    """The ports that `serial.tools.list_ports.comports` gives from now on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        monkeypatch.setattr(list_ports, "comports", lambda: list(self))

    def plug(self, device, ids=None, serial=None, location=None, product="a board"):
        vid, pid = ids or (None, None)
        port = SimpleNamespace(
            device=device,
            vid=vid,
            pid=pid,
            serial_number=serial,
            location=location,
            product=product,
            description=product,
        )
        self.append(port)
        return port
