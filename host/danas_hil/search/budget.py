"""A time budget: what each part of a search gets of it, and the clock that keeps to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from danas_hil.search.listener import Listener
from danas_hil.search.settings import SearchSettings
from danas_hil.signals import DataConfig
from danas_hil.space import Genome, Space
from danas_hil.supernet import Subnets

TRAINING_SHARE = 0.8
"""Of the time before fine-tuning and the export goes to training supernets. Weights gain more by it
than the search does by evaluations beyond some hundred (docs/results.md)."""
EVALUATION_LEAST = 0.5
"""Evaluations get at least this share of the time that TRAINING_SHARE leaves them. A computer that
slows down after the first steps trains for longer than planned; a search that only trained would
have found nothing. Nothing says that half is the best share."""
FINETUNE_SHARE = 0.25
"""Of the time budget, at most, goes to fine-tuning the best candidates."""
FINETUNED = 4
"""So many are fine-tuned."""
FINETUNE_MOST_STEPS = 6000
"""A cap, so that long budgets end; nothing says that it is the best figure."""
FINETUNE_LEAST_STEPS = 100
"""Fewer are not worth the trouble: a short search goes without."""
EXPORT_SHARE = 0.1
"""Of the time budget, at most, is kept for the export."""
EXPORT_SECONDS = 10.0
"""Kept for each candidate to be exported: conversion, float and int8 scores, golden outputs."""
LEAST_STEPS = 50
_DRAWS = 2000


@dataclass(frozen=True)
class Steps:
    """Training steps of each supernet (by name), the seconds they take in all, and the seconds of a
    step for each family and data configuration (by `step_name`), where they were measured.
    """

    steps: Mapping[str, int]
    seconds: float | None = None
    step_seconds: Mapping[str, float] = field(default_factory=dict)


def export_reserve(time_budget: float, candidates: int) -> float:
    """Seconds of the budget to keep for exporting this many candidates."""
    return min(EXPORT_SHARE * time_budget, EXPORT_SECONDS * candidates)


def step_name(family: str, data: DataConfig) -> str:
    """What Steps.step_seconds calls a step of the supernet of `family` for `data`."""
    return f"{family} {data.name}"


Share = tuple[str, DataConfig]
"""A family and a data configuration."""


def expected_use(space: Space, fits: Callable[[Genome], bool]) -> dict[Share, float]:
    """The share of evaluations that each family can expect with each data configuration.

    In proportion to how often a genome drawn from the space fits: a search drifts away from data
    that leaves no room for a network. No share is below a fifth of an even one.
    """
    pairs = [(family, data) for data in space.data_configs for family in space.families]
    rng = np.random.default_rng(0)
    draws = max(1, _DRAWS // len(pairs))

    def fitting(family: str, data: DataConfig) -> float:
        networks = (space.of(family).sample(rng, data.shape) for _ in range(draws))
        return sum(fits(Genome(data, network)) for network in networks) / draws

    found = {pair: fitting(*pair) for pair in pairs}
    total = sum(found.values()) or 1.0
    least = 0.2 / len(pairs)
    raw = {pair: max(least, share / total) for pair, share in found.items()}
    return {pair: share / sum(raw.values()) for pair, share in raw.items()}


def plan_steps(
    training_seconds: float,
    supernets: Mapping[str, Subnets],
    use: Mapping[Share, float],
    step_seconds: Mapping[str, float],
) -> Steps:
    """Share `training_seconds` out: each supernet gets time by its expected use."""
    share = {
        name: sum(use[of.family, data] for data in of.configs) for name, of in supernets.items()
    }
    steps = {
        name: max(LEAST_STEPS, int(training_seconds * share[name] / step_seconds[name]))
        for name in supernets
    }
    return Steps(steps, sum(steps[name] * step_seconds[name] for name in supernets))


def evaluation_least(search_seconds: float) -> float:
    """Seconds that evaluations themselves take at the least, of a search with shared weights."""
    return EVALUATION_LEAST * (1 - TRAINING_SHARE) * search_seconds


def finetune_steps(seconds: float, step_seconds: float) -> int:
    """Steps that each of the fine-tuned candidates gets of `seconds` for all."""
    steps = int(seconds / FINETUNED / step_seconds)
    return min(FINETUNE_MOST_STEPS, steps) if steps >= FINETUNE_LEAST_STEPS else 0


def search_seconds(settings: SearchSettings, finetuning: bool = True) -> float | None:
    """When evaluations end, in seconds from the beginning; None where the clock does not say.

    finetuning: whether candidates are going to be fine-tuned, where the time budget says for how
    long.
    """
    if settings.time_budget is None:
        return None
    reserve = export_reserve(settings.time_budget, settings.export_limit)
    if finetuning and settings.shares_weights and settings.export_finetune_steps is None:
        reserve += FINETUNE_SHARE * settings.time_budget
    return settings.time_budget - reserve


def finetune_seconds(settings: SearchSettings, elapsed: float) -> float:
    """Seconds for fine-tuning candidates, `elapsed` seconds from the beginning."""
    if settings.time_budget is None:
        return 0.0
    end = search_seconds(settings, finetuning=False)
    assert end is not None
    return min(FINETUNE_SHARE * settings.time_budget, end - elapsed)


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

    @property
    def overrun(self) -> float:
        """Seconds by which the search is beyond its time budget; 0 within it, or without one."""
        budget = self._settings.time_budget
        return 0.0 if budget is None else max(0.0, self.elapsed - budget)

    def evaluated(self, seconds: float) -> None:
        """This process took so long for an evaluation, from asking the sampler to writing down."""
        self._evaluating += seconds

    def is_up(self, finetunes: Callable[[float], bool]) -> bool:
        """Whether evaluations end now.

        They take the time that is kept for fine-tuning where the training of the supernets left
        them too little, and where fine-tuning would come to nothing.

        finetunes: whether it comes to anything, so many seconds from the beginning.
        """
        if self._end is None or self.elapsed < self._end:
            return False
        if self._settings.shares_weights and (left := self._lacking(self._end)) > 0:
            if self._evaluating and not self._late:  # before that it is not known how late it is
                self._late = True
                self._listener.late(self.elapsed + left, left)
            return False
        longer = search_seconds(self._settings, finetuning=False)
        assert longer is not None
        if self._end >= longer or self.elapsed >= longer or finetunes(self.elapsed):
            return True
        self._end = longer
        self._listener.prolonged(longer)
        return False

    def _lacking(self, end: float) -> float:
        """Seconds that evaluations lack of their least time, of a search that was to end then."""
        return evaluation_least(end) - self._evaluating
