"""Exporting the Pareto front: int8 models, golden outputs, estimates, and the one look at test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from danas_hil.base import DanasError, atomic_path
from danas_hil.data import Dataset
from danas_hil.run import Candidate, Evaluation, Front, RunFolder, settle
from danas_hil.search.candidate import (
    has_model,
    scores_on_test,
    trained_steps,
    validation_scores,
    write_model,
    write_rest,
)
from danas_hil.search.evaluation import Evaluator
from danas_hil.search.final import final_steps
from danas_hil.search.listener import Listener
from danas_hil.search.looking import FOCUS
from danas_hil.search.memory import MemoryEstimator
from danas_hil.search.pareto import pareto_front
from danas_hil.search.settings import SearchSettings
from danas_hil.space import Genome
from danas_hil.study import StoppedError

DEVICE_IMAGES = 200
"""Test images kept in test-images.npz, for accuracy on a device."""


def export_front(
    run: RunFolder,
    settings: SearchSettings,
    evaluations: Sequence[Evaluation],
    evaluator: Evaluator,
    estimator: MemoryEstimator,
    dataset: Dataset,
    listener: Listener,
    elapsed: float,
) -> Front:
    """Convert, check and write the front, and front.json last.

    The candidates, and the chosen one among them, are fixed on validation images before the test
    split is opened. A model that was converted already is kept.

    elapsed: seconds of the time budget that the search has taken.
    """
    settle(run)
    if focus := evaluator.focus:
        run.write_config({**run.config(), FOCUS: focus})
    front = pareto_front(evaluations)
    members = spread(front, settings.export_limit)
    if len(members) < len(front):
        listener.warning(
            f"{len(members)} of the {len(front)} members of the front are exported"
            " (--export-limit); the best accuracy at each size of RAM comes first."
        )
    steps = final_steps(settings, members, evaluator, elapsed)
    candidates, kept = [], []
    for done, evaluation in enumerate(members):
        listener.exporting(done, len(members), evaluation.genome.id)
        try:
            candidates.append(
                _export(run, settings, evaluation, steps, evaluator, estimator, dataset, listener)
            )
            kept.append(evaluation)
        except DanasError as error:
            listener.warning(f"Candidate {evaluation.genome.id} is left out: {error}")
    listener.exporting(len(members), len(members), "test images")
    chosen = best(candidates)
    tested = [with_test(run, candidate, evaluator) for candidate in candidates]
    for text in dataset.warnings("test") if tested else ():
        listener.warning(text)
    _write_device_images(run, tested, evaluator)
    pareto = {evaluation.index for evaluation in front}
    result = Front(
        run=run.name,
        limits=settings.limits,
        memory_model=settings.memory_model,
        candidates=tuple(tested),
        chosen=chosen,
        evaluations=tuple(replace(e, pareto=e.index in pareto) for e in evaluations),
    )
    run.write_front(result)
    return result


def spread(front: Sequence[Evaluation], limit: int) -> list[Evaluation]:
    """At most `limit` members of a front: the most accurate at each size of RAM, and the rest by
    accuracy; in order of RAM.
    """
    by_ram = sorted(front, key=lambda e: (e.ram_bytes or 0, -_accuracy(e)))
    stairs: list[Evaluation] = []
    for evaluation in by_ram:
        if not stairs or _accuracy(evaluation) > _accuracy(stairs[-1]):
            stairs.append(evaluation)
    if len(stairs) > limit:  # the best, and even steps down from it
        places = np.linspace(0, len(stairs) - 1, limit).round().astype(int) if limit > 1 else [-1]
        stairs = [stairs[place] for place in places]
    chosen = {evaluation.index for evaluation in stairs}
    rest = sorted((e for e in front if e.index not in chosen), key=_accuracy, reverse=True)
    members = stairs + rest[: limit - len(stairs)]
    return sorted(members, key=lambda e: (e.ram_bytes or 0, e.index))


def _export(
    run: RunFolder,
    settings: SearchSettings,
    evaluation: Evaluation,
    final_steps: Mapping[str, int],
    evaluator: Evaluator,
    estimator: MemoryEstimator,
    dataset: Dataset,
    listener: Listener,
) -> Candidate:
    genome = evaluation.genome
    folder = run.candidate(genome.id)
    if not _has_model(folder, listener):
        steps, model = _trained(run, genome, final_steps.get(genome.id, 0), evaluator, listener)
        write_model(folder, genome, model, steps, settings, dataset)
        run.training(genome.id, steps).unlink(missing_ok=True)
    assert evaluation.fitness is not None
    return Candidate(
        id=genome.id,
        genome=genome,
        evaluation=evaluation.index,
        fitness=evaluation.fitness,
        estimate=write_rest(folder, genome, evaluator, estimator),
        scores=validation_scores(folder, genome, evaluator),
        final_steps=trained_steps(folder),
    )


def _has_model(folder: Path, listener: Listener) -> bool:
    try:
        return has_model(folder)
    except DanasError as error:
        listener.warning(f"{error.what} The candidate is made anew.")
        return False


def _trained(
    run: RunFolder, genome: Genome, steps: int, evaluator: Evaluator, listener: Listener
) -> tuple[int, Any]:
    """Steps of training by itself, and the Keras model: none when asked to stop meanwhile."""
    if steps:
        try:
            return steps, evaluator.final_model(genome, steps, run.training(genome.id, steps))
        except StoppedError:
            listener.warning(
                f"{genome.id} is exported as it is in the supernet. To train it to the end:"
                f" danas-hil train {run.path} --candidate {genome.id} --steps {steps}"
            )
    return 0, evaluator.model(genome)


def with_test(run: RunFolder, candidate: Candidate, evaluator: Evaluator) -> Candidate:
    """The candidate with its scores on test images, also by group."""
    folder = run.candidate(candidate.id)
    scores, groups = scores_on_test(folder, candidate.genome, evaluator)
    return replace(candidate, scores={**candidate.scores, **scores}, groups=groups)


def _write_device_images(
    run: RunFolder, candidates: Sequence[Candidate], evaluator: Evaluator
) -> None:
    """test-images.npz: labels (n,), and images (n, h, w, c) uint8 for each data configuration."""
    arrays: dict[str, Any] = {}
    for candidate in candidates:
        data = candidate.genome.data
        if data.name not in arrays:
            sample = evaluator.all_images("test", data, DEVICE_IMAGES)
            arrays |= {"labels": sample.labels, data.name: sample.images}
    if arrays:
        with atomic_path(run.test_images_file) as path, path.open("wb") as file:
            np.savez_compressed(file, **arrays)


def _accuracy(evaluation: Evaluation) -> float:
    return evaluation.scores.accuracy if evaluation.scores else 0.0


def best(candidates: Sequence[Candidate]) -> str | None:
    """Id of the one with the best int8 validation accuracy, then the fittest; None of none."""

    def worth(candidate: Candidate) -> tuple[float, float]:
        return candidate.scores["int8_validation"].accuracy, candidate.fitness

    return max(candidates, key=worth).id if candidates else None
