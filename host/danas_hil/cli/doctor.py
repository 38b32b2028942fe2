"""danas-hil doctor: what is installed, what is missing, and what to do about it."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from danas_hil import __version__
from danas_hil.base import tree_folder, user_folder
from danas_hil.cli.devices import DeviceOption, addressed
from danas_hil.cli.show import JsonOption, console, note, print_json, say, table


@dataclass(frozen=True)
class Finding:
    """One thing looked for. found: its version or place; None where it is missing, with a hint."""

    what: str
    wanted_for: str
    found: str | None
    hint: str = ""


_EXTRAS = {
    "search": (
        "tensorflow",
        "keras",
        "optuna",
        "ai-edge-litert",
        "pyarrow",
        "pillow",
        "scikit-image",
    ),
    "host": ("tflite-micro",),
    "postgresql": ("psycopg",),
    "remote": ("fsspec",),
    "dashboard": ("optuna-dashboard",),
}
_STANDS_FOR = {"tensorflow": ("tensorflow", "tensorflow-cpu")}
_TOOLS = {
    "pio": ("building and flashing boards", "It comes with danas-hil: is its environment active?"),
    "arm-none-eabi-gcc": ("emulated boards", "Debian: apt install gcc-arm-none-eabi"),
    "qemu-system-arm": ("emulated boards", "Debian: apt install qemu-system-arm"),
    "renode": ("emulated boards", "https://renode.io has a portable release"),
}


def register(app: typer.Typer) -> None:
    app.command()(doctor)


def doctor(
    board: Annotated[
        str | None,
        typer.Option(
            help="Prove this board, or BOARD@SERIAL, by its self-test.", show_default=False
        ),
    ] = None,
    device: DeviceOption = None,
    json: JsonOption = False,
) -> None:
    """Check versions, extras and tools, with a hint for each one missing; or prove a board.

    Nothing here has to be complete: each line says what it is for. With --board a
    small program is built, flashed and asked, which needs no TensorFlow Lite
    Micro: it proves cable, port, timer, memory, outputs and faults. Exit code 1:
    the board failed.

    [bold]Examples[/bold]

      danas-hil doctor

      danas-hil doctor --board nano33ble
    """
    if board is not None:
        _prove(board, device, json)
        return
    findings = [*_base(), *_packages(), *_tools()]
    if json:
        print_json([asdict(finding) for finding in findings])
        return
    out = console()
    rows = [(f.what, f.found or "missing", f.wanted_for) for f in findings]
    out.print(table(("what", "found", "for"), rows))
    hints = list(dict.fromkeys(f"{f.what}: {f.hint}" for f in findings if f.found is None))
    if hints:
        out.print("\nTo get what is missing:")
        for hint in hints:
            out.print(f"  {hint}", soft_wrap=True, markup=False)


def _prove(board: str, device: str | None, json: bool) -> None:
    from danas_hil.measure import reach_device
    from danas_hil.measure.selftest import selftest
    from danas_hil.targets import TargetError

    with reach_device(addressed(board, device)) as found:
        folder = user_folder("selftests") / found.name.replace("/", "-")
        note(f"Building and running the self-test for {escape(found.name)} …")
        try:
            result = selftest(found, folder)
        except TargetError as error:
            log = error.log and str(error.log)
            if json:
                failure = {"stage": error.stage, "reason": error.what, "hint": error.hint}
                print_json(
                    {"device": found.name, "good": False, "failure": {**failure, "log": log}}
                )
            else:
                told = f"{found.name}: {error.stage}: {error.what} {error.hint}".rstrip()
                say(escape(told + (f" Log: {log}" if log else "")))
            raise typer.Exit(1) from error
    if json:
        print_json({**asdict(result), "good": result.good, "folder": str(folder)})
    else:
        hello = result.hello
        rows = [(c.name, "good" if c.good else "FAILED", c.detail) for c in result.checks]
        console().print(table(("check", "", "seen"), rows, f"{result.device}: {hello.timer} timer"))
        if result.good:
            say(f"{escape(result.device)} is good.")
        else:
            say(f"{escape(result.device)} FAILED; what was built and said is in {folder}.")
    if not result.good:
        raise typer.Exit(1)


def _base() -> list[Finding]:
    return [
        Finding("danas-hil", "everything", __version__),
        Finding("python", "everything", platform.python_version()),
        Finding("board files", "everything", str(tree_folder("boards"))),
        Finding("user folder", "decoded images, builds, locks", str(user_folder("."))),
    ]


def _packages() -> list[Finding]:
    return [
        Finding(name, f"extra {extra}", _version(name), f"pip install 'danas-hil[{extra}]'")
        for extra, names in _EXTRAS.items()
        for name in names
    ]


def _version(package: str) -> str | None:
    for name in _STANDS_FOR.get(package, (package,)):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return None


def _tools() -> list[Finding]:
    beside = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    return [
        Finding(name, use, shutil.which(name, path=beside), hint)
        for name, (use, hint) in _TOOLS.items()
    ]
