"""FlatBuffers read with every offset checked: a damaged file ends in an error, never a crash.

The Python runtime of FlatBuffers checks little. The format:
https://flatbuffers.dev/internals
"""

from __future__ import annotations

import struct
from typing import NoReturn

from danas_hil.base import DanasError

_WIDTHS = {"B": 1, "b": 1, "?": 1, "i": 4, "I": 4, "Q": 8}
_UNPACK = {code: struct.Struct("<" + code).unpack_from for code in (*_WIDTHS, "H")}


class Flatbuffer:
    """The bytes of a buffer, and the name by which errors call it."""

    def __init__(self, content: bytes, name: str) -> None:
        self.content = content
        self.name = name

    def damaged(self, what: str) -> NoReturn:
        """Raise the DanasError that says that the file is damaged."""
        raise DanasError(
            f"{self.name} is not a sound .tflite file: {what}.",
            "It may be cut off or altered; convert or copy it again.",
        )

    def read(self, code: str, place: int, what: str) -> int:
        """The number of type `code` (of struct) at `place`."""
        width = _WIDTHS.get(code, 2)
        if place % width:
            self.damaged(f"{what} is out of line")
        if not 0 <= place <= len(self.content) - width:
            self.damaged(f"{what} lies outside the file")
        value: int = _UNPACK[code](self.content, place)[0]
        return value

    def root(self) -> Table:
        """The table that the buffer starts with."""
        return Table(self, self.read("I", 0, "the root"), "the model")


class Table:
    """A table of the schema; its fields are read by their number (slot) in the schema."""

    def __init__(self, buffer: Flatbuffer, place: int, what: str) -> None:
        self.buffer = buffer
        self.place = place
        self.what = what
        self._vtable = place - buffer.read("i", place, what)
        self._slots = buffer.read("H", self._vtable, what) // 2 - 2
        self._size = buffer.read("H", self._vtable + 2, what)
        if self._slots < 0 or self._vtable + 4 + 2 * self._slots > len(buffer.content):
            buffer.damaged(f"the fields of {what} lie outside the file")
        if place + self._size > len(buffer.content):
            buffer.damaged(f"{what} lies outside the file")

    def number(self, slot: int, code: str, default: int = 0) -> int:
        """The scalar in `slot`, or the schema's default."""
        place = self._field(slot, _WIDTHS[code])
        return default if place is None else self.buffer.read(code, place, self.what)

    def table(self, slot: int, what: str) -> Table | None:
        """The table that `slot` points to, if any."""
        place = self._pointer(slot, what)
        return None if place is None else Table(self.buffer, place, what)

    def tables(self, slot: int, what: str, limit: int) -> list[Table]:
        """The vector of at most `limit` tables in `slot`; empty where there is none."""
        start, length = self.vector(slot, 4, what)
        if length > limit:
            self.buffer.damaged(f"it has {length} {what}, and {limit} are the most")
        places = (start + 4 * index for index in range(length))
        return [
            Table(self.buffer, place + self.buffer.read("I", place, what), f"{what} {index}")
            for index, place in enumerate(places)
        ]

    def numbers(self, slot: int, what: str, limit: int) -> tuple[int, ...] | None:
        """The vector of at most `limit` 32-bit signed integers in `slot`; None where absent."""
        if self._field(slot, 4) is None:
            return None
        start, length = self.vector(slot, 4, what)
        if length > limit:
            self.buffer.damaged(f"{what} of {self.what} has {length} entries")
        return struct.unpack_from(f"<{length}i", self.buffer.content, start)

    def vector(self, slot: int, width: int, what: str) -> tuple[int, int]:
        """Start and length of a vector of elements of `width` bytes; length 0 if absent."""
        place = self._pointer(slot, what)
        if place is None:
            return 0, 0
        length = self.buffer.read("I", place, what)
        start = place + 4
        if start + length * width > len(self.buffer.content):
            self.buffer.damaged(f"{what} of {self.what} lies outside the file")
        return start, length

    def text(self, slot: int, what: str) -> str:
        """The string in `slot`, at most 200 characters of it; empty where there is none."""
        start, length = self.vector(slot, 1, what)
        return self.buffer.content[start : start + min(length, 200)].decode(errors="replace")

    def _field(self, slot: int, width: int) -> int | None:
        if slot >= self._slots:
            return None
        offset = self.buffer.read("H", self._vtable + 4 + 2 * slot, self.what)
        if not offset:
            return None
        if offset < 4 or offset + width > self._size:
            self.buffer.damaged(f"a field of {self.what} lies outside it")
        return self.place + offset

    def _pointer(self, slot: int, what: str) -> int | None:
        place = self._field(slot, 4)
        return None if place is None else place + self.buffer.read("I", place, what)
