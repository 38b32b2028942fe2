"""Signals: what a device senses, the genes of its data, and how a network is shown it."""

from danas_hil.signals.interface import DataConfig, DataSpace, FrontEnd, Signal
from danas_hil.signals.registry import DEFAULT, find_signal, signals

__all__ = [
    "DEFAULT",
    "DataConfig",
    "DataSpace",
    "FrontEnd",
    "Signal",
    "find_signal",
    "signals",
]
