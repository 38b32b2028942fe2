"""RAM as a whole: the arena that works, static data, stack, and what the framework takes."""

from __future__ import annotations

from dataclasses import dataclass

from danas_hil.estimate.lines import Line, sourced, total


@dataclass(frozen=True)
class RamEstimate:
    """RAM of a firmware, line by line."""

    lines: tuple[Line, ...]

    @property
    def total(self) -> Line:
        return total(self.lines, "RAM")

    @property
    def total_bytes(self) -> int | None:
        return self.total.bytes


@dataclass(frozen=True)
class Firmware:
    """What a board's firmware takes besides model, library code and arena, in bytes.

    None where it is not known yet; the first build for a board tells. code_bytes: code and
    constants. static_bytes: static data of program and library, without the arena. stack_bytes:
    the stack's peak. framework_ram_bytes: static data and heap of the framework (an Arduino core,
    an operating system); 0 where there is none. build: framework and optimisation, by which the
    library's code is looked up, such as "stm32 -Os". source: where the other figures come from.
    """

    build: str = ""
    code_bytes: int | None = None
    static_bytes: int | None = None
    stack_bytes: int | None = None
    framework_ram_bytes: int | None = None
    source: str = ""


def estimate_ram(minimum_arena: int, firmware: Firmware) -> RamEstimate:
    """RAM of a firmware with the smallest arena that works."""
    return RamEstimate(
        (
            Line("tensor arena", minimum_arena, "the smallest that works"),
            sourced("static data", firmware.static_bytes, firmware.source),
            sourced("stack", firmware.stack_bytes, firmware.source),
            sourced("framework", firmware.framework_ram_bytes, firmware.source),
        )
    )
