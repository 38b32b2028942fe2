"""A search killed at any moment and resumed ends as if nothing had happened."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from danas_hil.base import Deadline
from danas_hil.measure import Measurement
from danas_hil.run import RunFolder
from danas_hil.search import Listener, SearchSettings, create_run
from danas_hil.search.session import join, open_data
from danas_hil.study import STUDY
from killing import Work, calm, done, evaluations_of, fresh, kill_and_go_on
from strategies import make_space
from tasks.some_tasks import SIGNS

TRIALS = 14
SETTINGS = SearchSettings(
    data="signs",
    task=SIGNS,
    space=make_space((16, 24), ("monochrome",), alpha=(0.5, 1.0)),
    trials=TRIALS,
    population=4,
    supernet_steps=12,
    batch_size=8,
    export_limit=1,
)
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


@pytest.fixture(scope="module")
def calm_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, float]:
    """A search that nobody disturbed, and the seconds that it took.

    What is done once is done before: kills at moments of a longer time would come too late.
    """
    folder = tmp_path_factory.mktemp("calm")
    open_data(SETTINGS, Listener())
    calm(Work([["--version"]], folder, folder))
    run = create_run(folder / "run", SETTINGS)
    return run, calm(Work([["resume", str(run.path)]], folder, run.path))


def work_on(run: RunFolder, *commands: list[str]) -> Work:
    finished, check = partial(evaluations_of, run.path), partial(done, run.path, TRIALS)
    return Work(commands, run.path.parent, run.path, finished, check)


@pytest.mark.timeout(600)
def test_four_kills_at_random_moments_change_nothing(
    calm_run: tuple[RunFolder, float], tmp_path: Path
) -> None:
    calm, seconds = calm_run
    shaken = create_run(tmp_path / "shaken", SETTINGS)
    work = work_on(shaken, ["resume", str(shaken.path)])
    tally = kill_and_go_on(work, 4, np.random.default_rng(0), seconds)
    assert not tally.faults
    assert tally.kills
    assert len(outcome(calm)) == TRIALS
    assert outcome(shaken) == outcome(calm)
    assert [c.id for c in shaken.front().candidates] == [c.id for c in calm.front().candidates]
    model = f"candidates/{calm.front().candidates[0].id}/model.tflite"
    assert (shaken.path / model).read_bytes() == (calm.path / model).read_bytes()
    states = json.dumps([row["outcome"] for row in outcome(shaken)])
    assert "running" not in states.lower()


@pytest.mark.timeout(600)
def test_three_workers_of_one_folder_of_which_three_are_killed(
    calm_run: tuple[RunFolder, float], tmp_path: Path
) -> None:
    run = create_run(tmp_path / "run", SETTINGS)
    helper = ["worker", str(run.path), "--threads", "1"]
    work = work_on(run, ["resume", str(run.path)], helper, helper)
    tally = kill_and_go_on(work, 3, np.random.default_rng(1), calm_run[1])
    assert not tally.faults
    assert tally.kills
    assert tally.evaluations == TRIALS


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "command",
    [
        ["train", "--all", "--steps", "40"],
        ["flash", "--board", "host", "--all", "--accuracy", "100"],
    ],
    ids=lambda command: command[0],
)
def test_what_follows_a_search_is_killed_twice_and_ends_well(
    command: list[str], calm_run: tuple[RunFolder, float], tmp_path: Path
) -> None:
    if command[0] == "flash":
        pytest.importorskip("tflite_micro", reason="needs the extra host")
    run = RunFolder(fresh(calm_run[0].path, tmp_path / "run"))
    work = work_on(run, [command[0], str(run.path), *command[1:]])
    span = calm_run[1] * (0.4 if command[0] == "train" else 0.03)
    tally = kill_and_go_on(work, 2, np.random.default_rng(2), span)
    assert not tally.faults
    assert tally.kills
    assert not list(run.candidate("").glob(".part-*"))
    if command[0] == "flash":
        (file,) = run.measurements().values()
        assert Measurement.read(file).status == "OK"


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
