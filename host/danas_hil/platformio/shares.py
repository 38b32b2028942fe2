"""Whose code and data take how much of a firmware, from the linker's map.

A map names the object file, and the archive it came from, of each piece of each section: all of a
program is told apart by files, without debug information. GNU ld's format ("Linker script and
memory map"): ` .text.name  0xADDRESS  0xSIZE  FILE`, where a long name has a line of its own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from danas_hil.base import DanasError
from danas_hil.platformio.elf import ElfSizes, Section

Owner = Literal["model", "tflm", "sketch", "framework", "c_library", "linker"]
"""model: the file that differs from model to model, with weights in flash and the arena in RAM.
tflm: the library. sketch: all else that is ours; inline functions of the library's headers count
where they were compiled. framework: the Arduino core and what lies under it. c_library: of the
toolchain, with C++ and arithmetic. linker: alignment, and what the linker makes itself."""

OWNERS: tuple[Owner, ...] = get_args(Owner)

# In PlatformIO's build folder; a library's folder there is lib and three digits of a hash.
_OF_FILES: tuple[tuple[Owner, re.Pattern[str]], ...] = (
    ("model", re.compile(r"(^|/)src/model\.cpp\.o$")),
    ("sketch", re.compile(r"(^|/)src/[^/]+\.o$")),
    ("tflm", re.compile(r"(^|/)lib[0-9a-f]{3}/")),
    (
        "c_library",
        re.compile(
            r"(^|/)(lib(c|g|m|gcc|stdc\+\+|supc\+\+|nosys|rdimon)(_nano|_s)?\.a\b|crt\w+\.o$)"
        ),
    ),
    ("linker", re.compile(r"^linker stubs$")),
)
_LINE = re.compile(
    r"^(?P<output>[._a-zA-Z][^\s(]*)"
    r"|^ (?P<input>[^\s*(]\S*)\n?[ \t]+0x(?P<address>[0-9a-f]+)[ \t]+0x(?P<size>[0-9a-f]+)"
    r"[ \t]+(?P<file>\S.*)$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Shares:
    """Bytes by Owner; they add up to flash_bytes and static_ram_bytes of the program."""

    flash: Mapping[str, int]
    static_ram: Mapping[str, int]


class _Piece(NamedTuple):
    address: int
    size: int
    owner: Owner


def read_shares(map_file: Path, sizes: ElfSizes) -> Shares:
    """The shares of a program, by the map that it was linked with.

    Raises DanasError for a map that can't be read or tells of another program.
    """
    try:
        text = map_file.read_text(encoding="utf-8", errors="replace")
        pieces = _pieces(text[text.index("\nLinker script and memory map") :])
    except (OSError, ValueError) as error:
        raise DanasError(
            f"The linker's map {map_file} can't be read: {error}.", "Build it once more."
        ) from error
    flash = (section for section in sizes.sections if section.loaded)
    shares = Shares(
        _sums(pieces, flash, sizes.flash_bytes),
        _sums(pieces, sizes.static_ram_sections, sizes.static_ram_bytes),
    )
    if min(shares.flash["linker"], shares.static_ram["linker"]) < 0:
        raise DanasError(f"{map_file} is the map of another program.", "Build it once more.")
    return shares


def _pieces(text: str) -> Mapping[str, list[_Piece]]:
    """The pieces of each output section, by its name."""
    found: dict[str, list[_Piece]] = {}
    here: list[_Piece] = []
    for line in _LINE.finditer(text):
        if line["output"]:
            here = found.setdefault(line["output"], [])
        elif size := int(line["size"], 16):
            here.append(_Piece(int(line["address"], 16), size, _owner(line["file"])))
    return found


def _owner(file: str) -> Owner:
    for owner, pattern in _OF_FILES:
        if pattern.search(file):
            return owner
    return "framework"


def _sums(
    pieces: Mapping[str, list[_Piece]], sections: Iterable[Section], total: int
) -> Mapping[str, int]:
    """Of these sections; what no file claims of the total is the linker's.

    Equal constants are stored once, and the map tells their size for each file that has them: a
    piece counts up to where the next one begins.
    """
    sums: Counter[Owner] = Counter()
    for section in sections:
        inside = sorted(pieces.get(section.name, []))
        ends = [piece.address for piece in inside[1:]] + [section.address + section.size]
        for piece, end in zip(inside, ends, strict=False):  # a section may have no pieces at all
            sums[piece.owner] += min(piece.size, end - piece.address)
    others: dict[str, int] = {owner: sums[owner] for owner in OWNERS if owner != "linker"}
    others["linker"] = total - sum(others.values())
    return others
