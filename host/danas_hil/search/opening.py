"""Opening the images that a search was asked to look at."""

from __future__ import annotations

from danas_hil.data import Dataset, DrawnSplits, SourceOptions, open_dataset, open_source
from danas_hil.search.listener import Listener
from danas_hil.search.settings import SearchSettings


def check_data(settings: SearchSettings) -> None:
    """Raise DanasError where `open_data` would on looking at the names of files, before there is a
    run."""
    open_source(settings.data, SourceOptions(**settings.data_options))


def open_data(settings: SearchSettings, listener: Listener) -> Dataset:
    """The data set at the largest resolution of the space, or the one that is set; training and
    validation decoded.

    The test split stays unread.
    """
    source = open_source(settings.data, SourceOptions(**settings.data_options))
    pixels = settings.decode_resolution or max(settings.space.resolution)
    dataset = open_dataset(source, pixels, on_progress=listener.decoding)
    shown = ("train", "validation")
    listener.data_ready({name: dataset.split(name).balance for name in shown})
    if isinstance(source, DrawnSplits):
        listener.warning(f"{source.rule}.")
    for text in (text for name in shown for text in dataset.warnings(name)):
        listener.warning(text)
    return dataset
