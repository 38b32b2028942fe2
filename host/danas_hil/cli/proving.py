"""doctor --board: what a board shows, line by line, and all of it in one file for a report."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from danas_hil.base import DanasError, user_folder
from danas_hil.cli.measuring import tell_seldom
from danas_hil.cli.show import console, note, print_json, say, table
from danas_hil.cli.verdicts import Ending, leave

if TYPE_CHECKING:  # imported where they are used: they load numpy, and --help is to be quick
    from danas_hil.measure import Address
    from danas_hil.measure.selftest import SelfTestResult


def prove(
    address: Address, json: bool, bundle: Path | None, findings: Sequence[Mapping[str, Any]]
) -> None:
    """Run the self-test at `address` and show it; `bundle`: with `findings` in this file too."""
    report: dict[str, Any] = {"board": asdict(address.board)}
    words = {address.place: "place"} if address.place else {}
    folder: Path | None = None
    try:
        result, folder = _tested(address)
        report["selftest"] = result.to_json()
    except DanasError as error:
        report["error"] = {"what": error.what, "hint": error.hint}
        raise
    finally:
        if bundle is not None:
            bundle_up(bundle, findings, folder, report, words)
    if json:
        print_json({**result.to_json(), "folder": str(folder)})
    else:
        _show(result, folder)
    failed = Ending.USAGE if result.environment else Ending.FAILED
    leave(Ending.GOOD if result.good else failed)


def _tested(address: Address) -> tuple[SelfTestResult, Path]:
    """What the self-test shows of the board at `address`, and the folder with what it left."""
    from danas_hil.measure import check_platform, reach_device
    from danas_hil.measure.selftest import selftest

    with reach_device(address) as found:
        check_platform(found.board)
        folder = user_folder("selftests") / found.name.replace("/", "-")
        note(f"Building and running the self-test for {found.name} …")
        return selftest(found, folder, listener=_Told()), folder


class _Told:
    """Tells of a build in lines."""

    def __init__(self) -> None:
        self._said = time.monotonic()

    def compiling(self, what: str, files: int) -> None:
        self._said = tell_seldom(self._said, f"compiling {what}: {files} files")

    def waiting(self, what: str) -> None:
        note(f"waiting for {what}")


_LOGS = ("build.log", "flash.log", "serial.log", "device.log")


def bundle_up(
    path: Path,
    findings: Sequence[Mapping[str, Any]],
    folder: Path | None,
    report: Mapping[str, Any],
    words: Mapping[str, str] | None = None,
) -> None:
    """Write the file for a report: of this computer, and of the board whose test is in `folder`."""
    from danas_hil.board import read_every_figure, scan
    from danas_hil.measure.bundle import write_bundle
    from danas_hil.platformio import core_folder
    from danas_hil.platformio.registry import installed_packages, version

    connected = [
        {"boards": one.boards, "usb": one.port.usb_id, "in_bootloader": one.in_bootloader}
        for one in scan()
    ]
    whole = {
        "findings": list(findings),
        "platformio": {"platformio": version(), **installed_packages(core_folder())},
        "connected": connected,
        "told_by_builds": read_every_figure(),
        **report,
    }
    logs = [folder / name for name in _LOGS] if folder is not None else []
    write_bundle(path, whole, logs, words or {})
    note(f"Wrote {path}; look through it before you send it.")


_OUTCOMES = {True: "good", False: "FAILED", None: "not run"}


def _show(result: SelfTestResult, folder: Path) -> None:
    timer = f": {result.hello.timer} timer" if result.hello else ""
    rows = [(check.name, _OUTCOMES[check.good], check.detail) for check in result.checks]
    console().print(table(("check", "", "seen"), rows, result.device + timer))
    if result.good:
        say(f"{result.device} is good.")
        return
    told = f"{result.device} FAILED"
    if (failure := result.failure) is not None:  # its reason stands in the table
        told += f" ({failure.stage}). {failure.hint}".rstrip(". ") + "."
        told += f" Log: {failure.log}" if failure.log else ""
    else:
        told += f"; what was built and said is in {folder}."
    say(told)
