"""Flash: the model's bytes, and the code that runs it, where a figure for that has a source."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from danas_hil.board import Share
from danas_hil.estimate.lines import Line, of_share, total, total_bytes
from danas_hil.estimate.runtime import Runtime

_FOLDER = Path(__file__).with_name("code")
_LIBRARY = "library and operators"


@dataclass(frozen=True)
class CodeTable:
    """Bytes of a program's code and constants by the operators it has, without the model.

    source: where the figures come from. sets: of programs with exactly these operators, measured.
    base: what every program has; groups: code that one or more operators need, counted once.
    error: least and most by which whole programs differed from the sum of base and groups.
    static_operator, static_groups: static data beside the arena, for each operator, and that one or
    more operators need. static_round: what the sum but for the groups is rounded up to.
    """

    source: str
    sets: Mapping[frozenset[str], int]
    base: int | None
    groups: Mapping[frozenset[str], int]
    error: tuple[int, int] = (0, 0)
    static_operator: int = 0
    static_round: int = 1
    static_groups: Mapping[frozenset[str], int] = field(default_factory=dict)

    def bytes_for(self, operators: frozenset[str]) -> int | None:
        """Bytes of a program with these operators; None where no figure has a source."""
        if operators in self.sets:
            return self.sets[operators]
        if self.base is None or not operators <= self._known:
            return None
        return self._sum(operators)

    def line_for(self, operators: frozenset[str]) -> Line:
        """The same with bounds; of operators without a figure, what the others take at least."""
        size = self.bytes_for(operators)
        if size is None:
            known = self._sum(operators) + self.error[0]
            return Line(_LIBRARY, None, bounds=(max(known, 0), None) if self.base else None)
        low, high = (0, 0) if operators in self.sets else self.error
        return Line(_LIBRARY, size, self.source, (size + low, size + high))

    def static_bytes(self, rest: int, operators: frozenset[str], behind: int = 0) -> int:
        """Static data beside the arena.

        rest: of a program without operators, not rounded; behind: of it, what lies behind the arena
        and is not rounded at all.
        """
        size = rest - behind + self.static_operator * len(operators)
        rounded = -(-size // self.static_round) * self.static_round
        return rounded + behind + self._static_of(operators)

    def static_rest(self, static: int, operators: frozenset[str]) -> tuple[int, int]:
        """A `rest` and `behind` whose `static_bytes` are `static`: how much of it was rounded up
        is not known, and taken for half."""
        size = static - self._static_of(operators)
        rest = size - self.static_operator * len(operators) - self.static_round // 2
        return rest, size % self.static_round

    def _static_of(self, operators: frozenset[str]) -> int:
        return sum(size for users, size in self.static_groups.items() if users & operators)

    @property
    def _known(self) -> frozenset[str]:
        return frozenset[str]().union(*self.groups)

    def _sum(self, operators: frozenset[str]) -> int:
        shared = sum(size for users, size in self.groups.items() if users & operators)
        return (self.base or 0) + shared


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
    firmware: Share | None = None,
) -> FlashEstimate:
    """Flash of a firmware that runs these operators.

    build: framework and optimisation, such as "stm32 -Os"; firmware: code and constants of all that
    is neither model nor library, None where that is not known yet.
    """
    table = code_table(runtime, build)
    return FlashEstimate(
        model_bytes=model_bytes,
        library=table.line_for(operators) if table else Line(_LIBRARY, None),
        firmware=of_share("framework and firmware", firmware),
    )


def code_table(runtime: Runtime, build: str) -> CodeTable | None:
    """The table of a runtime's programs in such a build."""
    return code_tables().get((runtime.name, runtime.kernels, build))


@cache
def code_tables() -> Mapping[tuple[str, str, str], CodeTable]:
    """Every table there is, by runtime, kernels and build."""
    tables: dict[tuple[str, str, str], CodeTable] = {}
    for path in sorted(_FOLDER.glob("*.toml")):
        for row in tomllib.loads(path.read_text(encoding="utf-8"))["table"]:
            groups, sets = (_by_users(row.get(key, {})) for key in ("groups", "sets"))
            tables[row["runtime"], row["kernels"], row["build"]] = CodeTable(
                row["source"],
                sets,
                row.get("base"),
                groups,
                error=tuple(row.get("error", (0, 0))),
                static_operator=row.get("static_operator", 0),
                static_round=row.get("static_round", 1),
                static_groups=_by_users(row.get("static_groups", {})),
            )
    return tables


def _by_users(row: Mapping[str, int]) -> Mapping[frozenset[str], int]:
    return {frozenset(users.split()): size for users, size in row.items()}
