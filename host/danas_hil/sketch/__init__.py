"""Sketches: what is rendered for a model and a board, before anything is built."""

from danas_hil.sketch.environments import environments
from danas_hil.sketch.library import (
    LIBRARY_VARIABLE,
    Library,
    check_downloaded,
    downloaded,
    library_hash,
    library_of,
    read_library,
)
from danas_hil.sketch.render import Sketch, firmware_of
from danas_hil.sketch.selftest import SelfTest, render_selftest
from danas_hil.sketch.tflm import render_tflm

__all__ = [
    "LIBRARY_VARIABLE",
    "Library",
    "SelfTest",
    "Sketch",
    "check_downloaded",
    "downloaded",
    "environments",
    "firmware_of",
    "library_hash",
    "library_of",
    "read_library",
    "render_selftest",
    "render_tflm",
]
