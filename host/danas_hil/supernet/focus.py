"""A training that goes on with the data configurations that are of use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from danas_hil.signals import DataConfig
from danas_hil.supernet.sandwich import Schedule

FOCUS_AT = 0.25
"""Of the steps, after which a training is focused. After half of them less was gained (one try);
nothing says that a quarter is the best share."""

Use = Mapping[DataConfig, float]
"""The share of each data configuration in what would be chosen; one that is missing has none."""

StepSeconds = Mapping[DataConfig, float]
"""How long a training step for each data configuration takes."""


@dataclass(frozen=True)
class Look:
    """How a training finds out which data are of use.

    use: asked after FOCUS_AT of the steps, with the weights that there are then; None where it was
        told to stop. step_seconds: where the training is to take the time that was planned for it,
        with more or fewer steps than planned; None keeps their number.
    """

    use: Callable[[], Use | None]
    step_seconds: StepSeconds | None = None


@dataclass(frozen=True)
class Focus:
    """What a training goes on with after its first steps.

    begin: steps before it. planned: in all, without it. steps: in all. shares: of the steps from
    `begin` on, for each sandwich of the schedule; 1 in all.
    """

    begin: int
    planned: int
    steps: int
    shares: tuple[float, ...]

    def __post_init__(self) -> None:
        if not 0 <= self.begin < self.steps:
            raise ValueError(f"a focus of {self.steps} steps that begins after {self.begin}")

    @staticmethod
    def on(
        use: Use, schedule: Schedule, planned: int, step_seconds: StepSeconds | None = None
    ) -> Focus:
        """The focus of a training of `planned` steps that comes of `use`.

        The share of each data configuration in `use` multiplies its share of the steps. It counts
        as an even one at the least: what learns late is undervalued so early. step_seconds: as in
        Look.
        """
        configs = schedule.configs
        counts = [max(use.get(data, 0.0), 1 / len(configs)) for data in configs]
        raw = [share * count for share, count in zip(schedule.shares, counts, strict=True)]
        shares = tuple(part / sum(raw) for part in raw)
        begin = int(FOCUS_AT * planned)
        left = planned - begin
        if step_seconds is not None:
            seconds = [step_seconds[data] for data in configs]
            left = round(left * float(np.dot(seconds, schedule.shares) / np.dot(seconds, shares)))
        return Focus(begin, planned, begin + max(1, left), shares)

    def position(self, step: int) -> float:
        """Where `step` stands among the planned ones: it is what the learning rate goes by."""
        if step < self.begin:
            return step
        part = (step - self.begin) / (self.steps - self.begin)
        return self.begin + part * (self.planned - self.begin)

    def to_json(self) -> dict[str, Any]:
        return {
            "begin": self.begin,
            "planned": self.planned,
            "steps": self.steps,
            "shares": list(self.shares),
        }

    @staticmethod
    def from_json(found: Mapping[str, Any]) -> Focus:
        """Raises KeyError, TypeError or ValueError where it is damaged."""
        if not isinstance(found, Mapping):
            raise TypeError(f"a focus that is {found!r:.60}")
        begin, planned, steps = (int(found[key]) for key in ("begin", "planned", "steps"))
        return Focus(begin, planned, steps, tuple(map(float, found["shares"])))
