"""The memory plan of an arena's head, drawn; and the page of `danas-hil estimate --html`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from danas_hil.base import write_atomic
from danas_hil.board import Limits
from danas_hil.estimate.planner import PlannedBuffer, head_bytes
from danas_hil.report.markup import EMPTY, Markup, element, esc, join
from danas_hil.report.page import bar, document
from danas_hil.report.svg import (
    Axis,
    Scale,
    box,
    frame,
    line,
    memory_axis_from_0,
    nice_ticks,
    picture,
    plain,
    rect,
    size,
    text,
)
from danas_hil.report.tables import badge, table, verdict

_TINTS = 6


@dataclass(frozen=True)
class EstimatePanel:
    """One model on one board. result: as `danas-hil estimate --json` prints it.

    breakdown: (cause, bytes) of the arena. plan: of its head.
    """

    result: Mapping[str, Any]
    limits: Limits
    breakdown: tuple[tuple[str, int], ...] = ()
    plan: tuple[PlannedBuffer, ...] = ()


def memory_plan_svg(plan: Sequence[PlannedBuffer]) -> Markup:
    """Every buffer as a box: operators during which it lives (across), bytes it takes (up)."""
    area = box(640, 420, left=78)
    end = max((b.last for b in plan), default=0) + 1
    peak = head_bytes(plan)
    y = memory_axis_from_0(peak, area.bottom, area.top, "offset in the arena's head")
    scale = Scale(0, end, area.left, area.right)
    ticks = nice_ticks(0, end, 8, whole=True)
    x = Axis(scale, ticks, plain, "operators in their order (0: the input)")
    parts = [frame(area, x, y)]
    for place, buffer in enumerate(sorted(plan, key=lambda b: (b.first, b.offset))):
        left, right = scale(buffer.first), scale(buffer.last + 1)
        low, high = y.scale(buffer.offset), y.scale(buffer.end)
        tip = (
            f"{buffer.name} ({buffer.kind}): {plain(buffer.size)} bytes at"
            f" {plain(buffer.offset)}, live from {buffer.first} to {buffer.last}"
        )
        tint = "scratch" if buffer.kind == "scratch" else f"tint{place % _TINTS}"
        parts.append(
            rect(left + 0.5, high, max(1.0, right - left - 1), low - high, f"buffer {tint}", tip)
        )
        words = size(buffer.size)
        if right - left > 10 * len(words) and low - high > 20:
            middle = ((left + right) / 2, (low + high) / 2)
            parts.append(text(*middle, words, "inside", anchor="middle", middle=True))
    if plan:
        at = y.scale(peak)
        parts.append(line(area.left, at, area.right, at, "limit"))
        words = f"head {plain(peak)} bytes"
        parts.append(text(area.right, at - 8, words, "limit-label", anchor="end"))
    return picture(area, "Memory plan: live buffers by operator", *parts)


def estimates_page(panels: Sequence[EstimatePanel]) -> str:
    """One self-contained HTML page with a section for each model."""
    title = "Memory estimate" if len(panels) == 1 else f"Memory estimates of {len(panels)} models"
    note = join(
        (
            badge("estimated"),
            esc("All figures on this page are computed from the model file; nothing was run."),
        ),
        " ",
    )
    return document(title, element("p", note, class_="lead"), *map(_panel, panels))


def write_estimates(path: Path, panels: Sequence[EstimatePanel]) -> Path:
    """Write `estimates_page` to `path`, whole or not at all."""
    write_atomic(path, estimates_page(panels))
    return path


def _panel(panel: EstimatePanel) -> Markup:
    result = panel.result
    name = element("h2", esc(result.get("model", "")))
    error = result.get("error")
    if isinstance(error, Mapping):
        what = element("p", element("strong", esc(error.get("what", ""))))
        return element("section", name, what, element("p", esc(error.get("hint", ""))))
    where = (
        f"{result.get('board', '?')} · TFLM build {result.get('build', '?')}"
        f" · kernels {result.get('kernels', '?')}"
    )
    fits = result.get("fits")
    head = element("p", verdict(fits if isinstance(fits, bool) else None), esc("  " + where))
    faults = [
        element(
            "p",
            element("strong", esc(f"outputs {fault.get('severity', '?')}: ")),
            esc(f"{fault.get('what', '')}. {fault.get('hint', '')}"),
        )
        for fault in result.get("outputs") or ()
    ]
    bars = element(
        "div",
        bar("RAM", _total(result, "ram"), panel.limits.ram_bytes),
        bar("flash", _total(result, "flash"), panel.limits.flash_bytes),
        class_="bars",
    )
    rows = [
        (esc(f"{part} · {key.removesuffix('_bytes').replace('_', ' ')}"), _bytes(value))
        for part in ("arena", "ram", "flash")
        for key, value in dict(result.get(part) or {}).items()
    ]
    tables = [table(("memory", "bytes"), rows)]
    if panel.breakdown:
        causes = [(esc(cause), _bytes(value)) for cause, value in panel.breakdown]
        tables.append(table(("in the arena for", "bytes"), causes))
    drawing = EMPTY
    if panel.plan:
        caption = element(
            "figcaption",
            esc(
                "The plan of the arena's head: a box is a tensor or a scratch buffer, as wide as it"
                " lives and as high as it is large. Boxes above each other live at once and share"
                " no byte; boxes beside each other hold the same bytes in turn."
            ),
        )
        drawing = element("figure", memory_plan_svg(panel.plan), caption, class_="wide")
    columns = element("div", *tables, class_="columns")
    return element("section", name, head, *faults, bars, columns, drawing)


def _total(result: Mapping[str, Any], what: str) -> int | None:
    value = (result.get(what) or {}).get("total_bytes")
    return value if isinstance(value, int) else None


def _bytes(value: object) -> Markup:
    return esc("unknown" if value is None else plain(value) if isinstance(value, int) else value)
