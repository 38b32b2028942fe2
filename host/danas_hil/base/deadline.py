"""A monotonic deadline that knows what it waits for."""

from __future__ import annotations

import time

from danas_hil.base.errors import DanasError


class Deadline:
    """A point in time, `seconds` from now; None never comes."""

    def __init__(self, seconds: float | None, waiting_for: str = "the operation") -> None:
        self.seconds = seconds
        self.waiting_for = waiting_for
        self._end = None if seconds is None else time.monotonic() + seconds

    def left(self) -> float | None:
        """Seconds left, never negative; None where there is no end."""
        return None if self._end is None else max(0.0, self._end - time.monotonic())

    @property
    def expired(self) -> bool:
        return self.left() == 0.0

    def check(self, hint: str = "") -> None:
        """Raise DanasError if the time is up."""
        if self.expired:
            raise DanasError(f"Waited {self.seconds:g} s for {self.waiting_for}.", hint)
