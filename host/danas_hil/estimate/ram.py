"""RAM as a whole: the arena that works, static data, stack, and what the framework takes."""

from __future__ import annotations

from dataclasses import dataclass

from danas_hil.board import Share
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
    static: static data, without the arena and what grows with the operators. stack: its peak.
    framework: what the framework (an Arduino core, an operating system) takes at run time; 0
    where there is none. build: framework and optimisation, by which the library's code is looked
    up, such as "stm32 -Os".
    """

    build: str = ""
    code: Share | None = None
    static: Share | None = None
    stack: Share | None = None
    framework: Share | None = None


def estimate_ram(minimum_arena: int, firmware: Firmware, operators_bytes: int = 0) -> RamEstimate:
    """RAM of a firmware with the smallest arena that works.

    operators_bytes: of static data that come with the model's operators.
    """
    return RamEstimate(
        (
            Line("tensor arena", minimum_arena, "the smallest that works"),
            of_share("static data", firmware.static, operators_bytes),
            of_share("stack", firmware.stack),
            of_share("framework", firmware.framework),
        )
    )
