"""Who evaluates just now: so that workers share out a sampler's answers instead of colliding."""

from __future__ import annotations

import time
from types import TracebackType

from danas_hil.study.claims import Claim
from danas_hil.study.locks import Locks

_LOCK = "evaluating "
_LOOK_SECONDS = 2.0
"""Between two looks at who else is there. One that is not seen yet costs a collision, no more."""


class Present:
    """This process among those that evaluate, for as long as the context lasts."""

    def __init__(self, locks: Locks, name: str) -> None:
        self._locks, self._own = locks, _LOCK + name
        self._claim: Claim | None = None
        self._place, self._looked = (0, 1), float("-inf")

    def __enter__(self) -> Present:
        self._claim = self._locks.acquire(self._own)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._claim is not None:
            self._locks.release(self._claim)

    def place(self) -> tuple[int, int]:
        """Our place among all that are there, from 0, and how many they are."""
        if time.monotonic() - self._looked >= _LOOK_SECONDS:
            there = {name for name in self._locks.holders() if name.startswith(_LOCK)} | {self._own}
            self._place = (sorted(there).index(self._own), len(there))
            self._looked = time.monotonic()
        return self._place
