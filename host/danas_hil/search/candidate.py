"""One exported candidate: its folder with int8 model, golden outputs and estimate; its scores."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from danas_hil import convert, tflm
from danas_hil.base import (
    DanasError,
    atomic_path,
    build,
    check_format,
    checking,
    first_line,
    read_json,
    write_atomic,
    write_json,
)
from danas_hil.estimate import read_file, read_graph
from danas_hil.run import Candidate, RunFolder, anew, write_genome
from danas_hil.search.cost import CostEstimator
from danas_hil.search.evaluator import Evaluator, classes
from danas_hil.search.session import Session
from danas_hil.signals.shown import LabelledImages
from danas_hil.space import Genome
from danas_hil.supernet import load
from danas_hil.tasks import Scores

CALIBRATION_IMAGES = 100
GOLDEN_IMAGES = 4
TEST_IMAGES = 10_000
"""Test images used at most: at 224x224 rgb they take 1.5 GB."""

_MODEL, _KERAS, _TRAINING = "model.tflite", "model.keras", "training.json"


@dataclass(frozen=True)
class _Training:
    """training.json. no_better: what fine-tunings of other lengths came to, by their steps."""

    finetune_steps: int
    no_better: Mapping[str, float] = field(default_factory=dict)
    format: int = 2


def has_model(folder: Path) -> bool:
    """Whether there are the two models and the word on their training, whole.

    Raises DanasError for one that is damaged: it is made anew then.
    """
    if not (folder / _MODEL).is_file():
        return False
    read_graph(read_file(folder / _MODEL), str(folder / _MODEL))
    finetuned_steps(folder)
    try:
        with zipfile.ZipFile(folder / _KERAS) as packed:
            broken = packed.testzip()
    except (OSError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        broken = first_line(error)
    if broken is not None:
        raise DanasError(f"{folder / _KERAS} can't be read: {broken}.", anew(folder / _KERAS))
    return True


def write_model(folder: Path, genome: Genome, model: Any, steps: int, session: Session) -> None:
    """model.keras, model.tflite, and for how many steps `model` was fine-tuned.

    The .tflite file comes last: where it is, the others are.
    """
    settings, dataset = session.settings, session.dataset
    representative = dataset.representative(genome.data, CALIBRATION_IMAGES, settings.seed)
    with atomic_path(folder / _KERAS) as path:
        model.save(path)
    write_json(folder / _TRAINING, asdict(_Training(steps)))
    content = convert.to_tflite(model, representative, clear_names=settings.clear_names)
    write_atomic(folder / _MODEL, content)


def finetuned_steps(folder: Path) -> int:
    """For how many steps the model in `folder` was fine-tuned."""
    return _training(folder).finetune_steps


def note_no_better(folder: Path, steps: int, metric: float) -> None:
    """Write down that `steps` steps of training came to no better metric in int8 on validation."""
    noted = _training(folder)
    no_better = {**noted.no_better, str(steps): metric}
    write_json(folder / _TRAINING, asdict(replace(noted, no_better=no_better)))


def tried(folder: Path) -> dict[int, float]:
    """What was noted as no better than the model in `folder`: the metric by training steps."""
    return {int(steps): metric for steps, metric in _training(folder).no_better.items()}


def _training(folder: Path) -> _Training:
    """Raises DanasError naming training.json where it is missing or damaged."""
    path = folder / _TRAINING
    value = read_json(path, anew(path))
    check_format(path, value, 2, anew(path), "format")
    with checking(path, anew(path)):
        noted: _Training = build(_Training, value)
        if noted.finetune_steps < 0 or not all(steps.isdigit() for steps in noted.no_better):
            raise ValueError("steps are no count")
    return noted


def write_rest(
    folder: Path, genome: Genome, evaluator: Evaluator, estimator: CostEstimator
) -> Mapping[str, Any]:
    """golden.npz, genome.json and estimate.json of the model in `folder`; returns the estimate."""
    model = read_file(folder / _MODEL)
    validation = evaluator.images("validation", genome.data)
    golden_inputs = convert.quantise_input(
        validation.images[:GOLDEN_IMAGES], convert.input_quantisation(model)
    )
    tflm.write_golden(folder / "golden.npz", tflm.golden(model, golden_inputs))
    estimate = estimator.detail(genome, model)
    write_genome(folder / "genome.json", genome, evaluator.classes)
    write_json(folder / "estimate.json", estimate)
    return estimate


def validation_scores(folder: Path, genome: Genome, evaluator: Evaluator) -> dict[str, Scores]:
    """`float_validation` and `int8_validation` of the models in `folder`."""
    images = evaluator.images("validation", genome.data)
    return {
        "float_validation": _float_scores(folder, genome, images, evaluator),
        "int8_validation": Scores.of(images.labels, _int8_classes(folder, images), evaluator.task),
    }


def scores_on_test(
    folder: Path, genome: Genome, evaluator: Evaluator
) -> tuple[dict[str, Scores], dict[str, Scores]]:
    """`float_test` and `int8_test` of the models in `folder`; and int8 test scores by source."""
    images = evaluator.all_images("test", genome.data, TEST_IMAGES)
    predicted, groups = _int8_classes(folder, images), np.array(images.groups)
    scores = {
        "float_test": _float_scores(folder, genome, images, evaluator),
        "int8_test": Scores.of(images.labels, predicted, evaluator.task),
    }
    by_group = {
        str(group): Scores.of(
            images.labels[groups == group], predicted[groups == group], evaluator.task
        )
        for group in (sorted(set(images.groups)) if len(set(images.groups)) > 1 else ())
    }
    return scores, by_group


def with_test(run: RunFolder, candidate: Candidate, evaluator: Evaluator) -> Candidate:
    """The candidate with its scores on test images, also by group."""
    folder = run.candidate(candidate.id)
    scores, groups = scores_on_test(folder, candidate.genome, evaluator)
    return replace(candidate, scores={**candidate.scores, **scores}, groups=groups)


def _float_scores(
    folder: Path, genome: Genome, images: LabelledImages, evaluator: Evaluator
) -> Scores:
    """In float32: by the supernet where its weights are the model's, in a third of Keras' time."""
    if finetuned_steps(folder) or not evaluator.keeps_shared_weights:
        model = load(folder / _KERAS)
        if model.input_shape[1:] != genome.data.shape:
            path = folder / _KERAS
            raise DanasError(f"{path} is the model of another candidate.", anew(path))
        return Scores.of(images.labels, classes(model, images.images), evaluator.task)
    supernet, recalibration = evaluator.supernet(genome), evaluator.recalibration(genome.data)
    probabilities = supernet.evaluate(genome, recalibration, images.images)
    return Scores.of(images.labels, np.argmax(probabilities, axis=1), evaluator.task)


def _int8_classes(folder: Path, images: LabelledImages) -> Any:
    return np.argmax(convert.classify(read_file(folder / _MODEL), images.images), axis=1)
