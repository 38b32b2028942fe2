"""danas-hil boards: what boards there are, what one of them is, and which are connected."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Annotated

import typer

from danas_hil import board as known
from danas_hil.base import DanasError, user_folder
from danas_hil.board import (
    HARDWARE_MAP_VARIABLE,
    Board,
    MapEntry,
    Scanned,
    Share,
    device_class_names,
    entries_of,
    format_size,
    known_boards,
    load_board,
    load_device_class,
    update_hardware_map,
)
from danas_hil.cli.show import JsonOption, console, error_out, note, print_json, say, table
from danas_hil.cli.verdicts import ending_of, leave

app = typer.Typer(
    no_args_is_help=True, help="The boards that are known, and those that are connected."
)


@app.command("list")
def list_(json: JsonOption = False) -> None:
    """List boards and device classes.

    Boards of yours are TOML files in boards/ of the folder you stand in, or of
    your user folder; --board also takes a file.

    Example: danas-hil boards list
    """
    boards, wrong = known_boards()
    for error in wrong:
        error_out(error)
    classes = [load_device_class(name) for name in device_class_names()]
    if json:
        print_json(
            {
                "boards": [asdict(board) for board in boards],
                "device_classes": dict(
                    zip(device_class_names(), (limits.to_json() for limits in classes), strict=True)
                ),
            }
        )
        return
    out = console()
    rows = [
        (b.id, b.kind, b.core, _clock(b), _size(b.ram_bytes), _size(b.flash_bytes)) for b in boards
    ]
    out.print(table(("board", "kind", "core", ">clock", ">RAM", ">flash"), rows))
    for board in boards:
        if board.file:
            say(f"{board.id} is described in {board.file}")
    out.print()
    sizes = [
        (name, _size(limits.ram_bytes), _size(limits.flash_bytes))
        for name, limits in zip(device_class_names(), classes, strict=True)
    ]
    out.print(table(("device class", ">RAM", ">flash"), sizes))


@app.command()
def show(
    board: Annotated[
        str, typer.Argument(help="The board's id, as `boards list` shows it, or its file.")
    ],
    json: JsonOption = False,
) -> None:
    """Show all that is known of one board.

    Example: danas-hil boards show nano33ble
    """
    found = load_board(board)
    if json:
        print_json(asdict(found))
        return
    console().print(table(("", ""), list(_told("", found))))


@app.command()
def scan(
    write: Annotated[
        Path | None,
        typer.Option(help="Write a hardware map, or bring this one up to date.", metavar="FILE"),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Find connected boards by their USB ids, and write a hardware map of them.

    The map has the field names of Zephyr's twister. Boards with the same debug probe look alike on
    USB: their platform is `unknown` until you fill it in, and stays what you wrote.

    [bold]Examples[/bold]

      danas-hil boards scan

      danas-hil boards scan --write hardware-map.yaml
    """
    found = known.scan()
    entries = entries_of(found)
    if write is not None:
        entries = update_hardware_map(write, entries)
        unknown = sum(entry.platform == known.UNKNOWN for entry in entries)
        note(
            f"Wrote {write}."
            + (f" Fill in the platform of {unknown} of its boards." if unknown else "")
            + f" `export {HARDWARE_MAP_VARIABLE}={write.resolve()}` makes every command use it."
        )
    if json:
        print_json([asdict(entry) for entry in entries])
    elif found:
        console().print(table(("board", "port", "serial number", "product"), _rows(found, entries)))
        say("\nAddress one: --board BOARD, or --board BOARD@SERIAL_NUMBER where two are alike.")
        if any(one.in_bootloader for one in found):
            say(
                "One in its bootloader can be flashed as it is; its button, pressed once, starts"
                " the program that it has."
            )
    else:
        say("No board shows itself on USB. docs/boards.md tells what to look at.")


@app.command()
def platformio() -> None:
    """Print the platformio.ini of all boards that are shipped.

    Example: danas-hil boards platformio > platformio.ini
    """
    from danas_hil.sketch import environments

    typer.echo(environments(), nl=False)


@app.command()
def library(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Folders of libraries. Default: DANAS_TFLM_LIBRARY, or what was downloaded.",
            show_default=False,
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Tell whether TensorFlow Lite Micro is the one that estimates are made for.

    It is known by a hash over names and contents of what is compiled; one byte
    makes another library, of which nothing is estimated. Exit code 1: it is
    another one.

    [bold]Examples[/bold]

      danas-hil boards library

      danas-hil boards library ~/tflm
    """
    from danas_hil.sketch import LIBRARY_VARIABLE, downloaded, read_library

    named = os.environ.get(LIBRARY_VARIABLE)
    places = folders or ([Path(named)] if named else downloaded(user_folder("projects")))
    if not places:
        raise DanasError(
            "No model has been built yet, so no library was downloaded.",
            "Name a folder, or build once: danas-hil flash MODEL.tflite --board BOARD",
        )
    found = [read_library(place) for place in places]
    if json:
        print_json([{**asdict(one), "estimated": not one.custom} for one in found])
    else:
        for one in found:
            told = f"{one.custom}: nothing is estimated of it" if one.custom else "estimated"
            say(f"{one.name}, {one.folder}", f"  sha256 {one.hash}", f"  {told}")
    leave(ending_of(not any(one.custom for one in found)))


def _rows(found: tuple[Scanned, ...], entries: tuple[MapEntry, ...]) -> list[tuple[str, ...]]:
    mapped = {entry.id: entry.platform for entry in entries}
    rows: list[tuple[str, ...]] = []
    for one in found:
        platform = mapped.get(one.port.unique, known.UNKNOWN)
        board = " or ".join(one.boards) if platform == known.UNKNOWN else platform
        waiting = " (bootloader)" if one.in_bootloader else ""
        number = one.port.serial_number or f"none; socket {one.port.location}"
        rows.append((board, one.port.device, number, one.port.product + waiting))
    return rows


def _told(name: str, value: object) -> Iterator[tuple[str, str]]:
    """Rows of what is known, one for each figure and word."""
    if isinstance(value, Share):
        band = "" if value.least == value.most else f" ({value.least:,} to {value.most:,})"
        yield name, f"{value.bytes:,}{band}: {value.source}"
    elif is_dataclass(value):
        for field in fields(value):
            inner = f"{name} {field.name}".replace("_", " ").strip()
            yield from _told(inner, getattr(value, field.name))
    elif isinstance(value, tuple):
        yield name, " ".join(map(str, value)) or "-"
    else:
        yield name, "-" if value in (None, "") else str(value)


def _clock(board: Board) -> str:
    return "-" if board.clock_hz is None else f"{board.clock_hz // 1_000_000} MHz"


def _size(size: int | None) -> str:
    return "-" if size is None else format_size(size)
