"""What a run writes down for other rooms to read: evaluations, and the exported Pareto front."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from danas_hil.base import DanasError
from danas_hil.board import Limits
from danas_hil.metrics import Scores
from danas_hil.space import Genome

SCHEMA = 1


@dataclass(frozen=True)
class Evaluation:
    """One genome that the search looked at.

    index: its place in the search, from 0. outcome: `complete`, `infeasible` (over a limit and
    dropped before training) or `failed`. scores: before quantisation, on validation images.
    ram_bytes, flash_bytes: estimated by the run's memory model. latency_us: estimated for the
    run's board, at least; None where it has no rates. seconds: that the evaluation took, without
    the training of a supernet. elapsed_seconds: search time when it was finished.
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

    def to_json(self) -> dict[str, Any]:
        return {
            "index": self.index,
            "id": self.genome.id,
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
        plain = {k: v for k, v in value.items() if k not in ("id", "genome", "scores")}
        scores = value["scores"]
        return Evaluation(
            genome=Genome.from_json(value["genome"]),
            scores=None if scores is None else Scores.from_json(scores),
            **plain,
        )


@dataclass(frozen=True)
class Candidate:
    """A member of the exported front.

    id: of its genome; the name of its folder under candidates/. evaluation: the index of the
    evaluation it comes from. scores: by (precision and split): `float_validation`,
    `int8_validation`, `float_test`, `int8_test`. groups: int8 test scores by source of the image.
    estimate: as in estimate.json. final_steps: of training by itself, after the search.
    """

    id: str
    genome: Genome
    evaluation: int
    fitness: float
    scores: Mapping[str, Scores]
    estimate: Mapping[str, Any]
    groups: Mapping[str, Scores] = field(default_factory=dict)
    final_steps: int = 0

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "genome": self.genome.to_json(),
            "evaluation": self.evaluation,
            "fitness": self.fitness,
            "scores": {name: scores.to_json() for name, scores in self.scores.items()},
            "groups": {name: scores.to_json() for name, scores in self.groups.items()},
            "estimate": dict(self.estimate),
            "final_steps": self.final_steps,
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Candidate:
        return Candidate(
            id=value["id"],
            genome=Genome.from_json(value["genome"]),
            evaluation=value["evaluation"],
            fitness=value["fitness"],
            scores={name: Scores.from_json(scores) for name, scores in value["scores"].items()},
            groups={name: Scores.from_json(scores) for name, scores in value["groups"].items()},
            estimate=value["estimate"],
            final_steps=value.get("final_steps", 0),
        )


@dataclass(frozen=True)
class Front:
    """The exported Pareto front (front.json), and every evaluation that led to it.

    chosen: the id of the candidate with the best int8 validation accuracy within the limits; None
    where nothing fits.
    """

    run: str
    limits: Limits
    memory_model: str
    candidates: tuple[Candidate, ...]
    chosen: str | None
    evaluations: tuple[Evaluation, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "run": self.run,
            "limits": self.limits.to_json(),
            "memory_model": self.memory_model,
            "chosen": self.chosen,
            "candidates": [candidate.to_json() for candidate in self.candidates],
            "evaluations": [evaluation.to_json() for evaluation in self.evaluations],
        }

    @staticmethod
    def from_json(value: Mapping[str, Any], file: str = "front.json") -> Front:
        """The inverse of `to_json`. Raises DanasError for another schema or a damaged `file`."""
        if value.get("schema") != SCHEMA:
            raise DanasError(
                f"{file} has schema {value.get('schema')!r}, not {SCHEMA}.",
                "Export the run again with this version: danas-hil resume RUN.",
            )
        try:
            return Front(
                run=value["run"],
                limits=Limits.from_json(value["limits"]),
                memory_model=value["memory_model"],
                candidates=tuple(map(Candidate.from_json, value["candidates"])),
                chosen=value["chosen"],
                evaluations=tuple(map(Evaluation.from_json, value["evaluations"])),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise DanasError(
                f"{file} is damaged ({error!r}).", "Export it again: danas-hil resume RUN."
            ) from error
