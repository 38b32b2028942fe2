"""danas-hil doctor: what is installed, what is missing, and what to do about it."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer

from danas_hil import __version__
from danas_hil.base import DanasError, tree_folder, trouble, user_folder
from danas_hil.cli.devices import DeviceOption, addressed
from danas_hil.cli.proving import bundle_up, prove
from danas_hil.cli.show import JsonOption, console, print_json, print_line, table


@dataclass(frozen=True)
class Finding:
    """One thing looked for. found: its version or place; None where it is missing, with a hint."""

    what: str
    wanted_for: str
    found: str | None
    hint: str = ""


_EXTRAS = {
    "search": ("tensorflow", "keras", "optuna", "ai-edge-litert", "pyarrow", "pillow"),
    "heic": ("pillow-heif",),
    "host": ("tflite-micro",),
    "postgresql": ("psycopg",),
    "remote": ("fsspec",),
    "dashboard": ("optuna-dashboard",),
}
_STANDS_FOR = {"tensorflow": ("tensorflow", "tensorflow-cpu")}
_WANTED_FOR = {"pio": "building and flashing boards"}
"""A program; any other is for emulated boards."""


def register(app: typer.Typer) -> None:
    app.command()(doctor)


def doctor(
    board: Annotated[
        str | None,
        typer.Option(
            help="Prove this board, BOARD@SERIAL, or a board's TOML file.", show_default=False
        ),
    ] = None,
    device: DeviceOption = None,
    bundle: Annotated[
        Path | None,
        typer.Option(
            help="Write what belongs to a report of a fault to this ZIP file.",
            metavar="FILE.zip",
            show_default=False,
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Check versions, extras, tools, add-ons, with a hint for each missing one; or prove a board.

    Nothing here has to be complete: each line says what it is for. With --board a
    small program is built, flashed and asked, which needs no TensorFlow Lite
    Micro: it proves cable, port, timer, memory, outputs and faults. Each check is
    a line, also those that were not run. Exit code 1: the board failed; 2: this
    computer can't build for it or reach it.

    [bold]Examples[/bold]

      danas-hil doctor

      danas-hil doctor --board nano33ble

      danas-hil doctor --board nano33ble --bundle report.zip
    """
    if board is not None:
        prove(addressed(board, device), json, bundle, [asdict(one) for one in _findings()])
        return
    findings = _findings()
    if bundle is not None:
        bundle_up(bundle, [asdict(one) for one in findings], None, {})
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
            print_line(out, f"  {', '.join(names)}: {hint}")


def _findings() -> list[Finding]:
    return [*_base(), *_packages(), *_tools(), *_choices()]


def _base() -> list[Finding]:
    return [
        Finding("danas-hil", "everything", __version__),
        Finding("python", "everything", platform.python_version()),
        Finding("board files", "everything", str(tree_folder("boards"))),
        _user_folder(),
    ]


def _user_folder() -> Finding:
    """One that can't be used hides none of what else is looked for."""
    told = partial(Finding, "user folder", "decoded data, builds, locks")
    try:
        return told(str(user_folder(".")))
    except OSError as error:
        refused = trouble(error)
        return told(None, f"{refused.what} DANAS_HIL_HOME names another folder.")


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
        Finding(
            name,
            _WANTED_FOR.get(name, "emulated boards"),
            shutil.which(name, path=beside),
            hint,
        )
        for name, hint in TOOL_HINTS.items()
    ]


def _choices() -> Iterator[Finding]:
    """What a search can choose from, with what other packages add; one that can't be imported is
    missing."""
    from danas_hil.families import families
    from danas_hil.search.samplers import samplers
    from danas_hil.signals import signals

    kinds: dict[str, Mapping[str, object]] = {
        "family": families(),
        "signal": signals(),
        "sampler": samplers(),
    }
    for option, there in kinds.items():
        wanted_for = f"search --{option}"
        broken = {name: error for name in there if (error := _broken(there, name)) is not None}
        yield Finding(option, wanted_for, ", ".join(name for name in there if name not in broken))
        for name, error in broken.items():
            yield Finding(f"{option} {name}", wanted_for, None, f"{error.what} {error.hint}")


def _broken(there: Mapping[str, object], name: str) -> DanasError | None:
    try:
        there[name]
    except DanasError as error:
        return error
    return None
