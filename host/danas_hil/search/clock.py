"""The time of a search: how much has passed, and when its evaluations end."""

from __future__ import annotations

import time
from collections.abc import Callable

from danas_hil.search import budget
from danas_hil.search.listener import Listener
from danas_hil.search.planning import search_seconds
from danas_hil.search.settings import SearchSettings


class Clock:
    """The clock of one process that works on a search.

    started: when the search began, on the monotonic clock, as if it had never been interrupted.
    evaluating: seconds that went into evaluations before.
    """

    def __init__(
        self,
        settings: SearchSettings,
        listener: Listener,
        started: float,
        evaluating: float = 0.0,
    ) -> None:
        self._settings = settings
        self._listener = listener
        self._started = started
        self._evaluating = evaluating
        self._end = search_seconds(settings)
        self._late = False

    @property
    def elapsed(self) -> float:
        """Seconds since the search began."""
        return time.monotonic() - self._started

    def evaluated(self, seconds: float) -> None:
        """This process took so long for an evaluation, from asking the sampler to writing down."""
        self._evaluating += seconds

    def is_up(self, trains_last: Callable[[float], bool]) -> bool:
        """Whether evaluations end now.

        They take the time that is kept for the last training where the training of the supernets
        left them too little, and where the last training would come to nothing.

        trains_last: whether it comes to anything, so many seconds from the beginning.
        """
        if self._end is None or self.elapsed < self._end:
            return False
        if self._settings.shares_weights and (left := self._lacking(self._end)) > 0:
            if self._evaluating and not self._late:  # before that it is not known how late it is
                self._late = True
                self._listener.late(self.elapsed + left, left)
            return False
        longer = search_seconds(self._settings, last_training=False)
        assert longer is not None
        if self._end >= longer or self.elapsed >= longer or trains_last(self.elapsed):
            return True
        self._end = longer
        self._listener.prolonged(longer)
        return False

    def _lacking(self, end: float) -> float:
        """Seconds that evaluations lack of their least time, of a search that was to end then."""
        return budget.evaluation_least(end) - self._evaluating
