"""The built-in set: what is in it, and that colour and resolution both count in it."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from danas_hil.data import SPLITS, Record, SourceOptions
from danas_hil.signals.image import ImageConfig
from danas_hil.signals.image.dataset import Dataset, open_dataset
from danas_hil.signals.image.files import open_images
from danas_hil.signals.image.signs import SignsSource
from danas_hil.signals.image.views import EvaluationView, TrainingView
from danas_hil.signals.shown import scale

SOURCE = SignsSource(SourceOptions())
EACH = {"train": 180, "validation": 60, "test": 60}
BATCH, STEPS = 64, 400
MEANS = (82.1, 105.9, 97.6, 94.0, 100.1, 95.6, 171.4, 110.0, 128.5, 126.3)
"""Mean level of the first training picture of each class."""


def records(split: str, count: int | None = None) -> list[Record]:
    return list(itertools.islice(SOURCE.records(split), count))


def test_there_are_ten_classes_with_as_many_pictures_of_each() -> None:
    assert len(set(SOURCE.classes)) == 10
    for split, each in EACH.items():
        labels = np.array([label for label, _ in SOURCE.labels(split)])
        assert np.bincount(labels).tolist() == [each] * 10
        assert SOURCE.count(split) == len(labels)
    assert sum(EACH.values()) == 300
    told = list(itertools.islice(SOURCE.labels("test"), 30))
    assert [(record.label, record.group) for record in records("test", 30)] == told


def test_pictures_are_the_same_whenever_they_are_drawn() -> None:
    first, again = records("train", 30), records("train", 30)
    for one, other in zip(first, again, strict=True):
        assert one.key == other.key
        assert isinstance(one.content, np.ndarray)
        assert one.content.shape == (64, 64, 3)
        assert one.content.dtype == np.uint8
        assert np.array_equal(one.content, np.asarray(other.content))
    # Other figures mean other pictures: the source's format wants to be counted up.
    means = [float(np.asarray(record.content).mean()) for record in first[:10]]
    assert means == pytest.approx(MEANS, abs=0.6)


def test_no_picture_is_in_two_splits() -> None:
    found = [record for split in SPLITS for record in records(split, 200)]
    assert len({record.key for record in found}) == len(found)
    assert len({np.asarray(record.content).tobytes() for record in found}) == len(found)
    assert len({SOURCE.fingerprint(split) for split in SPLITS}) == len(SPLITS)


def test_classes_are_chosen_and_joined_by_a_table() -> None:
    table = {"blue-arrow": "blue", "red-arrow": "red", "give-way": "red"}
    source = open_images("signs", SourceOptions(classes=table))
    assert source.classes == ("blue", "red")
    labels = [record.label for record in itertools.islice(source.records("test"), 10)]
    assert labels == [0, 1, -1, -1, -1, -1, -1, -1, 1, -1]
    assert source.fingerprint("test") != SOURCE.fingerprint("test")


def accuracy(dataset: Dataset, data: ImageConfig) -> float:
    """Of a small network on validation pictures; the same network and training for any data."""
    import keras

    keras.utils.set_random_seed(0)
    layers = keras.layers
    network = keras.Sequential([keras.Input(data.shape)])
    # As many layers for small pictures, which are not made smaller by the first one.
    for filters, stride in ((12, 1 if data.resolution < 32 else 2), (24, 2), (32, 2), (64, 1)):
        network.add(layers.Conv2D(filters, 3, stride, "same", use_bias=False))
        network.add(layers.BatchNormalization(momentum=0.9))
        network.add(layers.ReLU())
    network.add(layers.GlobalAveragePooling2D())
    network.add(layers.Dense(len(SOURCE.classes)))
    network.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(4e-3, STEPS)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    for images, labels in TrainingView(dataset.split("train"), data, seed=0).batches(
        0, STEPS, BATCH
    ):
        network.train_on_batch(images, labels)
    shown = EvaluationView(dataset.split("validation"), data).arrays()
    told = network.predict(scale(shown.images), batch_size=200, verbose=0).argmax(axis=1)
    return float((told == shown.labels).mean())


def test_monochrome_and_16_pixels_each_cost_five_points_or_more(tmp_path: Path) -> None:
    pytest.importorskip("keras", reason="training needs the extra [search]")
    dataset = open_dataset(open_images("signs"), 64, tmp_path)
    best, grey, coarse = (
        accuracy(dataset, data)
        for data in (ImageConfig(48, "rgb"), ImageConfig(48, "monochrome"), ImageConfig(16, "rgb"))
    )
    assert 0.8 < best < 0.995, "far above chance, and not solved"
    assert best - grey >= 0.05
    assert best - coarse >= 0.05
    assert min(grey, coarse) > 0.5, "they still tell most of the signs apart"
