"""danas-hil flash, compare, report: candidates run for real, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from danas_hil.base import DanasError
from danas_hil.board import Board, board_names, load_board
from danas_hil.cli.show import JsonOption, console, note, print_json, say, table

if TYPE_CHECKING:  # imported where they are used: they load numpy, and --help is to be quick
    from danas_hil.compare import Compared, Comparison
    from danas_hil.measure import Item, Measurement
    from danas_hil.run import RunFolder
    from danas_hil.targets import Target

_MEASURED = Path("measured")
_QUANTITIES = ("arena", "ram", "model", "flash")


def register(app: typer.Typer) -> None:
    app.command()(flash)
    app.command()(compare)
    app.command()(report)


def flash(
    what: Annotated[
        list[Path], typer.Argument(help="A run's folder, or .tflite files.", show_default=False)
    ],
    board: Annotated[str, typer.Option(help="Board to run on: see `danas-hil boards list`.")],
    candidate: Annotated[
        list[str] | None, typer.Option(help="Id of a candidate of the run; repeatable.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All candidates of the run.")] = False,
    top: Annotated[int, typer.Option(help="So many candidates, spread over RAM.")] = 8,
    again: Annotated[bool, typer.Option(help="Measure anew what was measured well.")] = False,
    json: JsonOption = False,
) -> None:
    """Run candidates on a board and record arena, outputs and latency.

    A failing candidate does not end the batch, and what was measured well is not measured again.
    Outputs are compared byte for byte with those of TensorFlow Lite Micro on this computer.

    [bold]Examples[/bold]

      danas-hil flash runs/demo --board host

      danas-hil flash runs/demo --board host --candidate 1f0c22ab

      danas-hil flash model.tflite --board host
    """
    from danas_hil.compare import compare_files
    from danas_hil.run import RunFolder

    found = load_board(board)
    if all(path.suffix == ".tflite" for path in what):
        if candidate or everything:
            raise DanasError("--candidate and --all choose from a run.", "Give its folder instead.")
        items = _file_items(what, found)
        stored = {}
    elif len(what) == 1:
        run = RunFolder.open(what[0])
        items = _run_items(run, found, candidate or (), everything, top)
        stored = {c.id: c.estimate for c in run.front().candidates}
    else:
        raise DanasError(
            "flash takes one run, or .tflite files.",
            f"These are neither: {', '.join(str(path) for path in what)}.",
        )
    measurements = _measure(items, found, again)
    files = {item.id: item.model for item in items}
    comparison = compare_files(measurements, files, stored)
    _show(measurements, comparison, json)
    if not comparison.good:
        raise typer.Exit(1)


def compare(
    run: Annotated[Path, typer.Argument(help="A run's folder.")],
    json: JsonOption = False,
) -> None:
    """Put estimates and measurements side by side, with signed errors.

    An error is the estimate less the measurement: +10 % says too much.

    Example: danas-hil compare runs/demo
    """
    from danas_hil.compare import compare_run
    from danas_hil.run import RunFolder

    measurements, comparison = compare_run(RunFolder.open(run))
    if not measurements:
        raise DanasError(
            "Nothing of this run has been measured.", f"First: danas-hil flash {run} --board host"
        )
    _show(measurements, comparison, json)
    if not comparison.good:
        raise typer.Exit(1)


def report(
    run: Annotated[Path, typer.Argument(help="A run's folder.")],
    json: JsonOption = False,
) -> None:
    """Write the report of a run: one HTML file that needs nothing else, figures as JSON and CSV.

    Example: danas-hil report runs/demo
    """
    from danas_hil.report import write_report
    from danas_hil.run import RunFolder

    path = write_report(RunFolder.open(run))
    if json:
        print_json({"report": str(path)})
    else:
        say(f"Open the report: {path}")


def measure_run(run: RunFolder, board: Board, top: int) -> bool:
    """Measure the top of a run's front; whether all went well."""
    return all(m.good for m in _measure(_run_items(run, board, (), False, top), board, False))


def _target(board: Board) -> Target:
    from danas_hil.targets import HostTarget

    if board.kind == "host":
        return HostTarget()
    raise DanasError(
        f"Running on {board.name} is not possible yet.",
        "Boards that can be run on: "
        + ", ".join(name for name in board_names() if load_board(name).kind == "host"),
    )


def _run_items(
    run: RunFolder, board: Board, ids: Sequence[str], everything: bool, top: int
) -> list[Item]:
    from danas_hil.measure import FrontRow, Item, choose

    front = run.front()
    rows = [
        FrontRow(c.id, c.estimate["totals"]["ram_bytes"], c.scores["int8_validation"].accuracy)
        for c in front.candidates
    ]
    chosen = choose(rows, ids=ids, everything=everything, top=top)
    items = []
    for id_ in chosen:
        golden = run.candidate(id_) / "golden.npz"
        items.append(
            Item(
                id_,
                run.candidate(id_) / "model.tflite",
                golden if golden.is_file() else None,
                run.measured(id_, board.id),
            )
        )
    return items


def _file_items(files: Sequence[Path], board: Board) -> list[Item]:
    from danas_hil.measure import Item

    for file in files:
        if not file.is_file():
            raise DanasError(f"There is no file {file}.", "Give .tflite files, or a run's folder.")
    names = [file.stem for file in files]
    if len(set(names)) < len(names):
        raise DanasError("Two of these files have the same name.", "Flash them one by one.")
    return [Item(file.stem, file, None, _MEASURED / file.stem / board.id) for file in files]


def _measure(items: Sequence[Item], board: Board, again: bool) -> list[Measurement]:
    from danas_hil.measure import measure_all

    target = _target(board)
    done: list[Measurement] = []
    for item, measurement, earlier in measure_all(target, items, again=again):
        done.append(measurement)
        told = "measured earlier" if earlier else measurement.status
        note(f"{len(done)} of {len(items)}: {item.id} on {board.id}: {told}")
    return done


def _show(measurements: Sequence[Measurement], comparison: Comparison, json: bool) -> None:
    if json:
        print_json(
            {
                "measurements": [measurement.to_json() for measurement in measurements],
                "comparison": comparison.to_json(),
            }
        )
        return
    out = console()
    for target in dict.fromkeys(measurement.target for measurement in measurements):
        here = [measurement for measurement in measurements if measurement.target == target]
        out.print(_measurement_table(target, here, comparison))
        out.print(_error_table([row for row in comparison.rows if row.target == target]))
    for measurement in measurements:
        if measurement.failure:
            failure = measurement.failure
            say(f"{measurement.model}: {failure.stage}: {failure.reason} {failure.hint}")


def _measurement_table(
    target: str, measurements: Sequence[Measurement], comparison: Comparison
) -> Any:
    first = measurements[0]
    words = {"host": "measured on this computer", "emulated": "emulated", "measured": "measured"}
    title = f"{target}: {words[first.kind]}, TFLM {first.tflm_version or 'unknown'}"
    fits = {v.candidate: v.fits for v in comparison.verdicts if v.target == target}
    rows = []
    for m in measurements:
        memory = m.memory
        verdict = fits[m.model]
        rows.append(
            (
                m.model,
                m.status,
                "-" if m.parity is None else "equal" if m.parity.equal else "DIFFER",
                f"{memory.arena_used_bytes:,}" if memory else "-",
                _bytes(memory.head_bytes if memory else None),
                _bytes(memory.tail_bytes if memory else None),
                f"{m.latency.median_us / 1000:.2f}" if m.latency else "-",
                "unknown" if verdict is None else "yes" if verdict else "NO",
            )
        )
    columns = ("model", "status", "outputs", ">arena B", ">head B", ">tail B", ">ms", "fits")
    return table(columns, rows, title)


def _error_table(rows: Sequence[Compared]) -> Any:
    """What was seen of arena and flash, and the signed error of each memory model."""
    body: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row.quantity in _QUANTITIES and row.observed is not None and row.model:
            line = body.setdefault(
                (row.candidate, row.quantity),
                [row.candidate, row.quantity, _bytes(row.observed), "-", "-"],
            )
            line[3 if row.model == "exact" else 4] = _error(row)
    columns = ("model", "what", ">bytes", ">exact estimate", ">Eq. 1 and 2")
    return table(columns, body.values(), "\nEstimate less measurement")


def _error(row: Compared) -> str:
    if row.error is None or row.error_share is None:
        return "unknown"
    return f"{row.error:+,.0f} ({100 * row.error_share:+.1f} %)" if row.error else "0"


def _bytes(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"
