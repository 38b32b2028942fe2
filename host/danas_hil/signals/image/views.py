"""Images as one data configuration shows them: augmented for training, plain for evaluation.

Preprocessing is that of the reference implementation (Ekhao/DataAwareNeuralArchitectureSearch):
inception crop, resize and random flip for training; short side resized and centre crop otherwise;
monochrome by luma; MobileNetV2's range of -1 to 1.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from danas_hil.base import DanasError
from danas_hil.signals.image.cache import SplitImages
from danas_hil.signals.image.genes import ImageConfig
from danas_hil.signals.order import ShuffledPlaces, even_sample
from danas_hil.signals.shown import Batch, LabelledImages, scale

CROP_AREA = (0.6, 1.0)
"""Share of the image that a training crop keeps (the reference implementation's figures)."""

CROP_ASPECT = (3 / 4, 4 / 3)
"""Width to height of a training crop, in the proportions of the input (Szegedy et al.,
arXiv 1409.4842, section 6, of square ones)."""

_CROP_ATTEMPTS = 10
_AHEAD = 2
_Box = tuple[float, float, float, float]


class TrainingView:
    """Shuffled, augmented batches, each a function of (seed, step, size) alone.

    So training can be resumed at any step. Every image comes once an epoch; epochs run on across
    the borders of batches. The balance of the classes is left as it is.
    """

    def __init__(self, split: SplitImages, data: ImageConfig, seed: int) -> None:
        _check(split, data)
        self._split = split
        self._data = data
        self._seed = seed
        self._places = ShuffledPlaces(len(split), seed)

    def batch(self, step: int, size: int) -> Batch:
        """Batch number `step` (from 0) of `size` images: images from -1 to 1, labels."""
        places = self.places(step, size)
        rng = np.random.default_rng([self._seed, 1, step])
        flips = rng.random(size) < 0.5
        out = np.empty((size, *self._data.shape), np.uint8)
        for row, (place, flip) in enumerate(zip(places, flips, strict=True)):
            pixels = self._split.image(place)
            box = crop_box(pixels.shape[1], pixels.shape[0], rng, self._data.aspect)
            _render(pixels, box, bool(flip), out[row])
        return scale(out), self._split.labels[places]

    def batches(self, start_step: int, steps: int, size: int) -> Iterator[Batch]:
        """Batches `start_step` and on, `steps` of them, made ahead in one background thread.

        The thread ends with the iterator, also when that is closed early.
        """
        steps_left = iter(range(start_step, start_step + steps))
        pending: deque[Future[Batch]] = deque()
        pool = ThreadPoolExecutor(1, thread_name_prefix="batches")
        try:
            for step in itertools.islice(steps_left, _AHEAD):
                pending.append(pool.submit(self.batch, step, size))
            while pending:
                ready = pending.popleft().result()
                for step in itertools.islice(steps_left, 1):
                    pending.append(pool.submit(self.batch, step, size))
                yield ready
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def places(self, step: int, size: int) -> npt.NDArray[np.int64]:
        """Which images batch `step` shows: places in the split, (size,)."""
        return self._places.of(step, size)


class EvaluationView:
    """Plain images, the same at every call, made when first asked for and kept in memory."""

    def __init__(self, split: SplitImages, data: ImageConfig) -> None:
        _check(split, data)
        self._split = split
        self._data = data
        self._kept: dict[tuple[int, int], LabelledImages] = {}

    def arrays(self, limit: int | None = None, seed: int = 0) -> LabelledImages:
        """All images, or `limit` of them with the shares of classes and groups kept.

        They take height * width * channels bytes each. Which ones a limit picks depends on `seed`.
        """
        images = len(self._split)
        everything = limit is None or limit >= images
        key = (images, 0) if everything else (int(limit or 0), seed)
        if key not in self._kept:
            split = self._split
            places = (
                np.arange(images)
                if everything
                else even_sample(split.labels, split.group_ids, *key)
            )
            self._kept[key] = self._render_all(places)
        return self._kept[key]

    def _render_all(self, places: npt.NDArray[np.int64]) -> LabelledImages:
        out = np.empty((len(places), *self._data.shape), np.uint8)
        for row, place in enumerate(places):
            pixels = self._split.image(place)
            box = centre_box(pixels.shape[1], pixels.shape[0], self._data.aspect)
            _render(pixels, box, False, out[row])
        out.setflags(write=False)
        names = self._split.group_names
        groups = tuple(names[group] for group in self._split.group_ids[places])
        return LabelledImages(out, self._split.labels[places], groups)


def representative_images(
    train: SplitImages, data: ImageConfig, count: int, seed: int
) -> npt.NDArray[np.float32]:
    """`count` training images (or all, if fewer), not augmented, float32 (n, h, w, c) from -1 to 1.

    For the calibration of int8 models. Raises DanasError for images of another split.
    """
    if train.name != "train":
        raise DanasError(f"Calibration images come from the train split, not {train.name}.")
    return scale(EvaluationView(train, data).arrays(count, seed).images)


def centre_box(width: int, height: int, aspect: float = 1.0) -> _Box:
    """The largest box in the middle, `aspect` times as wide as high: left, top, right, bottom."""
    box_width, box_height = min(width, height * aspect), min(height, width / aspect)
    left, top = (width - box_width) / 2, (height - box_height) / 2
    return (left, top, left + box_width, top + box_height)


def crop_box(width: int, height: int, rng: np.random.Generator, aspect: float = 1.0) -> _Box:
    """An inception crop: a box of random area, aspect (about `aspect`) and place inside the image.

    In an image too long for the drawn shapes, the largest box of an allowed aspect, at a random
    place. Draws the same number of values whatever the image.
    """
    areas = rng.uniform(*CROP_AREA, _CROP_ATTEMPTS) * (width * height)
    low, high = (aspect * share for share in CROP_ASPECT)
    aspects = np.exp(rng.uniform(math.log(low), math.log(high), _CROP_ATTEMPTS))
    x, y = rng.random(2)
    for area, aspect in zip(areas.tolist(), aspects.tolist(), strict=True):
        crop_width, crop_height = math.sqrt(area * aspect), math.sqrt(area / aspect)
        if crop_width <= width and crop_height <= height:
            break
    else:
        crop_width, crop_height = min(width, height * high), min(height, width / low)
    left, top = x * (width - crop_width), y * (height - crop_height)
    return (left, top, min(left + crop_width, width), min(top + crop_height, height))


def _render(
    pixels: npt.NDArray[np.uint8], box: _Box, flip: bool, out: npt.NDArray[np.uint8]
) -> None:
    """Cut `box` out of RGB pixels (h, w, 3) and resize it to fill `out` (h, w, 1 or 3)."""
    from PIL import Image

    image = Image.fromarray(pixels)
    if out.shape[2] == 1:
        image = image.convert("L")  # luma of ITU-R BT.601
    size = (out.shape[1], out.shape[0])
    small = image.resize(size, Image.Resampling.BILINEAR, box=box, reducing_gap=2.0)
    shown = np.asarray(small).reshape(out.shape)
    out[:] = shown[:, ::-1] if flip else shown


def _check(split: SplitImages, data: ImageConfig) -> None:
    if max(data.width, data.height) > split.size:
        raise DanasError(
            f"Images decoded at {split.size} pixels can't be viewed at {data.resolution}.",
            "Open the data set at the largest resolution of the search space.",
        )
