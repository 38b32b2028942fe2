"""The scores of an exported candidate are those of the model that is exported."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from danas_hil.base import write_json
from danas_hil.search.candidate import _float_scores
from danas_hil.search.evaluator import classes
from danas_hil.signals.shown import LabelledImages
from danas_hil.supernet import Supernet
from danas_hil.tasks import Task
from supernet.elastic import DATA, SHALLOW_SPACE, largest, subnets

IMAGES = np.random.default_rng(0).integers(0, 256, (64, *DATA.shape), np.uint8)


@pytest.mark.parametrize("finetune_steps", [0, 3])
def test_float_scores_are_those_of_the_saved_network(finetune_steps: int, tmp_path: Path) -> None:
    supernet = Supernet(subnets(SHALLOW_SPACE, (DATA,)))
    genome = largest(SHALLOW_SPACE, DATA)
    model = supernet.extract(genome, IMAGES)
    if finetune_steps:  # other weights than the supernet's
        kernel, bias = model.get_layer("classes").get_weights()
        model.get_layer("classes").set_weights([-kernel, bias])
    model.save(tmp_path / "model.keras")
    write_json(tmp_path / "training.json", {"finetune_steps": finetune_steps, "format": 2})
    evaluator: Any = SimpleNamespace(
        keeps_shared_weights=True,
        supernet=lambda genome: supernet,
        recalibration=lambda data: IMAGES,
        task=Task(("dark", "bright")),
    )
    labels = classes(model, IMAGES)
    labels[:16] = 1 - labels[:16]
    images = LabelledImages(IMAGES, labels, ("all",) * 64)
    scores = _float_scores(tmp_path, genome, images, evaluator)
    assert scores.accuracy == pytest.approx(0.75, abs=1.01 / 64)  # rounding may move one
