from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from danas_hil.base import DanasError
from danas_hil.families.mobilenet_v2 import MobileNetV2
from danas_hil.signals.image import ImageConfig
from danas_hil.space import Genome
from danas_hil.supernet import Supernet, evaluation
from danas_hil.supernet.backend import Precision
from danas_hil.supernet.evaluation import gather_function, predict_function
from danas_hil.supernet.network import SEGMENTS, Network
from danas_hil.supernet.training import gradient_function
from supernet.elastic import DATA, SPACE, SUBNETS, make_batch, shaken_supernet


def test_one_trace_serves_every_subnet_and_every_number_of_images() -> None:
    supernet = shaken_supernet()
    for function in (gather_function, predict_function):
        function.cache_clear()
    images, _ = make_batch(DATA, 0, 40)
    for genome in SUBNETS:
        supernet.evaluate(genome, images[:32], images)
        supernet.evaluate(genome, images, images[:7])
    large = Supernet(SPACE, (ImageConfig(64, "rgb"),))
    more = np.zeros((3, 64, 64, 3), np.uint8)
    large.evaluate(SPACE.largest(ImageConfig(64, "rgb")), more, more)
    for function in (gather_function, predict_function):
        assert function.cache_info().misses == len(SEGMENTS)


def test_the_next_subnet_of_the_same_width_begins_where_it_differs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[str, int]] = []
    for name in ("gather_function", "predict_function"):
        function = getattr(evaluation, name)

        def counted(network: Network, segment: int, *rest: Any, of: Any = function) -> Any:
            asked.append((of.__name__, segment))
            return of(network, segment, *rest)

        monkeypatch.setattr(evaluation, name, counted)
    supernet = shaken_supernet()
    images, _ = make_batch(DATA, 0, 24)

    def begins(*depths: int, alpha: float) -> set[int]:
        """The first segment that is run for a subnet, in recalibration and in prediction."""
        asked.clear()
        supernet.evaluate(Genome(DATA, MobileNetV2(*depths, alpha)), images, images)
        kinds = {kind for kind, _ in asked}
        assert len(kinds) == 2
        return {min(segment for of, segment in asked if of == kind) for kind in kinds}

    narrow, wide = SPACE.alpha[0], SPACE.alpha[-1]
    assert begins(1, 1, 1, 0, 0, alpha=wide) == {0}
    assert begins(1, 1, 1, 1, 0, alpha=wide) == {len(SEGMENTS) - 1}
    assert begins(2, 1, 1, 0, 0, alpha=wide) == {1}
    assert begins(1, 1, 1, 0, 0, alpha=narrow) == {0}


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
    monkeypatch.setattr(evaluation, "PREDICTION_PIXELS", 10 * 32 * 32)
    np.testing.assert_allclose(supernet.evaluate(SUBNETS[0], images, images), whole, atol=1e-6)
    assert whole.shape == (33, 2)
    assert whole.dtype == np.float32
    np.testing.assert_allclose(whole.sum(axis=1), 1, atol=1e-6)


def test_recalibration_in_batches_is_the_mean_over_them(monkeypatch: pytest.MonkeyPatch) -> None:
    supernet = shaken_supernet()
    images, _ = make_batch(DATA, 0, 32)
    network, flat, genome = supernet.network, supernet.weights, SUBNETS[0]
    halves = [
        evaluation.recalibrated(network, flat, genome, part) for part in (images[:16], images[16:])
    ]
    monkeypatch.setattr(evaluation, "RECALIBRATION_PIXELS", 16 * 32 * 32)
    both = evaluation.recalibrated(network, flat, genome, images)
    for name, (mean, variance) in both.items():
        np.testing.assert_allclose(mean, (halves[0][name][0] + halves[1][name][0]) / 2, atol=1e-5)
        expected = (halves[0][name][1] + halves[1][name][1]) / 2
        np.testing.assert_allclose(variance, expected, rtol=1e-4)


@pytest.mark.parametrize("genome", SUBNETS, ids=str)
def test_images_recalibrated_on_themselves_get_what_training_mode_gives(genome: Genome) -> None:
    supernet = shaken_supernet()
    images, _ = make_batch(DATA, 0, 64)
    choice = supernet.network.choice(genome)
    gradient = gradient_function(supernet.network, 3)
    targets = np.full((64, 2), 0.5, np.float32)
    _, expected, _ = gradient(
        supernet.weights, images, targets, choice.depths, choice.kept, choice.head
    )
    # Sums in float32, in an order that depends on how many threads TensorFlow has.
    np.testing.assert_allclose(supernet.evaluate(genome, images, images), expected, atol=5e-4)


@pytest.mark.parametrize("shape", [(0, 32, 32, 3), (4, 32, 32, 1), (4, 64, 64, 3), (32, 32, 3)])
def test_images_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    supernet = shaken_supernet()
    good, _ = make_batch(DATA, 0, 8)
    with pytest.raises(DanasError, match="Images of shape"):
        supernet.evaluate(SUBNETS[0], good, np.zeros(shape, np.float32))
