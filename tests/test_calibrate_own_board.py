"""Calibrating a board of the user's: its rates are found again, and dropped again."""

from __future__ import annotations

import contextlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from danas_hil.base import DanasError, user_folder
from danas_hil.board import load_board
from danas_hil.cli import calibrating
from danas_hil.cli.app import app
from danas_hil.estimate.latency import LatencyTable
from danas_hil.estimate.latency_tables import find_table
from danas_hil.measure import Measurement, remember
from danas_hil.sketch import LIBRARY_VARIABLE
from test_calibrate import MODELS, measured


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, root: Path) -> None:
    monkeypatch.setenv("DANAS_HIL_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    text = (root / "boards" / "nucleo_f446re.toml").read_text()
    kept = [line for line in text.splitlines() if not line.startswith("upload_flags")]
    Path("boards").mkdir()
    Path("boards/mine.toml").write_text("\n".join(kept) + "\n")
    Path("net.tflite").write_bytes(MODELS["net17"])


@pytest.fixture
def calibrate(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command, with a board `mine` that takes the times of `measured`."""

    @contextlib.contextmanager
    def reached(*_: Any, **__: Any) -> Any:
        yield SimpleNamespace(name="mine", board="mine", kind="measured")

    def measure(items: Any, *_: Any, **__: Any) -> list[Measurement]:
        content = items[0].model.read_bytes()
        found = measured(content, items[0].id, board="mine", target="mine")
        remember(content, found)
        return [found]

    monkeypatch.setattr("danas_hil.measure.reach", reached)
    monkeypatch.setattr(calibrating, "measure_items", measure)
    monkeypatch.setattr(calibrating, "announce", lambda _: None)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["calibrate", "--board", "mine", *arguments])

    return run


@pytest.mark.parametrize("how", [("--quick",), ()])
def test_its_rates_are_found_and_dropped_again(calibrate: Any, how: tuple[str, ...]) -> None:
    board = load_board("mine")
    before = find_table(board)
    told = calibrate(*how, "net.tflite")
    assert told.exit_code == 0, told.output
    after = find_table(load_board("mine"))
    assert isinstance(after, LatencyTable)
    assert len(after.models) == 1
    assert after.board == "mine"  # what hints say after --board
    assert [path.stem for path in user_folder("calibrations").glob("*.json")] == [board.kept_as]
    assert calibrate("--reset").exit_code == 0
    assert find_table(board) == before


def test_nothing_is_timed_quickly_with_a_library_that_is_not_estimated(
    calibrate: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    library = tmp_path / "library"
    (library / "src").mkdir(parents=True)
    (library / "library.properties").write_text("name=Other\nversion=1\n")
    monkeypatch.setenv(LIBRARY_VARIABLE, str(library))
    told = calibrate("--quick", "net.tflite")
    assert isinstance(told.exception, DanasError)
    assert "no rates are learned from it" in told.exception.what
