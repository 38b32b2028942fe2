"""danas-hil experiment: several searches under equal budgets and seeds, and one report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from danas_hil.base import DanasError
from danas_hil.cli.arguments import data_place
from danas_hil.cli.running import run_search
from danas_hil.cli.show import (
    JsonOption,
    console,
    format_duration,
    note,
    percent,
    print_json,
    say,
    table,
)

if TYPE_CHECKING:  # imported where they are used: they load numpy, and --help is to be quick
    from danas_hil.experiment import Experiment, PlannedRun

_INTERVAL = ("mean", "low", "high")
_VERDICTS = {"better": "better", "worse": "WORSE", "open": "open"}


def register(app: typer.Typer) -> None:
    app.command()(experiment)


def experiment(
    file: Annotated[Path, typer.Argument(help="The experiment, a TOML file.")],
    out: Annotated[
        Path | None, typer.Option(help="Its folder. Default: runs/NAME, as the file is called.")
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="Data, instead of those that the file names.")
    ] = None,
    seed: Annotated[
        list[int] | None,
        typer.Option(
            help="Run only this seed of the file's; may be given more than once.",
            min=0,
            max=2**31 - 1,
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Compare searches: the same data, budget and seeds for each, and one report for all.

    Each search is an ordinary run in the experiment's folder. The same command
    goes on where it was stopped or killed. The report is written anew after each
    search. Several processes may share the work: one --seed each, and the same
    --out.

    [bold]Examples[/bold]

      danas-hil experiment experiments/person_mix.toml --data photos/

      danas-hil experiment mine.toml --out /mnt/runs/mine --seed 2
    """
    from danas_hil.experiment import read_experiment
    from danas_hil.report import experiment_groups, experiment_json, write_experiment_report

    folder = out or Path("runs") / file.stem
    plan = read_experiment(file, None if data is None else data_place(data), folder)
    ours = _with_seeds(plan, seed) if seed else plan
    _run(plan, ours, folder)
    groups = experiment_groups(plan, folder)
    report = write_experiment_report(plan, folder, groups) if groups else None
    result = experiment_json(plan, groups)
    if json:
        print_json({"folder": str(folder), "report": report and str(report), **result})
        return
    _show(result, ours, folder)
    if report is not None:
        say(f"Open the report: {report}")


def _run(plan: Experiment, ours: Experiment, folder: Path) -> None:
    """Run the searches of `ours`, a part of `plan`; the report is of all that there is."""
    from danas_hil.experiment import run_experiment
    from danas_hil.report import experiment_groups, write_experiment_report

    def begins(run: PlannedRun) -> None:
        _show_place(ours, folder, run)

    for _ in run_experiment(ours, folder, run_search, begins):
        write_experiment_report(plan, folder, experiment_groups(plan, folder))


def _show(result: dict[str, Any], ours: Experiment, folder: Path) -> None:
    from danas_hil.experiment import ended_runs

    for limits in result["limits"]:
        _show_limits(limits)
    if result["limits"]:
        say(
            "hypervolume: of validation accuracy before quantisation, and of RAM and flash,",
            "both estimated. int8: of the exported candidate that is best on validation.",
        )
    if result["searches_finished"] < result["searches_planned"]:
        stopped = {run.name for run in ours.runs} - ended_runs(folder).keys()
        say(
            f"{result['searches_finished']} of {result['searches_planned']} searches are finished.",
            "The same command goes on." if stopped else "Other seeds are left.",
        )


def _with_seeds(plan: Experiment, seeds: list[int]) -> Experiment:
    lacking = sorted(set(seeds) - set(plan.seeds))
    if lacking:
        raise DanasError(
            f"--seed {lacking[0]} is none of the experiment's.",
            f"It has {', '.join(map(str, plan.seeds))}: add it to seeds in the file.",
        )
    return replace(plan, seeds=tuple(sorted(set(seeds), key=plan.seeds.index)))


def _show_place(plan: Experiment, folder: Path, run: PlannedRun) -> None:
    from danas_hil.experiment import ended_runs, seconds_left

    place = plan.runs.index(run) + 1
    left = seconds_left(plan, ended_runs(folder))
    remaining = "" if left is None else f"; about {format_duration(left)} left for all"
    words = f"Search {place} of {len(plan.runs)}: {run.variant.name}, seed {run.seed}{remaining}"
    note(words, style="bold")


def _show_limits(limits: dict[str, Any]) -> None:
    from danas_hil.board import Limits

    say("", str(Limits.from_json(limits)))
    columns = ["search", ">seeds", ">hypervolume", ">int8 val", ">int8 test", ">evaluations"]
    rows = [
        (
            row["search"],
            row["seeds"],
            _number(row["hypervolume_mean"], "{:.3f}"),
            _share(row["int8_accuracy_mean"]),
            _share(row["int8_test_mean"]),
            _number(row["evaluations_mean"], "{:,.0f}"),
        )
        for row in limits["searches"]
    ]
    console().print(table(columns, rows))
    for search in dict.fromkeys(row["search"] for row in limits["differences"]):
        say("", f"{search} less a baseline, seed by seed; Student's 95 % interval")
        mine = [row for row in limits["differences"] if row["search"] == search]
        columns = ["baseline", "of", ">mean", ">from", ">to", "so it is"]
        console().print(table(columns, map(_difference, mine)))
    say("")


def _difference(row: dict[str, Any]) -> list[str]:
    hypervolume = row["quantity"] == "hypervolume"
    scale, form = (1, "{:+.3f}") if hypervolume else (100, "{:+.1f}")
    cells = (row[name] if row[name] is None else scale * row[name] for name in _INTERVAL)
    what = "hypervolume" if hypervolume else "int8 val, points"
    numbers = (_number(value, form) for value in cells)
    return [row["baseline"], what, *numbers, _VERDICTS[row["verdict"]]]


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)


def _share(value: float | None) -> str:
    return "-" if value is None else percent(value)
