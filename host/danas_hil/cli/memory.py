"""danas-hil estimate: will it fit?"""

from __future__ import annotations

import contextlib
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group
from rich.markup import escape
from rich.panel import Panel
from rich.text import Text

from danas_hil.base import DanasError
from danas_hil.board import (
    Board,
    Limits,
    format_latency,
    format_size,
    load_board,
    parse_latency,
    parse_size,
)
from danas_hil.cli.devices import custom_library
from danas_hil.cli.show import (
    JsonOption,
    can_print,
    console,
    error_out,
    note,
    print_json,
    say,
    table,
    tell_board,
)
from danas_hil.cli.verdicts import Ending, UnknownOption, ending_of, leave, worst

if TYPE_CHECKING:  # imported where it is used: it loads numpy, and --help is to be quick
    from danas_hil.estimate import Estimate, Line
    from danas_hil.estimate.graph import OperatorGraph

_USUAL_BOARD = "nano33ble"
_BAR = 30
_VERDICTS = {True: ("FITS", "green"), False: ("DOES NOT FIT", "red"), None: ("UNKNOWN", "yellow")}


def register(app: typer.Typer) -> None:
    app.command()(estimate)


def estimate(
    models: Annotated[
        list[Path] | None,
        typer.Argument(help=".tflite files, or genome.json of a candidate.", show_default=False),
    ] = None,
    board: Annotated[
        str | None,
        typer.Option(
            help=f"Board it is to run on, or its TOML file; {_USUAL_BOARD} where none is named.",
            show_default=False,
        ),
    ] = None,
    build: Annotated[str | None, typer.Option(help="Another TFLM: see --list-builds.")] = None,
    kernels: Annotated[str | None, typer.Option(help="reference or cmsis-nn.")] = None,
    ram: Annotated[str | None, typer.Option(help="RAM limit instead of the board's.")] = None,
    flash: Annotated[str | None, typer.Option(help="Flash limit instead of the board's.")] = None,
    latency: Annotated[
        str | None, typer.Option(help="Limit of the time of one inference, as 200ms.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with the memory plan.")] = None,
    list_builds: Annotated[
        bool, typer.Option("--list-builds", help="List the TFLM builds that are known.")
    ] = False,
    unknown: UnknownOption = None,
    json: JsonOption = False,
) -> None:
    """Tell what TensorFlow Lite Micro will take on a board, before anything is built.

    The arena is exact to the byte; other figures may have a band, and latency is
    the better for a calibration. What holds for the whole of every band is a
    verdict, else it is unknown. Exit code 1: something does not fit; 3: unknown,
    where a board or a limit was named (--unknown decides it for CI); 2: a file
    can't be estimated.

    [bold]Examples[/bold]

      danas-hil estimate model.tflite --board nano33ble

      danas-hil estimate *.tflite --board nucleo_f746zg --json

      danas-hil estimate runs/door/candidates/1f0c22ab/genome.json --latency 200ms

      danas-hil estimate model.tflite --kernels reference --html plan.html
    """
    if list_builds:
        _list_builds(json)
        return
    if not models:
        raise DanasError("Which model?", "Give .tflite files: danas-hil estimate model.tflite")
    asked = any(given is not None for given in (board, ram, flash, latency))
    found = tell_board(load_board(_USUAL_BOARD if board is None else board))
    _tell_custom(found)
    limits = Limits(
        found.ram_bytes if ram is None else parse_size(ram),
        found.flash_bytes if flash is None else parse_size(flash),
        found.name,
        None if latency is None else parse_latency(latency),
    )
    estimates = [_tried(model, found, build, kernels, limits) for model in models]
    _show(models, found, estimates, limits, html, json)
    leave(
        worst(
            Ending.USAGE
            if isinstance(one, DanasError)
            else ending_of(one.fits, asked=asked, unknown=unknown)
            for one in estimates
        )
    )


def _tell_custom(board: Board) -> None:
    """Tell where another library is named: what is estimated is not about that one."""
    if os.environ.get("DANAS_TFLM_LIBRARY"):  # or what a sketch needs would be loaded for nothing
        with contextlib.suppress(DanasError):
            if custom := custom_library(board):
                note(f"{custom}: nothing here is about it.")


def _show(
    models: list[Path],
    board: Board,
    estimates: list[Estimate | DanasError],
    limits: Limits,
    html: Path | None,
    json: bool,
) -> None:
    """Panels or JSON, and the page if one is asked for."""
    results = [_result(model, board, one) for model, one in zip(models, estimates, strict=True)]
    if html:
        _write_html(html, results, estimates, limits)
    if json:
        print_json(results)
    else:
        for model, one in zip(models, estimates, strict=True):
            if isinstance(one, DanasError):
                error_out(one)
            else:
                console().print(_panel(model, board, one))
        if html:
            say(f"Open the page: {html}")


def _tried(
    model: Path, board: Board, build: str | None, kernels: str | None, limits: Limits
) -> Estimate | DanasError:
    """The estimate, or why there is none: the other models have theirs all the same."""
    try:
        return _estimate(model, board, build, kernels, limits)
    except DanasError as error:
        return error


def _estimate(
    model: Path, board: Board, build: str | None, kernels: str | None, limits: Limits
) -> Estimate:
    from danas_hil.estimate import read_file
    from danas_hil.estimate.layout import lay_out
    from danas_hil.estimate.on_board import estimate_on
    from danas_hil.run import read_genome

    subject: bytes | OperatorGraph
    if model.suffix == ".json":
        found = read_genome(model)
        subject = lay_out(found.genome, len(found.classes))
    else:
        subject = read_file(model)
    return estimate_on(
        board,
        subject,
        name=str(model),
        build=build,
        kernels=kernels,
        limits=limits,
    )


def _result(model: Path, board: Board, one: Estimate | DanasError) -> dict[str, Any]:
    """The object that --json prints for a file; without the plan, which is long."""
    if isinstance(one, DanasError):
        return {"model": str(model), "error": {"what": one.what, "hint": one.hint}}
    value = {"model": str(model), "board": board.id, **one.to_json()}
    value.pop("plan")
    return value


def _panel(model: Path, board: Board, one: Estimate) -> Panel:
    word, colour = _VERDICTS[one.fits]
    title = f"[bold {colour}]{word}[/]  {escape(model.name)} on {escape(board.name)}"
    arena = one.arena
    causes = [(cause, f"{size:,}") for cause, size in arena.by_cause]
    return Panel(
        Group(
            Text(f"estimated; TFLM build {one.build}, {one.kernels} kernels"),
            Text(),
            _bar("RAM", one.ram.lines, one.ram_limit),
            _bar("flash", one.flash.lines, one.flash_limit),
            _latency(one),
            *_faults(one),
            Text(),
            Text(
                f"arena: {arena.minimum_bytes:,} B is the smallest that works;"
                f" {arena.used_bytes:,} B used\n"
                f"       = head {arena.head_bytes:,} + tail {arena.tail_bytes:,}"
            ),
            table(("  in the arena", ">bytes"), [(f"  {cause}", size) for cause, size in causes]),
            Text(),
            table(
                ("  line", ">bytes", "source"),
                [
                    *_rows("RAM", one.ram.lines),
                    *_rows("flash", one.flash.lines),
                ],
            ),
        ),
        title=title,
        title_align="left",
        border_style=colour,
        width=80,
    )


def _latency(one: Estimate) -> Text:
    """The time of one inference, or why it is not known."""
    found = one.latency
    limit = "" if one.latency_limit is None else f" of {format_latency(one.latency_limit)}"
    if found.unknown:
        mark = f" ({found.mark})" if found.mark else ""
        least = f"at least {format_latency(found.known_us)}{limit}{mark}; "
        least = least if found.by_kernel else ""
        return Text(f"time  {least}unknown: {found.unknown}")
    here = ", this one among them" if found.fitted_on_it else ""
    told = f"time  {format_latency(found.known_us)}{limit}, "
    if found.mark and found.most_us is not None:
        band = f"{format_latency(found.least_us)} to {format_latency(found.most_us)}"
        return Text(f"{told}{found.mark}\n      {band}: {found.source}{here}")
    return Text(f"{told}{found.source}{here}")


def _faults(one: Estimate) -> list[Text]:
    """What the build computes wrongly of the model."""
    colours = {"wrong": "red", "inexact": "yellow"}
    return [
        Text.assemble(
            "outputs ", (fault.severity, colours[fault.severity]), f": {fault.what}. {fault.hint}"
        )
        for fault in one.faults
    ]


def _rows(what: str, lines: tuple[Line, ...]) -> list[tuple[str, str, str]]:
    return [
        (
            f"  {what}: {line.name}",
            _bytes(line),
            line.source or "a build for the board will tell",
        )
        for line in lines
    ]


def _bytes(line: Line) -> str:
    """The figure, and its band where it has one."""
    if line.bytes is None:
        return f"unknown, at least {line.least:,}" if line.least else "unknown"
    if line.exact or line.most is None:
        return f"{line.bytes:,}"
    return f"{line.bytes:,}\n{line.least:,} to {line.most:,}"


def _bar(what: str, lines: tuple[Line, ...], limit: int | None) -> Text:
    """A bar of the share of the limit, in the colour of the verdict, and the band in words."""
    from danas_hil.estimate.lines import fits_within, total

    whole = total(lines)
    size = whole.least if whole.bytes is None else whole.bytes
    told = format_size(size) if whole.bytes is not None else f"at least {format_size(size)}"
    band = ""
    if whole.most is not None and not whole.exact:
        band = f"\n{'':5} {format_size(whole.least)} to {format_size(whole.most)}"
    if limit is None:
        return Text(f"{what:5} {told}, no limit{band}")
    share = size / limit
    full = min(_BAR, round(share * _BAR))
    done, rest = ("█", "░") if can_print("█░") else ("#", ".")
    colour = {True: "green", False: "red", None: "yellow"}[fits_within(lines, limit)]
    return Text.assemble(
        f"{what:5} ",
        (done * full, colour),
        rest * (_BAR - full),
        f" {told} of {format_size(limit)} ({100 * share:.0f} %){band}",
    )


def _write_html(
    path: Path,
    results: list[dict[str, Any]],
    estimates: list[Estimate | DanasError],
    limits: Limits,
) -> None:
    from danas_hil.report import EstimatePanel, write_estimates

    panels = [
        EstimatePanel(result, limits)
        if isinstance(one, DanasError)
        else EstimatePanel(result, limits, one.arena.by_cause, one.arena.plan)
        for result, one in zip(results, estimates, strict=True)
    ]
    write_estimates(path, panels)


def _list_builds(json: bool) -> None:
    from danas_hil.builds import list_builds

    choices = list_builds()
    if json:
        print_json([asdict(choice) for choice in choices])
        return
    rows = [(c.name, ", ".join(c.kernels), c.dialect or "-", c.title) for c in choices]
    console().print(table(("build", "kernels", "sketches", "what it is"), rows))
