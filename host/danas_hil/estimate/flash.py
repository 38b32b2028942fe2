"""Flash: the model's bytes, and the code that runs it, where a figure for that has a source."""

from __future__ import annotations

from dataclasses import dataclass

from danas_hil.board import Share
from danas_hil.builds import Build, CodeTable
from danas_hil.estimate.lines import Line, of_share, total, total_bytes

_LIBRARY = "library and operators"


@dataclass(frozen=True)
class FlashEstimate:
    """Flash of a firmware, line by line: model, library with its operators, everything else."""

    model_bytes: int
    library: Line
    firmware: Line

    @property
    def lines(self) -> tuple[Line, ...]:
        return (
            Line("model", self.model_bytes, "size of the .tflite file"),
            self.library,
            self.firmware,
        )

    @property
    def code_bytes(self) -> int | None:
        return total_bytes((self.library, self.firmware))

    @property
    def total(self) -> Line:
        return total(self.lines, "flash")

    @property
    def total_bytes(self) -> int | None:
        return self.total.bytes


def estimate_flash(
    model_bytes: int,
    operators: frozenset[str],
    build: Build,
    *,
    toolchain: str,
    firmware: Share | None = None,
) -> FlashEstimate:
    """Flash of a firmware that runs these operators.

    toolchain: framework and optimisation, such as "stm32 -Os"; firmware: code and constants of all
    that is neither model nor library, None where that is not known yet.
    """
    table = build.code.get(toolchain)
    return FlashEstimate(
        model_bytes=model_bytes,
        library=library_line(table, operators) if table else Line(_LIBRARY, None),
        firmware=of_share("framework and firmware", firmware),
    )


def library_line(table: CodeTable, operators: frozenset[str]) -> Line:
    """The library's code with bounds; of operators without a figure, what the others take at
    least."""
    size = table.bytes_for(operators)
    if size is None:
        known = table.known_bytes(operators) + table.error[0]
        return Line(_LIBRARY, None, bounds=(max(known, 0), None) if table.base else None)
    low, high = (0, 0) if operators in table.sets else table.error
    return Line(_LIBRARY, size, table.source, (size + low, size + high))
