"""The supernet: one elastic MobileNetV2 for each data configuration, trained once for all subnets.

TensorFlow is imported when a network first runs, not with this package.
"""

from danas_hil.supernet.backend import Precision, make_deterministic, quick_precision
from danas_hil.supernet.checkpoint import Checkpoint
from danas_hil.supernet.extract import build, load
from danas_hil.supernet.standalone import STANDALONE, Standalone, time_standalone
from danas_hil.supernet.supernet import CHECKPOINT, Supernet, time_finetune, time_step
from danas_hil.supernet.training import Batch, OnStep, TrainingSettings

__all__ = [
    "CHECKPOINT",
    "STANDALONE",
    "Batch",
    "Checkpoint",
    "OnStep",
    "Precision",
    "Standalone",
    "Supernet",
    "TrainingSettings",
    "build",
    "load",
    "make_deterministic",
    "quick_precision",
    "time_finetune",
    "time_standalone",
    "time_step",
]
