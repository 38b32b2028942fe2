"""A search that comes to nothing leaves nothing: the corrected command begins anew."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from danas_hil.base import DanasError
from danas_hil.cli.app import app
from danas_hil.cli.running import outcome_json, run_search
from danas_hil.run import RunFolder
from danas_hil.search import Outcome, create_run, discard_unbegun
from data.data_files import write_folders
from search.small_search import SETTINGS

SEARCH = ["--name", "porch", "--trials", "1", "--supernet-steps", "1", "--resolutions", "16"]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DANAS_HIL_HOME", str(tmp_path / "home"))


def told(*arguments: str) -> str:
    ended = CliRunner().invoke(app, ["search", *arguments, *SEARCH])
    assert isinstance(ended.exception, DanasError), ended.exception
    return str(ended.exception)


@pytest.mark.parametrize(
    ("data", "message"), [("nowhere", "There is no folder"), (".", "layout of .* is not known")]
)
def test_data_that_is_not_there_is_told_before_there_is_a_run(data: str, message: str) -> None:
    for _ in range(2):
        assert re.search(message, told(data))
        assert not Path("runs").exists()


def test_images_that_can_not_be_read_leave_no_run_behind(tmp_path: Path) -> None:
    write_folders(tmp_path / "set", ["train", "validation", "test"], ["0", "1"])
    for file in (tmp_path / "set" / "train").glob("*/*.jpg"):
        file.write_bytes(b"damaged")
    for _ in range(2):
        assert "4 of the 4 images in the train split" in told("set")
        assert not Path("runs").exists()


def test_only_what_has_seen_nothing_is_discarded(tmp_path: Path) -> None:
    begun = create_run(tmp_path / "runs" / "begun", SETTINGS)
    begun.write_config({**begun.config(), "data": {"source": "signs"}})
    with_more = create_run(tmp_path / "runs" / "more", SETTINGS)
    (with_more.path / "notes.txt").write_text("mine")
    empty = create_run(tmp_path / "runs" / "empty", SETTINGS)
    assert [discard_unbegun(run) for run in (begun, with_more, empty)] == [False, False, True]
    assert RunFolder.open(begun.path).config()["data"] == {"source": "signs"}
    assert (with_more.path / "notes.txt").exists()


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.4, ""), (125.0, "It took 2 min (20.8 %) longer than --time-budget 10")]
)
def test_a_search_says_by_how_much_it_overran_its_time(
    seconds: float,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ended = Outcome(5, None, "time is up", overrun_seconds=seconds)
    monkeypatch.setattr("danas_hil.search.search", lambda *_, **__: ended)
    run = create_run(tmp_path / "porch", replace(SETTINGS, time_budget=600.0))
    assert outcome_json(run, run_search(run))["overrun_seconds"] == seconds
    shown = " ".join(capsys.readouterr().err.split())
    assert told in shown
    assert ("It took" in shown) == bool(told)
