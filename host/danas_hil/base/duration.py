"""Times as people write them."""

from __future__ import annotations

import re

from danas_hil.base.errors import DanasError

_SECONDS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600}
MOST_SECONDS = 10 * 366 * 86_400.0
_DURATION = re.compile(r"\d+(?:\.\d+)?|(?:\d+(?:\.\d+)?(?:h|min|m|s))+")


def parse_duration(text: str) -> float:
    """Seconds from `90`, `90s`, `30m`, `1.5h` or `1h30m`. Raises DanasError for anything else."""
    written = text.strip().lower()
    if not _DURATION.fullmatch(written):
        raise DanasError(f"{text!r} is not a duration.", "Write 90s, 30m, 1h or 1h30m.")
    parts = re.findall(r"([\d.]+)([a-z]*)", written)
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    if seconds > MOST_SECONDS:
        raise DanasError(f"{text[:40]!r} is too long a duration.", "Use ten years or less.")
    return seconds
