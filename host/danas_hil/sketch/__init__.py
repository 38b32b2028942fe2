"""Sketches: what is rendered for a model and a board, before anything is built."""

from danas_hil.sketch.render import Sketch
from danas_hil.sketch.selftest import SelfTest, render_selftest

__all__ = ["SelfTest", "Sketch", "render_selftest"]
