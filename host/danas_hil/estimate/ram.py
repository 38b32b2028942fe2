"""RAM as a whole: the arena that works, static data, stack, and what the framework takes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from danas_hil.board import Share
from danas_hil.builds import CodeTable
from danas_hil.estimate.lines import Line, of_share, total


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
    """What a board's firmware takes besides model, library code and arena.

    None where it is not known yet; the first build for a board tells. code: code and constants.
    static: static data of a program without operators, without the arena; behind: of it, what lies
    behind the arena. stack: its peak.
    framework: what the framework (an Arduino core, an operating system) takes at run time; 0
    where there is none. toolchain: framework and optimisation, by which the library's code is
    looked up, such as "stm32 -Os".
    """

    toolchain: str = ""
    code: Share | None = None
    static: Share | None = None
    behind: int = 0
    stack: Share | None = None
    framework: Share | None = None


def estimate_ram(
    minimum_arena: int,
    firmware: Firmware,
    table: CodeTable | None = None,
    operators: frozenset[str] = frozenset(),
) -> RamEstimate:
    """RAM of a firmware with the smallest arena that works.

    table: of its toolchain, which tells what static data these operators bring.
    """
    static = of_share("static data", firmware.static)
    if table is not None and firmware.static is not None:
        share = firmware.static
        best, least, most = (
            table.static_bytes(size, operators, firmware.behind)
            for size in (share.bytes, share.least, share.most)
        )
        static = replace(static, bytes=best, bounds=(least, most))
    return RamEstimate(
        (
            Line("tensor arena", minimum_arena, "the smallest that works"),
            static,
            of_share("stack", firmware.stack),
            of_share("framework", firmware.framework),
        )
    )
