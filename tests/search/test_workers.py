"""Workers on many computers share a run: one is killed, and nothing is lost or done twice."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from danas_hil.base import Deadline
from danas_hil.run import RunFolder
from danas_hil.search import SearchSettings, create_run
from danas_hil.search.session import join
from danas_hil.study import StorageSettings
from strategies import make_space
from study.postgresql import postgresql
from tasks.some_tasks import SIGNS

pytest.importorskip("tensorflow", reason="the extra [search] is not installed")
pytest.importorskip("psycopg", reason="the extra [postgresql] is not installed")
pytest.importorskip("fsspec", reason="the extra [remote] is not installed")

LEASE = 5
_LIMIT = 300.0


def start(run: RunFolder) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "danas_hil", "worker", str(run.path), "--threads", "1"]
    with (run.path.parent / f"{run.name}.log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)


def evaluations_of(process: subprocess.Popen[bytes], study: Any) -> list[int]:
    """Numbers of the trials that a worker evaluates just now."""
    return [
        trial.number
        for trial in study.get_trials(deepcopy=False)
        if trial.state.name == "RUNNING"
        and any(f"-{process.pid}-" in key for key in trial.user_attrs)
    ]


def kill_at_work(process: subprocess.Popen[bytes], study: Any) -> int:
    """Kill it in the middle of an evaluation, and return that trial's number."""
    deadline = Deadline(_LIMIT, "an evaluation to interrupt")
    while process.poll() is None and not deadline.expired:
        if evaluations_of(process, study):
            os.kill(process.pid, signal.SIGSTOP)
            if interrupted := evaluations_of(process, study):
                process.kill()
                process.wait(_LIMIT)
                return interrupted[0]
            os.kill(process.pid, signal.SIGCONT)
        time.sleep(0.02)
    pytest.fail("it was never at work")


@pytest.mark.timeout(600)
def test_three_workers_finish_what_one_that_was_killed_had_begun(tmp_path: Path) -> None:
    import optuna

    with postgresql() as url:
        settings = SearchSettings(
            data="signs",
            task=SIGNS,
            space=make_space((16,), ("monochrome",), b6=(0,), b7=(0,), alpha=(0.3, 0.5)),
            trials=12,
            supernet_steps=6,
            batch_size=8,
            export_limit=1,
            supernets=f"file://{tmp_path}/supernets",
        )
        first = create_run(tmp_path / "a", settings, StorageSettings(url, "shared", LEASE))
        runs = [first]
        for name in "bc":  # as on computers that have no folder in common
            shutil.copytree(first.path, tmp_path / name)
            runs.append(RunFolder.open(tmp_path / name))
        processes = [start(run) for run in runs]
        try:
            with join(first, settings):  # makes the tables, or waits for them
                pass
            named = url.replace("postgresql", "postgresql+psycopg")
            study = optuna.load_study(study_name="shared", storage=named)
            number = kill_at_work(processes[1], study)
            for process, run in zip(processes, runs, strict=True):
                if process is not processes[1]:
                    status = process.wait(_LIMIT)
                    assert status == 0, (tmp_path / f"{run.name}.log").read_text()
        finally:
            for process in processes:
                process.kill()

        with join(first, settings) as shared:
            evaluated = [evaluation.genome for evaluation in shared.ledger.evaluations]
        assert len(evaluated) == len(set(evaluated)) == settings.trials
        trials = study.get_trials()
        assert {trial.state.name for trial in trials} == {"COMPLETE", "FAIL"}
        assert trials[number].state.name == "FAIL"
        assert number in [trial.user_attrs.get("retry of") for trial in trials]
        fronts = [run.front() for run in runs if run.front_file.exists()]
        assert [len(front.evaluations) for front in fronts] == [settings.trials]
