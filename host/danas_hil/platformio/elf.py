"""Sizes of a firmware from its ELF file, by section.

ELF for Arm: 32 bits, little endian (System V ABI, ELF header, section and program header tables).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from danas_hil.base import DanasError, read_bytes

_MOST_BYTES = 256 * 1024 * 1024  # with debug information
_NOBITS = 8
_WRITE, _ALLOC = 1, 2
_LOAD = 1
_GAP_BYTES = 1024  # between two parts of one image; option bytes and the like lie further away


@dataclass(frozen=True)
class Section:
    """A part of the program in memory. address: at run time. loaded: whether flash holds it."""

    name: str
    address: int
    size: int
    loaded: bool
    in_ram: bool


@dataclass(frozen=True)
class ElfSizes:
    """flash_bytes: of the image, alignment included. static_ram_bytes: data, bss and what
    survives a reset; the room that a linker script sets aside for heap and stack is not in it.
    """

    flash_bytes: int
    sections: tuple[Section, ...]

    @property
    def static_ram_bytes(self) -> int:
        return sum(section.size for section in self.static_ram_sections)

    @property
    def static_ram_sections(self) -> tuple[Section, ...]:
        return tuple(
            section
            for section in self.sections
            if section.in_ram and "heap" not in section.name and "stack" not in section.name
        )

    def size_of(self, name: str) -> int:
        return sum(section.size for section in self.sections if section.name == name)


def read_elf_sizes(path: Path) -> ElfSizes:
    """Raises DanasError for what is no ELF file of a 32-bit Arm."""
    content = read_bytes(path, _MOST_BYTES, "Build it once more.")
    try:
        return _sizes(content)
    except (ValueError, struct.error, IndexError) as error:
        raise DanasError(
            f"{path} is no firmware for an Arm: {error}.", "Build it once more."
        ) from error


def _sizes(content: bytes) -> ElfSizes:
    if content[:6] != b"\x7fELF\x01\x01" or struct.unpack_from("<H", content, 18) != (40,):
        raise ValueError("it is not a little-endian ELF file for Arm")
    ph_offset, sh_offset = struct.unpack_from("<II", content, 28)
    ph_size, ph_count, sh_size, sh_count, names_index = struct.unpack_from("<5H", content, 42)
    # Program headers: type, offset, virtual and physical address, size in file and in memory.
    segments = [
        fields
        for at in range(ph_offset, ph_offset + ph_size * ph_count, ph_size)
        if (fields := struct.unpack_from("<6I", content, at))[0] == _LOAD and fields[4] > 0
    ]
    # Section headers: name, type, flags, address, offset, size.
    headers = [
        struct.unpack_from("<6I", content, at)
        for at in range(sh_offset, sh_offset + sh_size * sh_count, sh_size)
    ]
    names = headers[names_index][4]
    sections = []
    for name_at, kind, flags, address, offset, size in headers:
        if not flags & _ALLOC or size == 0:
            continue
        name = content[names + name_at : content.index(b"\0", names + name_at)].decode()
        loaded = kind != _NOBITS
        moved = any(
            start <= offset < start + in_file and physical != virtual
            for _, start, virtual, physical, in_file, _ in segments
        )
        in_ram = bool(flags & _WRITE) and (moved or not loaded)
        sections.append(Section(name, address, size, loaded, in_ram))
    image = sorted((physical, in_file) for _, _, _, physical, in_file, _ in segments)
    return ElfSizes(_image_bytes(image), tuple(sections))


def _image_bytes(parts: list[tuple[int, int]]) -> int:
    """Bytes from the first to the last part, small gaps included, far ones not."""
    total, end = 0, None
    for address, size in parts:
        gap = 0 if end is None else address - end
        total += size + (gap if 0 <= gap <= _GAP_BYTES else 0)
        end = address + size
    return total
