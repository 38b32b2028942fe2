"""What a device's reply may say: each field of one type and range, whatever was sent.

The line's CRC tells that a reply came as it was sent, not that it makes sense: another program may
speak the same protocol, and memory of a device may be damaged.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from danas_hil.wire.errors import ProtocolError

MOST_BYTES = 2**32 - 1
"""That a device with 32-bit addresses can tell of."""
MOST_TICKS = 2**64 - 1
_TEXT_CHARACTERS = 128
_PRINTABLE = re.compile(r"[ -~]*")
_HEX = re.compile(r"[0-9a-f]{1,8}")


class Reply:
    """The reply to `request`. What lacks, or has another type or range, raises ProtocolError."""

    def __init__(self, request: str, fields: Mapping[str, Any], hint: str = "") -> None:
        self.request = request
        self._fields = fields
        self._hint = hint

    @staticmethod
    def parse(request: str, text: str, hint: str = "") -> Reply:
        """The fields of an object of JSON."""
        try:
            fields = json.loads(text)
        except (ValueError, RecursionError):
            fields = None
        if not isinstance(fields, dict):
            raise ProtocolError(
                f"The reply to {request!r} is no object of JSON: {text[:100]!r}.", hint
            )
        return Reply(request, fields, hint)

    @property
    def fields(self) -> dict[str, Any]:
        return dict(self._fields)

    def has(self, key: str) -> bool:
        """Whether the device tells of it; null says that there is none."""
        return self._fields.get(key) is not None

    def number(self, key: str, least: int = 0, most: int = MOST_BYTES) -> int:
        value = self._fields.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self._senseless(key, f"a whole number from {least} to {most}")
        return value

    def text(self, key: str) -> str:
        """Printable ASCII: it goes to terminals, logs and reports."""
        value = self._fields.get(key)
        if (
            not isinstance(value, str)
            or len(value) > _TEXT_CHARACTERS
            or not _PRINTABLE.fullmatch(value)
        ):
            raise self._senseless(key, f"printable text of up to {_TEXT_CHARACTERS} characters")
        return value

    def hexadecimal(self, key: str) -> str:
        value = self._fields.get(key)
        if not isinstance(value, str) or not _HEX.fullmatch(value):
            raise self._senseless(key, "a hexadecimal number of up to 32 bits")
        return value

    def _senseless(self, key: str, wanted: str) -> ProtocolError:
        told = f"{key} = {self._fields[key]!r}"[:120] if key in self._fields else f"no {key}"
        return ProtocolError(
            f"The reply to {self.request!r} makes no sense: {told}, where {wanted} should be.",
            self._hint,
        )
