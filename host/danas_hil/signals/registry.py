"""The signals that there are: ours, and those of other packages."""

from __future__ import annotations

from collections.abc import Mapping

from danas_hil.base import DanasError, known_or_near
from danas_hil.base.plugins import registered
from danas_hil.signals.image import ImageSignal
from danas_hil.signals.interface import Signal

GROUP = "danas_hil.signals"
"""The entry points by which another package registers a Signal (an object, not its class)."""

DEFAULT = "image"

_BUILT_IN: tuple[Signal, ...] = (ImageSignal(),)


def signals() -> Mapping[str, Signal]:
    """Every signal, by name: ours first."""
    return registered(GROUP, {signal.name: signal for signal in _BUILT_IN})


def find_signal(name: str) -> Signal:
    """Raises DanasError where there is none of that name."""
    known = signals()
    if name not in known:
        raise DanasError(f"There is no signal {name!r}.", known_or_near(name, known, "Signals"))
    return known[name]
