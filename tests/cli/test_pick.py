"""pick, and how flash and export take what was picked."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from danas_hil.base import DanasError
from danas_hil.board import load_board
from danas_hil.cli.app import app
from danas_hil.run import Picks, RunFolder


def invoke(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def run(searched: Path, tmp_path: Path) -> RunFolder:
    """A finished run with three candidates, nothing picked."""
    return RunFolder(shutil.copytree(searched, tmp_path / "copy"))


def test_picks_are_shown_and_kept_in_the_run(run: RunFolder) -> None:
    result = invoke("pick", str(run.path), "--k", "2")
    assert result.exit_code == 0
    assert "estimated" in result.output
    table, _ = result.output.split("RAM and flash:")
    assert max(map(len, table.splitlines())) <= 80
    picks = run.picks()
    assert picks is not None
    assert len(picks.ids) == 2
    assert picks.limits == run.front().limits
    assert all(id_ in result.output for id_ in picks.ids)


def test_a_boards_limits_and_estimates_hold_where_one_is_named(run: RunFolder) -> None:
    result = invoke("pick", str(run.path), "--board", "qemu-m4", "--json")
    told = json.loads(result.output)
    assert told["limits"] == load_board("qemu-m4").limits.to_json()
    estimates = {c.id: c.estimate["exact"]["qemu-m4"] for c in run.front().candidates}
    for pick in told["picked"]:
        lines = estimates[pick["id"]]["breakdown"]["ram"]
        assert pick["ram_bytes"] == sum(line["bytes"] or 0 for line in lines)


def test_where_nothing_fits_nothing_is_kept_and_the_exit_code_is_1(run: RunFolder) -> None:
    result = invoke("pick", str(run.path), "--ram", "1kB")
    assert result.exit_code == 1
    assert "nothing was picked" in result.output
    assert not run.picks_file.exists()


def test_the_picks_are_flashed_unless_others_are_asked_for(run: RunFolder) -> None:
    pytest.importorskip("tflite_micro", reason="needs the extra host")
    invoke("pick", str(run.path), "--k", "1")
    picks = run.picks()
    assert picks is not None

    def flashed(*options: str) -> set[str]:
        result = invoke("flash", str(run.path), "--board", "host", "--json", *options)
        assert result.exit_code == 0
        return {m["model"] for m in json.loads(result.stdout)["measurements"]}

    assert flashed() == set(picks.ids)
    assert flashed("--all") == flashed("--top", "3") == {c.id for c in run.front().candidates}


def test_an_exported_copy_has_the_picks_alone_unless_all_are_asked_for(
    run: RunFolder, tmp_path: Path
) -> None:
    all_ids = {candidate.id for candidate in run.front().candidates}
    invoke("pick", str(run.path), "--k", "1", "--json")
    assert invoke("export", str(run.path), "--to", str(tmp_path / "few")).exit_code == 0
    assert invoke("export", str(run.path), "--all", "--to", str(tmp_path / "all")).exit_code == 0
    few, whole = RunFolder.open(tmp_path / "few"), RunFolder.open(tmp_path / "all")
    picks = few.picks()
    assert picks is not None
    assert [candidate.id for candidate in few.front().candidates] == list(picks.ids)
    assert few.front().chosen == picks.ids[0]
    assert [folder.name for folder in few.candidate("").iterdir()] == list(picks.ids)
    assert {candidate.id for candidate in whole.front().candidates} == all_ids
    assert len(few.front().evaluations) == len(whole.front().evaluations) == 10


def test_a_pick_that_left_the_front_is_told(run: RunFolder) -> None:
    invoke("pick", str(run.path), "--k", "1")
    picks = run.picks()
    assert picks is not None
    told = picks.to_json()
    told["picked"][0]["id"] = "00000000"
    run.write_picks(Picks.from_json(told))
    for command in (
        ("flash", str(run.path), "--board", "host"),
        ("export", str(run.path), "--to", "x"),
    ):
        result = invoke(*command)
        assert isinstance(result.exception, DanasError)
        assert "00000000" in result.exception.what
        assert "danas-hil pick" in result.exception.hint
