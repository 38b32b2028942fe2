"""How sure a figure is that was counted or measured a few times."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev


def wilson_interval(share: float, count: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's score interval (1927) of a share seen in `count` trials; z = 1.96 means 95 %."""
    if count <= 0:
        return (0.0, 1.0)
    centre = share + z * z / (2 * count)
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    return (max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale))


def t_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Student's 95 % interval of the mean of values that scatter normally; None for fewer than 2.

    With three values it is wide: 2.48 standard deviations to each side.
    """
    if len(values) < 2:
        return None
    half = t_quantile(len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return fmean(values) - half, fmean(values) + half


def t_quantile(degrees: int, share: float = 0.95) -> float:
    """The t that `share` of Student's distribution lies within, to both sides.

    Found by bisection of the distribution's finite series for whole degrees of freedom
    (Abramowitz and Stegun, 26.7.3 and 26.7.4).
    """
    low, high = 0.0, math.pi / 2
    for _ in range(100):
        angle = (low + high) / 2
        low, high = (angle, high) if _t_within(angle, degrees) < share else (low, angle)
    return math.sqrt(degrees) * math.tan(low)


def _t_within(angle: float, degrees: int) -> float:
    """The share of Student's distribution between -t and t = sqrt(degrees) tan(angle)."""
    odd = degrees % 2 == 1
    term = math.cos(angle) if odd else 1.0
    total = 0.0
    for power in range(2 if odd else 1, degrees, 2):
        total += term
        term *= math.cos(angle) ** 2 * power / (power + 1)
    if odd:
        return 2 / math.pi * (angle + math.sin(angle) * total)
    return math.sin(angle) * total
