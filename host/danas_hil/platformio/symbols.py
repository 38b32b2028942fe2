"""Which function of a firmware an address lies in, from the symbols of its ELF file (System V ABI,
symbol table; of a Thumb function the lowest bit of the value is set)."""

from __future__ import annotations

import struct
from pathlib import Path

from danas_hil.base import DanasError, read_bytes

_MOST_BYTES = 256 * 1024 * 1024
_SYMBOLS = 2  # kind of section
_FUNCTION = 2  # kind of symbol


def function_at(elf: Path, address: int) -> str | None:
    """The function that has code at `address`; None where there is none.

    Raises DanasError for what is no ELF file of a 32-bit Arm.
    """
    content = read_bytes(elf, _MOST_BYTES, "Build it once more.")
    try:
        return _function_at(content, address)
    except (ValueError, struct.error, IndexError) as error:
        raise DanasError(
            f"{elf} is no firmware for an Arm: {error}.", "Build it once more."
        ) from error


def _function_at(content: bytes, address: int) -> str | None:
    if content[:6] != b"\x7fELF\x01\x01":
        raise ValueError("it is not a little-endian ELF file")
    (headers_at,) = struct.unpack_from("<I", content, 32)
    size, count = struct.unpack_from("<2H", content, 46)
    # Section headers: name, type, flags, address, offset, size, link, …
    headers = [
        struct.unpack_from("<7I", content, headers_at + number * size) for number in range(count)
    ]
    tables = [header for header in headers if header[1] == _SYMBOLS]
    if not tables:
        raise ValueError("it has no symbols")
    _, _, _, _, offset, length, link = tables[0]
    names = headers[link][4]
    for at in range(offset, offset + length, 16):
        name, value, bytes_, info = struct.unpack_from("<3IB", content, at)
        if info & 15 == _FUNCTION and 0 <= address - (value & ~1) < bytes_:
            return content[names + name : content.index(b"\0", names + name)].decode()
    return None
