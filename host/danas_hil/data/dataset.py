"""The front door: a data set whose splits are decoded when they are asked for, and not before."""

from __future__ import annotations

from pathlib import Path

from danas_hil.base import user_folder
from danas_hil.data.cache import OnProgress, SplitImages, open_split
from danas_hil.data.records import Source


class Dataset:
    """A source at one size. A search asks for train and validation; test comes when it is over."""

    def __init__(
        self, source: Source, resolution: int, cache_root: Path, on_progress: OnProgress | None
    ) -> None:
        self.source = source
        self.resolution = resolution
        self._cache_root = cache_root
        self._on_progress = on_progress
        self._open: dict[str, SplitImages] = {}

    def split(self, name: str) -> SplitImages:
        """The images of train, validation or test; decoded at the first call ever.

        No other split is read. Raises DanasError as `open_split` does.
        """
        if name not in self._open:
            self._open[name] = open_split(
                self.source, name, self.resolution, self._cache_root, self._on_progress
            )
        return self._open[name]


def open_dataset(
    source: Source,
    resolution: int,
    cache_root: Path | None = None,
    on_progress: OnProgress | None = None,
) -> Dataset:
    """The data set of `source` for views of up to `resolution` pixels. Reads nothing yet.

    cache_root: where decoded images are kept; by default a folder of the user. They take about
        4 * resolution**2 bytes each, or less where the photos are smaller than that.
    """
    return Dataset(source, resolution, cache_root or user_folder("data"), on_progress)
