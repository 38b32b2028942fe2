"""What a firmware's ELF file tells: its sizes by section, and in which function an address lies."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from elftools.common.exceptions import ELFError
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from danas_hil.base import DanasError, read_bytes

_T = TypeVar("_T")
_MOST_BYTES = 256 * 1024 * 1024  # with debug information
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
    return _told_by(path, _sizes)


def function_at(path: Path, address: int) -> str | None:
    """The function that has code at `address`; None where there is none.

    Raises DanasError for what is no ELF file of a 32-bit Arm, and where it has no symbols.
    """
    return _told_by(path, lambda elf: _function_at(elf, address))


def _told_by(path: Path, read: Callable[[ELFFile], _T]) -> _T:
    """What `read` finds in the file."""
    content = read_bytes(path, _MOST_BYTES, "Build it once more.")
    try:
        return read(_opened(content))
    except ELFError as error:
        raise DanasError(
            f"{path} is no firmware for an Arm: {error}.", "Build it once more."
        ) from error


def _opened(content: bytes) -> ELFFile:
    elf = ELFFile(io.BytesIO(content))
    if elf["e_machine"] != "EM_ARM" or elf.elfclass != 32 or not elf.little_endian:
        raise ELFError("it is for another processor")
    return elf


def _sizes(elf: ELFFile) -> ElfSizes:
    parts = [segment.header for segment in elf.iter_segments("PT_LOAD") if segment["p_filesz"] > 0]
    sections = []
    for section in elf.iter_sections():
        flags, size = section["sh_flags"], section["sh_size"]
        if not flags & SH_FLAGS.SHF_ALLOC or size == 0:
            continue
        loaded = section["sh_type"] != "SHT_NOBITS"
        moved = any(_lies_in(section, part) and part.p_paddr != part.p_vaddr for part in parts)
        in_ram = bool(flags & SH_FLAGS.SHF_WRITE) and (moved or not loaded)
        sections.append(Section(section.name, section["sh_addr"], size, loaded, in_ram))
    image = sorted((part.p_paddr, part.p_filesz) for part in parts)
    return ElfSizes(_image_bytes(image), tuple(sections))


def _lies_in(section: Any, part: Any) -> bool:
    """By their places in the file."""
    return bool(part.p_offset <= section["sh_offset"] < part.p_offset + part.p_filesz)


def _function_at(elf: ELFFile, address: int) -> str | None:
    tables = [one for one in elf.iter_sections() if isinstance(one, SymbolTableSection)]
    if not tables:
        raise ELFError("it has no symbols")
    for symbol in tables[0].iter_symbols():
        begin = symbol["st_value"] & ~1  # the lowest bit says that it is a Thumb function
        if symbol["st_info"]["type"] == "STT_FUNC" and 0 <= address - begin < symbol["st_size"]:
            return str(symbol.name)
    return None


def _image_bytes(parts: list[tuple[int, int]]) -> int:
    """Bytes from the first to the last part, small gaps included, far ones not."""
    total, end = 0, None
    for address, size in parts:
        gap = 0 if end is None else address - end
        total += size + (gap if 0 <= gap <= _GAP_BYTES else 0)
        end = address + size
    return total
