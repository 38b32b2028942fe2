"""The report of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from danas_hil.base import write_atomic
from danas_hil.compare import Compared
from danas_hil.report import figures, tables
from danas_hil.report.chosen import chosen_card
from danas_hil.report.classes import classes_section
from danas_hil.report.export import write_figures_csv, write_figures_json
from danas_hil.report.markup import EMPTY, Markup, element, esc, join
from danas_hil.report.measured import Measured, Outcome, TargetWords, gather
from danas_hil.report.page import document, figure, section, tile
from danas_hil.report.rows import (
    MEAN_OF,
    Member,
    Row,
    class_scores,
    columns,
    confused,
    finds,
    groups,
    members,
    steps,
    systems,
)
from danas_hil.report.svg import percent
from danas_hil.run import Candidate, Front, RunFolder

NOTHING_MEASURED = Measured()
_DRAWN = ("arena", "ram", "flash")
"""Quantities of which estimate and measurement are drawn; the table has all."""


def write_report(run: RunFolder) -> Path:
    """Write report.html, figures.json and figures.csv into the run folder; the path of the first.

    Raises DanasError when the run has no front yet, or a file of it is damaged.
    """
    front, config = run.front(), run.config()
    measured = gather(run)
    chosen = _chosen_of(front)
    rows: dict[str, Sequence[Row]] = {
        "accuracy_against_ram": systems(front.evaluations),
        "fitness_over_search": steps(front.evaluations),
        "front_over_search": finds(front.evaluations),
        "pareto_front": members(front),
        "accuracy_by_source": groups(chosen) if chosen else (),
        "scores_by_class": class_scores(chosen, front.task) if chosen else (),
        "confusion": confused(chosen, front.task) if chosen else (),
        "measurements": measured.outcomes,
        "estimate_against_measurement": measured.compared,
        "firmware_shares": measured.shares,
    }
    exported = {name: [columns(row) for row in part] for name, part in rows.items()}
    write_figures_json(run.path / "figures.json", run.name, exported)
    write_figures_csv(run.path / "figures.csv", exported)
    write_atomic(run.report_file, report_page(run.name, front, config, measured))
    return run.report_file


def report_page(
    name: str, front: Front, config: Mapping[str, Any], measured: Measured = NOTHING_MEASURED
) -> str:
    """The report as one self-contained HTML page."""
    table = members(front)
    chosen = _chosen_of(front)
    row = next((m for m in table if m.chosen), None)
    return document(
        f"Run {name}",
        element("p", _lead(front), class_="lead"),
        element("div", *_tiles(front, row), class_="tiles"),
        element("div", _trade_off(front), chosen_card(front, chosen, row), class_="grid uneven"),
        _pareto(front, table),
        classes_section(chosen, front.task) if chosen else EMPTY,
        _sources(chosen) if chosen and chosen.groups else EMPTY,
        _measurements(measured.outcomes),
        _shares(measured) if measured.shares else EMPTY,
        _comparison(measured) if measured.compared else EMPTY,
        _search(front),
        section(
            "How the run was made",
            element(
                "p", esc("The settings as the run resolved them (config.toml)."), class_="note"
            ),
            tables.settings_tables(_without_rates(config)),
        ),
        element("footer", footer()),
    )


def _without_rates(config: Mapping[str, Any]) -> dict[str, Any]:
    """The rates of latency estimates are hundreds of figures: what they come from is enough."""
    kept = config.get("latency")
    if not isinstance(kept, Mapping) or not isinstance(kept.get("models"), list):
        return dict(config)
    plain = {key: value for key, value in kept.items() if isinstance(value, str | float)}
    return {**config, "latency": {**plain, "models": len(kept["models"])}}


def _lead(front: Front) -> Markup:
    return esc(f"Data-aware architecture search. Limits: {front.limits}.")


def _tiles(front: Front, chosen: Member | None) -> list[Markup]:
    scored = [e for e in front.evaluations if e.scores is not None]
    dropped = sum(e.outcome == "infeasible" for e in front.evaluations)
    failed = sum(e.outcome == "failed" for e in front.evaluations)
    others = [f"{dropped} dropped before training"] if dropped else []
    others += [f"{failed} failed"] if failed else []
    result = [
        tile(str(len(front.evaluations)), ", ".join(["evaluations", *others])),
        tile(str(sum(e.feasible for e in scored)), "trained and within the limits"),
        tile(str(sum(e.pareto for e in front.evaluations)), "on the Pareto front"),
    ]
    if front.evaluations:
        elapsed = max(e.elapsed_seconds for e in front.evaluations)
        result.append(tile(tables.duration(elapsed), "of search"))
    if chosen and chosen.int8_test is not None:
        result.append(tile(percent(chosen.int8_test), "int8 test accuracy of the chosen one"))
    return result


def _trade_off(front: Front) -> Markup:
    rows = systems(front.evaluations)
    title = "Accuracy against RAM"
    if not rows:
        return figure(
            title, esc("No evaluation was completed, so there is nothing to draw."), EMPTY
        )
    model = _model_words(front.memory_model)
    caption = join(
        (
            tables.badge("estimated"),
            esc(f"RAM and flash, by {model}. "),
            tables.badge("host"),
            esc(
                "Accuracy: before quantisation, on validation examples, on the computer that"
                f" searched. {len(rows)} evaluations; the area of a mark goes with its flash (up"
                " to a cap)."
            ),
        ),
        " ",
    )
    legend = [
        figures.key("front", "on the Pareto front"),
        figures.key("other", "within the limits"),
    ]
    legend.append(figures.key("over", "over a limit"))
    if front.chosen:
        legend.append(figures.key("chosen", "chosen"))
    drawing = figures.accuracy_against_ram(rows, front.limits, front.chosen)
    return figure(title, drawing, caption, *legend)


def _pareto(front: Front, rows: Sequence[Member]) -> Markup:
    if not rows:
        return section("Pareto front", element("p", esc("The front is empty: nothing fits.")))
    found = sum(e.pareto for e in front.evaluations)
    metric = "" if front.task.metric == "accuracy" else front.task.metric_name
    shown = f"{len(rows)} of the {found} members were exported. " if len(rows) < found else ""
    note = join(
        (
            esc(
                f"{shown}No other system is better in accuracy, precision, recall, RAM and flash"
                f" at once. Precision and recall: {front.task.averaging}, in int8 on test examples;"
                " test examples were read once, after the front was fixed. Fine-tuning is"
                " training by itself, after the search."
            ),
            tables.badge("host"),
            esc("accuracy, precision, recall (LiteRT, on the computer that searched);"),
            tables.badge("estimated"),
            esc(f"RAM, flash{_and_latency(rows)} and the verdict against {front.limits}."),
        ),
        " ",
    )
    return section(
        "Pareto front", element("p", note, class_="note"), tables.pareto_table(rows, metric)
    )


def _and_latency(rows: Sequence[Member]) -> str:
    source = next((row.latency_source for row in rows if row.latency_source), "")
    return f", time of one inference ({source})" if source else ""


def _sources(chosen: Candidate) -> Markup:
    rows = groups(chosen)
    macro = sum(row.accuracy for row in rows) / len(rows)
    caption = join(
        (
            tables.badge("host"),
            esc(
                f"int8 test accuracy of {chosen.id} with 95 % Wilson intervals;"
                f" mean over the sources {percent(macro)}."
            ),
        ),
        " ",
    )
    drawing = figures.accuracy_by_source(rows, chosen.scores.get("int8_test"))
    return section(
        "Accuracy by source of the examples",
        element(
            "div",
            figure("int8 test accuracy by source", drawing, caption),
            element("div", tables.groups_table(rows)),
            class_="grid",
        ),
    )


def _measurements(outcomes: Sequence[Outcome]) -> Markup:
    title = "Measurements"
    if not outcomes:
        words = "No candidate has been run on a board, an emulator or this computer yet."
        return section(title, element("p", esc(words)))
    note = (
        "OK: the firmware ran, and its outputs were byte for byte those of TFLM on the host."
        " Any other status names the stage that failed."
    )
    failed = [o for o in outcomes if o.status != "OK"]
    return section(
        title,
        element("p", esc(note), class_="note"),
        tables.outcome_matrix(outcomes),
        tables.failures_table(failed) if failed else EMPTY,
    )


def _shares(measured: Measured) -> Markup:
    note = (
        "By the linker's map. The model's are its weights in flash and the arena in RAM; the sketch"
        " is this project's own firmware, the framework the Arduino core."
    )
    return section(
        "What takes flash and static RAM",
        element("p", esc(note), class_="note"),
        tables.shares_table(measured.shares),
    )


def _comparison(measured: Measured) -> Markup:
    note = (
        "Error is estimate less measurement. The exact estimate computes what TensorFlow Lite"
        " Micro allocates; Eq. 1 and 2 are the paper's, which count parameters and activations."
        " Time is estimated by rates fitted on times of the board; of models that were among them"
        " it tells more than of others."
    )
    parts = [
        _target(name, words, [row for row in measured.compared if row.target == name])
        for name, words in measured.targets.items()
    ]
    return section("Estimate against measurement", element("p", esc(note), class_="note"), *parts)


def _target(name: str, target: TargetWords, rows: Sequence[Compared]) -> Markup:
    if not rows:
        return EMPTY
    head = element("h4", esc(f"{target.board} ({name}) "), tables.badge(target.kind))
    build = element("p", esc(f"TFLM {target.tflm}, {target.kernels} kernels"), class_="note")
    drawn = []
    for quantity in _DRAWN:
        mine = [row for row in rows if row.quantity == quantity]
        if any(row.error is not None for row in mine):
            drawn.append(_dumbbell(tables.QUANTITIES[quantity], target, mine))
    pictures = element("div", *drawn, class_="grid") if drawn else EMPTY
    return join((head, build, pictures, tables.comparison_table(rows)))


def _dumbbell(label: str, target: TargetWords, rows: Sequence[Compared]) -> Markup:
    words = {"exact": "exact estimate", "paper": "estimate by Eq. 1 and 2"}
    shapes = {"exact": "circle", "paper": "diamond"}
    keys = [
        figures.key(f"by-{model}", words[model], shapes[model])
        for model in words
        if any(row.model == model and row.estimate is not None for row in rows)
    ]
    keys.append(figures.key(f"seen {target.kind}", figures.KIND_WORDS[target.kind]))
    count = len({row.candidate for row in rows})
    left_out = (
        f" {figures.ROWS_DRAWN} of {count} candidates are drawn, evenly by size."
        if count > figures.ROWS_DRAWN
        else ""
    )
    marks = (tables.badge("estimated"), tables.badge(target.kind), esc(f"{target}.{left_out}"))
    title = f"{label[0].upper()}{label[1:]}: estimate against measurement"
    drawing = figures.estimate_against_observation(rows, label)
    return figure(title, drawing, join(marks, " "), *keys)


def _search(front: Front) -> Markup:
    parts = []
    fitness, found = steps(front.evaluations), finds(front.evaluations)
    if fitness:
        floor = figures.fitness_floor(fitness)
        below = sum(step.fitness < floor for step in fitness)
        words = (
            "Fitness is Eq. B.1 of the method: scores less penalties."
            f" Line: mean of {MEAN_OF} evaluations, of fewer at the start."
        )
        if below:
            words += f" {below} evaluations with large penalties lie below the picture."
        legend = [
            figures.key("other", "an evaluation"),
            figures.key("mean", "running mean", "line"),
        ]
        drawing = figures.fitness_over_search(fitness)
        parts.append(figure("Fitness over the search", drawing, _searched(words), *legend))
    if found:
        words = (
            "When the members of the final front were found. A search that still finds them at"
            " its end would gain from more time."
        )
        legend = [
            figures.key("mean", "found so far", "line"),
            figures.key("even", "an even pace", "line"),
        ]
        drawing = figures.front_over_search(found, max(e.index for e in front.evaluations))
        title = "Cumulative fraction of Pareto-optimal models"
        parts.append(figure(title, drawing, _searched(words), *legend))
    if not parts:
        parts.append(element("p", esc("No evaluation was completed.")))
    return section("How the search went", element("div", *parts, class_="grid"))


def _searched(words: str) -> Markup:
    """A caption for figures that rest on what the search saw."""
    marks = (
        tables.badge("host"),
        esc("validation scores;"),
        tables.badge("estimated"),
        esc(f"memory. {words}"),
    )
    return join(marks, " ")


def _chosen_of(front: Front) -> Candidate | None:
    return next((c for c in front.candidates if c.id == front.chosen), None)


def _model_words(memory_model: str) -> str:
    words = {
        "exact": "the exact model of TensorFlow Lite Micro's memory",
        "paper": "the paper's Eq. 1 and 2",
    }
    return words.get(memory_model, f"the memory model {memory_model}")


def footer() -> Markup:
    """What the marks of a page mean."""
    return join(
        (
            tables.badge("estimated"),
            esc("computed, nothing was run."),
            tables.badge("emulated"),
            esc("real firmware on an emulated board; its times count instructions, not cycles."),
            tables.badge("measured"),
            esc("on a real board, or on the host where that is said."),
            esc("1 kB is 1024 bytes. The numbers of all figures: figures.json and figures.csv."),
        ),
        " ",
    )
