"""One function for each figure: rows in, SVG out."""

from __future__ import annotations

import math
from collections.abc import Sequence

from danas_hil.board import Limits
from danas_hil.compare import Compared
from danas_hil.report.markup import EMPTY, Markup, element, esc, join
from danas_hil.report.rows import Find, Group, Step, System
from danas_hil.report.svg import (
    Axis,
    Scale,
    box,
    circle,
    diamond,
    dots,
    frame,
    line,
    memory_axis,
    memory_axis_from_0,
    nice_ticks,
    percent,
    picture,
    plain,
    polyline,
    rect,
    share_axis,
    size,
    text,
)
from danas_hil.tasks import Scores

_REFERENCE_RADIUS = 9.0
ROWS_DRAWN = 40
"""Candidates that a comparison picture shows at the most; its table has all."""


def accuracy_against_ram(
    systems: Sequence[System],
    limits: Limits,
    chosen: str | None = None,
    beside: Sequence[System] = (),
) -> Markup:
    """Every system by RAM (across) and accuracy (up), flash as marker area (Fig. 5).

    beside: systems of pictures beside this one, which then has the same axes.
    """
    area = box(640, 460, below=106)
    shown = [*systems, *beside]
    rams = [float(s.ram_bytes) for s in shown]
    if limits.ram_bytes is not None:
        rams.append(float(limits.ram_bytes))
    x = memory_axis(rams, area.left, area.right, "RAM, estimated")
    y = share_axis([s.accuracy for s in shown], area.bottom, area.top, "validation accuracy")
    reference = float(limits.flash_bytes or max((s.flash_bytes for s in shown), default=1024))
    parts = [frame(area, x, y)]
    if limits.ram_bytes is not None:
        at = x.scale(limits.ram_bytes)
        parts.insert(0, rect(at, area.top, area.right - at, area.bottom - area.top, "beyond"))
        anchor = "end" if at > (area.left + area.right) / 2 else "start"
        words = f"RAM limit {size(limits.ram_bytes)}"
        parts.append(line(at, area.top - 6, at, area.bottom, "limit"))
        away = -6 if anchor == "end" else 6
        parts.append(text(at + away, area.top + 14, words, "limit-label", anchor=anchor))
    for layer in ("over", "other", "front"):
        marks = [
            circle(
                x.scale(s.ram_bytes),
                y.scale(s.accuracy),
                _radius(s.flash_bytes, reference),
                layer,
                _system_words(s),
            )
            for s in systems
            if _layer(s) == layer
        ]
        crowd = "marks crowd" if len(marks) > 400 else "marks"
        parts.append(element("g", *marks, class_=crowd))
    best = next((s for s in systems if s.id == chosen and s.pareto), None)
    if best is not None:
        at_x, at_y = x.scale(best.ram_bytes), y.scale(best.accuracy)
        radius = _radius(best.flash_bytes, reference) + 4
        parts.append(circle(at_x, at_y, radius, "chosen", _system_words(best)))
    parts.append(_flash_key(area.left, area.height - 18, reference, limits.flash_bytes))
    return picture(area, "Accuracy against RAM, with flash as marker size", *parts)


def fitness_over_search(steps: Sequence[Step]) -> Markup:
    """Fitness of each evaluation, and the running mean (Fig. 7)."""
    area = box(560, 360)
    x = _evaluation_axis(max(s.evaluation for s in steps), area.left, area.right)
    lowest = fitness_floor(steps)
    high = max(s.fitness for s in steps)
    room = max(0.05, 0.06 * (high - lowest))
    scale = Scale(lowest - room, high + room, area.bottom, area.top)
    y = Axis(scale, nice_ticks(scale.low, scale.high), plain, "fitness")
    drawn = [s for s in steps if s.fitness >= lowest]
    return picture(
        area,
        "Fitness over the search",
        frame(area, x, y),
        dots(((x.scale(s.evaluation + 1), scale(s.fitness)) for s in drawn), "dot"),
        polyline([(x.scale(s.evaluation + 1), scale(s.mean)) for s in steps], "mean"),
        circle(x.scale(steps[-1].evaluation + 1), scale(steps[-1].mean), 3.5, "mean-end"),
    )


def fitness_floor(steps: Sequence[Step]) -> float:
    """The lowest fitness that the picture shows: penalties are unbounded, the mean is not left out.

    The lowest of the running mean and of the upper 95 % of all evaluations.
    """
    ordered = sorted(s.fitness for s in steps)
    return min(ordered[len(ordered) // 20], min(s.mean for s in steps))


def front_over_search(finds: Sequence[Find], last_evaluation: int) -> Markup:
    """Cumulative fraction of the final front's members over the search (Fig. 8)."""
    area = box(560, 360)
    x = _evaluation_axis(last_evaluation, area.left, area.right)
    scale = Scale(0, 1.04, area.bottom, area.top)
    y = Axis(scale, (0, 0.2, 0.4, 0.6, 0.8, 1), percent, "of the final Pareto front found")
    points = [(x.scale(0), scale(0))]
    for find in finds:
        at = x.scale(find.evaluation + 1)
        points += [(at, points[-1][1]), (at, scale(find.fraction))]
    points.append((x.scale(last_evaluation + 1), points[-1][1]))
    marks = [
        circle(
            x.scale(f.evaluation + 1),
            scale(f.fraction),
            3.5,
            "mean-end",
            f"{f.id}: member {f.found}, evaluation {f.evaluation + 1}",
        )
        for f in finds
    ]
    even = line(x.scale(0), scale(0), x.scale(last_evaluation + 1), scale(1), "even")
    return picture(
        area,
        "Cumulative fraction of Pareto-optimal models",
        frame(area, x, y),
        even,
        polyline(points, "mean"),
        *marks,
    )


def accuracy_by_source(groups: Sequence[Group], overall: Scores | None) -> Markup:
    """int8 test accuracy of one candidate for each source, with 95 % intervals."""
    rows = [(g.source, g.images, g.accuracy, g.low, g.high) for g in groups]
    if overall is not None:
        rows.append(("all examples", overall.images, overall.accuracy, *overall.interval))
    area = box(560, 78 + 34 * len(rows), left=170, top=10)
    bounds = [value for row in rows for value in row[3:]]
    x = share_axis(bounds, area.left, area.right, "int8 test accuracy")
    parts = [frame(area, x, _no_axis(area.top))]
    for place, (name, images, accuracy, low, high) in enumerate(rows):
        at = area.top + 34 * (place + 0.5)
        tip = (
            f"{name}: {percent(accuracy)}, 95 % interval {percent(low)} to {percent(high)},"
            f" {images} examples"
        )
        class_ = "all" if name == "all examples" and place == len(groups) else "group"
        parts += [
            _row_name(area.left - 12, at, name, tip),
            line(x.scale(low), at, x.scale(high), at, "interval"),
            circle(x.scale(accuracy), at, 5.5, class_, tip),
        ]
    return picture(area, "int8 test accuracy by source", *parts)


def estimate_against_observation(rows: Sequence[Compared], label: str) -> Markup:
    """Estimates beside what one target showed, in bytes, a line for each candidate."""
    names = spread(sorted({r.candidate for r in rows}, key=lambda name: _seen(rows, name)))
    drawn = [r for r in rows if r.candidate in names]
    area = box(560, 78 + 30 * len(names), left=140, top=10)
    largest = max(value for r in drawn for value in (r.estimate, r.observed) if value is not None)
    x = memory_axis_from_0(largest, area.left, area.right, label)
    parts = [frame(area, x, _no_axis(area.top))]
    for place, name in enumerate(names):
        at = area.top + 30 * (place + 0.5)
        mine = [r for r in drawn if r.candidate == name]
        ends = [x.scale(v) for r in mine for v in (r.estimate, r.observed) if v is not None]
        parts.append(_row_name(area.left - 12, at, name, name))
        if ends:
            parts.append(line(min(ends), at, max(ends), at, "interval"))
        for row in mine:
            if row.estimate is not None:
                mark = diamond if row.model == "paper" else circle
                tip = f"{name}: {row.model} estimate {plain(row.estimate)} bytes"
                parts.append(mark(x.scale(row.estimate), at, 7.5, f"by-{row.model}", tip))
        observed = next((r for r in mine if r.observed is not None), None)
        if observed is not None and observed.observed is not None:
            tip = f"{name}: {KIND_WORDS[observed.kind]} {plain(observed.observed)} bytes"
            parts.append(circle(x.scale(observed.observed), at, 4.5, f"seen {observed.kind}", tip))
    return picture(area, "Estimate against measurement", *parts)


KIND_WORDS = {"measured": "measured", "emulated": "emulated", "host": "measured on the host"}


def spread(names: Sequence[str], most: int = ROWS_DRAWN) -> list[str]:
    """At most `most` of the names, evenly, with the first and the last."""
    if len(names) <= most:
        return list(names)
    return [names[round(place * (len(names) - 1) / (most - 1))] for place in range(most)]


def key(mark: str, words: str, kind: str = "circle") -> Markup:
    """A small mark with its meaning, for the legend under a figure."""
    shape = diamond(9, 9, 6.5, mark) if kind == "diamond" else circle(9, 9, 5.5, mark)
    if kind == "line":
        shape = line(1, 9, 17, 9, mark)
    drawing = element("svg", shape, viewBox="0 0 18 18", aria_hidden="true")
    return element("span", drawing, esc(words), class_="key")


def _layer(system: System) -> str:
    return "front" if system.pareto else "other" if system.feasible else "over"


def _system_words(s: System) -> str:
    state = {"front": "Pareto-optimal", "other": "within the limits", "over": "over a limit"}
    return (
        f"{s.id}: {s.genome}\naccuracy {percent(s.accuracy)}, RAM {size(s.ram_bytes)},"
        f" flash {size(s.flash_bytes)}\n{state[_layer(s)]}, evaluation {s.evaluation + 1}"
    )


def _radius(flash: float, reference: float) -> float:
    """Area in proportion to flash, between a dot that can be seen and one that hides no others."""
    return min(16.0, max(2.0, _REFERENCE_RADIUS * math.sqrt(flash / reference)))


def _flash_key(left: float, at: float, reference: float, limit: int | None) -> Markup:
    parts = [text(left, at, "flash, estimated", "tick", middle=True)]
    x = left + 175
    for share, step in ((1 / 16, 110), (1 / 4, 120), (1, 0)):
        parts.append(circle(x, at, _radius(reference * share, reference), "other"))
        words = size(reference * share) + (" (limit)" if limit and share == 1 else "")
        parts.append(text(x + 15, at, words, "tick", middle=True))
        x += step
    return join(parts)


def _evaluation_axis(last: int, start: float, end: float) -> Axis:
    scale = Scale(0, last + 1, start, end)
    return Axis(scale, nice_ticks(0, last + 1, 6, whole=True), plain, "evaluations")


def _no_axis(at: float) -> Axis:
    return Axis(Scale(0, 1, at, at + 1), (), plain, "")


def _row_name(x: float, y: float, name: str, tip: str) -> Markup:
    short = name if len(name) <= 14 else name[:13] + "…"
    words = element(
        "text",
        esc(short),
        element("title", esc(tip)),
        x=x,
        y=y,
        class_="row-name",
        text_anchor="end",
        dominant_baseline="central",
    )
    return words if name else EMPTY


def _seen(rows: Sequence[Compared], name: str) -> float:
    values = [r.observed or r.estimate or 0.0 for r in rows if r.candidate == name]
    return max(values)
