"""Data-aware neural architecture search for microcontrollers, measured on the device."""

__version__ = "0.2.0"
