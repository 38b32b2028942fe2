"""Tables and the small marks that say what a figure is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from danas_hil.compare import Compared
from danas_hil.report.markup import EMPTY, Markup, element, esc, join
from danas_hil.report.measured import FirmwareShares, Outcome
from danas_hil.report.rows import Group, Member
from danas_hil.report.svg import percent, plain, size

_BADGES = {
    "estimated": "estimated",
    "emulated": "emulated",
    "measured": "measured",
    "host": "measured on the host",
}
_SECONDS = ("time_budget", "elapsed_seconds", "training_seconds")
"""Settings that are times."""
QUANTITIES = {
    "arena": "arena used",
    "head": "arena head",
    "tail": "arena tail",
    "ram": "RAM of the firmware",
    "model": "model file",
    "flash": "flash of the firmware",
    "latency": "time of one inference",
}
NOTHING = esc("–")


def badge(kind: str, words: str = "") -> Markup:
    """A mark for estimated, emulated, measured or host."""
    return element("span", esc(words or _BADGES[kind]), class_=f"badge {kind}")


def verdict(fits: bool | None) -> Markup:
    """FITS, DOES NOT FIT or UNKNOWN."""
    return state({True: "fits", False: "does not fit", None: "unknown"}[fits], fits)


def state(words: str, good: bool | None) -> Markup:
    """A mark for something good or bad; None is undecided."""
    class_ = {True: "fits", False: "over-limit", None: "unsure"}[good]
    return element("span", esc(words), class_=f"verdict {class_}")


def table(
    headers: Sequence[str],
    rows: Iterable[Sequence[Markup]],
    *,
    words: int = 1,
    marked: Sequence[bool] = (),
    caption: str = "",
) -> Markup:
    """A table in a box of its own that scrolls. The first `words` columns are text, set left.

    marked: for each row, whether it stands out.
    """

    def cells(tag: str, row: Sequence[Markup]) -> Markup:
        return join(
            element(tag, cell, class_=None if place < words else "number")
            for place, cell in enumerate(row)
        )

    body = [
        element(
            "tr",
            cells("td", row),
            class_="marked" if place < len(marked) and marked[place] else None,
        )
        for place, row in enumerate(rows)
    ]
    head = element("tr", cells("th", [esc(header) for header in headers]))
    title = element("caption", esc(caption)) if caption else EMPTY
    inner = element("table", title, element("thead", head), element("tbody", *body))
    return element("div", inner, class_="scroll", tabindex="0")


def pareto_table(members: Sequence[Member], metric: str = "") -> Markup:
    """metric: what candidates are chosen by, in words, where that is not the accuracy."""
    headers: tuple[str, ...] = (
        "candidate",
        "verdict",
        "genome",
        "fine-tuning steps",
        "float validation",
        "int8 validation",
        "int8 test",
        "95 % interval",
        "precision",
        "recall",
        "RAM",
        "flash",
    )
    headers += (f"{metric}, int8 validation", f"{metric}, int8 test") if metric else ()
    timed = any(m.latency_us is not None for m in members)
    rows = [
        (
            element("code", esc(m.id)),
            verdict(m.fits),
            element("span", esc(m.genome), class_="genome"),
            esc(f"{m.finetune_steps:,}"),
            share(m.float_validation),
            share(m.int8_validation),
            element("strong", share(m.int8_test)),
            interval(m.low, m.high),
            share(m.precision),
            share(m.recall),
            _size(m.ram_bytes),
            _size(m.flash_bytes),
            *((share(m.validation_metric), share(m.test_metric)) if metric else ()),
            *((_timed(m),) if timed else ()),
        )
        for m in members
    ]
    headers += ("one inference",) if timed else ()
    return table(headers, rows, words=3, marked=[m.chosen for m in members])


def _timed(member: Member) -> Markup:
    """An estimated time, marked by its band where no times of the board stand behind it."""
    told = _amount(member.latency_us, "us")
    if member.latency_us is None or not member.latency_band:
        return told
    words = f" ±{100 * member.latency_band:.0f} %"
    return element("span", told, esc(words), title=member.latency_source)


def groups_table(groups: Sequence[Group]) -> Markup:
    rows = [
        (
            esc(g.source),
            esc(g.images),
            share(g.accuracy),
            interval(g.low, g.high),
            share(g.precision),
            share(g.recall),
        )
        for g in groups
    ]
    headers = ("source", "examples", "int8 test accuracy", "95 % interval", "precision", "recall")
    return table(headers, rows)


def comparison_table(rows: Sequence[Compared]) -> Markup:
    """What one target showed: a line for each candidate and quantity, with both estimates.

    Ours is exact for memory, and for time fitted on times of the board.
    """
    lines: dict[tuple[str, str], dict[str, Compared]] = {}
    for row in rows:
        lines.setdefault((row.candidate, row.quantity), {})[row.model] = row
    body = []
    for (candidate, quantity), by_model in lines.items():
        seen = next(iter(by_model.values()))
        cells = [
            element("code", esc(candidate)),
            esc(QUANTITIES[quantity]),
            _amount(seen.observed, seen.unit),
        ]
        cells += _estimate_cells(by_model.get("exact") or by_model.get("fitted"))
        cells += _estimate_cells(by_model.get("paper"))
        body.append(cells)
    kind = rows[0].kind
    headers = (
        "candidate",
        "quantity",
        _BADGES[kind],
        "our estimate",
        "error",
        "Eq. 1, 2 estimate",
        "error",
    )
    return table(headers, body, words=2)


def outcome_matrix(outcomes: Sequence[Outcome]) -> Markup:
    """Candidates down, targets across: status, arena and time of each."""
    targets = {o.target: o.kind for o in outcomes}
    at = {(o.candidate, o.target): o for o in outcomes}
    rows = [
        [element("code", esc(name)), *(_outcome(at.get((name, target))) for target in targets)]
        for name in dict.fromkeys(o.candidate for o in outcomes)
    ]
    headers = ["candidate", *(f"{target} ({_BADGES[kind]})" for target, kind in targets.items())]
    return table(headers, rows, words=len(headers))


def failures_table(outcomes: Sequence[Outcome]) -> Markup:
    """What failed, why, and what to do about it."""
    rows = [
        (
            element("code", esc(o.candidate)),
            esc(o.target),
            _status(o),
            element("span", esc(f"{o.reason} {o.hint}".strip()), class_="prose"),
        )
        for o in outcomes
    ]
    return table(("candidate", "target", "status", "reason, and what to do"), rows, words=4)


def shares_table(rows: Sequence[FirmwareShares]) -> Markup:
    """Whose is what of each firmware's flash and static RAM."""
    body = [
        (
            element("code", esc(row.candidate)),
            join((esc(f"{row.target} "), badge(row.kind))),
            esc(row.memory),
            *(
                esc(plain(size))
                for size in (
                    row.model,
                    row.tflm,
                    row.sketch,
                    row.framework,
                    row.c_library,
                    row.linker,
                )
            ),
        )
        for row in rows
    ]
    headers = ("model", "TFLM", "sketch", "framework", "C library", "padding")
    titles = ("candidate", "target", "memory", *(f"{header}, B" for header in headers))
    return table(titles, body, words=3)


def _outcome(outcome: Outcome | None) -> Markup:
    if outcome is None:
        return NOTHING
    parts = [_status(outcome)]
    if outcome.fits is not None:
        parts.append(verdict(outcome.fits))
    if outcome.arena_used_bytes is not None:
        parts.append(esc(f"arena {plain(outcome.arena_used_bytes)} B"))
    if outcome.latency_us is not None:
        parts.append(element("span", _amount(outcome.latency_us, "us"), title=_timing(outcome)))
    if outcome.accuracy is not None:
        words = f"accuracy {percent(outcome.accuracy)}"
        parts.append(element("span", esc(words), title=_classified(outcome)))
    return join(parts, " · ")


def _status(outcome: Outcome) -> Markup:
    good = outcome.status == "OK"
    class_ = "verdict fits" if good else "verdict over-limit"
    return element("span", esc(outcome.status), class_=class_)


def _timing(outcome: Outcome) -> str:
    return f"median of {outcome.runs} runs, timer: {outcome.timer}"


def _classified(outcome: Outcome) -> str:
    assert outcome.precision is not None
    assert outcome.recall is not None
    shares = f"precision {percent(outcome.precision)}, recall {percent(outcome.recall)}"
    return f"on {outcome.test_images} test examples, classified there; {shares}"


def settings_tables(config: Mapping[str, Any]) -> Markup:
    """A run's config.toml: its own keys first, then a table for each section."""
    own = {key: value for key, value in config.items() if not isinstance(value, Mapping)}
    sections = {key: value for key, value in config.items() if isinstance(value, Mapping)}
    parts = [_settings("run", own)] if own else []
    parts += [_settings(name, section) for name, section in sections.items()]
    return element("div", *parts, class_="settings")


def _settings(title: str, section: Mapping[str, Any]) -> Markup:
    rows = [(esc(key.replace("_", " ")), value) for key, value in _flat(section)]
    return table(("setting", "value"), rows, words=2, caption=title.replace("_", " "))


def _flat(section: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, Markup]]:
    for key, value in section.items():
        name = f"{before}{key}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name} · ")
        elif name.endswith("_bytes") and isinstance(value, int):
            yield name.removesuffix("_bytes"), esc(f"{size(value)} ({value} bytes)")
        elif key in _SECONDS and isinstance(value, int | float):
            yield name.removesuffix("_seconds"), esc(duration(value))
        else:
            yield name, _value(value)


def _value(value: Any) -> Markup:
    if isinstance(value, bool):
        return esc("yes" if value else "no")
    if isinstance(value, float):
        return esc(plain(value))
    if isinstance(value, list | tuple):
        return join((_value(item) for item in value), ", ") if value else NOTHING
    return esc(value)


def duration(seconds: float) -> str:
    """`45 s`, `12 min 5 s`, `3 h 20 min`."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def _estimate_cells(row: Compared | None) -> list[Markup]:
    if row is None or row.estimate is None:
        return [NOTHING, NOTHING]
    estimate = _amount(row.estimate, row.unit)
    if row.mark and row.most is not None and row.estimate:
        words = f" ±{100 * (row.most / row.estimate - 1):.0f} %"
        estimate = element("span", estimate, esc(words), title=row.mark)
    if row.error is None:
        return [estimate, NOTHING]
    words, class_ = "0", "error none"
    if row.error:
        words, class_ = f"{row.error:+,.6g}".replace(",", " "), "error"
        if row.error_share:
            decimals = 1 if abs(row.error_share) >= 0.001 else 3
            words += f" ({row.error_share * 100:+.{decimals}f} %)"
    error = words.replace("-", "−")
    return [estimate, element("span", esc(error), class_=class_)]


def _amount(value: float | None, unit: str) -> Markup:
    if value is None:
        return NOTHING
    if unit == "us":
        return esc(f"{plain(float(f'{value / 1000:.4g}'))} ms")
    return esc(f"{plain(value)} {'B' if unit == 'bytes' else unit}")


def share(value: float | None) -> Markup:
    """`81.5 %`, or a mark for nothing."""
    return NOTHING if value is None else esc(f"{value * 100:.1f} %")


def interval(low: float | None, high: float | None) -> Markup:
    """`78.1 to 84.2 %`, or a mark for nothing."""
    if low is None or high is None:
        return NOTHING
    return esc(f"{low * 100:.1f} to {high * 100:.1f} %")


def _size(value: int | None) -> Markup:
    return NOTHING if value is None else esc(size(value))
