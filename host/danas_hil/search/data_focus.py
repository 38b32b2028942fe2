"""A look at the front while a supernet trains: which data are worth the rest of its steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from danas_hil.base import checking
from danas_hil.run import Evaluation
from danas_hil.search.cost import CostEstimator
from danas_hil.search.pareto import pareto_front
from danas_hil.search.samplers import NothingLeftError, Nsga2Sampler
from danas_hil.search.scoring import judged
from danas_hil.search.settings import SearchSettings
from danas_hil.signals import DataConfig
from danas_hil.space import Genome
from danas_hil.tasks import Scores

FOCUS = "supernet_focus"
"""The table of config.toml that says what came of the looks, by supernet."""
LOOK_SHARE = 0.2
"""Evaluations of a look for each step of the training, which takes longer than one. This and the
figures below keep a look short beside the training; nothing says that they are the best."""
LOOK_MOST = 200
LOOK_LEAST = 100
"""Fewer evaluations tell little: so short a training goes on as it began."""
LOOK_IMAGES = 500
"""Validation images of one evaluation, at the most, and..."""
LOOK_RECALIBRATION = 256
"""...training images. Settings of the search that trains have no say in what others may use."""


def look_size(steps: int) -> int:
    """Evaluations of the look in a training of so many steps; 0 for none."""
    size = min(LOOK_MOST, int(LOOK_SHARE * steps))
    return size if size >= LOOK_LEAST else 0


def steps_taken(config: Mapping[str, Any]) -> int:
    """Training steps of all supernets of the run with this config.toml: those that a focused one
    came to, of others those planned.
    """
    with checking("config.toml"):
        taken = {name: focus["steps"] for name, focus in config.get(FOCUS, {}).items()}
        return int(sum({**config.get("supernet_steps", {}), **taken}.values()))


def use_on_front(
    settings: SearchSettings,
    estimator: CostEstimator,
    scores: Callable[[Genome], Scores],
    size: int,
    should_stop: Callable[[], bool],
    on_evaluation: Callable[[int], None] = lambda _done: None,
) -> dict[DataConfig, float] | None:
    """The share of each data configuration in the front of a search of `size` evaluations.

    It goes by NSGA-II whatever the search goes by, among genomes that fit, and nothing of it is
    kept: it is a function of the seed and the weights. None where it was told to stop; empty where
    nothing fits.
    """
    sampler = Nsga2Sampler(settings.space, settings.seed, settings.limits)
    seen: dict[Genome, Evaluation] = {}

    def acceptable(genome: Genome) -> bool:
        return genome not in seen and estimator.fits(genome)

    while len(seen) < size:
        if should_stop():
            return None
        try:
            genome = sampler.propose(tuple(seen.values()), acceptable)
        except NothingLeftError:
            break
        found = judged(
            genome, scores(genome), estimator.costs(genome), settings.limits, settings.weights
        )
        seen[genome] = replace(found, index=len(seen))
        on_evaluation(len(seen))
    front = pareto_front(tuple(seen.values()))
    counts = Counter(evaluation.genome.data for evaluation in front)
    return {data: count / len(front) for data, count in counts.items()}
