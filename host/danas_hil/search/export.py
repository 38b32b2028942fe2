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
    trained_steps,
    validation_scores,
    with_test,
    write_model,
    write_rest,
)
from danas_hil.search.cost import CostEstimator
from danas_hil.search.data_focus import FOCUS
from danas_hil.search.evaluator import Evaluator
from danas_hil.search.finetune import final_steps
from danas_hil.search.listener import Listener
from danas_hil.search.pareto import pareto_front
from danas_hil.search.selection import best, spread
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
    estimator: CostEstimator,
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
        task=settings.task,
        limits=settings.limits,
        memory_model=settings.memory_model,
        candidates=tuple(tested),
        chosen=chosen,
        evaluations=tuple(replace(e, pareto=e.index in pareto) for e in evaluations),
    )
    run.write_front(result)
    return result


def _export(
    run: RunFolder,
    settings: SearchSettings,
    evaluation: Evaluation,
    final_steps: Mapping[str, int],
    evaluator: Evaluator,
    estimator: CostEstimator,
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
