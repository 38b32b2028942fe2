"""A search killed at any moment and resumed ends as if nothing had happened."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from danas_hil.base import Deadline
from danas_hil.run import RunFolder
from danas_hil.search import SearchSettings, create_run
from danas_hil.search.joining import join
from danas_hil.space import SearchSpace
from danas_hil.study import STUDY

SETTINGS = SearchSettings(
    data="faces",
    space=SearchSpace((16, 24), ("monochrome",), alpha=(0.5, 1.0)),
    trials=14,
    population=4,
    supernet_steps=12,
    batch_size=8,
    export_limit=1,
)
KILLS = 5
_LIMIT = 300.0


def resume(run: RunFolder) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "danas_hil", "resume", str(run.path), "--json"]
    log = (run.path.parent / f"{run.name}.log").open("ab")
    return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)


def finish(run: RunFolder) -> None:
    process = resume(run)
    status = process.wait(_LIMIT)
    assert status == 0, (run.path.parent / f"{run.name}.log").read_text()


def outcome(run: RunFolder) -> list[dict[str, object]]:
    """What an evaluation found; how long it took is another matter."""
    with join(run, SETTINGS) as shared:
        rows = [evaluation.to_json() for evaluation in shared.ledger.evaluations]
    return [{key: value for key, value in row.items() if "seconds" not in key} for row in rows]


def finished_trials(run: RunFolder) -> int:
    """Quicker than `outcome`, to be asked again and again."""
    with closing(sqlite3.connect(f"file:{run.study_file}?mode=ro", uri=True)) as database:
        studies = "SELECT study_id FROM studies WHERE study_name = ?"
        query = f"SELECT count(*) FROM trials WHERE state = 'COMPLETE' AND study_id IN ({studies})"
        return int(database.execute(query, (STUDY,)).fetchone()[0])


def mark(run: RunFolder) -> tuple[int, ...]:
    """Something that grows whenever the search has got on: bytes of its files."""
    files = [run.study_file, *sorted(run.supernets.rglob("*")), *sorted(run.path.rglob("*.tflite"))]
    return tuple(file.stat().st_size for file in files if file.is_file())


@pytest.mark.timeout(600)
def test_five_kills_at_random_moments_change_nothing(tmp_path: Path) -> None:
    calm = create_run(tmp_path / "calm", SETTINGS)
    began = time.monotonic()
    finish(calm)
    length = time.monotonic() - began

    shaken = create_run(tmp_path / "shaken", SETTINGS)
    rng = np.random.default_rng(0)
    for _ in range(KILLS):
        process = resume(shaken)
        deadline = Deadline(float(rng.uniform(0.2, 0.9)) * length, "the moment to kill")
        before = mark(shaken)
        while process.poll() is None and not deadline.expired:
            if mark(shaken) != before and rng.random() < 0.02:
                break  # in the middle of something
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait(_LIMIT)
    finish(shaken)

    assert len(outcome(calm)) == SETTINGS.trials
    assert outcome(shaken) == outcome(calm)
    assert [c.id for c in shaken.front().candidates] == [c.id for c in calm.front().candidates]
    model = f"candidates/{calm.front().candidates[0].id}/model.tflite"
    assert (shaken.path / model).read_bytes() == (calm.path / model).read_bytes()
    states = json.dumps([row["outcome"] for row in outcome(shaken)])
    assert "running" not in states.lower()


def test_a_first_interrupt_ends_the_search_gently_and_exports_what_there_is(
    tmp_path: Path,
) -> None:
    settings = SearchSettings.from_config({**SETTINGS.to_config()})
    run = create_run(tmp_path / "run", settings)
    process = resume(run)
    deadline = Deadline(_LIMIT, "the first evaluation")
    while not deadline.expired and process.poll() is None:
        if run.study_file.exists() and finished_trials(run):
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(_LIMIT) == 0, (tmp_path / "run.log").read_text()
    done = len(outcome(run))
    assert 1 <= done <= settings.trials  # type: ignore[operator]
    assert run.front().chosen is not None
    finish(run)
    assert len(outcome(run)) == settings.trials
