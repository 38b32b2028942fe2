"""What goes into a report of a fault, and what of its writer does not."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from danas_hil.base import DanasError, user_folder
from danas_hil.board import Figures, keep_figures, load_board
from danas_hil.cli.app import app
from danas_hil.measure import Failure
from danas_hil.measure.bundle import Anonymiser
from danas_hil.measure.selftest import Check, SelfTestResult
from danas_hil.targets import SerialDevice
from devices.ports import NANO, STLINK, Ports

USER, HOST = "erika_m", "workbench-7"
SERIALS = ("7E1A9F2C00112233", "066BFF485550755187121723")
SECRETS = (USER, "Erika", "Mustermann", HOST, "lab.example.org", *SERIALS, "customer-x", "Kunde")


@pytest.fixture
def somebody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A computer with a name, a user with a home, and two boards; the home."""
    home = tmp_path / "home" / USER
    (home / "customer-x").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    for name in ("USER", "LOGNAME"):
        monkeypatch.setenv(name, USER)
    monkeypatch.setattr("getpass.getuser", lambda: USER)
    monkeypatch.setattr(
        "pwd.getpwuid", lambda _: type("Row", (), {"pw_gecos": "Erika Mustermann,,,"})
    )
    for name in ("socket.gethostname", "platform.node"):
        monkeypatch.setattr(name, lambda: f"{HOST}.lab.example.org")
    monkeypatch.setenv("DANAS_HIL_HOME", str(home / ".cache" / "danas-hil"))
    monkeypatch.chdir(home / "customer-x")
    ports = Ports(monkeypatch)
    ports.plug("/dev/ttyACM0", NANO, SERIALS[0], "1-2")
    ports.plug("/dev/ttyACM1", STLINK, SERIALS[1], "1-3")
    return home


def assert_nothing_of_them(bundle: Path) -> dict[str, str]:
    """What is in the file, by name; nobody is in it."""
    with zipfile.ZipFile(bundle) as file:
        content = {name: file.read(name).decode() for name in file.namelist()}
    for name, text in content.items():
        for secret in SECRETS:
            assert secret.lower() not in f"{name}\n{text}".lower(), (secret, name)
        assert "/home/" not in text
    return content


@pytest.fixture
def proved(monkeypatch: pytest.MonkeyPatch, somebody: Path) -> None:
    """The self-test of a board fails, and leaves logs that name all that can be named."""

    def selftest(device: SerialDevice, folder: Path, **_: Any) -> SelfTestResult:
        folder.mkdir(parents=True)
        (folder / "build.log").write_text(
            f"Compiling {somebody}/customer-x/a b/main.cpp\n"
            f"g++ -I{folder}/sketch '/opt/Kunde Nord/lib' at {HOST} by {USER}@{HOST}\n"
            f"C:\\\\Users\\\\{USER}\\\\x.cpp:3:1: error: no\n" * 3
        )
        (folder / "flash.log").write_text(
            f"/dev/ttyACM0: SER={SERIALS[0]} LOCATION=1-2\nadapter serial {SERIALS[1].lower()}\n"
        )
        (folder / "serial.log").write_text(f"--- {device.name}, 2026\nsocket://{HOST}:4000\n")
        return SelfTestResult(
            device.name,
            None,
            None,
            (Check("build", True, "1,000 bytes"), Check("flash", False, "No device found.")),
            Failure("FLASH", "No device found.", "Press it twice.", str(folder / "flash.log")),
        )

    monkeypatch.setattr("danas_hil.measure.selftest.selftest", selftest)
    monkeypatch.setattr("danas_hil.measure.check_platform", lambda board: None)


def invoke(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments))


@pytest.mark.usefixtures("proved")
def test_the_bundle_of_a_board_holds_its_checks_logs_and_versions_and_nobodys_name() -> None:
    keep_figures("nano33ble", "a key", Figures(1, 2, 3, None, f"builds of {USER}"))
    address = f"nano33ble@{SERIALS[0]}"
    result = invoke("doctor", "--board", address, "--bundle", "report.zip")
    assert result.exit_code == 1, result.output
    content = assert_nothing_of_them(Path("report.zip"))
    assert set(content) == {"README.txt", "report.json", "build.log", "flash.log", "serial.log"}
    report = json.loads(content["report.json"])
    assert report["selftest"]["checks"][1]["detail"] == "No device found."
    assert report["board"]["id"] == "nano33ble"
    assert report["computer"]["python"]
    assert {"danas-hil", "pio", "tensorflow"} <= {one["what"] for one in report["findings"]}
    assert report["platformio"]["platformio"]
    assert report["told_by_builds"]["nano33ble"]["a key"]["stack_bytes"] == 3
    assert report["connected"][0] == {
        "boards": ["nano33ble"], "usb": "2341:805A", "in_bootloader": False,
    }  # fmt: skip
    assert "main.cpp" in content["build.log"], "and what helps is left"
    assert "error: no" in content["build.log"]
    assert content["flash.log"].startswith("/dev/ttyACM0: SER=")


@pytest.mark.usefixtures("somebody")
def test_a_board_that_can_not_be_reached_has_a_bundle_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("danas_hil.platformio.registry.registry_answers", lambda: False)
    result = invoke("doctor", "--board", "nano33ble", "--bundle", "report.zip")
    assert isinstance(result.exception, DanasError)
    report = json.loads(assert_nothing_of_them(Path("report.zip"))["report.json"])
    assert "its registry does not answer" in report["error"]["what"]


@pytest.mark.usefixtures("somebody")
def test_without_a_board_it_is_of_the_computer() -> None:
    result = invoke("doctor", "--bundle", "report.zip", "--json")
    assert result.exit_code == 0, result.output
    json.loads(result.stdout)
    content = assert_nothing_of_them(Path("report.zip"))
    assert set(content) == {"README.txt", "report.json"}


@pytest.mark.usefixtures("somebody")
def test_a_bundle_that_can_not_be_written_is_told() -> None:
    result = invoke("doctor", "--bundle", "/proc/nowhere/report.zip")
    assert isinstance(result.exception, DanasError)
    assert "/proc/nowhere/report.zip can't be written" in str(result.exception)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("/opt/Kunde/x.cpp:3:1: error", "<path>/x.cpp:3:1: error"),
        ("open '/opt/Kunde Nord/x y' failed", "open '<path>/x y' failed"),
        ("and/or, 5/10, // a comment", "and/or, 5/10, // a comment"),
        ("at /dev/ttyACM0 (socket://lab:4000/x)", "at /dev/ttyACM0 (socket://<host>:4000/x)"),
        ("-I/usr/include -L/usr/lib/gcc", "-I<path>/include -L<path>/gcc"),
        ("PATH=/usr/bin:/opt/x/y", "PATH=<path>/bin:<path>/y"),
    ],
)
@pytest.mark.usefixtures("somebody")
def test_paths_keep_their_last_part_only(text: str, clean: str) -> None:
    assert Anonymiser().clean(text) == clean


@pytest.mark.usefixtures("somebody")
def test_what_lies_in_our_own_folders_is_told_from_there() -> None:
    text = f"{user_folder('projects')}/nano33ble-tflm/src {Path.cwd()}/secret/m.tflite"
    assert Anonymiser().clean(text) == "<user folder>/projects/nano33ble-tflm/src <path>/m.tflite"
    assert Anonymiser({"nano33": "x"}).clean("nano33ble NANO33") == "nano33ble <x>"
    assert load_board("nano33ble")
