"""The last training: the most accurate candidates, each by itself, before they are exported.

Weights that all subnets share suit none of them best. The time budget keeps a part for it, like
for the training of the supernets. Where what is left of it makes too few steps to be worth it,
evaluations get the time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from danas_hil.run import Evaluation
from danas_hil.search import budget
from danas_hil.search.evaluation import Evaluator
from danas_hil.search.planning import search_seconds
from danas_hil.search.settings import SearchSettings


def final_steps(
    settings: SearchSettings,
    members: Sequence[Evaluation],
    evaluator: Evaluator,
    elapsed: float,
) -> dict[str, int]:
    """Training steps of those that are trained by themselves, by genome id.

    elapsed: seconds of the time budget that the search has taken.
    """
    if not settings.shares_weights:
        return {}
    seconds = final_seconds(settings, elapsed)
    if settings.final_steps == 0 or (settings.final_steps is None and seconds <= 0):
        return {}
    steps = {}
    for evaluation in finalists(members):
        genome = evaluation.genome
        if settings.final_steps is not None:
            steps[genome.id] = settings.final_steps
        else:
            step_seconds = evaluator.final_step_seconds(genome)
            steps[genome.id] = budget.final_steps(seconds, step_seconds)
    return steps


def final_seconds(settings: SearchSettings, elapsed: float) -> float:
    """Seconds for training candidates by themselves, `elapsed` seconds from the beginning."""
    if settings.time_budget is None:
        return 0.0
    end = search_seconds(settings, last_training=False)
    assert end is not None
    return min(budget.FINAL_SHARE * settings.time_budget, end - elapsed)


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
