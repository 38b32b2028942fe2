"""Networks trained by themselves, from scratch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from danas_hil.base import DanasError
from danas_hil.families.ds_cnn import DsCnn
from danas_hil.families.layers import Conv, LayerStack
from danas_hil.families.mobilenet_v2 import MobileNetV2
from danas_hil.signals import DataConfig
from danas_hil.signals.image import ImageConfig
from danas_hil.space import Genome
from danas_hil.supernet import STANDALONE, Standalone, make_deterministic, time_standalone
from features import Features

pytest.importorskip("tensorflow", reason="needs the extra search")

GENOME = Genome(
    ImageConfig(16, "monochrome"), LayerStack((Conv(4, 3, "relu"), Conv(2, 5, "sigmoid")))
)


def bright_or_dark(_data: ImageConfig, step: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Images that the network can tell apart: noise, darker for class 0 than for class 1."""
    rng = np.random.default_rng(step)
    labels = rng.integers(0, 2, size)
    images = rng.uniform(-1, 1, (size, 16, 16, 1)) * 0.3 + (labels - 0.5)[:, None, None, None]
    return images.astype(np.float32), labels


def trained(steps: int = 5, seed: int = 0) -> Standalone:
    make_deterministic()
    network = Standalone(GENOME, 2, seed)
    assert network.train(bright_or_dark, steps)
    return network


def weights(network: Standalone) -> list[np.ndarray]:
    return [np.array(weight) for weight in network.model.get_weights()]


def test_it_learns() -> None:
    network = trained(steps=150)
    images, labels = bright_or_dark(GENOME.data, 10_000, 200)
    found = np.argmax(network.model(images, training=False), axis=1)
    assert np.mean(found == labels) > 0.95


def test_its_outputs_are_probabilities_of_the_classes() -> None:
    images, _ = bright_or_dark(GENOME.data, 0, 5)
    probabilities = np.asarray(Standalone(GENOME, 2).model(images, training=False))
    assert probabilities.shape == (5, 2)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(
    "genome",
    [
        Genome(ImageConfig(24, "rgb", 16), GENOME.arch),
        Genome(Features(49, 10), DsCnn(2, 0.125)),
        Genome(ImageConfig(32, "rgb", 16), MobileNetV2(1, 0, 0, 0, 0, 0.1)),
    ],
    ids=str,
)
def test_any_network_for_any_input_and_number_of_classes_can_be_trained(
    genome: Genome,
) -> None:
    def batch(data: DataConfig, step: int, size: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(step)
        labels = rng.integers(0, 10, size)
        return rng.uniform(-1, 1, (size, *data.shape)).astype(np.float32), labels

    network = Standalone(genome, 10)
    before = weights(network)
    assert network.train(batch, 2)
    assert not all(np.array_equal(a, b) for a, b in zip(before, weights(network), strict=True))
    images, _ = batch(genome.data, 7, 5)
    probabilities = np.asarray(network.model(images, training=False))
    assert probabilities.shape == (5, 10)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-6)


def test_a_class_that_does_not_count_is_never_the_answer() -> None:
    make_deterministic()
    settings = replace(STANDALONE, class_weights=(0.0, 1.0))
    network = Standalone(GENOME, 2, settings=settings)
    assert network.train(bright_or_dark, 60)
    images, _ = bright_or_dark(GENOME.data, 10_000, 200)
    assert np.argmax(network.model(images, training=False), axis=1).min() == 1


def test_weights_of_a_training_with_weighted_classes_are_kept_for_such_a_one(
    tmp_path: Path,
) -> None:
    settings = replace(STANDALONE, class_weights=(0.5, 1.5))
    assert Standalone(GENOME, 2, settings=settings).train(bright_or_dark, 2, tmp_path)
    assert Standalone(GENOME, 2, settings=settings).trained(tmp_path, 2)
    with pytest.raises(DanasError, match="other settings"):
        Standalone(GENOME, 2).trained(tmp_path, 2)


def test_the_same_seed_and_images_give_the_same_weights() -> None:
    one, again, other = weights(trained()), weights(trained()), weights(trained(seed=1))
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_the_weights_of_a_finished_training_are_kept(tmp_path: Path) -> None:
    first, second = Standalone(GENOME, 2), Standalone(GENOME, 2)
    assert not first.trained(tmp_path, 5)
    assert first.train(bright_or_dark, 5, tmp_path)
    assert second.trained(tmp_path, 5)
    assert all(np.array_equal(a, b) for a, b in zip(weights(first), weights(second), strict=True))


def test_weights_of_another_training_are_refused(tmp_path: Path) -> None:
    assert Standalone(GENOME, 2).train(bright_or_dark, 2, tmp_path)
    with pytest.raises(DanasError, match="other settings: steps"):
        Standalone(GENOME, 2).trained(tmp_path, 3)
    with pytest.raises(DanasError, match="other settings: images"):
        Standalone(GENOME, 2, made_for={"images": 1}).trained(tmp_path, 2)


def test_a_training_that_is_stopped_leaves_nothing(tmp_path: Path) -> None:
    done: list[int] = []
    ended = Standalone(GENOME, 2).train(
        bright_or_dark,
        60,
        tmp_path,
        should_stop=lambda: len(done) == 3,
        on_step=lambda step, _steps, _loss: done.append(step),
    )
    assert not ended
    assert done == [1, 2, 3]
    assert not list(tmp_path.iterdir())


def test_a_step_can_be_timed() -> None:
    assert 0 < time_standalone(GENOME, 2) < 60
