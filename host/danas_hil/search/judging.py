"""A genome with its scores, beside what it was estimated to take."""

from __future__ import annotations

from danas_hil.run import Evaluation
from danas_hil.search.fitness import fitness
from danas_hil.search.memory import MemoryEstimator
from danas_hil.search.settings import SearchSettings
from danas_hil.space import Genome
from danas_hil.tasks import Scores


def judged(
    genome: Genome, scores: Scores, settings: SearchSettings, estimator: MemoryEstimator
) -> Evaluation:
    """A complete evaluation, without its index and times."""
    ram_bytes, flash_bytes = estimator.totals(genome)
    latency_us = estimator.latency_us(genome)
    return Evaluation(
        0,
        genome,
        "complete",
        ram_bytes,
        flash_bytes,
        scores.brief,
        fitness(scores, ram_bytes, flash_bytes, settings.limits, settings.weights, latency_us),
        estimator.fits(genome),
        latency_us=latency_us,
    )


def failed(genome: Genome, reason: str, estimator: MemoryEstimator) -> Evaluation:
    """An evaluation that came to nothing, without its index and times."""
    return Evaluation(
        0,
        genome,
        "failed",
        *estimator.totals(genome),
        feasible=False,
        latency_us=estimator.latency_us(genome),
        reason=reason,
    )
