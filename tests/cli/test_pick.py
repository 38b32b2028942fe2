"""pick, and how flash and export take what was picked."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from danas_hil.base import DanasError
from danas_hil.board import load_board
from danas_hil.cli.app import app
from danas_hil.estimate.latency import LatencyTable
from danas_hil.estimate.latency_tables import find_table, keep_table
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
    assert " ms " in table
    assert "model); at least: a build for the board tells the rest" in " ".join(
        result.output.split()
    )
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


def test_the_bytes_of_picks_for_a_board_are_told_to_be_the_least(run: RunFolder) -> None:
    result = invoke("pick", str(run.path), "--board", "nano33ble")
    told = " ".join(result.output.split())
    assert "the exact model on nano33ble); at least: danas-hil estimate tells" in told


def test_an_empty_name_of_a_board_is_refused(run: RunFolder) -> None:
    ended = invoke("pick", str(run.path), "--board", "")
    assert "There is no board ''" in str(ended.exception)
    assert run.picks() is None


def test_a_latency_limit_holds_beside_those_of_the_search(run: RunFolder) -> None:
    front = run.front()
    times = sorted(c.estimate["totals"]["latency_us"] for c in front.candidates)
    limit = (times[0] + times[1]) / 2 if times[0] < times[1] else times[0]
    result = invoke("pick", str(run.path), "--latency", f"{limit:.6f}us", "--unknown", "fits")
    assert result.exit_code == 0
    assert "ms: one inference, estimated (qemu-m4, fitted on emulated times" in result.output
    picks = run.picks()
    assert picks is not None
    assert picks.limits.latency_us == pytest.approx(limit)
    assert picks.limits.ram_bytes == front.limits.ram_bytes
    assert {pick.id for pick in picks.picked} == {
        c.id for c in front.candidates if c.estimate["totals"]["latency_us"] <= limit
    }


def test_latency_on_a_named_board_is_estimated_by_its_rates_of_today(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def picked(*options: str) -> dict[str, Any]:
        return json.loads(invoke("pick", str(run.path), "--json", *options).stdout)

    before = picked("--board", "qemu-m4")["picked"]
    assert picked()["picked"][0]["latency_us"] == pytest.approx(before[0]["latency_us"])
    monkeypatch.setenv("DANAS_HIL_HOME", str(tmp_path / "home"))
    table = find_table(load_board("qemu-m4"))
    assert isinstance(table, LatencyTable)
    keep_table(replace(table, rates={kernel: {"call": 2e3} for kernel in table.rates}))
    assert picked()["picked"][0]["latency_us"] == pytest.approx(before[0]["latency_us"])
    now = picked("--board", "qemu-m4", "--latency", "10s")
    assert all(pick["latency_us"] % 2e3 == 0 for pick in now["picked"])
    assert "qemu-m4" in now["latency_source"]


def test_a_latency_that_is_not_known_cannot_be_limited(run: RunFolder) -> None:
    told = invoke("pick", str(run.path), "--board", "renode-nano33ble", "--latency", "1s").exception
    assert isinstance(told, DanasError)
    assert "danas-hil calibrate --board renode-nano33ble" in told.hint
    front = run.front()
    older = [
        replace(
            c,
            estimate={
                "totals": {
                    key: value
                    for key, value in c.estimate["totals"].items()
                    if not key.startswith("latency")
                }
            },
        )
        for c in front.candidates
    ]
    run.write_front(replace(front, candidates=tuple(older)))
    told = invoke("pick", str(run.path), "--latency", "1s").exception
    assert isinstance(told, DanasError)
    assert "--board NAME --latency" in told.hint
    assert " ms" not in invoke("pick", str(run.path)).output


def test_a_limit_asks_for_a_verdict_and_what_is_not_known_is_exit_code_3(run: RunFolder) -> None:
    limited = ("pick", str(run.path), "--latency", "10s", "--json")
    told = invoke(*limited)
    picked = json.loads(told.stdout)["picked"]
    assert {pick["fits"] for pick in picked} == {None}, "no build has told of flash and stack"
    assert all("ram: a build for the board will tell" in pick["unknown"] for pick in picked)
    assert told.exit_code == 3
    assert invoke(*limited, "--unknown", "fails").exit_code == 1
    assert invoke("pick", str(run.path)).exit_code == 0, "nothing was asked for"


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
