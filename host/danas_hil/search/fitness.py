"""Fitness of a candidate, and which candidates no other one dominates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from danas_hil.base import DanasError
from danas_hil.board import Limits
from danas_hil.metrics import Scores
from danas_hil.run import Evaluation


@dataclass(frozen=True)
class Weights:
    """w1 to w5 of Eq. B.1 (arXiv 2502.12690); all 1 in the paper."""

    accuracy: float = 1.0
    precision: float = 1.0
    recall: float = 1.0
    ram: float = 1.0
    flash: float = 1.0

    def __post_init__(self) -> None:
        for name, weight in asdict(self).items():
            if not (0 <= weight < float("inf")):
                raise DanasError(f"The weight of {name} is {weight:g}.", "A weight is 0 or more.")

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def fitness(
    scores: Scores, ram_bytes: int, flash_bytes: int, limits: Limits, weights: Weights
) -> float:
    """Eq. B.1: weighted scores, and for each memory 1 less the share by which it is exceeded.

    f = w1 accuracy + w2 precision + w3 recall + w4 (1 - v_r / x_r) + w5 (1 - v_f / x_f), where v
    is the excess over the limit x. Without a limit there is no excess.
    """
    return (
        weights.accuracy * scores.accuracy
        + weights.precision * scores.precision
        + weights.recall * scores.recall
        + weights.ram * (1 - _excess(ram_bytes, limits.ram_bytes))
        + weights.flash * (1 - _excess(flash_bytes, limits.flash_bytes))
    )


def within(ram_bytes: int, flash_bytes: int, limits: Limits) -> bool:
    """Whether neither limit is exceeded."""
    return not _excess(ram_bytes, limits.ram_bytes) and not _excess(flash_bytes, limits.flash_bytes)


def _excess(value: int, limit: int | None) -> float:
    return 0.0 if limit is None else max(0, value - limit) / limit


OBJECTIVES = ("accuracy", "precision", "recall", "ram_bytes", "flash_bytes")
DIRECTIONS = ("maximize", "maximize", "maximize", "minimize", "minimize")


def objectives(evaluation: Evaluation) -> tuple[float, ...]:
    """The values of OBJECTIVES. The evaluation is a complete one."""
    scores = evaluation.scores
    if scores is None or evaluation.ram_bytes is None or evaluation.flash_bytes is None:
        raise ValueError(f"evaluation {evaluation.index} is not complete")
    return (
        scores.accuracy,
        scores.precision,
        scores.recall,
        float(evaluation.ram_bytes),
        float(evaluation.flash_bytes),
    )


def pareto_front(evaluations: Sequence[Evaluation]) -> list[Evaluation]:
    """The complete, feasible evaluations that no other one dominates, in order of their index.

    One is dominated by another that is as good in every objective and better in one. Of several
    with the same objectives all stay; of several of the same genome, the first.
    """
    unique = {e.genome.id: e for e in reversed(evaluations) if e.scores and e.feasible}
    rows = sorted(unique.values(), key=lambda e: e.index)
    if not rows:
        return []
    signs = np.array([-1.0 if d == "maximize" else 1.0 for d in DIRECTIONS])
    keep = non_dominated(np.array([objectives(row) for row in rows]) * signs)
    return [row for row, kept in zip(rows, keep, strict=True) if kept]


def non_dominated(costs: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """For each row of (n, objectives) costs whether no other row dominates it."""
    keep = np.ones(len(costs), dtype=bool)
    for place, row in enumerate(costs):
        others = costs[keep]
        keep[place] = not np.any(np.all(others <= row, axis=1) & np.any(others < row, axis=1))
    return keep
