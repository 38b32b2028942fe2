"""What a search tells while it runs. The search never prints; a listener may."""

from __future__ import annotations

from collections.abc import Mapping

from danas_hil.data import Balance
from danas_hil.run import Evaluation


class Listener:
    """Hears everything and does nothing: override what you want to show."""

    def decoding(self, split: str, done: int, total: int | None) -> None:
        """Images of a split are being decoded into the cache."""

    def data_ready(self, balance: Mapping[str, Balance]) -> None:
        """Training and validation images are open; how many of each class they hold."""

    def training_planned(
        self, steps: Mapping[str, int], seconds: float | None, origin: str
    ) -> None:
        """Training steps of each supernet, how long they will take in all, and who says so."""

    def training(self, data: str, step: int, steps: int, loss: float) -> None:
        """A supernet took a step; the first call for a data configuration has step 0."""

    def looking(self, data: str, done: int, total: int) -> None:
        """A supernet in training was tried with a genome, to find out which data are of use."""

    def focused(self, data: str, use: Mapping[str, float]) -> None:
        """What came of that: the share of the front of each data configuration that has one."""

    def waiting(self, what: str) -> None:
        """There is nothing to do here until another worker is done with `what`; told often."""

    def evaluated(self, evaluation: Evaluation, best: Evaluation | None) -> None:
        """An evaluation is finished and on disk; `best` is the feasible one of the best metric."""

    def prolonged(self, seconds: float) -> None:
        """Evaluations go on until `seconds` from the beginning: training candidates by themselves
        would have had too few steps in the time that was kept for it."""

    def late(self, until: float, seconds: float) -> None:
        """What comes before evaluations took so long that these go on for `seconds` more all the
        same: to about `until`, in seconds from the beginning."""

    def exporting(self, done: int, total: int, what: str) -> None:
        """Candidates of the Pareto front are being converted and checked."""

    def warning(self, text: str) -> None:
        """Something the user should know, and that is no error."""
