"""Opening the images that a search was asked to look at."""

from __future__ import annotations

from danas_hil.data import Dataset, SourceOptions, open_dataset, open_source
from danas_hil.search.listener import Listener
from danas_hil.search.settings import SearchSettings


def open_data(settings: SearchSettings, listener: Listener) -> Dataset:
    """The data set at the largest resolution of the space; training and validation decoded.

    The test split stays unread.
    """
    source = open_source(settings.data, SourceOptions(**settings.data_options))
    dataset = open_dataset(source, max(settings.space.resolution), on_progress=listener.decoding)
    listener.data_ready({name: dataset.split(name).balance for name in ("train", "validation")})
    return dataset
