"""Flash: the model's bytes, and the code that runs it, where a figure for that has a source."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from danas_hil.estimate.lines import Line, sourced, total, total_bytes
from danas_hil.estimate.runtime import Runtime

_FOLDER = Path(__file__).with_name("code")


@dataclass(frozen=True)
class CodeTable:
    """Bytes of a program's code and constants by the operators it has, without the model.

    source: where the figures come from. sets: of programs with exactly these operators, measured.
    base: what every program has; groups: code that one or more operators need, counted once.
    """

    source: str
    sets: Mapping[frozenset[str], int]
    base: int | None
    groups: Mapping[frozenset[str], int]

    def bytes_for(self, operators: frozenset[str]) -> int | None:
        """Bytes of a program with these operators; None where no figure has a source."""
        if operators in self.sets:
            return self.sets[operators]
        if self.base is None or not operators <= frozenset().union(*self.groups):
            return None
        return self.base + sum(size for users, size in self.groups.items() if users & operators)


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
    runtime: Runtime,
    *,
    build: str,
    firmware_bytes: int | None,
    firmware_source: str = "",
) -> FlashEstimate:
    """Flash of a firmware that runs these operators.

    build: framework and optimisation, such as "stm32 -Os"; firmware_bytes: code and constants of
    all that is neither model nor library, None where that is not known yet; firmware_source: who
    says so.
    """
    table = code_tables().get((runtime.name, runtime.kernels, build))
    library = table.bytes_for(operators) if table else None
    return FlashEstimate(
        model_bytes=model_bytes,
        library=Line("library and operators", library, table.source if table and library else ""),
        firmware=sourced("framework and firmware", firmware_bytes, firmware_source),
    )


@cache
def code_tables() -> Mapping[tuple[str, str, str], CodeTable]:
    """Every table there is, by runtime, kernels and build."""
    tables = {}
    for path in sorted(_FOLDER.glob("*.toml")):
        for row in tomllib.loads(path.read_text(encoding="utf-8"))["table"]:
            groups = {
                frozenset(users.split()): size for users, size in row.get("groups", {}).items()
            }
            sets = {frozenset(users.split()): size for users, size in row.get("sets", {}).items()}
            tables[row["runtime"], row["kernels"], row["build"]] = CodeTable(
                row["source"], sets, row.get("base"), groups
            )
    return tables
