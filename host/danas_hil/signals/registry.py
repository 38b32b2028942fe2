"""The signals that there are: ours, and those of other packages."""

from __future__ import annotations

from danas_hil.base import Registry, registered
from danas_hil.signals.image import ImageSignal
from danas_hil.signals.interface import Signal

GROUP = "danas_hil.signals"
"""The entry points by which another package registers a Signal (an object, not its class)."""

DEFAULT = "image"

_BUILT_IN: tuple[Signal, ...] = (ImageSignal(),)


def signals() -> Registry[Signal]:
    """Every signal, by name: ours first."""
    return registered(GROUP, {signal.name: signal for signal in _BUILT_IN})


def find_signal(name: str) -> Signal:
    """Raises NotInstalledError where there is none of that name."""
    known = signals()
    known.check(name, "signal", "Signals")
    return known[name]
