"""Real TensorFlow Lite Micro on this computer: run a model, its arena, golden outputs."""

from danas_hil.tflm.golden import Golden, golden, golden_of_random, run, without_batch
from danas_hil.tflm.host import AllocationClass, Allocations, LoadedModel, load, version

__all__ = [
    "AllocationClass",
    "Allocations",
    "Golden",
    "LoadedModel",
    "golden",
    "golden_of_random",
    "load",
    "run",
    "version",
    "without_batch",
]
