"""What the finished runs of an experiment found, gathered from their folders."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from danas_hil.board import Limits
from danas_hil.experiment.definition import Experiment
from danas_hil.experiment.running import ended_runs
from danas_hil.run import Candidate, Evaluation, RunFolder
from danas_hil.search import steps_taken
from danas_hil.tasks import Task


@dataclass(frozen=True)
class RunResult:
    """A finished run. Where nothing fits its limits it has no front: nothing is in it then.

    training_steps: of all its supernets together, also of those that other runs share or trained;
        or of all its candidates, where each was trained from scratch.
    """

    run: str
    search: str
    baseline: bool
    seed: int
    task: Task
    limits: Limits
    reason: str
    training_steps: int
    memory_model: str
    evaluations: tuple[Evaluation, ...]
    candidates: tuple[Candidate, ...]


def gather_results(experiment: Experiment, folder: Path) -> tuple[RunResult, ...]:
    """Every run that came to its end. Raises DanasError for a damaged file."""
    ended = ended_runs(folder)
    results = []
    for planned in experiment.runs:
        if planned.name not in ended:
            continue
        run, settings = RunFolder.open(folder / planned.name), planned.variant.settings
        front = run.front() if run.front_file.exists() else None
        trained = 1 if settings.shares_weights or not front else len(front.evaluations)
        results.append(
            RunResult(
                run=planned.name,
                search=planned.variant.name,
                baseline=planned.variant.baseline,
                seed=planned.seed,
                task=settings.task,
                limits=settings.limits,
                reason=ended[planned.name].reason,
                training_steps=trained * steps_taken(run.config()),
                memory_model=settings.memory_model,
                evaluations=front.evaluations if front else (),
                candidates=front.candidates if front else (),
            )
        )
    return tuple(results)
