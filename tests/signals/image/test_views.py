import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from danas_hil.base import DanasError
from danas_hil.signals.image import ImageConfig
from danas_hil.signals.image.cache import SplitImages
from danas_hil.signals.image.views import (
    CROP_AREA,
    CROP_ASPECT,
    EvaluationView,
    TrainingView,
    centre_box,
    crop_box,
    representative_images,
    scale,
)
from data.data_files import memory_split, photo

RGB, GREY = ImageConfig(24, "rgb"), ImageConfig(16, "monochrome")
IMAGES = 50


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> SplitImages:
    images = [photo(n, 24 + n % 20, 28) for n in range(IMAGES)]
    labels = [int(n % 5 < 2) for n in range(IMAGES)]
    groups = ["few" if n % 10 == 0 else "many" for n in range(IMAGES)]
    return memory_split(tmp_path_factory.mktemp("cache"), images, labels, groups)


@pytest.mark.parametrize("data", [RGB, GREY])
def test_a_batch_has_its_shape_and_range(split: SplitImages, data: ImageConfig) -> None:
    images, labels = TrainingView(split, data, seed=1).batch(0, 8)
    assert images.shape == (8, *data.shape)
    assert images.dtype == np.float32
    assert images.min() >= -1
    assert images.max() <= 1
    assert images.std() > 0.1
    assert labels.dtype == np.int64
    assert set(labels.tolist()) <= {0, 1}


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), step=st.integers(0, 10**6), size=st.integers(1, 12))
def test_a_batch_depends_on_seed_and_step_alone(
    split: SplitImages, seed: int, step: int, size: int
) -> None:
    used = TrainingView(split, GREY, seed)
    used.batch(step + 3, 5)
    first, fresh = used.batch(step, size), TrainingView(split, GREY, seed).batch(step, size)
    assert np.array_equal(first[0], fresh[0])
    assert np.array_equal(first[1], fresh[1])


def test_other_seeds_and_steps_give_other_batches(split: SplitImages) -> None:
    view = TrainingView(split, GREY, seed=0)
    one = view.batch(0, 8)[0]
    assert not np.array_equal(one, view.batch(1, 8)[0])
    assert not np.array_equal(one, TrainingView(split, GREY, seed=1).batch(0, 8)[0])


@given(seed=st.integers(0, 1000), size=st.integers(1, 130), epoch=st.integers(0, 3))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_image_comes_once_an_epoch(
    split: SplitImages, seed: int, size: int, epoch: int
) -> None:
    view = TrainingView(split, GREY, seed)
    steps = -(-(epoch + 1) * IMAGES // size)
    shown = np.concatenate([view.places(step, size) for step in range(steps)])
    assert sorted(shown[epoch * IMAGES : (epoch + 1) * IMAGES]) == list(range(IMAGES))


def test_epochs_are_in_different_orders(split: SplitImages) -> None:
    view = TrainingView(split, GREY, seed=0)
    assert view.places(0, IMAGES).tolist() != view.places(1, IMAGES).tolist()


def test_labels_stay_with_their_images_through_augmentation(tmp_path: Path) -> None:
    labels = [n % 2 for n in range(12)]
    images = [np.full((20, 30, 3), 200 if label else 50, np.uint8) for label in labels]
    view = TrainingView(memory_split(tmp_path, images, labels), GREY, seed=3)
    for step in range(4):
        shown, told = view.batch(step, 8)
        assert (shown.mean(axis=(1, 2, 3)) > 0).astype(int).tolist() == told.tolist()


def test_about_half_of_the_images_are_flipped_left_to_right(tmp_path: Path) -> None:
    ramp = np.repeat(np.linspace(0, 255, 32).astype(np.uint8)[None, :, None], 32, axis=0)
    images = [np.repeat(ramp, 3, axis=2)] * 2
    view = TrainingView(memory_split(tmp_path, images, [0, 1]), GREY, seed=0)
    shown, _ = view.batch(0, 400)
    falling = shown[:, :, 0].mean(axis=(1, 2)) > shown[:, :, -1].mean(axis=(1, 2))
    assert 0.4 < falling.mean() < 0.6
    assert (shown[falling][:, :, 0] > shown[falling][:, :, -1]).all()


@given(st.integers(8, 300), st.floats(0.5, 2.0), st.integers(0, 2**32))
def test_a_crop_lies_inside_with_allowed_area_and_aspect(
    height: int, aspect: float, seed: int
) -> None:
    width = max(1, round(height * aspect))
    left, top, right, bottom = crop_box(width, height, np.random.default_rng(seed))
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height
    area = (right - left) * (bottom - top) / (width * height)
    assert CROP_AREA[0] - 1e-6 <= area <= CROP_AREA[1] + 1e-6
    assert CROP_ASPECT[0] - 1e-6 <= (right - left) / (bottom - top) <= CROP_ASPECT[1] + 1e-6


def test_crops_of_a_square_use_the_whole_range_of_areas() -> None:
    rng = np.random.default_rng(0)
    boxes = [crop_box(100, 100, rng) for _ in range(500)]
    areas = [(right - left) * (bottom - top) / 1e4 for left, top, right, bottom in boxes]
    assert min(areas) < 0.62
    assert max(areas) > 0.95
    assert min(left for left, *_ in boxes) < 1
    assert max(left for left, *_ in boxes) > 15


def test_batches_made_ahead_are_those_made_one_by_one(split: SplitImages) -> None:
    view = TrainingView(split, GREY, seed=5)
    ahead = list(view.batches(3, 6, 4))
    assert len(ahead) == 6
    for step, (images, labels) in enumerate(ahead, 3):
        expected = TrainingView(split, GREY, seed=5).batch(step, 4)
        assert np.array_equal(images, expected[0])
        assert np.array_equal(labels, expected[1])


def test_the_thread_of_batches_ends_when_they_are_left_early(split: SplitImages) -> None:
    def workers() -> list[str]:
        return [t.name for t in threading.enumerate() if t.name.startswith("batches")]

    stream = TrainingView(split, GREY, seed=5).batches(0, 1000, 4)
    next(stream)
    assert workers()
    stream.close()
    assert not workers()


def test_a_fault_while_making_batches_ahead_reaches_the_reader(
    split: SplitImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = TrainingView(split, GREY, seed=5)
    monkeypatch.setattr(view, "places", lambda *_: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        next(view.batches(0, 3, 4))


def test_evaluation_shows_every_image_in_order(split: SplitImages) -> None:
    view = EvaluationView(split, RGB)
    shown = view.arrays()
    assert shown.images.shape == (IMAGES, *RGB.shape)
    assert shown.images.dtype == np.uint8
    assert shown.labels.tolist() == split.labels.tolist()
    assert shown.groups == tuple(split.group_names[place] for place in split.group_ids)
    assert view.arrays() is shown
    assert view.arrays(limit=IMAGES + 1, seed=9) is shown


def test_evaluation_cuts_the_middle_square(tmp_path: Path) -> None:
    images = []
    for shape in ((20, 40, 3), (40, 20, 3)):
        pixels = np.zeros(shape, np.uint8)
        pixels[centre_box_slices(shape)] = 240
        images.append(pixels)
    split = memory_split(tmp_path, images, [0, 1])
    shown = EvaluationView(split, ImageConfig(20, "rgb")).arrays().images
    assert (shown == 240).all()


def centre_box_slices(shape: tuple[int, int, int]) -> tuple[slice, slice]:
    left, top, right, bottom = centre_box(shape[1], shape[0])
    return slice(int(top), int(bottom)), slice(int(left), int(right))


def test_monochrome_is_the_luma_of_bt_601(tmp_path: Path) -> None:
    colours = [(200, 10, 60), (10, 220, 90)]
    images = [np.full((20, 20, 3), colour, np.uint8) for colour in colours]
    shown = EvaluationView(memory_split(tmp_path, images, [0, 1]), GREY).arrays().images
    for image, (red, green, blue) in zip(shown, colours, strict=True):
        assert np.abs(image - (0.299 * red + 0.587 * green + 0.114 * blue)).max() <= 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(limit=st.integers(1, IMAGES), seed=st.integers(0, 1000))
def test_a_sample_keeps_the_shares_of_classes_and_groups(
    split: SplitImages, limit: int, seed: int
) -> None:
    shown = EvaluationView(split, GREY).arrays(limit, seed)
    assert len(shown) == limit
    share = limit / IMAGES
    for label in (0, 1):
        whole = int((split.labels == label).sum())
        assert abs((shown.labels == label).sum() - whole * share) < 1
    for stratum in {(0, "many"), (1, "many"), (1, "few")}:
        pairs = list(
            zip(split.labels, (split.group_names[g] for g in split.group_ids), strict=True)
        )
        got = list(zip(shown.labels, shown.groups, strict=True))
        assert abs(got.count(stratum) - pairs.count(stratum) * share) < 1


def test_a_sample_is_without_repeats_and_follows_its_seed(split: SplitImages) -> None:
    one = EvaluationView(split, RGB).arrays(20, seed=1)
    again = EvaluationView(split, RGB).arrays(20, seed=1)
    other = EvaluationView(split, RGB).arrays(20, seed=2)
    assert np.array_equal(one.images, again.images)
    assert not np.array_equal(one.images, other.images)
    assert len({image.tobytes() for image in one.images}) == 20


def test_scale_spans_minus_one_to_one() -> None:
    scaled = scale(np.array([0, 51, 255], np.uint8))
    assert scaled.dtype == np.float32
    assert np.allclose(scaled, [-1, -0.6, 1])


def test_representative_images_are_plain_training_images(split: SplitImages) -> None:
    got = representative_images(split, RGB, 10, seed=4)
    assert got.shape == (10, *RGB.shape)
    plain = {image.tobytes() for image in scale(EvaluationView(split, RGB).arrays().images)}
    assert all(image.tobytes() in plain for image in got)


def test_representative_images_come_from_training_only(tmp_path: Path) -> None:
    images = [photo(0), photo(1)]
    validation = memory_split(tmp_path, images, [0, 1], split="validation")
    with pytest.raises(DanasError, match="train split, not validation"):
        representative_images(validation, RGB, 2, seed=0)


def test_a_view_larger_than_the_cache_is_refused(split: SplitImages) -> None:
    for view in (EvaluationView, lambda s, d: TrainingView(s, d, 0)):
        with pytest.raises(DanasError, match="decoded at 32 pixels can't be viewed at 64"):
            view(split, ImageConfig(64, "rgb"))


def test_an_empty_sample_is_refused(split: SplitImages) -> None:
    with pytest.raises(DanasError, match="sample of 0"):
        EvaluationView(split, RGB).arrays(limit=0)
