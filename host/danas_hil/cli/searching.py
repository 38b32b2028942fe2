"""danas-hil search, resume, export, demo: from images to an exported Pareto front."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from danas_hil.base import DanasError
from danas_hil.board import Limits, format_size, load_board, load_device_class, parse_size
from danas_hil.cli.show import (
    JsonOption,
    console,
    note,
    parse_duration,
    percent,
    print_json,
    say,
    table,
)

if TYPE_CHECKING:  # imported where they are used: they load numpy, and --help is to be quick
    from danas_hil.run import Candidate, Front, RunFolder
    from danas_hil.search import Outcome
    from danas_hil.space import SearchSpace

RunArgument = Annotated[Path, typer.Argument(help="A run's folder, such as runs/NAME.")]
_DEFAULT_BUDGET = "1h"


def register(app: typer.Typer) -> None:
    app.command()(search)
    app.command()(resume)
    app.command()(export)
    app.command()(demo)


def search(
    data: Annotated[
        str,
        typer.Argument(help="Images: a folder (Wake Vision, Parquet, class folders) or `faces`."),
    ],
    name: Annotated[
        str | None, typer.Option(help="Name of the run; its folder is runs/NAME.")
    ] = None,
    board: Annotated[
        str | None, typer.Option(help="Board whose limits hold.", rich_help_panel="Limits")
    ] = None,
    device_class: Annotated[
        str | None,
        typer.Option(
            help="Device class whose limits hold: small, medium, large.", rich_help_panel="Limits"
        ),
    ] = None,
    ram: Annotated[
        str | None,
        typer.Option(help="RAM of the whole firmware, as 256kB.", rich_help_panel="Limits"),
    ] = None,
    flash: Annotated[
        str | None,
        typer.Option(help="Flash of the whole firmware, as 1MB.", rich_help_panel="Limits"),
    ] = None,
    space: Annotated[
        Path | None, typer.Option(help="Search space, a TOML file.", rich_help_panel="Search space")
    ] = None,
    resolutions: Annotated[
        str | None, typer.Option(help="Resolutions, as 32,64,96.", rich_help_panel="Search space")
    ] = None,
    colours: Annotated[
        str | None,
        typer.Option(help="Colours, as monochrome,rgb.", rich_help_panel="Search space"),
    ] = None,
    trials: Annotated[
        int | None, typer.Option(help="End after so many evaluations.", rich_help_panel="Time")
    ] = None,
    time_budget: Annotated[
        str | None,
        typer.Option(
            help=f"End after this time, training included. Default {_DEFAULT_BUDGET}.",
            rich_help_panel="Time",
        ),
    ] = None,
    supernet_steps: Annotated[
        int | None,
        typer.Option(
            help="Training steps of each supernet. Default: 60 % of --time-budget.",
            rich_help_panel="Time",
        ),
    ] = None,
    finetune_steps: Annotated[
        int,
        typer.Option(
            help="Steps of fine-tuning for each candidate (the paper: 100).", rich_help_panel="Time"
        ),
    ] = 0,
    sampler: Annotated[
        str, typer.Option(help="tournament or random.", rich_help_panel="Method")
    ] = "tournament",
    population: Annotated[
        int, typer.Option(help="Size of the population.", rich_help_panel="Method")
    ] = 10,
    update_ratio: Annotated[
        float, typer.Option(help="Tournaments for each member of it.", rich_help_panel="Method")
    ] = 0.5,
    crossover_ratio: Annotated[
        float, typer.Option(help="Children that have two parents.", rich_help_panel="Method")
    ] = 0.2,
    weights: Annotated[
        str,
        typer.Option(
            help="w1..w5 of the fitness: accuracy,precision,recall,RAM,flash.",
            rich_help_panel="Method",
        ),
    ] = "1,1,1,1,1",
    seed: Annotated[
        int, typer.Option(help="The same seed gives the same genomes.", rich_help_panel="Method")
    ] = 0,
    memory_model: Annotated[
        str, typer.Option(help="exact, or paper (Eq. 1 and 2).", rich_help_panel="Limits")
    ] = "exact",
    drop_infeasible: Annotated[
        bool,
        typer.Option(
            help="Skip what is estimated not to fit, instead of penalising it.",
            rich_help_panel="Limits",
        ),
    ] = False,
    batch_size: Annotated[
        int, typer.Option(help="Images in a training step.", rich_help_panel="Method")
    ] = 64,
    validation_images: Annotated[
        int,
        typer.Option(
            help="Images on which a candidate is scored, at most.", rich_help_panel="Method"
        ),
    ] = 2000,
    export_limit: Annotated[
        int, typer.Option(help="Members of the front to export, at most.", rich_help_panel="Export")
    ] = 24,
    clear_names: Annotated[
        bool,
        typer.Option(
            help="Clear tensor names in the models: saves flash.", rich_help_panel="Export"
        ),
    ] = True,
    train_split: Annotated[
        str | None,
        typer.Option(
            help="Training split: train_quality or train_large.", rich_help_panel="Images"
        ),
    ] = None,
    person_class: Annotated[
        str | None, typer.Option(help="Class folder that is person.", rich_help_panel="Images")
    ] = None,
    label_column: Annotated[
        str | None, typer.Option(help="Label column of Parquet files.", rich_help_panel="Images")
    ] = None,
    image_column: Annotated[
        str | None, typer.Option(help="Image column of Parquet files.", rich_help_panel="Images")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Search images and networks together, under a board's limits.

    [bold]Examples[/bold]

      danas-hil search ~/wake_vision --board nano33ble --time-budget 8h

      danas-hil search photos/ --ram 256kB --flash 1MB --resolutions 32,64,96

      danas-hil search faces --device-class small --trials 100 --supernet-steps 300
    """
    from danas_hil.search import SearchSettings, Weights, create_run

    options = {
        "train_split": train_split,
        "person_class": person_class,
        "label_column": label_column,
        "image_column": image_column,
    }
    if time_budget is None and (trials is None or supernet_steps is None):
        time_budget = _DEFAULT_BUDGET
    settings = SearchSettings(
        data=data if data == "faces" else str(Path(data).expanduser().resolve()),
        limits=_limits(board, device_class, ram, flash),
        board=board,
        data_options={key: value for key, value in options.items() if value is not None},
        space=_space(space, resolutions, colours),
        memory_model=memory_model,  # type: ignore[arg-type]  # checked by SearchSettings
        sampler=sampler,  # type: ignore[arg-type]
        population=population,
        update_ratio=update_ratio,
        crossover_ratio=crossover_ratio,
        weights=Weights(*_numbers(weights, 5)),
        seed=seed,
        trials=trials,
        time_budget=None if time_budget is None else parse_duration(time_budget),
        supernet_steps=supernet_steps,
        batch_size=batch_size,
        finetune_steps=finetune_steps,
        validation_images=validation_images,
        drop_infeasible=drop_infeasible,
        export_limit=export_limit,
        clear_names=clear_names,
    )
    run = create_run(_runs_folder(name), settings)
    _show_outcome(run, run_search(run), json)


def resume(run: RunArgument, json: JsonOption = False) -> None:
    """Go on with a search that was stopped or killed; nothing finished is lost.

    Example: danas-hil resume runs/demo
    """
    from danas_hil.run import RunFolder

    folder = RunFolder.open(run)
    _show_outcome(folder, run_search(folder), json)


def export(
    run: RunArgument,
    to: Annotated[Path, typer.Option(help="Folder to make; it must not exist yet.")],
    json: JsonOption = False,
) -> None:
    """Copy what flash, compare and report need to a folder you can carry elsewhere.

    Supernets and the study stay behind: the copy can't be searched further.

    Example: danas-hil export runs/demo --to /media/stick/demo
    """
    from danas_hil.run import RunFolder, export_bundle

    copied = export_bundle(RunFolder.open(run), to)
    if json:
        print_json({"run": str(to), "files": [str(path) for path in copied]})
    else:
        say(f"{len(copied)} files in {to}. There: danas-hil flash {to} --board NAME")


def demo(
    name: Annotated[str | None, typer.Option(help="Name of the run.")] = None,
    json: JsonOption = False,
) -> None:
    """Show the whole path on 200 small built-in photos: search, measure, report.

    It takes a few minutes, downloads nothing and needs no board. It shows the path, not an
    accuracy: 200 photos of 25x25 pixels are far too few to learn from.
    """
    from danas_hil.cli.devices import measure_run
    from danas_hil.report import write_report
    from danas_hil.search import SearchSettings, create_run
    from danas_hil.space import SearchSpace

    note(
        "This demo shows the path from images to measured models, not an accuracy: its data set,",
        "scikit-image's LFW subset, has 200 photos of 25x25 pixels, some of them faces.",
    )
    settings = SearchSettings(
        data="faces",
        limits=load_device_class("small"),
        space=SearchSpace(resolution=(16, 24, 32), colour=("monochrome",)),
        trials=90,
        supernet_steps=150,
        export_limit=12,
    )
    run = create_run(_runs_folder(name or _dated("demo")), settings)
    outcome = run_search(run)
    good = outcome.front is not None and measure_run(run, load_board("host"), top=8)
    report = write_report(run)
    if json:
        print_json({**outcome_json(run, outcome), "measured_well": good, "report": str(report)})
    else:
        _show_outcome(run, outcome, json=False)
        say(f"Open the report: {report}")
    if not good:
        raise typer.Exit(1)


def run_search(run: RunFolder) -> Outcome:
    """Run or resume a search with progress on standard error and a first Ctrl-C that is gentle."""
    from danas_hil.cli.progress import SearchProgress
    from danas_hil.search import SearchSettings
    from danas_hil.search import search as run_it

    settings = SearchSettings.from_config(run.config())
    note(
        f"Run {run.path}: {settings.space.size:,} genomes, limits {settings.limits},"
        f" memory model {settings.memory_model}."
    )
    with _gentle_interrupt() as stopping, SearchProgress(settings) as progress:
        return run_it(run, progress, stopping.is_set)


@contextmanager
def _gentle_interrupt() -> Iterator[threading.Event]:
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


def _show_outcome(run: RunFolder, outcome: Outcome, json: bool) -> None:
    if json:
        print_json(outcome_json(run, outcome))
        return
    say(f"{outcome.evaluations} evaluations ({outcome.reason}).")
    if outcome.front is None:
        return
    front = outcome.front
    console().print(table(*_front_table(front)))
    say(
        "",
        f"RAM and flash: estimated ({front.memory_model} model). Limits: {front.limits}.",
        f"* has the best int8 validation accuracy. Next: danas-hil flash {run.path} --board NAME",
    )


def _front_table(front: Front) -> tuple[list[str], list[list[str]]]:
    columns = ["id", "data", "depth", ">alpha", ">val int8", ">test int8", ">RAM", ">flash"]
    return columns, [_front_row(candidate, front) for candidate in front.candidates]


def _front_row(candidate: Candidate, front: Front) -> list[str]:
    arch = candidate.genome.arch
    totals = candidate.estimate["totals"]
    return [
        candidate.id + ("*" if candidate.id == front.chosen else ""),
        candidate.genome.data.name,
        "".join(map(str, arch.depths)),
        f"{arch.alpha:g}",
        percent(candidate.scores["int8_validation"].accuracy),
        percent(candidate.scores["int8_test"].accuracy),
        format_size(totals["ram_bytes"]),
        format_size(totals["flash_bytes"]),
    ]


def outcome_json(run: RunFolder, outcome: Outcome) -> dict[str, Any]:
    front = outcome.front
    return {
        "run": str(run.path),
        "evaluations": outcome.evaluations,
        "reason": outcome.reason,
        "chosen": front and front.chosen,
        "candidates": [candidate.to_json() for candidate in front.candidates] if front else [],
    }


def _limits(
    board: str | None, device_class: str | None, ram: str | None, flash: str | None
) -> Limits:
    """From a board or a device class, with --ram and --flash over them."""
    if board and device_class:
        raise DanasError("--board and --device-class both set limits.", "Give one of them.")
    given = Limits()
    if board:
        given = load_board(board).limits
    elif device_class:
        given = load_device_class(device_class)
    if ram is None and flash is None:
        return given
    return Limits(
        given.ram_bytes if ram is None else parse_size(ram),
        given.flash_bytes if flash is None else parse_size(flash),
        "command line" if not given.origin else f"{given.origin}, command line",
    )


def _space(file: Path | None, resolutions: str | None, colours: str | None) -> SearchSpace:
    from danas_hil.space import SearchSpace

    genes = SearchSpace.from_toml(file).to_json() if file else {}
    if resolutions is not None:
        genes["resolution"] = [int(number) for number in _numbers(resolutions)]
    if colours is not None:
        genes["colour"] = [colour.strip() for colour in colours.split(",")]
    return SearchSpace.from_json(genes)


def _numbers(text: str, count: int | None = None) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise DanasError(
            f"{text!r} is not a list of numbers.", "Separate them by commas."
        ) from error
    if count is not None and len(numbers) != count:
        raise DanasError(f"{text!r} has {len(numbers)} numbers, not {count}.")
    return numbers


def _runs_folder(name: str | None) -> Path:
    name = name or _dated("search")
    if Path(name).name != name or name in (".", ".."):
        raise DanasError(f"{name!r} is no name for a run.", "It becomes a folder under runs/.")
    return Path("runs") / name


def _dated(prefix: str) -> str:
    return f"{prefix}-{datetime.now():%Y%m%d-%H%M%S}"
