"""The study holds every evaluation, finished ones only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import optuna
import pytest

from danas_hil.base import DanasError
from danas_hil.metrics import Scores
from danas_hil.run import Evaluation, RunFolder
from danas_hil.search.ledger import STUDY, Ledger
from danas_hil.space import SearchSpace

SPACE = SearchSpace(resolution=(32, 64))


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "run", {})


def evaluations(count: int) -> list[Evaluation]:
    rng = np.random.default_rng(0)
    return [
        Evaluation(
            index=index,
            genome=SPACE.sample(rng),
            outcome="failed" if index == 2 else "complete",
            ram_bytes=1000 + index,
            flash_bytes=2000,
            scores=None if index == 2 else Scores(0.5 + index / 100, 0.5, 0.25, 40),
            fitness=None if index == 2 else 3.0,
            feasible=index != 2,
            seconds=0.25,
            elapsed_seconds=float(index),
            reason="the model is odd" if index == 2 else "",
        )
        for index in range(count)
    ]


def test_evaluations_come_back_as_they_were_written(run: RunFolder) -> None:
    ledger = Ledger(run, SPACE)
    for evaluation in evaluations(5):
        ledger.append(evaluation)
    assert list(Ledger(run, SPACE).evaluations) == evaluations(5)


def test_the_study_is_one_that_optuna_users_can_open(run: RunFolder) -> None:
    ledger = Ledger(run, SPACE)
    for evaluation in evaluations(4):
        ledger.append(evaluation)
    study = optuna.load_study(study_name=STUDY, storage=f"sqlite:///{run.study_file}")
    states = [trial.state.name for trial in study.trials]
    assert states == ["COMPLETE", "COMPLETE", "FAIL", "COMPLETE"]
    assert study.trials[3].values == [0.53, 0.5, 0.25, 1003.0, 2000.0]
    genome = evaluations(4)[3].genome
    assert study.trials[3].params["resolution"] == genome.data.resolution
    assert study.trials[3].params["alpha"] == genome.arch.alpha


def test_an_evaluation_out_of_order_is_refused(run: RunFolder) -> None:
    with pytest.raises(ValueError, match="evaluation 1 after 0"):
        Ledger(run, SPACE).append(evaluations(2)[1])


@pytest.mark.parametrize("content", [b"", b"this is no database", b"SQLite format 3\0" + b"x" * 99])
def test_a_torn_study_file_is_told_as_such(run: RunFolder, content: bytes) -> None:
    run.study_file.write_bytes(content)
    if not content:  # an empty file is an empty database: nothing is lost by starting on it
        assert not Ledger(run, SPACE).evaluations
        return
    with pytest.raises(DanasError, match=r"study\.db can't be read"):
        Ledger(run, SPACE)
