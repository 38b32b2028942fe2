"""What there is to be said of the records of a split once they are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

OnProgress = Callable[[str, int, int | None], None]
"""Called with (split, records read so far, records in all or None)."""
OnWaiting = Callable[[str], None]
"""Called with what another process is at work on."""

_IMBALANCE = 20


@dataclass(frozen=True)
class Balance:
    """How many examples there are of each class, in all and by group.

    classes: their names. counts: of each, in the order of the classes. dropped: records left
    out because they belong to none of them.
    """

    classes: tuple[str, ...]
    counts: tuple[int, ...]
    dropped: int
    groups: dict[str, tuple[int, ...]]

    @property
    def images(self) -> int:
        return sum(self.counts)

    @property
    def warning(self) -> str:
        """What is to be said where one class has far more examples than another; else empty."""
        few, many = min(self.counts), max(self.counts)
        if many < _IMBALANCE * few:
            return ""
        rare, common = (self.classes[self.counts.index(count)] for count in (few, many))
        told = f"{many:,} {common}, {few:,} {rare}"
        return (
            f"{many / max(few, 1):.0f} times as many examples of one class as of another ({told}):"
            " a network can be right for many without knowing the rare. --metric macro-f1 chooses"
            " by all classes alike, --balance trains so."
        )


@dataclass(frozen=True)
class Unreadable:
    """Images that were left out because they can't be read. first: why, of the first few."""

    count: int = 0
    first: tuple[str, ...] = ()

    def __str__(self) -> str:
        more = self.count - len(self.first)
        return " ".join([*self.first, *([f"And {more:,} more."] if more > 0 else [])])
