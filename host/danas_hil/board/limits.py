"""How much memory there is. One kB is 1024 bytes, everywhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from danas_hil.base import DanasError, build

_UNITS = {"": 1, "b": 1, "k": 1024, "kb": 1024, "kib": 1024}
_UNITS |= {"m": 1024**2, "mb": 1024**2, "mib": 1024**2}


@dataclass(frozen=True)
class Limits:
    """Bytes of RAM and flash for the whole firmware, and microseconds of one inference; None where
    there is no limit.

    origin: who says so (a board, a device class, the command line), for the reader.
    """

    ram_bytes: int | None = None
    flash_bytes: int | None = None
    origin: str = ""
    latency_us: float | None = None

    def __post_init__(self) -> None:
        for what, value in (("RAM", self.ram_bytes), ("flash", self.flash_bytes)):
            if value is not None and value < 1024:
                raise DanasError(
                    f"A {what} limit of {value} bytes is impossible.",
                    "Nothing runs in less than 1 kB. Write sizes so: --ram 256kB --flash 1MB.",
                )
        if self.latency_us is not None and not 0 < self.latency_us < float("inf"):
            raise DanasError(
                f"A latency limit of {self.latency_us:g} microseconds is impossible.",
                "Write times so: --latency 200ms.",
            )

    def __str__(self) -> str:
        ram, flash = (
            "no limit" if value is None else format_size(value)
            for value in (self.ram_bytes, self.flash_bytes)
        )
        text = f"RAM {ram}, flash {flash}"
        if self.latency_us is not None:
            text += f", latency {format_latency(self.latency_us)}"
        return text + (f" ({self.origin})" if self.origin else "")

    def to_json(self) -> dict[str, Any]:
        """Latency stands there only where it is limited."""
        value = asdict(self)
        if self.latency_us is None:
            del value["latency_us"]
        return value

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Limits:
        """The inverse of `to_json`; what stands beside it is not looked at. Raises DanasError or
        ValueError for what are no limits.
        """
        own = {field.name for field in fields(Limits)}
        made: Limits = build(Limits, {key: one for key, one in value.items() if key in own})
        return made


MOST_BYTES = 1024**4
MOST_LATENCY_US = 86_400e6


def parse_size(text: str) -> int:
    """Bytes from `262144`, `256kB` or `1MB`. Raises DanasError for anything else."""
    match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([a-zA-Z]*)\s*", text)
    if match is None or match[2].lower() not in _UNITS:
        raise DanasError(
            f"{text!r} is not a size.", "Write bytes, or kB and MB of 1024: 262144, 256kB, 1MB."
        )
    size = float(match[1]) * _UNITS[match[2].lower()]
    if size > MOST_BYTES:
        raise DanasError(f"{text[:40]!r} is too large a size.", "Use 1024 GB or less.")
    return int(size)


def format_size(size: int) -> str:
    """Bytes for people: `256 kB`, `1.5 MB`, `900 B`; whole numbers of a unit have no decimals."""
    for unit, name in ((1024**2, "MB"), (1024, "kB")):
        if size >= unit:
            return f"{size / unit:.0f} {name}" if size % unit == 0 else f"{size / unit:.1f} {name}"
    return f"{size} B"


_LATENCY_UNITS = {"us": 1.0, "ms": 1e3, "s": 1e6}


def parse_latency(text: str) -> float:
    """Microseconds from `500us`, `200ms` or `1.5s`. Raises DanasError for anything else."""
    match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(us|ms|s)\s*", text.lower())
    if match is None:
        raise DanasError(
            f"{text!r} is not a latency.", "Write it with its unit: 500us, 200ms, 1.5s."
        )
    latency = float(match[1]) * _LATENCY_UNITS[match[2]]
    if latency > MOST_LATENCY_US:
        raise DanasError(f"{text[:40]!r} is too long a latency.", "Use a day (86400s) or less.")
    return latency


def format_latency(microseconds: float) -> str:
    """Microseconds for people: `1.24 s`, `200 ms`, `83.1 us`, to three digits."""
    reached = [name for name, unit in _LATENCY_UNITS.items() if microseconds >= unit]
    name = reached[-1] if reached else "us"
    value = microseconds / _LATENCY_UNITS[name]
    decimals = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:.{decimals}f} {name}"
