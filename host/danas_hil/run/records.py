"""What a run writes down for other rooms to read: evaluations, and the exported Pareto front."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from danas_hil.base import build, check_format, checking
from danas_hil.board import Limits
from danas_hil.run.format1 import front_of_format1
from danas_hil.space import Genome
from danas_hil.tasks import Scores, Task

SCHEMA = 2


@dataclass(frozen=True)
class Evaluation:
    """One genome that the search looked at.

    index: its place in the search, from 0. outcome: `complete`, `infeasible` (over a limit and
    dropped before training) or `failed`. scores: before quantisation, on validation images.
    ram_bytes, flash_bytes: estimated by the run's memory model. latency_us: estimated for the
    run's board, at least; None where it has no rates. seconds: that the evaluation took, without
    the training of a supernet. elapsed_seconds: search time when it was finished. id: of its
    genome, or what an older version made of that: it stays what it was called.
    """

    index: int
    genome: Genome
    outcome: str
    ram_bytes: int | None
    flash_bytes: int | None
    scores: Scores | None = None
    fitness: float | None = None
    feasible: bool = False
    pareto: bool = False
    seconds: float = 0.0
    elapsed_seconds: float = 0.0
    reason: str = ""
    latency_us: float | None = None
    id: str = ""

    def __post_init__(self) -> None:
        if not self.id:
            object.__setattr__(self, "id", self.genome.id)

    def to_json(self) -> dict[str, Any]:
        return {
            "index": self.index,
            "id": self.id,
            "genome": self.genome.to_json(),
            "outcome": self.outcome,
            "ram_bytes": self.ram_bytes,
            "flash_bytes": self.flash_bytes,
            "latency_us": self.latency_us,
            "scores": self.scores and self.scores.to_json(),
            "fitness": self.fitness,
            "feasible": self.feasible,
            "pareto": self.pareto,
            "seconds": self.seconds,
            "elapsed_seconds": self.elapsed_seconds,
            "reason": self.reason,
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Evaluation:
        """The inverse of `to_json`. Raises DanasError or ValueError for what is none."""
        made: Evaluation = build(Evaluation, value)
        _check_id(made.id)
        return made


@dataclass(frozen=True)
class Candidate:
    """A member of the exported front.

    id: of its genome, as an evaluation has it; the name of its folder under candidates/.
    evaluation: the index of the evaluation it comes from. scores: by (precision and split):
    `float_validation`, `int8_validation`, `float_test`, `int8_test`. groups: int8 test scores by
    source of the image. estimate: as in estimate.json. finetune_steps: of training by itself, after
    the search.
    """

    id: str
    genome: Genome
    evaluation: int
    fitness: float
    scores: Mapping[str, Scores]
    estimate: Mapping[str, Any]
    groups: Mapping[str, Scores] = field(default_factory=dict)
    finetune_steps: int = 0

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "genome": self.genome.to_json(),
            "evaluation": self.evaluation,
            "fitness": self.fitness,
            "scores": {name: scores.to_json() for name, scores in self.scores.items()},
            "groups": {name: scores.to_json() for name, scores in self.groups.items()},
            "estimate": dict(self.estimate),
            "finetune_steps": self.finetune_steps,
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Candidate:
        """The inverse of `to_json`. Raises DanasError or ValueError for what is none."""
        made: Candidate = build(Candidate, value)
        _check_id(made.id)
        if lacking := _SCORED - set(made.scores):
            raise ValueError(f"candidate {made.id} lacks the scores {min(lacking)!r}")
        totals = made.estimate.get("totals")
        if not isinstance(totals, Mapping):
            raise TypeError(f"the estimate of candidate {made.id} lacks its totals")
        told = {field.name for field in fields(_Totals)}
        build(_Totals, {k: v for k, v in totals.items() if k in told}, f"totals of {made.id}")
        return made


def _check_id(id_: str) -> None:
    """Raise ValueError for what is no id of a genome: it becomes the name of a folder."""
    if not re.fullmatch("[0-9a-f]{8}", id_):
        raise ValueError(f"{id_!r} is no id of a genome, which has eight hexadecimal digits")


_SCORED = {"int8_validation", "int8_test"}


@dataclass(frozen=True)
class _Totals:
    """What commands take from the `totals` of an estimate."""

    ram_bytes: int
    flash_bytes: int
    most_ram_bytes: int | None = None
    most_flash_bytes: int | None = None
    complete: bool = True
    latency_us: float | None = None
    latency_complete: bool = True
    latency_source: str = ""
    latency_band: float = 0.0


@dataclass(frozen=True)
class Front:
    """The exported Pareto front (front.json), and every evaluation that led to it.

    task: what its candidates tell apart. chosen: the id of the candidate within the limits that is
    the best by the task's metric, in int8 on validation images; None where nothing fits.
    """

    run: str
    task: Task
    limits: Limits
    memory_model: str
    candidates: tuple[Candidate, ...]
    chosen: str | None
    evaluations: tuple[Evaluation, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "run": self.run,
            "task": self.task.to_json(),
            "limits": self.limits.to_json(),
            "memory_model": self.memory_model,
            "chosen": self.chosen,
            "candidates": [candidate.to_json() for candidate in self.candidates],
            "evaluations": [evaluation.to_json() for evaluation in self.evaluations],
        }

    @staticmethod
    def from_json(
        value: Any,
        file: Path | str = "front.json",
        hint: str = "Export it again: danas-hil resume RUN.",
    ) -> Front:
        """The inverse of `to_json`. Raises DanasError for another schema or a damaged `file`."""
        check_format(file, value, SCHEMA, hint)
        with checking(file, hint):
            content = front_of_format1(value) if value.get("schema", 1) == 1 else value
            front: Front = build(Front, {k: v for k, v in content.items() if k != "schema"})
        return front
