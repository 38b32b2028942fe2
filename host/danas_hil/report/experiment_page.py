"""The report of an experiment: several searches side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from danas_hil.base import write_atomic
from danas_hil.experiment import Experiment
from danas_hil.report import experiment_figures as figures
from danas_hil.report import tables
from danas_hil.report.experiment_group import Group
from danas_hil.report.experiment_rows import DRAWN, Difference, Mean
from danas_hil.report.export import write_figures_csv, write_figures_json
from danas_hil.report.figures import accuracy_against_ram
from danas_hil.report.figures import key as mark_key
from danas_hil.report.markup import EMPTY, Markup, element, esc, join
from danas_hil.report.page import document, figure, section, tile
from danas_hil.report.rows import MEAN_OF
from danas_hil.report.run_report import footer
from danas_hil.report.svg import percent, plain

_CURVES: dict[str, tuple[str, str]] = {
    "hypervolume": (
        "Hypervolume",
        "How much of accuracy, RAM and flash the systems found so far cover: 1 would be an accuracy"
        " of 1 in no memory, and an accuracy of 0.5 or a memory that is all used cover nothing.",
    ),
    "fitness": (
        "Fitness",
        f"Eq. B.1 of the method, the mean of {MEAN_OF} evaluations, of fewer at the start.",
    ),
    "front_found": (
        "Cumulative fraction of Pareto-optimal models",
        "Of the members of each run's final front, the share that was found so far.",
    ),
}
"""Title of each curve, and what it tells."""


def write_experiment_report(experiment: Experiment, folder: Path, groups: Sequence[Group]) -> Path:
    """Write report.html, figures.json and figures.csv into `folder`; the path of the first."""
    exported: dict[str, list[dict[str, Any]]] = {}
    for group in groups:
        for name, rows in group.exported().items():
            exported.setdefault(name, []).extend(rows)
    write_figures_json(folder / "figures.json", experiment.name, exported)
    write_figures_csv(folder / "figures.csv", exported)
    write_atomic(folder / "report.html", experiment_page(experiment, groups))
    return folder / "report.html"


def experiment_page(experiment: Experiment, groups: Sequence[Group]) -> str:
    """The report as one self-contained HTML page."""
    done, planned = sum(len(group.runs) for group in groups), len(experiment.runs)
    evaluations = sum(run.evaluations for group in groups for run in group.runs)
    unfinished = (
        element("p", esc(f"{done} of {planned} searches are finished: this tells of those only."))
        if done < planned
        else EMPTY
    )
    seeds = len(experiment.seeds)
    return document(
        f"Experiment {experiment.name}",
        element("p", esc(_lead(experiment)), class_="lead"),
        unfinished,
        element(
            "div",
            tile(str(len(experiment.variants)), "searches are compared"),
            tile(str(seeds), "seed of each" if seeds == 1 else "seeds of each"),
            tile(plain(evaluations), "evaluations"),
            class_="tiles",
        ),
        *(_group(experiment, group) for group in groups),
        section(
            "How the searches were made",
            element("p", esc("Settings that all of them share, and those that differ.")),
            tables.settings_tables(_settings(experiment)),
        ),
        element("footer", footer()),
    )


def _lead(experiment: Experiment) -> str:
    settings = experiment.variants[0].settings
    budget = []
    if settings.trials is not None:
        budget.append(f"{settings.trials} evaluations")
    if settings.time_budget is not None:
        budget.append(tables.duration(settings.time_budget))
    training = (
        "the training of supernets apart: searches that want the same supernet share it"
        if experiment.reuse_supernets
        else "the training of supernets included"
    )
    lead = f"Each search has the same data, seeds and budget: {' or '.join(budget)}, {training}."
    return " ".join((lead, *_lent(experiment)))


def _lent(experiment: Experiment) -> list[str]:
    """Whose supernets are used by others, a sentence for each search that trains them."""
    borrowers: dict[str, list[str]] = {}
    for variant in experiment.variants:
        if variant.settings.supernet_of is not None:
            borrowers.setdefault(variant.settings.supernet_of, []).append(variant.name)
    return [
        f"The supernet that {lender} trains is also that of {', '.join(names)}."
        for lender, names in borrowers.items()
    ]


def _group(experiment: Experiment, group: Group) -> Markup:
    styles = figures.styles([row.search for row in group.searches])
    return section(
        str(group.limits).removesuffix(f" ({group.limits.origin})"),
        _tables(experiment, group),
        _differences(group),
        element(
            "div",
            *(_curve(name, experiment, group, styles) for name in _CURVES),
            class_="grid",
        ),
        element("h3", esc("Accuracy against RAM"), class_="apart"),
        element("div", *(_scatter(row.search, group) for row in group.searches), class_="grid"),
        element("h3", esc("Runs"), class_="apart"),
        _runs(group),
    )


def _tables(experiment: Experiment, group: Group) -> Markup:
    names = [
        element("span", esc(row.search), esc(" (baseline)" if row.baseline else ""))
        for row in group.searches
    ]
    seeds = " or ".join(map(str, sorted({row.seeds for row in group.searches})))
    words = (
        f"Mean over the finished seeds ({seeds}), with the lowest and the highest. int8: of the"
        " exported candidate with the best int8 validation accuracy; its test accuracy decided"
        " nothing. Training steps: of all supernets of a seed, whichever search trained them."
    )
    found = [
        (
            name,
            element("strong", _mean(row.hypervolume, _volume)),
            element("strong", _mean(row.int8_accuracy, _share)),
            _mean(row.int8_test, _share),
            _mean(row.evaluations, _count),
            _mean(row.training_steps, _count),
        )
        for name, row in zip(names, group.searches, strict=True)
    ]
    headers = ("search", "hypervolume", "int8 validation", "int8 test", "evaluations")
    share = percent(experiment.threshold)
    models = (
        f"Different systems within the limits whose float validation accuracy is {share} or more,"
        " and the best such accuracy of what fits the RAM and flash of each device class (Table 1"
        " of the method)."
    )
    counted = [
        (
            name,
            _mean(row.above, _count),
            _mean(row.above_on_front, _count),
            *(_mean(mean, _share) for mean in row.best.values()),
        )
        for name, row in zip(names, group.searches, strict=True)
    ]
    classes = [f"best in {name}" for name in group.runs[0].best]
    return join(
        (
            _note(words),
            tables.table((*headers, "training steps"), found),
            _note(models),
            tables.table(("search", f"from {share} on", "on the front", *classes), counted),
        )
    )


def _differences(group: Group) -> Markup:
    if not group.differences:
        return _note("No baseline is marked here, or none has finished: there is no difference.")
    kinds: tuple[tuple[str, str, str, Callable[[float], str]], ...] = (
        ("hypervolume", "Hypervolume", "search less baseline", _signed_volume),
        (
            "int8 accuracy",
            "Best int8 validation accuracy",
            "search less baseline, percentage points",
            _signed_share,
        ),
    )
    headers = ("search", "baseline", "of", "mean", "95 % interval", "seeds", "so it is")
    rows, charts = [], []
    for quantity, title, label, write in kinds:
        mine = [row for row in group.differences if row.quantity == quantity]
        if not mine:
            continue
        rows += [
            (
                esc(row.search),
                esc(row.baseline),
                esc(_QUANTITIES[quantity]),
                esc(write(row.mean)),
                _interval(row, write),
                esc(row.seeds),
                tables.state(*_VERDICTS[row.verdict]),
            )
            for row in mine
        ]
        drawing = figures.difference_chart(title, mine, write, label)
        charts.append(
            figure(f"{title}: difference", drawing, esc("Dot: mean. Line: 95 % interval."))
        )
    words = (
        "Differences are taken seed by seed. The interval is Student's t over seeds, for"
        " differences that scatter normally; with three seeds it is wide, and what it leaves open"
        " more seeds may settle. Each interval is by itself: of twenty, one misses."
    )
    return join(
        (element("div", *charts, class_="grid"), _note(words), tables.table(headers, rows, words=3))
    )


_QUANTITIES = {
    "hypervolume": "hypervolume",
    "int8 accuracy": "int8 validation accuracy, percentage points",
}
_VERDICTS = {"better": ("better", True), "worse": ("worse", False), "open": ("open", None)}


def _curve(name: str, experiment: Experiment, group: Group, styles: figures.Styles) -> Markup:
    title, words = _CURVES[name]
    points = group.curves[name]
    title = f"{title} over {'time' if experiment.timed else 'evaluations'}"
    if not points:
        return figure(title, esc("No evaluation was completed."), EMPTY)
    across = "minutes of search" if experiment.timed else "evaluations"
    drawing = figures.curves(
        title,
        points,
        styles,
        (across, "found" if name == "front_found" else name),
        percent if name == "front_found" else plain,
        (0.0, 1.04) if name == "front_found" else None,
    )
    caption = f"{words} Line: mean over seeds; band: lowest to highest seed."
    if experiment.timed and experiment.reuse_supernets:
        caption += " Time without the training of supernets."
    keys = [figures.key(style, search) for search, style in styles.items()]
    return figure(title, drawing, _searched(caption), *keys)


def _scatter(search: str, group: Group) -> Markup:
    mine = [system for _, system in group.drawn[search]]
    if not mine:
        return figure(search, esc("No evaluation was completed within the limits."), EMPTY)
    everyone = [system for rows in group.drawn.values() for _, system in rows]
    found = sum(len(result.evaluations) for result in group.results if result.search == search)
    words = f"All seeds together, {found} evaluations; the area of a mark goes with its flash."
    if len(mine) < found:
        words += f" Drawn are the fronts of all seeds and {DRAWN} of the other systems, evenly."
    keys = [
        mark_key("front", "on a Pareto front"),
        mark_key("other", "within the limits"),
        mark_key("over", "over a limit"),
    ]
    drawing = accuracy_against_ram(mine, group.limits, beside=everyone)
    return figure(search, drawing, _searched(words), *keys)


def _runs(group: Group) -> Markup:
    headers = (
        *("run", "ended", "seed", "hypervolume", "int8 validation", "int8 test"),
        *("evaluations", "training steps"),
    )
    rows = [
        (
            element("code", esc(run.run)),
            esc(run.reason),
            esc(run.seed),
            esc(_volume(run.hypervolume)),
            _maybe(run.int8_accuracy),
            _maybe(run.int8_test),
            esc(run.evaluations),
            esc(run.training_steps),
        )
        for run in group.runs
    ]
    return tables.table(headers, rows, words=2)


def _settings(experiment: Experiment) -> dict[str, Any]:
    """A table for what all searches share, and one for each search."""
    configs = {
        variant.name: {
            f"{table} {key}" if table != "search" else key: value
            for table, part in variant.settings.to_config().items()
            for key, value in part.items()
            if key != "seed"
        }
        for variant in experiment.variants
    }
    first = next(iter(configs.values()))
    shared = {
        key: value
        for key, value in first.items()
        if all(config.get(key) == value for config in configs.values())
    }
    return {
        "all searches": {"seeds": list(experiment.seeds), **shared},
        **{
            name: {key: value for key, value in config.items() if key not in shared}
            for name, config in configs.items()
        },
    }


def _searched(words: str) -> Markup:
    marks = (tables.badge("host"), esc("validation scores;"), tables.badge("estimated"))
    return join((*marks, esc(f"memory. {words}")), " ")


def _note(words: str) -> Markup:
    return element("p", esc(words), class_="note")


def _mean(mean: Mean, write: Callable[[float], str]) -> Markup:
    if mean.mean is None or mean.low is None or mean.high is None:
        return tables.NOTHING
    words = write(mean.mean)
    if mean.low < mean.high:
        words += f" ({write(mean.low)} to {write(mean.high)})".replace("\u00a0%", "")
    return esc(words)


def _interval(row: Difference, write: Callable[[float], str]) -> Markup:
    if row.low is None or row.high is None:
        return tables.NOTHING
    return esc(f"{write(row.low)} to {write(row.high)}")


def _maybe(share: float | None) -> Markup:
    return tables.NOTHING if share is None else esc(_share(share))


def _share(value: float) -> str:
    return f"{value * 100:.1f}\u00a0%"


def _volume(value: float) -> str:
    return f"{value:.3f}"


def _count(value: float) -> str:
    return plain(round(value))


def _signed_volume(value: float) -> str:
    return _signed(f"{value:+.3f}")


def _signed_share(value: float) -> str:
    """In percentage points."""
    return _signed(f"{value * 100:+.1f}")


def _signed(written: str) -> str:
    return written.replace("-", "−") if float(written) else "0"
