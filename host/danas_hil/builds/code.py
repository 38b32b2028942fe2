"""How much code a build's operators take: tables of its TOML, one for each way it is compiled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class CodeTable:
    """Bytes of a program's code and constants by the operators it has, without the model.

    source: where the figures come from. sets: of programs with exactly these operators, measured.
    base: what every program has; groups: code that one or more operators need, counted once.
    error: least and most by which whole programs differed from the sum of base and groups.
    spread: by how much another program may differ once a build for a board has told what all that
    is not the library takes.
    static_operator, static_groups: static data beside the arena, for each operator, and that one or
    more operators need. static_round: what the sum but for the groups is rounded up to.
    """

    source: str
    sets: Mapping[frozenset[str], int]
    base: int | None
    groups: Mapping[frozenset[str], int]
    error: tuple[int, int] = (0, 0)
    spread: int = 0
    static_operator: int = 0
    static_round: int = 1
    static_groups: Mapping[frozenset[str], int] = field(default_factory=dict)

    def bytes_for(self, operators: frozenset[str]) -> int | None:
        """Bytes of a program with these operators; None where no figure has a source."""
        if operators in self.sets:
            return self.sets[operators]
        if self.base is None or not operators <= frozenset[str]().union(*self.groups):
            return None
        return self.known_bytes(operators)

    def known_bytes(self, operators: frozenset[str]) -> int:
        """The sum of base and groups, without what has no figure."""
        shared = sum(size for users, size in self.groups.items() if users & operators)
        return (self.base or 0) + shared

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
