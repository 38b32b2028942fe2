"""An estimate held against a limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Held:
    """One figure against the most that there may be.

    figure: the best one, None where a part of it is not known. least, most: the band that the
    truth lies in; most is None where nothing says so. limit: None for none. lacking: why `figure`
    or `most` is None.
    """

    figure: float | None
    least: float
    most: float | None
    limit: float | None
    lacking: str = ""

    @property
    def fits(self) -> bool | None:
        """What holds for the whole of the band; None where neither does."""
        if self.limit is None:
            return True
        if self.least > self.limit:
            return False
        return True if self.most is not None and self.most <= self.limit else None

    @property
    def unknown(self) -> str:
        """Why figure or verdict are not known; empty where they are."""
        if self.lacking and (self.figure is None or self.fits is None):
            return self.lacking
        return "" if self.fits is not None else "the limit lies within the band of the estimate"

    def to_json(self) -> dict[str, Any]:
        return {
            "fits": "unknown" if self.fits is None else self.fits,
            "figure": self.figure,
            "least": self.least,
            "most": self.most,
            "limit": self.limit,
            "unknown": self.unknown,
        }
