"""Axes, ticks and marks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from danas_hil.board import format_size
from danas_hil.report.markup import Markup, element, esc, join, number


@dataclass(frozen=True)
class Scale:
    """Maps values from low to high (low < high) onto coordinates from start to end."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        low, high = self.low, self.high
        if self.logarithmic:
            low, high, value = math.log2(low), math.log2(high), math.log2(value)
        return self.start + (value - low) / (high - low) * (self.end - self.start)


@dataclass(frozen=True)
class Axis:
    """A scale with its ticks, how they are written, and what the axis says."""

    scale: Scale
    ticks: tuple[float, ...]
    text: Callable[[float], str]
    label: str


@dataclass(frozen=True)
class Box:
    """The plot's area within a picture of width x height."""

    width: float
    height: float
    left: float
    top: float
    right: float
    bottom: float


def box(width: float, height: float, left: float = 66, below: float = 66, top: float = 40) -> Box:
    """A plot with room for ticks and labels that stay legible on a telephone."""
    return Box(width, height, left, top, width - 18, height - below)


def percent(value: float) -> str:
    """A share as `81.5 %`, with no decimals where there are none; it does not break."""
    return f"{value * 100:.1f}".removesuffix(".0") + "\u00a0%"


def plain(value: float) -> str:
    """A number with its thousands apart; a whole one has all its digits, however large."""
    whole = abs(value) >= 1e6 or float(value).is_integer()
    return (f"{value:,.0f}" if whole else f"{value:,.6g}").replace(",", " ")


def size(value: float) -> str:
    return format_size(round(value))


def nice_ticks(low: float, high: float, count: int = 5, whole: bool = False) -> tuple[float, ...]:
    """At most about `count` round values within low to high; `whole` ones never below 1 apart."""
    raw = (high - low) / count
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * magnitude for factor in (1, 2, 5, 10) if factor * magnitude >= raw * 0.999)
    if whole:
        step = max(1.0, step)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple(round(place * step, 12) for place in range(first, last + 1))


def memory_axis(values: Iterable[float], start: float, end: float, label: str) -> Axis:
    """An axis of bytes with ticks at powers of two; logarithmic over a range of 8 and more."""
    known = [value for value in values if value > 0] or [1024.0]
    low, high = min(known), max(known)
    if high / low >= 8:
        scale = Scale(low / 1.15, high * 1.15, start, end, logarithmic=True)
        first, last = math.ceil(math.log2(scale.low)), math.floor(math.log2(scale.high))
        step = max(1, math.ceil((last - first + 1) / 7))
        ticks = tuple(2.0**power for power in range(first, last + 1, step))
        return Axis(scale, ticks, size, label)
    return memory_axis_from_0(high, start, end, label)


def memory_axis_from_0(high: float, start: float, end: float, label: str) -> Axis:
    """A linear axis of bytes from 0 to a bit over `high`, with ticks at multiples of 2^n."""
    scale = Scale(0, max(high, 16) * 1.06, start, end)
    step = 2.0 ** math.ceil(math.log2(scale.high / 6))
    ticks = tuple(step * place for place in range(int(scale.high / step) + 1))
    return Axis(scale, ticks, size, label)


def share_axis(values: Sequence[float], start: float, end: float, label: str) -> Axis:
    """An axis of shares of 1 that shows the values' range with some room, within 0 to 1."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    room = max(0.02, 0.08 * (high - low))
    scale = Scale(max(0.0, low - room), min(1.0, high + room), start, end)
    return Axis(scale, nice_ticks(scale.low, scale.high), percent, label)


def frame(area: Box, x: Axis, y: Axis) -> Markup:
    """Grid lines, tick labels and what the axes say. The y label stands level, over its axis."""
    parts = []
    for tick in y.ticks:
        at = y.scale(tick)
        parts.append(line(area.left, at, area.right, at, "grid"))
        parts.append(text(area.left - 8, at, y.text(tick), "tick", anchor="end", middle=True))
    for tick in x.ticks:
        at = x.scale(tick)
        parts.append(line(at, area.top, at, area.bottom, "grid"))
        parts.append(text(at, area.bottom + 22, x.text(tick), "tick", anchor="middle"))
    parts.append(line(area.left, area.bottom, area.right, area.bottom, "axis"))
    if y.label:
        parts.append(text(4, 20, y.label, "label"))
    parts.append(text(area.right, area.bottom + 50, x.label, "label", anchor="end"))
    return join(parts)


def picture(area: Box, title: str, *parts: Markup) -> Markup:
    """The whole drawing; `title` is what a screen reader says."""
    return element(
        "svg",
        *parts,
        viewBox=f"0 0 {number(area.width)} {number(area.height)}",
        role="img",
        aria_label=title,
    )


def text(
    x: float, y: float, words: str, class_: str, *, anchor: str | None = None, middle: bool = False
) -> Markup:
    baseline = "central" if middle else None
    return element(
        "text",
        esc(words),
        x=x,
        y=y,
        class_=class_,
        text_anchor=anchor,
        dominant_baseline=baseline,
    )


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def circle(x: float, y: float, radius: float, class_: str, tip: str = "") -> Markup:
    tips = (element("title", esc(tip)),) if tip else ()
    return element("circle", *tips, cx=x, cy=y, r=radius, class_=class_)


def rect(x: float, y: float, width: float, height: float, class_: str, tip: str = "") -> Markup:
    tips = (element("title", esc(tip)),) if tip else ()
    return element("rect", *tips, x=x, y=y, width=width, height=height, class_=class_)


def diamond(x: float, y: float, radius: float, class_: str, tip: str = "") -> Markup:
    tips = (element("title", esc(tip)),) if tip else ()
    corners = ((x, y - radius), (x + radius, y), (x, y + radius), (x - radius, y))
    return element("path", *tips, d=_path(corners) + "z", class_=class_)


def polyline(points: Iterable[tuple[float, float]], class_: str) -> Markup:
    return element("path", d=_path(points), class_=class_)


def area_between(
    upper: Sequence[tuple[float, float]], lower: Sequence[tuple[float, float]], class_: str
) -> Markup:
    """The area between two lines of equal direction."""
    return element("path", d=_path([*upper, *reversed(lower)]) + "z", class_=class_)


def dots(points: Iterable[tuple[float, float]], class_: str) -> Markup:
    """Many small dots as one path; a round line cap makes each of them."""
    marks = "".join(f"M{number(x)} {number(y)}h0" for x, y in points)
    return element("path", d=marks, class_=class_)


def _path(points: Iterable[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points)
