"""The supernet: one elastic MobileNetV2 for each data configuration, trained once for all subnets.

TensorFlow is imported when a network first runs, not with this package.
"""

from danas_hil.supernet.backend import make_deterministic
from danas_hil.supernet.extract import build
from danas_hil.supernet.supernet import Supernet, time_step
from danas_hil.supernet.training import Batch, OnStep, TrainingSettings

__all__ = [
    "Batch",
    "OnStep",
    "Supernet",
    "TrainingSettings",
    "build",
    "make_deterministic",
    "time_step",
]
