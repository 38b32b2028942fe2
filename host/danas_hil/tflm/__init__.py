"""Real TensorFlow Lite Micro on this computer: run a model, its arena, golden outputs."""

from danas_hil.tflm.check import Array, check_model
from danas_hil.tflm.golden import (
    Golden,
    golden,
    golden_of_random,
    read_golden,
    run,
    without_batch,
    write_golden,
)
from danas_hil.tflm.host import (
    AllocationClass,
    Allocations,
    CrashedError,
    LoadedModel,
    RefusedError,
    load,
    version,
)

__all__ = [
    "AllocationClass",
    "Allocations",
    "Array",
    "CrashedError",
    "Golden",
    "LoadedModel",
    "RefusedError",
    "check_model",
    "golden",
    "golden_of_random",
    "load",
    "read_golden",
    "run",
    "version",
    "without_batch",
    "write_golden",
]
