from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from danas_hil.base import DanasError
from danas_hil.families.mobilenet_v2 import MobileNetV2
from danas_hil.signals.image import ImageConfig
from danas_hil.space import Genome
from danas_hil.supernet import Subnets, Supernet, prediction
from danas_hil.supernet.backend import Precision
from danas_hil.supernet.network import Network
from danas_hil.supernet.prediction import gather_function, predict_function
from danas_hil.supernet.training import gradient_function
from supernet.elastic import (
    CASE_NAMES,
    CASES,
    DATA,
    DS_SPACE,
    SPACE,
    SUBNETS,
    WIDE,
    largest,
    make_batch,
    shaken_supernet,
    subnets,
)


def test_one_trace_serves_every_subnet_and_every_number_of_images() -> None:
    supernet = shaken_supernet()
    for function in (gather_function, predict_function):
        function.cache_clear()
    images, _ = make_batch(DATA, 0, 40)
    for genome in SUBNETS:
        supernet.evaluate(genome, images[:32], images)
        supernet.evaluate(genome, images, images[:7])
    large = Supernet(subnets(configs=(ImageConfig(64, "rgb"),)))
    more = np.zeros((3, 64, 64, 3), np.uint8)
    large.evaluate(largest(SPACE, ImageConfig(64, "rgb")), more, more)
    for function in (gather_function, predict_function):
        assert function.cache_info().misses == supernet.network.segments


IMAGES = {data: make_batch(data, 0, 24)[0] for data in (DATA, WIDE)}


@pytest.fixture
def begins(monkeypatch: pytest.MonkeyPatch) -> Callable[[Supernet, Genome], set[int]]:
    """The first segment that is run for a subnet, in recalibration and in prediction."""
    asked: list[tuple[str, int]] = []
    for name in ("gather_function", "predict_function"):
        function = getattr(prediction, name)

        def counted(network: Network, segment: int, *rest: Any, of: Any = function) -> Any:
            asked.append((of.__name__, segment))
            return of(network, segment, *rest)

        monkeypatch.setattr(prediction, name, counted)

    def first(supernet: Supernet, genome: Genome) -> set[int]:
        images = IMAGES[genome.data]
        asked.clear()
        supernet.evaluate(genome, images, images)
        kinds = {kind for kind, _ in asked}
        assert len(kinds) == 2
        return {min(segment for of, segment in asked if of == kind) for kind in kinds}

    return first


def test_the_next_subnet_of_the_same_width_begins_where_it_differs(
    begins: Callable[[Supernet, Genome], set[int]],
) -> None:
    supernet = shaken_supernet()
    (narrow, *_, wide), last = SPACE.genes["alpha"], supernet.network.segments - 1
    for depths, alpha, segment in (
        ((1, 1, 1, 0, 0), wide, 0),
        ((1, 1, 1, 1, 0), wide, last),
        ((2, 1, 1, 0, 0), wide, 1),
        ((1, 1, 1, 0, 0), narrow, 0),
    ):
        genome = Genome(DATA, MobileNetV2(*depths, alpha))
        assert begins(supernet, genome) == {segment}, str(genome)


def test_the_next_ds_cnn_of_the_same_width_begins_where_it_differs(
    begins: Callable[[Supernet, Genome], set[int]],
) -> None:
    """The first block is a segment, the second another, and all others the last."""
    supernet = shaken_supernet(Subnets(DS_SPACE, "ds_cnn", (WIDE,), 2))
    largest = DS_SPACE.subnets("ds_cnn").largest
    for blocks, alpha, segment in (
        (1, 0.5, 0),
        (2, 0.5, 1),
        (4, 0.5, 2),
        (2, 0.5, 2),
        (4, 0.25, 0),
    ):
        genome = Genome(WIDE, replace(largest, blocks=blocks, alpha=alpha))
        assert begins(supernet, genome) == {segment}, str(genome)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_what_ds_cnns_share_is_kept_and_changes_no_bit(precision: Precision) -> None:
    of = Subnets(DS_SPACE, "ds_cnn", (WIDE,), 2)
    images, _ = make_batch(WIDE, 0, 24)
    again = shaken_supernet(of)
    for depth in (4, 2, 1, 2, 4):
        genome = Genome(WIDE, replace(of.space.subnets("ds_cnn").largest, blocks=depth))
        fresh = shaken_supernet(of).evaluate(genome, images, images, precision)
        np.testing.assert_array_equal(again.evaluate(genome, images, images, precision), fresh)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_what_subnets_share_is_kept_and_changes_no_bit(precision: Precision) -> None:
    images, _ = make_batch(DATA, 0, 24)
    again = shaken_supernet()
    for genome in (*SUBNETS, *reversed(SUBNETS)):
        fresh = shaken_supernet().evaluate(genome, images, images, precision)
        np.testing.assert_array_equal(again.evaluate(genome, images, images, precision), fresh)


def test_what_is_kept_serves_neither_other_weights_nor_other_images() -> None:
    supernet = shaken_supernet()
    images, _ = make_batch(DATA, 0, 24)
    before = supernet.evaluate(SUBNETS[0], images, images)
    flipped = images[:, :, ::-1].copy()
    assert np.abs(supernet.evaluate(SUBNETS[0], images, flipped) - before).max() > 0
    assert np.abs(supernet.evaluate(SUBNETS[0], flipped + 0.5, images) - before).max() > 0
    supernet.weights = supernet.weights * np.float32(1.1)
    assert np.abs(supernet.evaluate(SUBNETS[0], images, images) - before).max() > 0


def test_images_as_bytes_give_what_their_floats_give() -> None:
    supernet = shaken_supernet()
    images = np.random.default_rng(0).integers(0, 256, (20, *DATA.shape)).astype(np.uint8)
    floats = images.astype(np.float32) / np.float32(127.5) - 1
    for genome in SUBNETS[:2]:
        np.testing.assert_allclose(
            supernet.evaluate(genome, images, images),
            supernet.evaluate(genome, floats, floats),
            atol=1e-5,
        )


def test_half_precision_gives_nearly_the_same_probabilities() -> None:
    supernet = shaken_supernet()
    images, _ = make_batch(DATA, 0, 40)
    for genome in SUBNETS[:3]:
        exact = supernet.evaluate(genome, images, images)
        quick = supernet.evaluate(genome, images, images, "bfloat16")
        assert 0 < np.abs(quick - exact).mean() < 0.05


def test_probabilities_do_not_depend_on_the_batches_they_come_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    supernet = shaken_supernet()
    images, _ = make_batch(DATA, 0, 33)
    whole = supernet.evaluate(SUBNETS[0], images, images)
    monkeypatch.setattr(prediction, "PREDICTION_PIXELS", 10 * 32 * 32)
    np.testing.assert_allclose(supernet.evaluate(SUBNETS[0], images, images), whole, atol=1e-6)
    assert whole.shape == (33, 2)
    assert whole.dtype == np.float32
    np.testing.assert_allclose(whole.sum(axis=1), 1, atol=1e-6)


def test_recalibration_in_batches_is_the_mean_over_them(monkeypatch: pytest.MonkeyPatch) -> None:
    supernet = shaken_supernet()
    images, _ = make_batch(DATA, 0, 32)
    network, flat, genome = supernet.network, supernet.weights, SUBNETS[0]
    halves = [
        prediction.recalibrated(network, flat, genome, part) for part in (images[:16], images[16:])
    ]
    monkeypatch.setattr(prediction, "RECALIBRATION_PIXELS", 16 * 32 * 32)
    both = prediction.recalibrated(network, flat, genome, images)
    for name, (mean, variance) in both.items():
        np.testing.assert_allclose(mean, (halves[0][name][0] + halves[1][name][0]) / 2, atol=1e-5)
        expected = (halves[0][name][1] + halves[1][name][1]) / 2
        np.testing.assert_allclose(variance, expected, rtol=1e-4)


@pytest.mark.parametrize(("of", "genome"), CASES, ids=CASE_NAMES)
def test_images_recalibrated_on_themselves_get_what_training_mode_gives(
    of: Subnets, genome: Genome
) -> None:
    supernet = shaken_supernet(of)
    images, _ = make_batch(genome.data, 0, 64)
    choice = supernet.network.choice(genome)
    gradient = gradient_function(supernet.network, genome.data.kind)
    targets = np.full((64, of.classes), 1 / of.classes, np.float32)
    counts = np.ones(64, np.float32)
    _, expected, _ = gradient(
        supernet.weights, images, targets, counts, choice.depths, choice.kept, choice.head
    )
    # Sums in float32, in an order that depends on how many threads TensorFlow has.
    np.testing.assert_allclose(supernet.evaluate(genome, images, images), expected, atol=5e-4)


@pytest.mark.parametrize("shape", [(0, 32, 32, 3), (4, 32, 32, 1), (4, 64, 64, 3), (32, 32, 3)])
def test_images_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    supernet = shaken_supernet()
    good, _ = make_batch(DATA, 0, 8)
    with pytest.raises(DanasError, match="Examples of shape"):
        supernet.evaluate(SUBNETS[0], good, np.zeros(shape, np.float32))
