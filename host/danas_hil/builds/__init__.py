"""Builds of TensorFlow Lite Micro: one TOML for each, read by estimates and sketches alike.

A build is a library in a version, compiled for an ABI, with a set of kernels: where it comes from
and the hash that it is known by, the dialect of templates that its sketches are written in, what
it allocates for what, what it refuses and computes wrongly, and how much code it is.
"""

from danas_hil.builds.build import (
    Build,
    BuildChoice,
    Fault,
    Kernel,
    PinnedLibrary,
    Severity,
    Structs,
)
from danas_hil.builds.code import CodeTable
from danas_hil.builds.load import list_builds, load_build

__all__ = [
    "Build",
    "BuildChoice",
    "CodeTable",
    "Fault",
    "Kernel",
    "PinnedLibrary",
    "Severity",
    "Structs",
    "list_builds",
    "load_build",
]
