"""Images: where they come from, kept decoded, and seen as a data configuration shows them.

dataset = open_dataset(open_source("signs"), resolution=64)
view = TrainingView(dataset.split("train"), DataConfig(32, "monochrome"), seed=0)
images, labels = view.batch(step=0, size=64)
"""

from danas_hil.data.cache import Balance, OnProgress, SplitImages
from danas_hil.data.dataset import Dataset, open_dataset
from danas_hil.data.drawn import DrawnSplits
from danas_hil.data.records import SPLITS, Record, Source, SourceOptions
from danas_hil.data.sources import open_source, settled, task_of
from danas_hil.data.views import (
    Batch,
    EvaluationView,
    LabelledImages,
    TrainingView,
    representative_images,
    scale,
)

__all__ = [
    "SPLITS",
    "Balance",
    "Batch",
    "Dataset",
    "DrawnSplits",
    "EvaluationView",
    "LabelledImages",
    "OnProgress",
    "Record",
    "Source",
    "SourceOptions",
    "SplitImages",
    "TrainingView",
    "open_dataset",
    "open_source",
    "representative_images",
    "scale",
    "settled",
    "task_of",
]
