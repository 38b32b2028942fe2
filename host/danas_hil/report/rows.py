"""The numbers behind every figure: what is drawn, what is exported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from danas_hil.board import Limits
from danas_hil.compare import Compared
from danas_hil.estimate.held import Held
from danas_hil.estimate.lines import all_fit
from danas_hil.report.measured import FirmwareShares, Outcome
from danas_hil.run import Candidate, Evaluation, Front
from danas_hil.space import Genome
from danas_hil.tasks import Scores, Task, wilson_interval

MEAN_OF = 25
"""Evaluations that the running mean of the fitness takes in (arXiv 2502.12690, Fig. 7)."""


@dataclass(frozen=True)
class System:
    """An evaluated genome. Scores: before quantisation, on validation. Bytes: estimated."""

    evaluation: int
    id: str
    genome: str
    accuracy: float
    precision: float
    recall: float
    ram_bytes: int
    flash_bytes: int
    feasible: bool
    pareto: bool


@dataclass(frozen=True)
class Step:
    """Fitness of an evaluation, and the mean of it and up to 24 before it."""

    evaluation: int
    elapsed_seconds: float
    fitness: float
    mean: float


@dataclass(frozen=True)
class Find:
    """The `found`-th member of the final front came with this evaluation."""

    evaluation: int
    elapsed_seconds: float
    id: str
    found: int
    fraction: float


@dataclass(frozen=True)
class Member:
    """A line of the Pareto table. low, high: the 95 % Wilson interval of the int8 test accuracy.

    Scores are None where they were not taken. fits: against the run's limits, from estimates;
    None where a figure is missing. finetune_steps: of training by itself, after the search.
    latency_us: of one inference, estimated by latency_source; None where it is not. latency_band:
    by which share that may be more or less. validation_metric, test_metric: of the task, in int8.
    """

    id: str
    genome: str
    evaluation: int
    chosen: bool
    finetune_steps: int
    float_validation: float | None
    int8_validation: float | None
    int8_test: float | None
    low: float | None
    high: float | None
    precision: float | None
    recall: float | None
    ram_bytes: int | None
    flash_bytes: int | None
    fits: bool | None
    latency_us: float | None = None
    latency_source: str = ""
    latency_band: float = 0.0
    validation_metric: float | None = None
    test_metric: float | None = None


@dataclass(frozen=True)
class Group:
    """int8 test scores of a candidate on the images of one source; with the 95 % interval."""

    candidate: str
    source: str
    images: int
    accuracy: float
    low: float
    high: float
    precision: float
    recall: float


@dataclass(frozen=True)
class ClassScores:
    """int8 test scores of one class; low, high: the 95 % Wilson interval of its recall."""

    candidate: str
    name: str
    images: int
    recall: float
    low: float
    high: float
    precision: float


@dataclass(frozen=True)
class Confused:
    """How many test images of class `is_` the int8 model called `given`; none of zero images."""

    candidate: str
    is_: str
    given: str
    images: int


Row = (
    System
    | Step
    | Find
    | Member
    | Group
    | ClassScores
    | Confused
    | Outcome
    | Compared
    | FirmwareShares
)


def genome_words(genome: Genome) -> str:
    """Data and network, as `96x64-rgb, depth 12310 alpha 0.3`."""
    return f"{genome.data.name}, {genome.arch}"


def systems(evaluations: Sequence[Evaluation]) -> tuple[System, ...]:
    """Every evaluation that has scores and estimates."""
    return tuple(
        System(
            e.index,
            e.id,
            genome_words(e.genome),
            e.scores.accuracy,
            e.scores.precision,
            e.scores.recall,
            e.ram_bytes,
            e.flash_bytes,
            e.feasible,
            e.pareto,
        )
        for e in evaluations
        if e.scores is not None and e.ram_bytes is not None and e.flash_bytes is not None
    )


def steps(evaluations: Sequence[Evaluation]) -> tuple[Step, ...]:
    """Every evaluation that has a fitness, with the running mean."""
    known = [(e, e.fitness) for e in evaluations if e.fitness is not None]
    result = []
    for place, (e, fitness) in enumerate(known):
        window = [value for _, value in known[max(0, place + 1 - MEAN_OF) : place + 1]]
        result.append(Step(e.index, e.elapsed_seconds, fitness, sum(window) / len(window)))
    return tuple(result)


def finds(evaluations: Sequence[Evaluation]) -> tuple[Find, ...]:
    """When each member of the final front was found."""
    members = [e for e in evaluations if e.pareto]
    return tuple(
        Find(e.index, e.elapsed_seconds, e.id, count, count / len(members))
        for count, e in enumerate(members, 1)
    )


def members(front: Front) -> tuple[Member, ...]:
    """The candidates of the front, the best by the task's metric (int8 validation) first."""
    searched = {e.index: e for e in front.evaluations}
    rows = [_member(c, searched.get(c.evaluation), front) for c in front.candidates]
    return tuple(sorted(rows, key=lambda row: -(row.validation_metric or 0)))


def _member(candidate: Candidate, evaluation: Evaluation | None, front: Front) -> Member:
    test = candidate.scores.get("int8_test")
    low, high = test.interval if test else (None, None)
    totals = candidate.estimate.get("totals", {})
    ram, flash = totals.get("ram_bytes"), totals.get("flash_bytes")
    if evaluation is not None:
        ram = evaluation.ram_bytes if ram is None else ram
        flash = evaluation.flash_bytes if flash is None else flash
    latency = totals.get("latency_us")
    return Member(
        candidate.id,
        genome_words(candidate.genome),
        candidate.evaluation,
        candidate.id == front.chosen,
        candidate.finetune_steps,
        _accuracy(candidate.scores.get("float_validation")),
        _accuracy(candidate.scores.get("int8_validation")),
        _accuracy(test),
        low,
        high,
        test.precision if test else None,
        test.recall if test else None,
        ram,
        flash,
        fits(ram, flash, totals, front.limits),
        latency,
        totals.get("latency_source", ""),
        totals.get("latency_band", 0.0),
        candidate.scores["int8_validation"].worth,
        test.worth if test else None,
    )


def fits(
    ram: int | None, flash: int | None, totals: Mapping[str, Any], limits: Limits
) -> bool | None:
    """Whether all limits are met for the whole of every band. totals: of estimate.json."""
    more = {"ram_bytes": ram, "flash_bytes": flash}
    if not totals.get("complete", True):
        more = {name: totals.get(f"most_{name}") for name in more}
    latency, band = totals.get("latency_us"), totals.get("latency_band", 0.0)
    timed = latency is not None and totals.get("latency_complete", True)
    held = (
        Held(None, ram or 0, more["ram_bytes"], limits.ram_bytes),
        Held(None, flash or 0, more["flash_bytes"], limits.flash_bytes),
        Held(
            None,
            (latency or 0.0) * (1 - band),
            latency * (1 + band) if timed else None,
            limits.latency_us,
        ),
    )
    return all_fit([one.fits for one in held])


def groups(candidate: Candidate) -> tuple[Group, ...]:
    """int8 test scores by source of the image."""
    return tuple(
        Group(candidate.id, name, s.images, s.accuracy, *s.interval, s.precision, s.recall)
        for name, s in sorted(candidate.groups.items())
    )


def class_scores(candidate: Candidate, task: Task) -> tuple[ClassScores, ...]:
    """Scores of each class, in the order of the task; none without a confusion matrix."""
    rows = _confusion(candidate)
    given = [sum(column) for column in zip(*rows, strict=True)]
    return tuple(
        ClassScores(
            candidate.id,
            name,
            sum(rows[place]),
            rows[place][place] / max(1, sum(rows[place])),
            *wilson_interval(rows[place][place] / max(1, sum(rows[place])), sum(rows[place])),
            rows[place][place] / max(1, given[place]),
        )
        for place, name in enumerate(task.classes)
        if rows
    )


def confused(candidate: Candidate, task: Task) -> tuple[Confused, ...]:
    """The confusion matrix as a list, row by row."""
    return tuple(
        Confused(candidate.id, is_, given, images)
        for is_, row in zip(task.classes, _confusion(candidate), strict=False)
        for given, images in zip(task.classes, row, strict=True)
        if images
    )


def columns(row: Row) -> dict[str, Any]:
    """A row as it is exported."""
    return row.to_json() if isinstance(row, Compared) else asdict(row)


def _accuracy(scores: Scores | None) -> float | None:
    return None if scores is None else scores.accuracy


def _confusion(candidate: Candidate) -> tuple[tuple[int, ...], ...]:
    scores = candidate.scores.get("int8_test")
    return scores.confusion if scores else ()
