"""What examples of a class count in training is what the loss is weighed by."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from danas_hil.families.layers import Conv, LayerStack
from danas_hil.signals.image import ImageConfig
from danas_hil.space import Genome
from danas_hil.supernet import Standalone, TrainingSettings

pytest.importorskip("tensorflow", reason="needs the extra search")

GENOME = Genome(ImageConfig(16, "rgb"), LayerStack((Conv(2, 3, "relu"),)))


def noise(_data: Any, step: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(step)
    return rng.uniform(-1, 1, (size, 16, 16, 3)).astype(np.float32), rng.integers(0, 3, size)


def losses(weights: tuple[float, ...], steps: int = 1) -> list[float]:
    found: list[float] = []
    settings = TrainingSettings(batch_size=30, class_weights=weights)
    network = Standalone(GENOME, 3, settings=settings)
    assert network.train(noise, steps, on_step=lambda _done, _of, loss: found.append(loss))
    return found


def test_the_loss_is_the_sum_of_what_each_class_loses() -> None:
    alone = [losses(tuple(float(one == of) for one in range(3)))[0] for of in range(3)]
    assert losses(())[0] == pytest.approx(sum(alone), rel=1e-5)
    assert losses((2.0, 0.5, 1.0))[0] == pytest.approx(
        2 * alone[0] + 0.5 * alone[1] + alone[2], rel=1e-5
    )


def test_without_weights_all_count_one() -> None:
    assert losses((), 4) == losses((1.0, 1.0, 1.0), 4)
