"""danas-hil doctor: what is installed, what is missing, and what to do about it."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import time
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from danas_hil import __version__
from danas_hil.base import tree_folder, user_folder
from danas_hil.cli.devices import DeviceOption, addressed
from danas_hil.cli.measuring import tell_seldom
from danas_hil.cli.show import JsonOption, console, note, print_json, say, table

if TYPE_CHECKING:  # imported where it is used: it loads numpy, and --help is to be quick
    from danas_hil.measure.selftest import SelfTestResult


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
_WANTED_FOR = {
    "pio": "building and flashing boards",
    "arm-none-eabi-g++": "emulated boards",
    "qemu-system-arm": "emulated boards",
    "renode": "emulated boards",
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
    Micro: it proves cable, port, timer, memory, outputs and faults. Each check is
    a line, also those that were not run. Exit code 1: the board failed; 2: this
    computer can't build for it or reach it.

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
    hints: dict[str, list[str]] = {}
    for finding in findings:
        if finding.found is None:
            hints.setdefault(finding.hint, []).append(finding.what)
    if hints:
        out.print("\nTo get what is missing:")
        for hint, names in hints.items():
            out.print(f"  {', '.join(names)}: {hint}", soft_wrap=True, markup=False)


def _prove(board: str, device: str | None, json: bool) -> None:
    from danas_hil.measure import check_platform, reach_device
    from danas_hil.measure.selftest import selftest

    with reach_device(addressed(board, device)) as found:
        check_platform(found.board)
        folder = user_folder("selftests") / found.name.replace("/", "-")
        note(f"Building and running the self-test for {escape(found.name)} …")
        said = time.monotonic()

        def compiling(what: str, files: int) -> None:
            nonlocal said
            said = tell_seldom(said, f"compiling {what}: {files} files")

        result = selftest(found, folder, compiling=compiling)
    if json:
        print_json({**result.to_json(), "folder": str(folder)})
    else:
        _show(result, folder)
    if not result.good:
        raise typer.Exit(2 if result.environment else 1)


_OUTCOMES = {True: "good", False: "FAILED", None: "not run"}


def _show(result: SelfTestResult, folder: Path) -> None:
    timer = f": {result.hello.timer} timer" if result.hello else ""
    rows = [(check.name, _OUTCOMES[check.good], check.detail) for check in result.checks]
    console().print(table(("check", "", "seen"), rows, result.device + timer))
    if result.good:
        say(f"{escape(result.device)} is good.")
        return
    told = f"{result.device} FAILED"
    if (failure := result.failure) is not None:  # its reason stands in the table
        told += f" ({failure.stage}). {failure.hint}".rstrip(". ") + "."
        told += f" Log: {failure.log}" if failure.log else ""
    else:
        told += f"; what was built and said is in {folder}."
    say(escape(told))


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
    from danas_hil.measure import TOOL_HINTS

    return [
        Finding(name, use, shutil.which(name, path=beside), TOOL_HINTS[name])
        for name, use in _WANTED_FOR.items()
    ]
