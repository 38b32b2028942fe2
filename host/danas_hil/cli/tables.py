"""Measurements as tables: what was seen on each board, and how far the estimates were off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from danas_hil.board import format_latency
from danas_hil.cli.show import console, percent, print_json, say, table

if TYPE_CHECKING:  # imported where they are used: they load numpy, and --help is to be quick
    from danas_hil.compare import Compared, Comparison, Verdict
    from danas_hil.measure import Measurement

_QUANTITIES = ("arena", "ram", "model", "flash")
_KINDS = {"host": "measured on this computer", "emulated": "emulated", "measured": "measured"}
_NONE = "-"
_OWNERS = {
    "model": "model",
    "tflm": "TFLM",
    "sketch": "sketch",
    "framework": "framework",
    "c_library": "C library",
    "linker": "padding",
}


def show_measured(
    measurements: Sequence[Measurement], comparison: Comparison, json: bool = False
) -> None:
    """Tables for each board, and one of candidates by boards where there are several."""
    if json:
        print_json(
            {
                "measurements": [measurement.to_json() for measurement in measurements],
                "comparison": comparison.to_json(),
            }
        )
        return
    out = console()
    targets = tuple(dict.fromkeys(measurement.target for measurement in measurements))
    for target in targets:
        here = [measurement for measurement in measurements if measurement.target == target]
        say(_title(target, here))
        out.print(_measurement_table(here))
        if any(m.sizes and m.sizes.flash_shares for m in here):
            say("", "What takes flash and static RAM")
            out.print(_shares_table(here))
        if any(m.accuracy for m in here):
            say("", "Classified there")
            out.print(_accuracy_table(here))
        if any(m.profile for m in here):
            say("", "Time by operator, of a program built for it")
            out.print(_profile_table(here))
        rows = [row for row in comparison.rows if row.target == target]
        if any(row.observed is not None for row in rows):
            say("", "Estimate less measurement")
            out.print(_error_table(rows))
        _say_latency([row for row in rows if row.quantity == "latency"])
        _say_custom(here)
        say("")
    say("Within the limits of RAM and flash")
    out.print(_verdict_table(targets, comparison.verdicts))
    for measurement in measurements:
        if measurement.failure:
            failure = measurement.failure
            log = f" Log: {failure.log}" if failure.log else ""
            told = f"{failure.stage}: {failure.reason} {failure.hint}{log}"
            say(f"{measurement.model} on {measurement.target}: {told}")


def _title(target: str, measurements: Sequence[Measurement]) -> str:
    versions = dict.fromkeys(m.tflm_version for m in measurements if m.tflm_version)
    if not versions:  # none came so far as to tell it
        return f"{target}: nothing ran"
    return f"{target}: {_KINDS[measurements[0].kind]}, TFLM {', '.join(versions)}"


def _measurement_table(measurements: Sequence[Measurement]) -> Any:
    """A row for each model; what a target can't tell of any of them has no column."""
    rows = [_figures(m) for m in measurements]
    kept = [name for name in rows[0] if any(row[name] != _NONE for row in rows)]
    return table(kept, [[row[name] for name in kept] for row in rows])


def _figures(m: Measurement) -> dict[str, str]:
    memory, sizes = m.memory, m.sizes
    return {
        "model": m.model,
        "status": m.status,
        "outputs": _NONE if m.parity is None else "equal" if m.parity.equal else "DIFFER",
        ">arena B": _bytes(memory.arena_used_bytes if memory else None),
        ">head B": _bytes(memory.head_bytes if memory else None),
        ">tail B": _bytes(memory.tail_bytes if memory else None),
        ">stack B": _bytes(memory.stack_peak_bytes if memory else None),
        ">flash B": _bytes(sizes.flash_bytes if sizes else None),
        ">ms": f"{m.latency.median_us / 1000:.2f}" if m.latency else _NONE,
    }


def _shares_table(measurements: Sequence[Measurement]) -> Any:
    """Bytes by owner; the model's are its weights in flash and the arena in RAM."""
    rows = []
    for m in measurements:
        if m.sizes is not None and m.sizes.flash_shares:
            for what, shares in (
                ("flash", m.sizes.flash_shares),
                ("RAM", m.sizes.static_ram_shares),
            ):
                rows.append((m.model, what, *(_bytes(shares.get(one)) for one in _OWNERS)))
    return table(("model", "of", *(f">{title}" for title in _OWNERS.values())), rows)


def _accuracy_table(measurements: Sequence[Measurement]) -> Any:
    rows = []
    for m in measurements:
        if m.accuracy is not None:
            scores = m.accuracy.scores
            shares = (scores.accuracy, scores.precision, scores.recall)
            rows.append((m.model, scores.images, *map(percent, shares)))
    columns = ("model", ">test examples", ">accuracy", ">precision", ">recall")
    return table(columns, rows)


def _profile_table(measurements: Sequence[Measurement]) -> Any:
    """Operators of one kind together, the slowest first; measurement.json has each by itself."""
    rows = []
    for m in measurements:
        kinds: dict[str, list[float]] = {}
        for one in m.profile or ():
            kinds.setdefault(one.name, []).append(one.microseconds)
        total = sum(map(sum, kinds.values())) or 1.0
        for name, taken in sorted(kinds.items(), key=lambda kind: -sum(kind[1])):
            spent = sum(taken)
            rows.append((m.model, name, len(taken), f"{spent / 1000:.2f}", percent(spent / total)))
    return table(("model", "operator", ">count", ">ms", ">share"), rows)


def _error_table(rows: Sequence[Compared]) -> Any:
    """What was seen of arena and flash, and the signed error of each memory model."""
    body: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row.quantity in _QUANTITIES and row.observed is not None and row.model:
            line = body.setdefault(
                (row.candidate, row.quantity),
                [row.candidate, row.quantity, _bytes(row.observed), _NONE, _NONE],
            )
            line[3 if row.model == "exact" else 4] = _error(row)
    columns = ("model", "what", ">bytes", ">exact estimate", ">Eq. 1 and 2")
    return table(columns, body.values())


def _say_latency(rows: Sequence[Compared]) -> None:
    """Estimated time beside the one taken; nothing where none is estimated."""
    told = [row for row in rows if row.estimate is not None and row.observed is not None]
    if not told:
        return
    say("", "Time of one inference")
    body = [
        (
            row.candidate,
            format_latency(row.observed or 0.0),
            format_latency(row.estimate or 0.0) + _band(row),
            f"{100 * (row.error_share or 0.0):+.1f} %{' *' if row.fitted_on_it else ''}",
        )
        for row in told
    ]
    console().print(table(("model", f">{_KINDS[told[0].kind]}", ">estimated", ">error"), body))
    for mark in dict.fromkeys(row.mark for row in told if row.mark):
        say(f"±: {mark}")
    if any(row.fitted_on_it for row in told):
        say("* among the models whose times the estimate is fitted on")


def _say_custom(measurements: Sequence[Measurement]) -> None:
    """Why nothing is estimated of those that ran with a library of the user's."""
    libraries = dict.fromkeys(m.custom_library for m in measurements if m.custom_library)
    if libraries:
        say(
            f"Nothing is estimated beside {' and '.join(libraries)}: it is not the library that"
            " estimates are made for, and its figures are kept out of them."
        )


def _band(row: Compared) -> str:
    """The band of an estimated time that no times of the board stand behind."""
    if not row.mark or row.most is None or not row.estimate:
        return ""
    return f" ±{100 * (row.most / row.estimate - 1):.0f} %"


def _error(row: Compared) -> str:
    if row.error is None or row.error_share is None:
        return "unknown"
    return f"{row.error:+,.0f} ({100 * row.error_share:+.1f} %)" if row.error else "0"


def _verdict_table(targets: Sequence[str], verdicts: Sequence[Verdict]) -> Any:
    """Candidates by boards: whether each meets the board's limits, or why it is not known."""
    cells = {(v.candidate, v.target): _verdict(v) for v in verdicts}
    candidates = dict.fromkeys(v.candidate for v in verdicts)
    rows = [[c, *(cells.get((c, target), _NONE) for target in targets)] for c in candidates]
    return table(("model", *targets), rows)


def _verdict(verdict: Verdict) -> str:
    from danas_hil.compare import RAN

    if verdict.fits is None:
        ran = verdict.status in RAN
        fits = "no limit" if not verdict.limited else "unknown" if ran else "did not run"
    else:
        fits = "yes" if verdict.fits else "NO"
    return fits if verdict.status == "OK" else f"{fits} ({verdict.status})"


def _bytes(value: float | None) -> str:
    return _NONE if value is None else f"{value:,.0f}"
