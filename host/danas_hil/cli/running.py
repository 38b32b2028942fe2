"""danas-hil resume, export, demo: runs that are there or are made by themselves; and their show."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from danas_hil.base import plain_name
from danas_hil.board import format_size, load_board, load_device_class
from danas_hil.cli.devices import measure_run
from danas_hil.cli.options import RunArgument, StorageOption
from danas_hil.cli.show import (
    JsonOption,
    console,
    format_duration,
    latency_note,
    milliseconds,
    milliseconds_title,
    note,
    percent,
    picked,
    print_json,
    say,
    table,
    tell_board,
)
from danas_hil.cli.verdicts import ending_of, leave

if TYPE_CHECKING:  # imported where they are used: they load numpy, and --help is to be quick
    from danas_hil.run import Candidate, Front, RunFolder
    from danas_hil.search import Outcome, SearchSettings

_OVERRUN_TOLD_SECONDS = 1.0


def register(app: typer.Typer) -> None:
    app.command()(resume)
    app.command()(export)
    app.command()(demo)


def resume(
    run: RunArgument,
    storage: StorageOption = None,
    json: JsonOption = False,
) -> None:
    """Go on with a search that was stopped or killed; nothing finished is lost.

    Example: danas-hil resume runs/demo
    """
    from danas_hil.run import RunFolder

    folder = RunFolder.open(run)
    show_outcome(folder, run_search(folder, storage=storage), json)


def export(
    run: RunArgument,
    to: Annotated[Path, typer.Option(help="Folder to make; it must not exist yet.")],
    everything: Annotated[
        bool, typer.Option("--all", help="All candidates, also where some were picked.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Copy what flash, compare and report need to a folder you can carry elsewhere.

    Of the candidates it takes the picks, if there are any (danas-hil pick), else
    all. Supernets and the study stay behind: the copy can't be searched further.

    Example: danas-hil export runs/demo --to /media/stick/demo
    """
    from danas_hil.run import RunFolder, export_bundle

    folder = RunFolder.open(run)
    picks = None if everything else folder.picks()
    copied = export_bundle(folder, to, picks.ids if picks else None)
    if json:
        print_json({"run": str(to), "files": [str(path) for path in copied]})
    else:
        which = picked(len(picks.ids)) if picks else "All candidates"
        say(
            f"{which}: {len(copied)} files in {to}. There: danas-hil flash {to} --board NAME",
        )


def demo(
    name: Annotated[str | None, typer.Option(help="Name of the run.")] = None,
    json: JsonOption = False,
) -> None:
    """Show the whole path on built-in pictures of ten signs: search, measure, report.

    It takes a few minutes, downloads nothing and needs no board. Some of the
    signs differ by colour alone, some by a detail that is gone at 16 pixels:
    the front shows what data each size of network is best given.
    """
    from danas_hil.data import open_source, task_of
    from danas_hil.report import write_report
    from danas_hil.search import SearchSettings, create_run
    from danas_hil.signals import find_signal
    from danas_hil.signals.image.signs import NAME as SIGNS
    from danas_hil.signals.image.signs import TELLING_GENES
    from danas_hil.space import choose_space

    space = choose_space(genes=TELLING_GENES)
    settings = SearchSettings(
        data=SIGNS,
        task=task_of(open_source(SIGNS, find_signal(space.data.signal).files())),
        limits=load_device_class("small"),
        space=space,
        trials=150,
        supernet_steps=600,
        export_limit=12,
    )
    run = create_run(runs_folder(name or _dated("demo")), settings)
    outcome = run_search(run)
    good = outcome.front is not None and measure_run(run, load_board("host"), top=8)
    report = write_report(run)
    if json:
        print_json({**outcome_json(run, outcome), "measured_well": good, "report": str(report)})
    else:
        show_outcome(run, outcome, json=False)
        say(f"Open the report: {report}")
    leave(ending_of(good))


def run_search(
    run: RunFolder, *, storage: str | None = None, data: str | None = None, leading: bool = True
) -> Outcome:
    """Run or resume a search with progress on standard error and a first Ctrl-C that is gentle.

    storage, data, leading: as danas_hil.search.search takes them.
    """
    from danas_hil.cli.progress import SearchProgress
    from danas_hil.estimate.latency import LatencyTable
    from danas_hil.search import SearchSettings
    from danas_hil.search import search as run_it
    from danas_hil.search.cost import rates_of_run

    settings = SearchSettings.from_config(run.config())
    if settings.board is not None:
        tell_board(load_board(settings.board))
    note(
        f"Run {run.path}: {settings.space.size:,} genomes, limits {settings.limits},"
        f" memory model {settings.memory_model}."
    )
    rates = rates_of_run(run.config())
    if settings.limits.latency_us is not None and isinstance(rates, LatencyTable) and rates.mark:
        note(
            f"Latency is {rates.source_on_board}.",
            f"The middle of its band decides; narrow it: danas-hil calibrate --board {rates.board}",
        )
    with gentle_interrupt() as stopping, SearchProgress(settings) as progress:
        outcome = run_it(
            run, progress, stopping.is_set, storage=storage, data=data, leading=leading
        )
    _tell_overrun(settings, outcome)
    return outcome


def _tell_overrun(settings: SearchSettings, outcome: Outcome) -> None:
    """Training ends by a count of steps and the export by one of candidates, which were planned
    from how quick the computer was at first."""
    over, budget = outcome.overrun_seconds, settings.time_budget
    if budget and over >= _OVERRUN_TOLD_SECONDS:
        note(
            f"It took {format_duration(over)} ({percent(over / budget)}) longer than --time-budget"
            f" {format_duration(budget)}."
        )


def use_threads(threads: int | None) -> None:
    """Set how many threads TensorFlow will use; it reads this when it is imported."""
    if threads is not None:
        os.environ["TF_NUM_INTRAOP_THREADS"] = str(threads)


@contextmanager
def gentle_interrupt() -> Iterator[threading.Event]:
    """The first Ctrl-C sets the event; the second one interrupts as ever."""
    stopping = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        note("Stopping: what is finished is kept. Ctrl-C again leaves without exporting.")

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield stopping
    finally:
        signal.signal(signal.SIGINT, before)


def show_outcome(run: RunFolder, outcome: Outcome, json: bool) -> None:
    if json:
        print_json(outcome_json(run, outcome))
        return
    say(f"{outcome.evaluations} evaluations ({outcome.reason}).")
    if outcome.elsewhere is not None:
        say(f"The front is in {outcome.elsewhere}; to have it here: danas-hil resume {run.path}")
    if outcome.front is None:
        return
    front = outcome.front
    timed = [one.estimate["totals"].get("latency_source", "") for one in front.candidates]
    source = next(filter(None, timed), "")
    console().print(table(*_front_table(front, bool(source))))
    open_bytes = lacking([one.estimate["totals"] for one in front.candidates])
    say(
        "",
        f"RAM and flash: estimated ({front.memory_model} model){open_bytes}.",
        *latency_note(source, all(map(_latency_complete, front.candidates))),
        f"Limits: {front.limits}.",
        f"val, test: {front.task.metric_name} in int8 on validation and test examples.",
        "* has the best on validation examples.",
        f"Next: danas-hil flash {run.path} --board NAME",
    )


def _front_table(front: Front, timed: bool) -> tuple[list[str], list[list[str]]]:
    columns = ["id", "data", "network", ">val", ">test", ">RAM", ">flash"]
    ordered = sorted(front.candidates, key=lambda one: -one.scores["int8_validation"].worth)
    rows = [_front_row(candidate, front) for candidate in ordered]
    if timed:
        totals = [candidate.estimate["totals"] for candidate in ordered]
        band = max(one.get("latency_band", 0.0) for one in totals)
        columns.append(milliseconds_title(band))
        for row, one in zip(rows, totals, strict=True):
            row.append(milliseconds(one.get("latency_us")))
    return columns, rows


def _latency_complete(candidate: Candidate) -> bool:
    return bool(candidate.estimate["totals"].get("latency_complete", True))


def lacking(totals: Sequence[Mapping[str, Any]]) -> str:
    """By how much more the totals of a front may be, since they are what is certain."""
    if all(one.get("complete", True) for one in totals):
        return ""
    more = [
        None if most is None else most - one[f"{what}_bytes"]
        for one in totals
        for what in ("ram", "flash")
        for most in [one.get(f"most_{what}_bytes")]
    ]
    if None in more:
        return "; at least: a build for the board tells the rest, such as the framework's share"
    widest = max(size for size in more if size is not None)
    return f"; at least: up to {format_size(widest)} more, till a build for the board tells"


def _front_row(candidate: Candidate, front: Front) -> list[str]:
    totals = candidate.estimate["totals"]
    return [
        candidate.id + ("*" if candidate.id == front.chosen else ""),
        candidate.genome.data.short,
        candidate.genome.arch.short,
        percent(candidate.scores["int8_validation"].worth),
        percent(candidate.scores["int8_test"].worth),
        format_size(totals["ram_bytes"]),
        format_size(totals["flash_bytes"]),
    ]


def outcome_json(run: RunFolder, outcome: Outcome) -> dict[str, Any]:
    front = outcome.front
    return {
        "run": str(run.path),
        "evaluations": outcome.evaluations,
        "reason": outcome.reason,
        "elsewhere": outcome.elsewhere,
        "overrun_seconds": round(outcome.overrun_seconds, 1),
        "chosen": front and front.chosen,
        "candidates": [candidate.to_json() for candidate in front.candidates] if front else [],
    }


def runs_folder(name: str | None) -> Path:
    name = name or _dated("search")
    return Path("runs") / plain_name(name, "a run", "It becomes a folder under runs/.")


def _dated(prefix: str) -> str:
    return f"{prefix}-{datetime.now():%Y%m%d-%H%M%S}"
