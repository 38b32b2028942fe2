"""What only one process may do at a time: plan, train a supernet, export the front."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping

from danas_hil.study.claims import Claim, Claims

POLL_SECONDS = 1.0
"""Between two looks at what others do."""
_KEY = "lock"


class StoppedError(Exception):
    """The search was asked to stop in the middle of something, which is dropped."""


class Locks:
    """Locks by name, each a trial at work in a study of their own: they end with their process."""

    def __init__(self, claims: Claims) -> None:
        self._claims = claims

    def holders(self) -> Mapping[str, str]:
        """Which locks are held, and by which process."""
        return {
            trial.user_attrs[_KEY]: (self._claims.takers(trial) or ["another worker"])[0]
            for trial in self._claims.read()
            if self._claims.at_work(trial)
        }

    def acquire(self, name: str) -> Claim | None:
        """The lock, or None where another process holds it or is trying to get it just now."""
        if name in self.holders():
            return None
        claim = self._claims.add({_KEY: name})
        if claim is None:
            return None
        for trial in self._claims.read():
            held = self._claims.at_work(trial) and trial.user_attrs[_KEY] == name
            if held and trial.number != claim.number:
                self._claims.fail(claim)  # at the same moment: both let go, and try again
                return None
        return claim

    def wait(
        self,
        name: str,
        should_stop: Callable[[], bool],
        on_wait: Callable[[str], None] = lambda _holder: None,
    ) -> Claim:
        """The lock, when those before us are done. Raises StoppedError when asked to stop.

        on_wait: called with the name of the process that holds it, again and again.
        """
        while (claim := self.acquire(name)) is None:
            on_wait(self.holders().get(name, "another worker"))
            pause(should_stop)
        return claim

    def release(self, claim: Claim) -> None:
        self._claims.complete(claim, [1.0])


def pause(should_stop: Callable[[], bool]) -> None:
    """Wait a little for others to get on. Raises StoppedError when asked to stop."""
    if should_stop():
        raise StoppedError
    time.sleep(POLL_SECONDS * random.uniform(0.5, 1.0))
