"""danas-hil calibrate: how long a board's kernels take."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from danas_hil.base import DanasError, require, user_folder, write_atomic
from danas_hil.board import Board, format_latency, load_board, split_address
from danas_hil.cli.devices import (
    DeviceOption,
    addressed,
    announce,
    custom_library,
    file_items,
    measure_items,
    run_items,
)
from danas_hil.cli.show import (
    JsonOption,
    console,
    note,
    percent,
    print_json,
    say,
    table,
    tell_board,
)

if TYPE_CHECKING:  # imported where they are used: they load numpy, and --help is to be quick
    from danas_hil.calibrate import Calibration
    from danas_hil.measure import Item, Measurement
    from danas_hil.targets import Target


def register(app: typer.Typer) -> None:
    app.command()(calibrate)


def calibrate(
    board: Annotated[
        str, typer.Option(help="Board to time, or BOARD@SERIAL: see `danas-hil boards list`.")
    ],
    models: Annotated[
        list[Path] | None, typer.Argument(help=".tflite files to time.", show_default=False)
    ] = None,
    run: Annotated[Path | None, typer.Option(help="Time the whole front of this run.")] = None,
    device: DeviceOption = None,
    genomes: Annotated[
        int | None,
        typer.Option(
            help="So many built-in random networks; 14 where neither models nor a run are given.",
            min=0,
        ),
    ] = None,
    from_measurements: Annotated[
        bool,
        typer.Option("--from-measurements", help="Fit on what was measured before; time nothing."),
    ] = False,
    again: Annotated[bool, typer.Option(help="Time anew what was timed well.")] = False,
    json: JsonOption = False,
) -> None:
    """Learn how long a board's kernels take, so that latency can be estimated.

    Models are run on the board with and without a profiler. From all times that
    it ever told for this build, those of `flash` too, a rate is fitted for each
    thing that a kernel does; estimate, compare and search then tell and limit
    latency. It also tells how good that is: each model's time as all others
    foretell it. Exit code 1: a model failed.

    [bold]Examples[/bold]

      danas-hil calibrate --board nano33ble

      danas-hil calibrate --board qemu-m4 model.tflite other.tflite --genomes 10

      danas-hil calibrate --board nano33ble --run runs/porch

      danas-hil calibrate --board nano33ble --from-measurements
    """
    from danas_hil.calibrate import calibrate as fit
    from danas_hil.estimate.latency_tables import keep_table

    found = tell_board(split_address(board)[0])
    if found.firmware is None:
        raise DanasError(f"{found.name} has no firmware to time.", "Boards: danas-hil boards list")
    failed: list[Measurement] = []
    if from_measurements:
        if models or run or genomes:
            raise DanasError(
                "--from-measurements times nothing.", "Leave it out, or models, run and genomes."
            )
    else:
        if custom := custom_library(found):
            raise DanasError(
                f"{custom}: no rates are learned from it.",
                "`danas-hil boards library` tells which library it is.",
            )
        if not models and run is None and genomes is None:
            genomes = 14
        failed = _time(board, device, models or [], run, genomes or 0, again)
    calibration = fit(found)
    path = keep_table(calibration.table)
    if json:
        print_json({**calibration.to_json(), "file": str(path)})
    else:
        _show(calibration, found)
        say("", f"Kept in {path}")
    for measurement in failed:
        note(f"{measurement.model}: {measurement.status}, so it is not among these.")
    if failed:
        raise typer.Exit(1)


def _time(
    board: str, device: str | None, models: list[Path], run: Path | None, genomes: int, again: bool
) -> list[Measurement]:
    """Measure everything with profiles; the measurements that gave no time."""
    from danas_hil.measure import reach
    from danas_hil.run import RunFolder

    with reach(addressed(board, device)) as target:
        items = file_items(models, target)
        if run is not None:
            items += run_items(RunFolder.open(run), target, (), True, None)
        items += _genome_items(load_board(target.board), genomes, target)
        announce(target)
        measured = measure_items(items, target, profile=True, again=again)
    return [one for one in measured if one.latency is None]


def _genome_items(board: Board, count: int, target: Target) -> list[Item]:
    """Built-in networks, converted unless they were before."""
    from danas_hil.calibrate import built_in_genomes, random_model
    from danas_hil.measure import Item

    folder = user_folder("calibrations") / "models"
    items = []
    for place, genome in enumerate(built_in_genomes(board, count), 1):
        file = folder / f"{genome.id}.tflite"
        if not file.is_file():
            require("tensorflow", "search")
            note(f"Converting network {place} of {count}: {genome}")
            write_atomic(file, random_model(genome))
        items.append(Item(genome.id, file, None, folder / genome.id / target.name))
    return items


def _show(calibration: Calibration, board: Board) -> None:
    from danas_hil.estimate.work import TERMS

    fitted = calibration.table
    out = console()
    say(
        f"{board.id}: rates of {fitted.runtime} {fitted.kernels}, {fitted.build},"
        f" fitted on {fitted.kind} times of {len(calibration.models)} models ({fitted.tflm})"
    )
    rows = []
    for kernel, rates in fitted.rates.items():
        for term, rate in rates.items():
            if rate > 0:
                timed = fitted.operators.get(kernel, 0)
                rows.append((kernel, TERMS[term], f"{1000 * rate:,.2f}", timed or "none"))
    out.print(table(("kernel", "for each", ">ns", ">operators timed"), rows))
    if calibration.related:
        say(f"What no time told has the proportions of {calibration.related}.")
    if not calibration.left_out:
        say("", "One model alone: how good this is can't be told.")
        return
    say("", "Each model's time, and what the other models make of it")
    out.print(
        table(
            ("model", f">{fitted.kind}", ">estimated", ">error"),
            [
                (
                    one.model,
                    format_latency(one.total_us),
                    "unknown" if one.estimate_us is None else format_latency(one.estimate_us),
                    f"no {', '.join(one.lacking)}"
                    if one.error is None
                    else f"{100 * one.error:+.1f} %",
                )
                for one in calibration.left_out
            ],
        )
    )
    if fitted.median_error is not None and fitted.worst_error is not None:
        say(
            f"Left out one by one: median error {percent(fitted.median_error)},"
            f" worst {percent(fitted.worst_error)}."
        )
