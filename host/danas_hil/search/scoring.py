"""What an evaluation comes to: its scores and costs, one figure for both, what exceeds limits."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from danas_hil.base import DanasError
from danas_hil.board import Limits
from danas_hil.run import Evaluation
from danas_hil.space import Genome
from danas_hil.tasks import Scores


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
    scores: Scores,
    ram_bytes: int,
    flash_bytes: int,
    limits: Limits,
    weights: Weights,
    latency_us: float | None = None,
) -> float:
    """Eq. B.1: weighted scores, and for each memory 1 less the share by which it is exceeded.

    f = w1 accuracy + w2 precision + w3 recall + w4 (1 - v_r / x_r) + w5 (1 - v_f / x_f), where v
    is the excess over the limit x. Without a limit there is no excess. Where latency is limited,
    the share by which it is exceeded is taken off as well.
    """
    return (
        weights.accuracy * scores.accuracy
        + weights.precision * scores.precision
        + weights.recall * scores.recall
        + weights.ram * (1 - _excess(ram_bytes, limits.ram_bytes))
        + weights.flash * (1 - _excess(flash_bytes, limits.flash_bytes))
        - _excess(latency_us, limits.latency_us)
    )


def within(
    ram_bytes: int, flash_bytes: int, limits: Limits, latency_us: float | None = None
) -> bool:
    """Whether no limit is exceeded. A latency that is not known exceeds none."""
    return not (
        _excess(ram_bytes, limits.ram_bytes)
        or _excess(flash_bytes, limits.flash_bytes)
        or _excess(latency_us, limits.latency_us)
    )


def _excess(value: float | None, limit: float | None) -> float:
    return 0.0 if value is None or limit is None else max(0, value - limit) / limit


@dataclass(frozen=True)
class Costs:
    """What a genome takes, estimated. latency_us: None where the board has no rates."""

    ram_bytes: int
    flash_bytes: int
    latency_us: float | None = None

    def within(self, limits: Limits) -> bool:
        """Whether no limit is exceeded. A latency that is not known exceeds none."""
        return within(self.ram_bytes, self.flash_bytes, limits, self.latency_us)


def judged(
    genome: Genome, scores: Scores, costs: Costs, limits: Limits, weights: Weights
) -> Evaluation:
    """A complete evaluation, without its index and times."""
    memory = costs.ram_bytes, costs.flash_bytes
    return Evaluation(
        0,
        genome,
        "complete",
        *memory,
        scores.brief,
        fitness(scores, *memory, limits, weights, costs.latency_us),
        costs.within(limits),
        latency_us=costs.latency_us,
    )


def failed(genome: Genome, reason: str, costs: Costs) -> Evaluation:
    """An evaluation that came to nothing, without its index and times."""
    return Evaluation(
        0,
        genome,
        "failed",
        costs.ram_bytes,
        costs.flash_bytes,
        feasible=False,
        latency_us=costs.latency_us,
        reason=reason,
    )
