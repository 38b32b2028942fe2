"""The commands, and what becomes of errors."""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import Annotated

import typer

from danas_hil import __version__
from danas_hil.base import DanasError, trouble
from danas_hil.cli import (
    boards,
    calibrating,
    devices,
    doctor,
    experimenting,
    memory,
    picking,
    running,
    searching,
    training,
    working,
)
from danas_hil.cli.show import error_out
from danas_hil.cli.streams import OutputError, safe_streams

app = typer.Typer(
    name="danas-hil",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "Search data and networks together for a microcontroller, and measure what was found.\n\n"
        "Start with [bold]danas-hil demo[/bold]. Exit codes: 0 good; 1 a verdict failed (does not"
        " fit, outputs differ, a candidate failed); 2 usage or environment; 3 no verdict where one"
        " was asked for: a limit or a board was named, and a figure is not known or its band lies"
        " across the limit. Of several the worst, in the order 2, 1, 3, 0."
    ),
)
searching.register(app)
running.register(app)
working.register(app)
picking.register(app)
training.register(app)
experimenting.register(app)
memory.register(app)
devices.register(app)
calibrating.register(app)
app.add_typer(boards.app, name="boards")
doctor.register(app)


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    if version:
        typer.echo(f"danas-hil {__version__}")
        raise typer.Exit


def main() -> None:
    """The entry point: errors meant for users are told in two lines and exit with 2.

    SIGTERM ends a command as Ctrl-C does, with nothing finished lost, and is told by the status.
    """
    terminated = False

    def terminate(_number: int, frame: FrameType | None) -> None:
        nonlocal terminated
        terminated = True
        interrupt = signal.getsignal(signal.SIGINT)  # what Ctrl-C does now, in a search for example
        if not callable(interrupt):  # a shell ignores it for what it runs in the background
            raise KeyboardInterrupt
        interrupt(signal.SIGINT, frame)

    if signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, terminate)
    with safe_streams():
        status = _run()
    sys.exit(128 + signal.SIGTERM if terminated else status)


def _run() -> int | str | None:
    """Run the command that was typed; the status to exit with."""
    status: int | str | None = 0
    try:
        try:
            app()
        except SystemExit as end:
            status = end.code
        sys.stdout.flush()  # while it can still be told that it can't
    except OutputError as error:
        if not error.closed:
            error_out(error)
        status = error.status
    except DanasError as error:
        error_out(error)
        status = 2
    except OSError as error:
        error_out(trouble(error))
        status = 2
    except MemoryError:
        error_out(DanasError("There is not enough memory.", "Close other programs first."))
        status = 2
    except KeyboardInterrupt:
        error_out(DanasError("Stopped."))
        status = 130
    return status
