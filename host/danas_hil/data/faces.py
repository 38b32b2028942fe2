"""The built-in data set: 200 small photos from scikit-image, so that a first run needs no data."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
import numpy.typing as npt

from danas_hil.base import require
from danas_hil.data.records import SPLITS, Record

_SHARES = {"train": 0.6, "validation": 0.2, "test": 0.2}
_FACES = 100
"""skimage.data.lfw_subset: 200 photos (25, 25), the first 100 faces, the last 100 not."""


class FacesSource:
    """Face or not, 120 photos for training, 40 for validation, 40 for test, each half faces.

    A set of this size shows that the path works; it does not tell accuracies apart.
    """

    @property
    def name(self) -> str:
        return "faces"

    @property
    def splits(self) -> tuple[str, ...]:
        return SPLITS

    @property
    def classes(self) -> tuple[str, ...]:
        return ("other", "face")

    @property
    def positive(self) -> str:
        return "face"

    def fingerprint(self, split: str) -> str:
        return f"lfw_subset {split} of {_SHARES}"

    def count(self, split: str) -> int | None:
        return len(self._places(split))

    def records(self, split: str) -> Iterator[Record]:
        for place in self._places(split):
            yield Record(f"lfw_subset:{place}", self._pixels[place], int(place < _FACES))

    @cached_property
    def _pixels(self) -> npt.NDArray[np.uint8]:
        """(200, 25, 25); scikit-image gives floats from 0 to 1."""
        photos = np.asarray(require("skimage.data", "search").lfw_subset())
        pixels: npt.NDArray[np.uint8] = np.rint(photos * 255).astype(np.uint8)
        return pixels

    @staticmethod
    def _places(split: str) -> list[int]:
        """Which photos belong to `split`: of each class the same share, drawn once and for all."""
        order = np.random.default_rng(25).permutation(_FACES)
        ends = np.rint(np.cumsum([0.0, *_SHARES.values()]) * _FACES).astype(int)
        number = SPLITS.index(split)
        chosen = sorted(int(place) for place in order[ends[number] : ends[number + 1]])
        return [*chosen, *(place + _FACES for place in chosen)]
