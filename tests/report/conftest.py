"""Synthetic runs: what a search would have left, made up from a seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from danas_hil.board import Limits
from danas_hil.estimate.paper import paper
from danas_hil.estimate.planner import BufferRequest, PlannedBuffer, plan
from danas_hil.measure import Failure, Latency, Measurement, Parity
from danas_hil.report import Measured, gather
from danas_hil.run import Candidate, Evaluation, Front, RunFolder
from danas_hil.space import DEFAULT_SPACE, Genome, layers
from danas_hil.targets import BuildIdentity, Memory, Sizes
from danas_hil.tasks import Scores
from tasks.some_tasks import PERSON

LIMITS = Limits(256 * 1024, 960 * 1024, "Arduino Nano 33 BLE Sense")
SOURCES = {"COCO": 640, "Open Images": 410, "street, night": 130, "indoor": 95}
CONFIG = {
    "name": "night",
    "seed": 7,
    "started": "2026-03-14 20:15",
    "finished": "2026-03-15 00:02",
    "data": {
        "source": "wake-vision",
        "path": "data/wake_vision",
        "classes": ["no person", "person"],
        "training": {"images": 41200, "person": 20310, "no person": 20890},
        "validation": {"images": 5000, "person": 2480, "no person": 2520},
        "test": {"images": 1275, "person": 641, "no person": 634},
    },
    "space": {
        "resolution": [32, 64, 96, 128],
        "colour": ["monochrome", "rgb"],
        "b3": [0, 1, 2, 3],
        "alpha": [0.1, 0.2, 0.3, 0.4, 0.5],
        "monochrome_width": 0.33,
    },
    "limits": LIMITS.to_json(),
    "search": {
        "sampler": "tournament",
        "trials": 600,
        "time_budget": 14400,
        "drop_infeasible": False,
    },
    "versions": {"danas-hil": "0.1.0", "tensorflow": "2.21.0", "python": "3.11.7"},
}


def scores(accuracy: float, images: int, rng: np.random.Generator) -> Scores:
    """Scores whose accuracy is a whole number of `images`."""
    right = round(min(1.0, max(0.0, accuracy)) * images) / images
    precision, recall = np.clip(right + rng.normal(0, 0.03, 2), 0, 1)
    return Scores(right, float(precision), float(recall), images)


def evaluations(count: int, seed: int, limits: Limits, dropped: bool) -> list[Evaluation]:
    rng = np.random.default_rng(seed)
    rows: list[Evaluation] = []
    for index in range(count):
        good = [e.genome for e in rows if e.feasible and e.fitness and e.fitness > 4.1][-20:]
        drawn = DEFAULT_SPACE.sample(rng)
        genome = drawn
        if good and rng.random() < 0.7:
            genome = DEFAULT_SPACE.mutate(good[rng.integers(len(good))], rng)
        estimate = paper(genome, 2)
        ram = int(estimate.ram_bytes * 1.12) + 31_000
        flash = int(estimate.flash_bytes * 1.06) + 140_000
        over = max(0, ram - (limits.ram_bytes or ram)) / (limits.ram_bytes or 1)
        over += max(0, flash - (limits.flash_bytes or flash)) / (limits.flash_bytes or 1)
        elapsed = 420 + 22.5 * index
        if over and dropped:
            rows.append(Evaluation(index, genome, "infeasible", ram, flash, reason="RAM"))
            continue
        if index % 97 == 96:
            rows.append(Evaluation(index, genome, "failed", ram, flash, reason="diverged"))
            continue
        skill = 0.5 + 0.34 * (1 - np.exp(-flash / 400_000)) * min(1, genome.data.resolution / 90)
        found = scores(skill + rng.normal(0, 0.015), 5000, rng)
        fitness = found.accuracy + found.precision + found.recall + 2 - over
        rows.append(
            Evaluation(
                index, genome, "complete", ram, flash, found, fitness, not over, False, 21, elapsed
            )
        )
    best = _front(rows)
    return [Evaluation(**{**e.__dict__, "pareto": True}) if e.index in best else e for e in rows]


def _front(rows: list[Evaluation]) -> set[int]:
    best: dict[int, tuple[float, float, float]] = {}
    for e in rows:
        if e.scores and e.feasible:
            mine = (e.scores.accuracy, -float(e.ram_bytes or 0), -float(e.flash_bytes or 0))
            if any(all(a >= b for a, b in zip(o, mine, strict=True)) for o in best.values()):
                continue
            best = {
                k: o
                for k, o in best.items()
                if not all(a >= b for a, b in zip(mine, o, strict=True))
            }
            best[e.index] = mine
    return set(best)


def candidate(evaluation: Evaluation, rng: np.random.Generator) -> Candidate:
    assert evaluation.scores is not None
    accuracy = evaluation.scores.accuracy
    groups = {
        name: scores(accuracy + rng.normal(0, 0.04), images, rng)
        for name, images in SOURCES.items()
    }
    return Candidate(
        id=evaluation.genome.id,
        genome=evaluation.genome,
        evaluation=evaluation.index,
        fitness=evaluation.fitness or 0.0,
        scores={
            "float_validation": evaluation.scores,
            "int8_validation": scores(accuracy - 0.004, 5000, rng),
            "float_test": scores(accuracy - 0.008, 1275, rng),
            "int8_test": scores(accuracy - 0.011, 1275, rng),
        },
        groups=groups,
        estimate={
            "paper": paper(evaluation.genome, 2).__dict__,
            "exact": {board: exact(evaluation.genome, more) for _, board, _, more in TARGETS},
            "front_end": {"steps": ["frame", "cut"], "ram_bytes": 352, "operations": 116_736},
            "totals": {"ram_bytes": evaluation.ram_bytes, "flash_bytes": evaluation.flash_bytes},
        },
    )


def synthetic_front(
    count: int = 600, *, seed: int = 1, limits: Limits = LIMITS, dropped: bool = False
) -> Front:
    rng = np.random.default_rng(seed + 1)
    rows = evaluations(count, seed, limits, dropped)
    candidates = tuple(candidate(e, rng) for e in rows if e.pareto)
    best = max(candidates, key=lambda c: c.scores["int8_validation"].accuracy, default=None)
    return Front(
        "night", PERSON, limits, "exact", candidates, best.id if best else None, tuple(rows)
    )


TARGETS = (
    ("host", "host", "host", 1.09),
    ("qemu-m4", "qemu-m4", "emulated", 1.0),
    ("nano33ble@7E1A", "nano33ble", "measured", 1.0),
)
"""(target, board, kind, how much more arena than on a microcontroller)."""


def exact(genome: Genome, factor: float, seen: bool = False) -> dict[str, dict[str, int]]:
    """An exact estimate as in estimate.json; what is `seen` has some more flash."""
    counted = paper(genome, 2)
    arena = round(counted.ram_bytes * 1.12 * factor) + 9_000
    model = int(counted.flash_bytes * 1.05)
    return {
        "arena": {"used_bytes": arena},
        "ram": {"total_bytes": arena + 24_000},
        "flash": {"total_bytes": model + 131_000 + (460 if seen else 0), "model_bytes": model},
    }


def synthetic_measurement(candidate: Candidate, target: str = "qemu-m4") -> Measurement:
    """A good measurement of `candidate` on one of TARGETS."""
    _, board, kind, factor = next(row for row in TARGETS if row[0] == target)
    figures = exact(candidate.genome, factor, seen=True)
    time = 1.2 * paper(candidate.genome, 2).ram_bytes
    flash, ram = figures["flash"]["total_bytes"], figures["ram"]["total_bytes"] - 1_400
    own = {"tflm": 900, "sketch": 90, "framework": 9, "c_library": 8, "linker": 1}
    sizes = Sizes(flash, ram, {}, {"model": flash - 1_008, **own}, {"model": ram - 1_008, **own})
    return Measurement(
        model=candidate.id,
        model_sha256="",
        model_bytes=figures["flash"]["model_bytes"],
        target=target,
        board=board,
        kind=kind,  # type: ignore[arg-type]
        status="OK",
        recorded_at="2026-03-15T00:00:00+00:00",
        build=BuildIdentity("0" * 16, {}),
        tflm_version="0.dev20261023" if kind == "host" else "Chirale 2.0.0",
        memory=Memory(figures["arena"]["used_bytes"], stack_peak_bytes=1_400),
        sizes=None if kind == "host" else sizes,
        latency=Latency((time, 1.01 * time, 2 * time), "time", "cycles"),
        parity=Parity(4, 8, 0, None, 0.0, "", False),
    )


def too_large(good: Measurement) -> Measurement:
    """What is recorded where a firmware does not fit."""
    failure = Failure("SIZE", "RAM is over by 12 bytes.", "Take a smaller <model>.")
    return replace(
        good, status="SIZE", failure=failure, memory=None, sizes=None, latency=None, parity=None
    )


def synthetic_measurements(front: Front, most: int = 8) -> list[Measurement]:
    """The first candidates on all TARGETS; the fourth is too large for the real board."""
    rows = [
        synthetic_measurement(candidate, target)
        for target, *_ in TARGETS
        for candidate in front.candidates[:most]
    ]
    return [too_large(m) if i == 2 * most + 3 else m for i, m in enumerate(rows)]


def write_run(
    path: Path,
    front: Front,
    measurements: Sequence[Measurement] = (),
    config: Mapping[str, object] = CONFIG,
) -> RunFolder:
    run = RunFolder.create(path, config)
    run.write_front(front)
    for m in measurements:
        m.write(run.measured(m.model, m.target) / "measurement.json")
    return run


def synthetic_plan(genome: Genome) -> tuple[PlannedBuffer, ...]:
    table = layers(genome, 2)
    last = {index: index for index in range(-1, len(table))}
    for step, layer in enumerate(table):
        last |= dict.fromkeys(layer.inputs, step)
    requests = [
        BufferRequest("input", "activations", int(np.prod(table[0].input_shape)), 0, last[-1] + 1)
    ]
    requests += [
        BufferRequest(
            layer.name, "activations", int(np.prod(layer.output_shape)), step + 1, last[step] + 1
        )
        for step, layer in enumerate(table)
    ]
    requests.append(BufferRequest("scratch of stem", "scratch", 108, 1, 1))
    return plan(requests)


@pytest.fixture(scope="session")
def front() -> Front:
    """A run of 600 evaluations with a front."""
    return synthetic_front()


@pytest.fixture(scope="session")
def make_front() -> Callable[..., Front]:
    return synthetic_front


@pytest.fixture(scope="session")
def measured(front: Front, tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """Eight candidates of `front` on three targets."""
    path = tmp_path_factory.mktemp("runs") / "night"
    return gather(write_run(path, front, synthetic_measurements(front)))


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., RunFolder]:
    """A run folder on disk with the given front and measurements."""
    return partial(write_run, tmp_path / "night")


@pytest.fixture(scope="session")
def measurements(front: Front) -> list[Measurement]:
    return synthetic_measurements(front)


@pytest.fixture
def memory_plan(front: Front) -> tuple[PlannedBuffer, ...]:
    return synthetic_plan(front.candidates[0].genome)
