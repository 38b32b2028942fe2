"""Records: labelled examples of any kind, where they come from, and how they are split.

source = open_source("photos/", SourceOptions(), FileKind(frozenset({".jpg"})))
"""

from danas_hil.data.balance import Balance, OnProgress, OnWaiting, Unreadable
from danas_hil.data.drawn import DrawnSplits
from danas_hil.data.records import SPLITS, FileKind, Record, Source, SourceOptions
from danas_hil.data.sources import open_source, settled, task_of

__all__ = [
    "SPLITS",
    "Balance",
    "DrawnSplits",
    "FileKind",
    "OnProgress",
    "OnWaiting",
    "Record",
    "Source",
    "SourceOptions",
    "Unreadable",
    "open_source",
    "settled",
    "task_of",
]
