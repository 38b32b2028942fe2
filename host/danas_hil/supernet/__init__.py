"""The supernet: an elastic network whose subnets share its weights, for all data configurations or
for one; and networks that are trained by themselves.

TensorFlow is imported when a network first runs, not with this package.
"""

from danas_hil.supernet.backend import Precision, quick_precision
from danas_hil.supernet.checkpoint import CHECKPOINT, Checkpoint
from danas_hil.supernet.extract import build, load
from danas_hil.supernet.focus import Look, Use
from danas_hil.supernet.standalone import STANDALONE, Standalone, time_standalone
from danas_hil.supernet.supernet import Subnets, Supernet, time_finetune, time_steps
from danas_hil.supernet.tensorflow_experimental import make_deterministic
from danas_hil.supernet.training import Batch, OnStep, TrainingSettings

__all__ = [
    "CHECKPOINT",
    "STANDALONE",
    "Batch",
    "Checkpoint",
    "Look",
    "OnStep",
    "Precision",
    "Standalone",
    "Subnets",
    "Supernet",
    "TrainingSettings",
    "Use",
    "build",
    "load",
    "make_deterministic",
    "quick_precision",
    "time_finetune",
    "time_standalone",
    "time_steps",
]
