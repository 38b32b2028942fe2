"""The last training: the most accurate candidates, each by itself, before they are exported.

Weights that all subnets share suit none of them best. How long it takes is known beforehand, so
it is a part of the time budget, like the training of the supernets. Where that leaves too few steps
to be worth it, evaluations get the time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from danas_hil.run import Evaluation
from danas_hil.search import budget
from danas_hil.search.evaluation import Evaluator
from danas_hil.search.settings import SearchSettings


def final_steps(
    settings: SearchSettings, members: Sequence[Evaluation], evaluator: Evaluator
) -> dict[str, int]:
    """Training steps of those that are trained by themselves, by genome id."""
    if not settings.shares_weights:
        return {}
    by_time = settings.time_budget is not None and evaluator.last_training
    if settings.final_steps == 0 or (settings.final_steps is None and not by_time):
        return {}
    steps = {}
    for evaluation in finalists(members):
        genome = evaluation.genome
        if settings.final_steps is not None:
            steps[genome.id] = settings.final_steps
        else:
            assert settings.time_budget is not None
            seconds = evaluator.final_step_seconds(genome)
            steps[genome.id] = budget.final_steps(settings.time_budget, seconds)
    return steps


def finalists(members: Sequence[Evaluation]) -> list[Evaluation]:
    """The most accurate members, half of them at most with one data configuration.

    Shared weights serve some data better than others, which training alone then evens out.
    """
    found: list[Evaluation] = []
    most = budget.FINAL_CANDIDATES // 2
    by_accuracy = sorted(members, key=lambda e: e.scores.accuracy if e.scores else 0, reverse=True)
    for evaluation in by_accuracy:
        alike = Counter(e.genome.data for e in found)[evaluation.genome.data]
        if len(found) < budget.FINAL_CANDIDATES and alike < most:
            found.append(evaluation)
    return found
