"""One exported candidate: its folder with int8 model, golden outputs and estimate; its scores."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from danas_hil import convert, tflm
from danas_hil.base import atomic_path, read_json, write_atomic, write_json
from danas_hil.data import Dataset, LabelledImages, representative_images
from danas_hil.metrics import Scores
from danas_hil.search.evaluation import Evaluator, classes
from danas_hil.search.memory import MemoryEstimator
from danas_hil.search.settings import SearchSettings
from danas_hil.space import Genome
from danas_hil.supernet import load

CALIBRATION_IMAGES = 100
GOLDEN_IMAGES = 4
TEST_IMAGES = 10_000
"""Test images used at most: at 224x224 rgb they take 1.5 GB."""

_MODEL, _KERAS, _TRAINING = "model.tflite", "model.keras", "training.json"
_NO_BETTER = "no_better"


def has_model(folder: Path) -> bool:
    return (folder / _MODEL).is_file()


def write_model(
    folder: Path, genome: Genome, model: Any, steps: int, settings: SearchSettings, dataset: Dataset
) -> None:
    """model.keras, model.tflite, and for how many steps `model` was trained by itself.

    The .tflite file comes last: where it is, the others are.
    """
    representative = representative_images(
        dataset.split("train"), genome.data, CALIBRATION_IMAGES, settings.seed
    )
    with atomic_path(folder / _KERAS) as path:
        model.save(path)
    write_json(folder / _TRAINING, {"final_steps": steps})
    content = convert.to_tflite(model, representative, clear_names=settings.clear_names)
    write_atomic(folder / _MODEL, content)


def trained_steps(folder: Path) -> int:
    """For how many steps the model in `folder` was trained by itself."""
    return int(read_json(folder / _TRAINING)["final_steps"])


def note_no_better(folder: Path, steps: int, accuracy: float) -> None:
    """Write down that `steps` steps of training came to no better int8 validation accuracy."""
    noted = read_json(folder / _TRAINING)
    noted.setdefault(_NO_BETTER, {})[str(steps)] = accuracy
    write_json(folder / _TRAINING, noted)


def tried(folder: Path) -> dict[int, float]:
    """What was noted as no better than the model in `folder`: accuracy by training steps."""
    noted = read_json(folder / _TRAINING).get(_NO_BETTER, {})
    return {int(steps): accuracy for steps, accuracy in noted.items()}


def write_rest(
    folder: Path, genome: Genome, evaluator: Evaluator, estimator: MemoryEstimator
) -> Mapping[str, Any]:
    """golden.npz, genome.json and estimate.json of the model in `folder`; returns the estimate."""
    model = (folder / _MODEL).read_bytes()
    validation = evaluator.images("validation", genome.data)
    golden_inputs = convert.quantise_input(
        validation.images[:GOLDEN_IMAGES], convert.input_quantisation(model)
    )
    tflm.write_golden(folder / "golden.npz", tflm.golden(model, golden_inputs))
    estimate = estimator.detail(genome, model)
    write_json(folder / "genome.json", genome.to_json())
    write_json(folder / "estimate.json", estimate)
    return estimate


def validation_scores(folder: Path, genome: Genome, evaluator: Evaluator) -> dict[str, Scores]:
    """`float_validation` and `int8_validation` of the models in `folder`."""
    images = evaluator.images("validation", genome.data)
    return {
        "float_validation": _float_scores(folder, genome, images, evaluator),
        "int8_validation": Scores.of(images.labels, _int8_classes(folder, images)),
    }


def scores_on_test(
    folder: Path, genome: Genome, evaluator: Evaluator
) -> tuple[dict[str, Scores], dict[str, Scores]]:
    """`float_test` and `int8_test` of the models in `folder`; and int8 test scores by source."""
    images = evaluator.all_images("test", genome.data, TEST_IMAGES)
    predicted, groups = _int8_classes(folder, images), np.array(images.groups)
    scores = {
        "float_test": _float_scores(folder, genome, images, evaluator),
        "int8_test": Scores.of(images.labels, predicted),
    }
    by_group = {
        str(group): Scores.of(images.labels[groups == group], predicted[groups == group])
        for group in (sorted(set(images.groups)) if len(set(images.groups)) > 1 else ())
    }
    return scores, by_group


def _float_scores(
    folder: Path, genome: Genome, images: LabelledImages, evaluator: Evaluator
) -> Scores:
    """In float32: by the supernet where its weights are the model's, in a third of Keras' time."""
    if trained_steps(folder) or not evaluator.keeps_shared_weights:
        return Scores.of(images.labels, classes(load(folder / _KERAS), images.images))
    supernet, recalibration = evaluator.supernet(genome.data), evaluator.recalibration(genome.data)
    probabilities = supernet.evaluate(genome, recalibration, images.images)
    return Scores.of(images.labels, np.argmax(probabilities, axis=1))


def _int8_classes(folder: Path, images: LabelledImages) -> Any:
    return np.argmax(convert.classify((folder / _MODEL).read_bytes(), images.images), axis=1)
