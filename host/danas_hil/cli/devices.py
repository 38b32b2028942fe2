"""danas-hil flash, compare, report: candidates run for real, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from danas_hil.base import DanasError, plain_name
from danas_hil.board import Board, board_names, load_board, parse_size, split_address
from danas_hil.cli.measuring import MeasureProgress
from danas_hil.cli.show import JsonOption, note, picked, print_json, say, tell_board
from danas_hil.cli.tables import show_measured
from danas_hil.cli.verdicts import UnknownOption, ending_of_measured, leave

if TYPE_CHECKING:  # imported where they are used: they load numpy, and --help is to be quick
    from danas_hil.measure import Address, Item, Measurement
    from danas_hil.run import RunFolder
    from danas_hil.targets import Target

DeviceOption = Annotated[
    str | None,
    typer.Option(help="Which of several boards: its USB serial number, or its port's URL."),
]

AcceptOption = Annotated[
    bool,
    typer.Option(
        "--accept-wrong-outputs",
        help="Build a model too that the board's library is known to compute wrongly.",
    ),
]

_MEASURED = Path("measured")


def register(app: typer.Typer) -> None:
    app.command()(flash)
    app.command()(compare)
    app.command()(report)


def flash(
    what: Annotated[
        list[Path], typer.Argument(help="A run's folder, or .tflite files.", show_default=False)
    ],
    board: Annotated[
        str,
        typer.Option(
            help="BOARD, BOARD@SERIAL or a board's TOML file: see `danas-hil boards list`."
        ),
    ],
    device: DeviceOption = None,
    candidate: Annotated[
        list[str] | None, typer.Option(help="Id of a candidate of the run; repeatable.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All candidates of the run.")] = False,
    top: Annotated[
        int | None,
        typer.Option(
            help="So many candidates, spread over RAM. Default: the picks, or else 8.",
            min=1,
            max=10_000,
        ),
    ] = None,
    accuracy: Annotated[
        int,
        typer.Option(
            help="Classify so many test examples of the run on the board.", min=0, max=10**6
        ),
    ] = 0,
    profile: Annotated[
        bool,
        typer.Option("--profile", help="Head, tail and time by operator too, by a second program."),
    ] = False,
    arena_margin: Annotated[
        str, typer.Option(help="Arena beyond the estimated minimum, such as 1kB.")
    ] = "0",
    again: Annotated[bool, typer.Option(help="Measure anew what was measured well.")] = False,
    accept_wrong_outputs: AcceptOption = False,
    unknown: UnknownOption = None,
    json: JsonOption = False,
) -> None:
    """Build candidates for a board, flash them, and record arena, outputs, sizes and latency.

    A failing candidate does not end the batch, and what was measured well is not
    measured again: after Ctrl-C the same command goes on. Outputs are compared
    byte for byte with those of TensorFlow Lite Micro on this computer. Exit code
    1: a candidate failed, its outputs differ, or it breaks a limit of the board;
    3: whether one is kept is not known.

    [bold]Examples[/bold]

      danas-hil flash runs/demo --board host

      danas-hil flash runs/demo --board qemu-m4 --candidate 1f0c22ab --accuracy 50

      danas-hil flash runs/demo --board nano33ble --device 5F2A3B4C

      danas-hil flash model.tflite --board qemu-m4
    """
    from danas_hil.compare import compare_with_boards, keep_estimate
    from danas_hil.measure import reach

    margin = parse_size(arena_margin)
    with reach(
        addressed(board, device),
        arena_margin_bytes=margin,
        accept_wrong_outputs=accept_wrong_outputs,
    ) as target:
        items, stored = _items(what, target, candidate or (), everything, top, accuracy)
        estimates = {
            item.id: keep_estimate(stored.get(item.id, {}), target.board, item.model, item.folder)
            for item in items
        }
        announce(target)
        measurements = measure_items(items, target, profile=profile, accuracy=accuracy, again=again)
    comparison = compare_with_boards(measurements, estimates)
    show_measured(measurements, comparison, json)
    leave(ending_of_measured(comparison, unknown))


def compare(
    run: Annotated[Path, typer.Argument(help="A run's folder.")],
    unknown: UnknownOption = None,
    json: JsonOption = False,
) -> None:
    """Put estimates and measurements side by side, with signed errors.

    An error is the estimate less the measurement: +10 % says too much. Exit codes
    are those of flash.

    Example: danas-hil compare runs/demo
    """
    from danas_hil.compare import compare_run
    from danas_hil.run import RunFolder

    measurements, comparison = compare_run(RunFolder.open(run))
    _tell_boards(measurement.board for measurement in measurements)
    if not measurements:
        raise DanasError(
            "Nothing of this run has been measured.", f"First: danas-hil flash {run} --board host"
        )
    show_measured(measurements, comparison, json)
    leave(ending_of_measured(comparison, unknown))


def report(
    run: Annotated[Path, typer.Argument(help="A run's folder.")],
    json: JsonOption = False,
) -> None:
    """Write the report of a run: one HTML file that needs nothing else, figures as JSON and CSV.

    Example: danas-hil report runs/demo
    """
    from danas_hil.report import write_report
    from danas_hil.run import RunFolder

    folder = RunFolder.open(run)
    path = write_report(folder)
    _tell_boards(target.partition("@")[0] for _, target in folder.measurements())
    if json:
        print_json({"report": str(path)})
    else:
        say(f"Open the report: {path}")


def _tell_boards(names: Iterable[str]) -> None:
    for name in sorted(set(names) & set(board_names())):
        tell_board(load_board(name))


def measure_run(run: RunFolder, board: Board, top: int) -> bool:
    """Measure the top of a run's front; whether all went well."""
    from danas_hil.measure import Address, reach

    with reach(Address(board)) as target:
        return all(m.good for m in measure_items(run_items(run, target, (), False, top), target))


def addressed(board: str, device: str | None) -> Address:
    """What `--board BOARD[@SERIAL]` and `--device` name."""
    from danas_hil.measure import Address

    found, place = split_address(board)
    tell_board(found)
    if place and device and place != device:
        raise DanasError(
            f"--board {board} and --device {device} name two devices.", "Give one of them."
        )
    return Address(found, device or place)


def announce(target: Target) -> None:
    """Say what is ahead: the first build for a board takes minutes, and a library of the user's
    has no estimates."""
    from danas_hil.builds import load_build
    from danas_hil.platformio import built_before

    board = load_board(target.board)
    if board.firmware is None:
        return
    if custom := custom_library(board):
        note(
            f"{custom}: the arena is found by trying, nothing is estimated beside what is measured,"
            " and its figures are kept out of estimates and calibration."
        )
    if not built_before(board, load_build(board.build, board.kernels).dialect):
        note(
            f"The first build for {board.id} compiles TensorFlow Lite Micro, which takes some"
            " minutes; after that a candidate takes seconds. Stopped, it goes on where it was."
        )


def custom_library(board: Board) -> str:
    """Which library models are built with, for the reader, where no estimate is made for it."""
    from danas_hil.sketch import LIBRARY_VARIABLE, library_of

    library = library_of(board) if board.firmware else None
    if library is None or not library.custom:
        return ""
    named = library.shown
    return f"{LIBRARY_VARIABLE} names {named}, which is not the library that estimates are made for"


def _items(
    what: Sequence[Path],
    target: Target,
    ids: Sequence[str],
    everything: bool,
    top: int | None,
    accuracy: int,
) -> tuple[list[Item], Mapping[str, Mapping[str, Any]]]:
    """What is to be measured, and the estimates that stand in the run."""
    from danas_hil.estimate.kinds import check_is_no_model_folder
    from danas_hil.run import RunFolder

    for path in what:
        check_is_no_model_folder(path)
    if all(path.suffix == ".tflite" or path.is_file() for path in what):
        if ids or everything or accuracy:
            raise DanasError(
                "--candidate, --all and --accuracy are about a run.", "Give its folder instead."
            )
        return file_items(what, target), {}
    if len(what) > 1:
        raise DanasError(
            "flash takes one run, or .tflite files.",
            f"These are neither: {', '.join(str(path) for path in what)}.",
        )
    run = RunFolder.open(what[0])
    if accuracy and not run.test_images_file.is_file():
        raise DanasError(
            f"The run has no test examples {run.test_images_file}.",
            f"They are exported with its front: danas-hil resume {run.path}",
        )
    stored = {candidate.id: candidate.estimate for candidate in run.front().candidates}
    return run_items(run, target, ids, everything, top), stored


def run_items(
    run: RunFolder, target: Target, ids: Sequence[str], everything: bool, top: int | None
) -> list[Item]:
    """Candidates of a run to be measured, as `choose` chooses them."""
    from danas_hil.measure import FrontRow, Item, choose

    front = run.front()
    rows = [
        FrontRow(c.id, c.estimate["totals"]["ram_bytes"], c.scores["int8_validation"].worth)
        for c in front.candidates
    ]
    picks = None if ids or everything or top else run.picks()
    if picks:
        note(f"{picked(len(picks.ids))} of this run; --all or --top take others.")
    chosen = choose(rows, ids=ids, everything=everything, top=top, picks=picks.ids if picks else ())
    genomes = {candidate.id: candidate.genome for candidate in front.candidates}
    items = []
    for id_ in chosen:
        golden = run.candidate(id_) / "golden.npz"
        items.append(
            Item(
                id_,
                run.candidate(id_) / "model.tflite",
                golden if golden.is_file() else None,
                run.measured(id_, target.name),
                (run.test_images_file, genomes[id_].data.name, front.task),
            )
        )
    return items


def file_items(files: Sequence[Path], target: Target) -> list[Item]:
    """Files to be measured in ./measured. Raises DanasError for one that is not there."""
    from danas_hil.measure import Item

    for file in files:
        if not file.is_file():
            raise DanasError(f"There is no file {file}.", "Give .tflite files, or a run's folder.")
    names = [
        plain_name(file.stem, "a model", "It becomes a folder under measured/.") for file in files
    ]
    if len(set(names)) < len(names):
        raise DanasError("Two of these files have the same name.", "Flash them one by one.")
    return [Item(file.stem, file, None, _MEASURED / file.stem / target.name) for file in files]


def measure_items(
    items: Sequence[Item],
    target: Target,
    *,
    profile: bool = False,
    accuracy: int = 0,
    again: bool = False,
) -> list[Measurement]:
    """Measure with progress; Ctrl-C says what is kept."""
    from danas_hil.measure import measure_all

    done: list[Measurement] = []
    with MeasureProgress(len(items), target.name) as progress:
        batch = measure_all(
            target,
            items,
            profile=profile,
            accuracy=accuracy,
            again=again,
            starting=progress.starting,
            builds=progress,
            streamed=progress.streamed,
        )
        try:
            for item, measurement, earlier in batch:
                done.append(measurement)
                progress.finished(item, measurement, earlier)
        except KeyboardInterrupt:
            note(
                f"Stopped after {len(done)} of {len(items)}: these are kept, and the same command"
                " goes on with the others."
            )
            raise
    return done
