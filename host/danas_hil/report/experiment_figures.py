"""Figures of an experiment: searches as curves with their spread, and as differences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from danas_hil.report.experiment_rows import Difference, Point
from danas_hil.report.markup import Markup, element, esc
from danas_hil.report.svg import (
    Axis,
    Box,
    Scale,
    area_between,
    box,
    circle,
    frame,
    line,
    nice_ticks,
    picture,
    plain,
    polyline,
    text,
)

SERIES = 8
"""Colours of searches; a ninth search has the first one's again, dashed."""
Styles = Mapping[str, str]
"""The class of each search's marks."""


def styles(searches: Sequence[str]) -> dict[str, str]:
    """A class for each search."""
    return {
        search: f"series{place % SERIES}" + (" again" if place >= SERIES else "")
        for place, search in enumerate(searches)
    }


def curves(
    title: str,
    points: Sequence[Point],
    of: Styles,
    axes: tuple[str, str],
    write: Callable[[float], str] = plain,
    bounds: tuple[float, float] | None = None,
) -> Markup:
    """A line for each search, the mean over its seeds, within the lowest and the highest seed.

    axes: what is across and what is up. bounds: of the values; else those of the means, the first
    tenth left out, where few evaluations make large swings.
    """
    area = box(560, 380)
    end = max(point.at for point in points) or 1.0
    x = Axis(
        Scale(0, end, area.left, area.right), nice_ticks(0, end, 6, whole=end > 6), plain, axes[0]
    )
    scale = Scale(*(bounds or _bounds(points, end)), area.bottom, area.top)
    y = Axis(scale, nice_ticks(scale.low, scale.high), write, axes[1])
    bands, lines = [], []
    for search, style in of.items():
        mine = [p for p in points if p.search == search and p.mean >= scale.low]
        if not mine:
            continue
        along = [(x.scale(p.at), scale(p.mean)) for p in mine]
        if any(p.high > p.low for p in mine):
            bands.append(
                area_between(
                    [(x.scale(p.at), scale(min(p.high, scale.high))) for p in mine],
                    [(x.scale(p.at), scale(max(p.low, scale.low))) for p in mine],
                    f"band {style}",
                )
            )
        lines.append(polyline(along, f"curve {style}"))
        last = mine[-1]
        tip = f"{search}: {write(last.mean)} at the end, mean over {last.seeds} seeds"
        lines.append(circle(*along[-1], 3.5, f"end {style}", tip))
    return picture(area, title, frame(area, x, y), *bands, *lines)


def difference_chart(
    title: str, rows: Sequence[Difference], write: Callable[[float], str], label: str
) -> Markup:
    """Mean difference and its interval, a line for each pair of searches; 0 is no difference."""
    area = box(640, 84 + 40 * len(rows), left=14, top=12)
    ends = [0.0, *(v for r in rows for v in (r.mean, r.low, r.high) if v is not None)]
    room = 0.08 * ((max(ends) - min(ends)) or 1.0)
    scale = Scale(min(ends) - room, max(ends) + room, area.left, area.right)
    x = Axis(scale, nice_ticks(scale.low, scale.high), write, label)
    parts = [
        frame(area, x, _no_axis(area)),
        line(scale(0), area.top, scale(0), area.bottom, "zero"),
    ]
    for place, row in enumerate(rows):
        at = area.top + 40 * (place + 0.5) + 8
        words = f"{row.search} against {row.baseline}"
        parts.append(text(area.left, at - 13, words, "row-name haloed", middle=True))
        if row.low is not None and row.high is not None:
            parts.append(line(scale(row.low), at, scale(row.high), at, f"interval {row.verdict}"))
        parts.append(circle(scale(row.mean), at, 5, f"point {row.verdict}", _words(row, write)))
    return picture(area, title, *parts)


def key(style: str, words: str) -> Markup:
    """A piece of a search's line, for the legend."""
    drawing = element(
        "svg", line(1, 9, 17, 9, f"curve {style}"), viewBox="0 0 18 18", aria_hidden="true"
    )
    return element("span", drawing, esc(words), class_="key")


def _words(row: Difference, write: Callable[[float], str]) -> str:
    interval = "one seed, no interval"
    if row.low is not None and row.high is not None:
        interval = f"95 % interval {write(row.low)} to {write(row.high)}, {row.seeds} seeds"
    return f"{row.search} less {row.baseline}: {write(row.mean)}, {interval}"


def _bounds(points: Sequence[Point], end: float) -> tuple[float, float]:
    settled = [p for p in points if p.at >= end / 10] or points
    low, high = min(p.mean for p in settled), max(p.mean for p in settled)
    room = 0.08 * ((high - low) or 0.1)
    return low - room, high + room


def _no_axis(area: Box) -> Axis:
    return Axis(Scale(0, 1, area.top, area.top + 1), (), plain, "")
