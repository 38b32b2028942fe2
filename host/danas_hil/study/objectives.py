"""What a study keeps of an evaluation for Optuna: its objectives."""

from __future__ import annotations

from danas_hil.run import Evaluation

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
