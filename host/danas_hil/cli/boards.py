"""danas-hil boards: what boards there are, and what one of them is."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from danas_hil.board import (
    Board,
    board_names,
    device_class_names,
    format_size,
    load_board,
    load_device_class,
)
from danas_hil.cli.show import JsonOption, console, print_json, table

app = typer.Typer(no_args_is_help=True, help="The boards that are known, and their limits.")


@app.command("list")
def list_(json: JsonOption = False) -> None:
    """List boards and device classes.

    Example: danas-hil boards list
    """
    boards = [load_board(name) for name in board_names()]
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
    out.print()
    sizes = [
        (name, _size(limits.ram_bytes), _size(limits.flash_bytes))
        for name, limits in zip(device_class_names(), classes, strict=True)
    ]
    out.print(table(("device class", ">RAM", ">flash"), sizes))


@app.command()
def show(
    board: Annotated[str, typer.Argument(help="The board's id, as `boards list` shows it.")],
    json: JsonOption = False,
) -> None:
    """Show all that is known of one board.

    Example: danas-hil boards show nano33ble
    """
    found = load_board(board)
    if json:
        print_json(asdict(found))
        return
    rows = [(key.replace("_", " "), value) for key, value in asdict(found).items()]
    console().print(table(("", ""), [(k, "-" if v is None else v) for k, v in rows]))


def _clock(board: Board) -> str:
    return "-" if board.clock_hz is None else f"{board.clock_hz // 1_000_000} MHz"


def _size(size: int | None) -> str:
    return "-" if size is None else format_size(size)
