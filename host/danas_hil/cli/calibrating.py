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
from danas_hil.cli.verdicts import Ending, ending_of, leave

if TYPE_CHECKING:  # imported where they are used: they load numpy, and --help is to be quick
    from danas_hil.calibrate import Calibration
    from danas_hil.measure import Item, Measurement
    from danas_hil.targets import Target

QuickOption = Annotated[
    bool,
    typer.Option(
        "--quick", help="Time one model, given or built in, and scale by it what is counted."
    ),
]
ForceOption = Annotated[
    bool, typer.Option("--force", help="Keep the new rates even if they are worse.")
]
ResetOption = Annotated[
    bool, typer.Option("--reset", help="Go back to what comes along; what was measured stays.")
]


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
            max=1000,
        ),
    ] = None,
    from_measurements: Annotated[
        bool,
        typer.Option("--from-measurements", help="Fit on what was measured before; time nothing."),
    ] = False,
    quick: QuickOption = False,
    again: Annotated[bool, typer.Option(help="Time anew what was timed well.")] = False,
    force: ForceOption = False,
    reset: ResetOption = False,
    json: JsonOption = False,
) -> None:
    """Learn how long a board's kernels take, so that latency can be estimated.

    Models are run on the board with and without a profiler. From all times that
    it ever told for this build, those of `flash` too, a rate is fitted for each
    thing that a kernel does; estimate, compare and search then tell and limit
    latency. It also tells how good that is: each model's time as all others
    foretell it. Models that come along for this board count too. Rates that are
    worse than those before (an operator is lost, or the median error over all
    models has grown) are not kept. Exit code 1: so it was, or a model failed.

    [bold]Examples[/bold]

      danas-hil calibrate --board nano33ble

      danas-hil calibrate --board qemu-m4 model.tflite other.tflite --genomes 10

      danas-hil calibrate --board nano33ble --run runs/porch

      danas-hil calibrate --board nano33ble --from-measurements

      danas-hil calibrate --board nano33ble --quick
    """
    found = tell_board(split_address(board)[0])
    if found.firmware is None:
        raise DanasError(
            f"There is no firmware to time on {found.name}.", "Boards: danas-hil boards list"
        )
    if reset:
        if models or run or genomes or from_measurements or quick:
            raise DanasError("--reset times and fits nothing.", "Give it alone.")
        _reset(found, json)
        return
    if quick:
        if run or genomes or from_measurements or len(models or []) > 1:
            raise DanasError("--quick times one model.", "Give at most one.")
        _refuse_custom(found)
        _quick(board, found, device, models or [], again, force, json)
        return
    failed: list[Measurement] = []
    if from_measurements:
        if models or run or genomes:
            raise DanasError(
                "--from-measurements times nothing.", "Leave it out, or models, run and genomes."
            )
    else:
        _refuse_custom(found)
        if not models and run is None and genomes is None:
            genomes = 14
        failed = _time(board, device, models or [], run, genomes or 0, again)
    _fit(found, failed, force, json)


def _refuse_custom(board: Board) -> None:
    """Raise DanasError where what is timed would be remembered of no board."""
    if custom := custom_library(board):
        raise DanasError(
            f"{custom}: no rates are learned from it.",
            "`danas-hil boards library` tells which library it is.",
        )


def _fit(board: Board, failed: list[Measurement], force: bool, json: bool) -> None:
    """Fit on all times that are known, and keep the rates unless they are worse than before."""
    from danas_hil.calibrate import calibrate as fit
    from danas_hil.estimate.latency_tables import keep_table

    calibration = fit(board)
    kept = force or not calibration.worse
    path = keep_table(calibration.table, board.kept_as) if kept else None
    if json:
        print_json({**calibration.to_json(), "file": None if path is None else str(path)})
    else:
        _show(calibration, board)
        _show_before(calibration)
        if path is not None:
            say("", f"Kept in {path}")
    if not kept:
        note("These rates are worse than those before, so they are not kept: --force keeps them.")
    for measurement in failed:
        note(f"{measurement.model}: {measurement.status}, so it is not among these.")
    leave(ending_of(kept and not failed))


def _show_before(calibration: Calibration) -> None:
    """What the rates of before made of the same models, and what they knew that is lost."""
    before, after = calibration.before, calibration.table.median_error
    if before is not None and before.median_error is not None and after is not None:
        say(
            f"Median error over all of them: {percent(before.median_error)} by the rates before,"
            f" {percent(after)} by these."
        )
    if calibration.lost:
        say(f"Known before and not any more: {', '.join(calibration.lost)}.")


def _reset(board: Board, json: bool) -> None:
    from danas_hil.estimate.latency_tables import find_table, forget_table

    path = forget_table(board)
    table = find_table(board)
    now = f"unknown: {table}" if isinstance(table, str) else table.source_on_board
    if json:
        print_json({"dropped_from": None if path is None else str(path), "now": now})
        return
    done = f"Dropped from {path}." if path else "No rates were kept here."
    say(f"{done} Latency on {board.id} now: {now}.")
    if path:
        say("What was measured stays, and counts when you calibrate again.")


def _quick(
    board: str,
    found: Board,
    device: str | None,
    models: list[Path],
    again: bool,
    force: bool,
    json: bool,
) -> None:
    """One model, timed, and its factor kept, unless rates that are fitted on times are there."""
    from danas_hil.calibrate import calibrate_quickly
    from danas_hil.estimate.latency_tables import find_table, keep_table
    from danas_hil.measure import reach

    before = find_table(found)
    if not force and not isinstance(before, str) and before.kind != "estimated":
        raise DanasError(
            f"{found.id} has rates {before.source}: one model tells less.",
            f"danas-hil calibrate --board {found.id} adds models; --force replaces them.",
        )
    with reach(addressed(board, device)) as target:
        items = file_items(models, target) or _genome_items(found, 1, target)
        announce(target)
        (measured,) = measure_items(items, target, again=again)
    if measured.latency is None:
        note(f"{measured.model}: {measured.status}, so nothing was learned.")
        leave(Ending.FAILED)
    table = calibrate_quickly(found, measured.model_sha256, built_in=not models)
    path = keep_table(table, found.kept_as)
    if json:
        print_json({"table": table.to_json(), "file": str(path)})
    else:
        say(f"Latency on {found.id} now: {table.source_on_board}.", f"Kept in {path}")


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
    along = f", {calibration.shipped} of them come along" if calibration.shipped else ""
    say(
        f"{board.id}: rates of {fitted.build} {fitted.kernels}, {fitted.toolchain},"
        f" {fitted.source}{along} ({fitted.tflm})"
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
