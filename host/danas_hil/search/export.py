"""Exporting the Pareto front: int8 models, golden outputs, estimates, and the one look at test."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from danas_hil import convert, tflm
from danas_hil.base import DanasError, atomic_path, read_json, write_atomic, write_json
from danas_hil.data import Dataset, LabelledImages, representative_images
from danas_hil.metrics import Scores
from danas_hil.run import Candidate, Evaluation, Front, RunFolder
from danas_hil.search.evaluation import Evaluator, classes
from danas_hil.search.final import final_steps
from danas_hil.search.listener import Listener
from danas_hil.search.memory import MemoryEstimator
from danas_hil.search.pareto import pareto_front
from danas_hil.search.settings import SearchSettings
from danas_hil.space import Genome
from danas_hil.study import StoppedError
from danas_hil.supernet import load

CALIBRATION_IMAGES = 100
GOLDEN_IMAGES = 4
DEVICE_IMAGES = 200
"""Test images kept in test-images.npz, for accuracy on a device."""
TEST_IMAGES = 10_000
"""Test images used at most: at 224x224 rgb they take 1.5 GB."""


def export_front(
    run: RunFolder,
    settings: SearchSettings,
    evaluations: Sequence[Evaluation],
    evaluator: Evaluator,
    estimator: MemoryEstimator,
    dataset: Dataset,
    listener: Listener,
) -> Front:
    """Convert, check and write the front, and front.json last.

    The candidates, and the chosen one among them, are fixed on validation images before the test
    split is opened. A model that was converted already is kept.
    """
    front = pareto_front(evaluations)
    members = spread(front, settings.export_limit)
    if len(members) < len(front):
        listener.warning(
            f"{len(members)} of the {len(front)} members of the front are exported"
            " (--export-limit); the best accuracy at each size of RAM comes first."
        )
    steps = final_steps(settings, members, evaluator)
    candidates, kept = [], []
    for done, evaluation in enumerate(members):
        listener.exporting(done, len(members), evaluation.genome.id)
        try:
            candidates.append(
                _export(run, settings, evaluation, steps, evaluator, estimator, dataset)
            )
            kept.append(evaluation)
        except DanasError as error:
            listener.warning(f"Candidate {evaluation.genome.id} is left out: {error}")
    listener.exporting(len(members), len(members), "test images")
    chosen = max(candidates, key=_by_validation, default=None)
    tested = [_test(run, candidate, evaluator) for candidate in candidates]
    _write_device_images(run, tested, evaluator)
    pareto = {evaluation.index for evaluation in front}
    result = Front(
        run=run.name,
        limits=settings.limits,
        memory_model=settings.memory_model,
        candidates=tuple(tested),
        chosen=chosen.id if chosen else None,
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
) -> Candidate:
    genome = evaluation.genome
    folder = run.candidate(genome.id)
    train = dataset.split("train")
    representative = representative_images(train, genome.data, CALIBRATION_IMAGES, settings.seed)
    model_file, training_file = folder / "model.tflite", folder / "training.json"
    if not model_file.is_file():
        steps, model = _trained(genome, final_steps.get(genome.id, 0), evaluator)
        with atomic_path(folder / "model.keras") as path:
            model.save(path)
        write_json(training_file, {"final_steps": steps})
        write_atomic(
            model_file,
            convert.to_tflite(model, representative, clear_names=settings.clear_names),
        )
    model_bytes, float_model = model_file.read_bytes(), _float_model(folder)
    validation = evaluator.images("validation", genome.data)
    golden_inputs = convert.quantise_input(
        validation.images[:GOLDEN_IMAGES], convert.input_quantisation(model_bytes)
    )
    tflm.write_golden(folder / "golden.npz", tflm.golden(model_bytes, golden_inputs))
    estimate = estimator.detail(genome, model_bytes)
    write_json(folder / "genome.json", genome.to_json())
    write_json(folder / "estimate.json", estimate)
    assert evaluation.fitness is not None
    return Candidate(
        id=genome.id,
        genome=genome,
        evaluation=evaluation.index,
        fitness=evaluation.fitness,
        scores={
            "float_validation": Scores.of(
                validation.labels, classes(float_model, validation.images)
            ),
            "int8_validation": _int8_scores(model_bytes, validation),
        },
        estimate=estimate,
        final_steps=read_json(training_file)["final_steps"],
    )


def _trained(genome: Genome, final_steps: int, evaluator: Evaluator) -> tuple[int, Any]:
    """Steps of training by itself, and the Keras model: none when asked to stop meanwhile."""
    if final_steps:
        with contextlib.suppress(StoppedError):
            return final_steps, evaluator.final_model(genome, final_steps)
    return 0, evaluator.model(genome)


def _float_model(folder: Path) -> Any:
    return load(folder / "model.keras")


def _test(run: RunFolder, candidate: Candidate, evaluator: Evaluator) -> Candidate:
    """The candidate with its scores on test images, also by group."""
    genome = candidate.genome
    images = evaluator.all_images("test", genome.data, TEST_IMAGES)
    folder = run.candidate(candidate.id)
    model = (folder / "model.tflite").read_bytes()
    predicted = np.argmax(convert.classify(model, images.images), axis=1)
    groups = np.array(images.groups)
    scores = {
        **candidate.scores,
        "float_test": Scores.of(images.labels, classes(_float_model(folder), images.images)),
        "int8_test": Scores.of(images.labels, predicted),
    }
    by_group = {
        str(group): Scores.of(images.labels[groups == group], predicted[groups == group])
        for group in (sorted(set(images.groups)) if len(set(images.groups)) > 1 else ())
    }
    return replace(candidate, scores=scores, groups=by_group)


def _int8_scores(model: bytes, images: LabelledImages) -> Scores:
    return Scores.of(images.labels, np.argmax(convert.classify(model, images.images), axis=1))


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


def _by_validation(candidate: Candidate) -> tuple[float, float]:
    """For choosing one: int8 validation accuracy, then less RAM."""
    return (candidate.scores["int8_validation"].accuracy, candidate.fitness)
