"""Sketches: what is rendered for a model and a board, before anything is built."""

from danas_hil.sketch.environments import environments
from danas_hil.sketch.render import LIBRARY, LIBRARY_VARIABLE, Sketch, firmware_of, tflm_library
from danas_hil.sketch.selftest import SelfTest, render_selftest
from danas_hil.sketch.tflm import render_tflm

__all__ = [
    "LIBRARY",
    "LIBRARY_VARIABLE",
    "SelfTest",
    "Sketch",
    "environments",
    "firmware_of",
    "render_selftest",
    "render_tflm",
    "tflm_library",
]
