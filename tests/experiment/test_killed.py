"""A real experiment, killed in its second search, goes on as if nothing had happened."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from danas_hil.base import Deadline

pytest.importorskip("tensorflow", reason="the extra [search] is not installed")

TOML = """
data = "signs"
seeds = [0, 1]
trials = 3
supernet_steps = 3
batch_size = 8
export_limit = 1
device_class = "small"
resolutions = [16, 24]
colours = ["monochrome"]
supernet = "per-data"
space = { b3 = [0, 1], b4 = [0], b5 = [0], b6 = [0], b7 = [0], alpha = [0.1, 0.3] }

[[search]]
name = "both"

[[search]]
name = "fixed"
baseline = true
resolutions = [24]
"""
NAMES = ["both-seed0", "fixed-seed0", "both-seed1", "fixed-seed1"]
_LIMIT = 900.0


def start(folder: Path, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "danas_hil", "experiment", "mine.toml", *options]
    with (folder / "out").open("wb") as out, (folder / "log").open("ab") as log:
        return subprocess.Popen(command, cwd=folder, stdout=out, stderr=log)


@pytest.mark.timeout(2400)
def test_a_killed_experiment_goes_on_where_it_was(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(TOML)
    folder = tmp_path / "runs" / "mine"
    process = start(tmp_path)
    deadline = Deadline(_LIMIT, "the second search")
    try:
        while not (folder / "fixed-seed0" / "config.toml").exists():
            assert process.poll() is None, (tmp_path / "log").read_text()
            deadline.check()
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(_LIMIT)
    assert [run["run"] for run in json.loads((folder / "ended.json").read_text())] == NAMES[:1]
    first = (folder / NAMES[0] / "front.json").stat().st_mtime_ns
    assert "1 of 4 searches are finished" in (folder / "report.html").read_text()

    assert start(tmp_path, "--seed", "0").wait(_LIMIT) == 0, (tmp_path / "log").read_text()
    shown = (tmp_path / "out").read_text()
    assert "2 of 4 searches are finished." in shown
    assert "Other seeds are left." in shown
    assert start(tmp_path, "--seed", "7").wait(_LIMIT) == 2
    assert "--seed 7 is none of the experiment's" in (tmp_path / "log").read_text()

    assert start(tmp_path, "--json").wait(_LIMIT) == 0, (tmp_path / "log").read_text()
    told = json.loads((tmp_path / "out").read_text())
    assert told["searches_finished"] == 4
    (limits,) = told["limits"]
    assert [run["run"] for run in limits["runs"]] == NAMES
    assert {run["evaluations"] for run in limits["runs"]} == {3}
    assert [row["seeds"] for row in limits["differences"]] == [2, 2]
    assert (folder / NAMES[0] / "front.json").stat().st_mtime_ns == first
    trained = sorted(path.parent.name for path in folder.rglob("checkpoint.npz"))
    assert trained == ["16-monochrome"] * 2 + ["24-monochrome"] * 2  # once for each seed
    assert "finished: this tells" not in (folder / "report.html").read_text()

    # All is done: the same command shows it again.
    assert start(tmp_path).wait(_LIMIT) == 0, (tmp_path / "log").read_text()
    shown = (tmp_path / "out").read_text()
    assert "both less a baseline, seed by seed; Student's 95 % interval" in shown
    assert re.search(r"^fixed +hypervolume +[+-]0\.\d{3} ", shown, re.MULTILINE)
    assert max(map(len, shown.splitlines())) <= 80
