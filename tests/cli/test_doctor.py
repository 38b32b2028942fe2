"""doctor: what is missing, and what a board shows, line by line."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from danas_hil.base import DanasError
from danas_hil.cli import doctor
from danas_hil.cli.app import app
from danas_hil.measure import Failure
from danas_hil.measure.selftest import Check, SelfTestResult
from danas_hil.targets import Hello, Sizes

GOOD = SelfTestResult(
    "nano33ble@1",
    Hello("ab", "nano33ble", "none", "DWT", arena_bytes=1),
    Sizes(1000, 500),
    (Check("parity", True, "5 of 5 outputs"), Check("wire", True, "90 requests")),
)
SILENT = SelfTestResult(
    "nano33ble@1",
    None,
    None,
    (
        Check("flash", True, "on the board"),
        Check("boot", False, "It does not answer."),
        Check("parity", None, ""),
    ),
    Failure("BOOT", "It does not answer.", "Press reset.", "serial.log"),
)


def invoke(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments))


def test_a_user_folder_that_can_not_be_used_hides_no_other_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("DANAS_HIL_HOME", str(tmp_path / "file" / "home"))
    told = invoke("doctor")
    assert told.exit_code == 0
    assert "python" in told.output
    assert "DANAS_HIL_HOME names another folder" in told.output


def test_what_other_packages_add_is_listed_and_what_can_not_be_imported_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    info = tmp_path / "toys-1.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toys\nVersion: 1.5\n")
    points = "[danas_hil.families]\npebble = toys:FAMILY\nrubble = toys:GONE\n"
    (info / "entry_points.txt").write_text(points)
    (tmp_path / "toys.py").write_text("FAMILY = object()\n")
    monkeypatch.syspath_prepend(tmp_path)
    told = invoke("doctor", "--json")
    assert told.exit_code == 0
    found = {one["what"]: one for one in json.loads(told.stdout)}
    assert found["family"]["found"] == "mobilenet_v2, ds_cnn, layers, pebble"
    assert found["signal"]["found"] == "image"
    assert found["sampler"]["found"] == "nsga2, surrogate, tournament, regularized, random"
    assert found["family rubble"]["found"] is None
    assert "toys 1.5" in found["family rubble"]["hint"]


@pytest.fixture
def proved(monkeypatch: pytest.MonkeyPatch) -> Callable[[SelfTestResult], None]:
    """Lets doctor find a board whose self-test comes out as the test says."""

    @contextlib.contextmanager
    def reach_device(address: Any) -> Iterator[Any]:
        yield SimpleNamespace(name=f"{address.board.id}@{address.place}", board=address.board)

    def outcome(result: SelfTestResult) -> None:
        def selftest(device: Any, folder: Path, **_: Any) -> SelfTestResult:
            assert device.name == "nano33ble@1"
            return result

        monkeypatch.setattr("danas_hil.measure.selftest.selftest", selftest)

    monkeypatch.setattr("danas_hil.measure.reach_device", reach_device)
    monkeypatch.setattr("danas_hil.measure.check_platform", lambda board: None)
    return outcome


def test_a_good_board_is_shown(proved: Any) -> None:
    proved(GOOD)
    result = invoke("doctor", "--board", "nano33ble", "--device", "1")
    assert result.exit_code == 0
    assert "5 of 5 outputs" in result.stdout
    assert "nano33ble@1 is good" in result.stdout
    content = json.loads(invoke("doctor", "--board", "nano33ble@1", "--json").stdout)
    assert content["good"]
    assert [check["name"] for check in content["checks"]] == ["parity", "wire"]


def test_a_board_that_fails_one_check_fails(proved: Any) -> None:
    checks = (*GOOD.checks, Check("timer", False, "10 runs of 3 to 9 us"))
    proved(replace(GOOD, checks=checks))
    result = invoke("doctor", "--board", "nano33ble@1")
    assert result.exit_code == 1
    assert "FAILED" in result.stdout
    assert json.loads(invoke("doctor", "--board", "nano33ble@1", "--json").stdout)["good"] is False


def test_a_board_that_stops_in_the_middle_shows_all_its_lines_and_the_reason_once(
    proved: Any,
) -> None:
    proved(SILENT)
    result = invoke("doctor", "--board", "nano33ble@1")
    assert result.exit_code == 1
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["flash", "good", "on", "the", "board"] in rows
    assert ["boot", "FAILED", "It", "does", "not", "answer."] in rows
    assert ["parity", "not", "run"] in rows
    assert result.stdout.count("It does not answer.") == 1
    assert "nano33ble@1 FAILED (BOOT). Press reset. Log: serial.log" in result.stdout
    content = json.loads(invoke("doctor", "--board", "nano33ble@1", "--json").stdout)
    assert [check["good"] for check in content["checks"]] == [True, False, None]
    assert content["failure"]["stage"] == "BOOT"
    assert content["good"] is False


def test_a_registry_that_does_not_answer_is_no_fault_of_the_board(
    proved: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(board: Any) -> None:
        raise DanasError("PlatformIO needs its build tool.", "Connect this computer once.")

    proved(GOOD)
    monkeypatch.setattr("danas_hil.measure.check_platform", missing)
    result = invoke("doctor", "--board", "nano33ble@1")
    assert isinstance(result.exception, DanasError)  # which ends the program with 2


def test_what_is_missing_is_hinted_at_once_for_all_that_one_command_brings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(doctor, "_version", lambda package: None)
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    output = " ".join(invoke("doctor").stdout.split())
    for extra in ("search", "host", "postgresql", "remote", "dashboard"):
        assert output.count(f"pip install 'danas-hil[{extra}]'") == 1
    assert "tensorflow, keras, optuna," in output
    assert output.count("apt install") == 2
