"""What two workers ask for at the same moment, one of them gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from danas_hil.run import RunFolder
from danas_hil.study import StorageSettings
from study.postgresql import postgresql
from study.racing import Rounds, race_to_end, race_to_take
from study.shared_runs import new_run

ROUNDS = 40
"""What let one round in ten slip would be found 98 times in 100. benchmarks/kills.py has 200."""


def test_a_waiting_trial_comes_to_one_of_two_who_take_it_at_once(tmp_path: Path) -> None:
    assert race_to_take(new_run(tmp_path / "run"), ROUNDS) == Rounds(both=0, neither=0)


def test_a_trial_is_finished_once_by_its_worker_or_by_who_takes_that_for_dead(
    tmp_path: Path,
) -> None:
    assert race_to_end(new_run(tmp_path / "run"), ROUNDS) == Rounds(both=0, neither=0)


def test_postgresql_keeps_to_the_same_law(tmp_path: Path) -> None:
    pytest.importorskip("psycopg", reason="the extra [postgresql] is not installed")
    with postgresql() as url:
        settings = StorageSettings(url)
        run = RunFolder.create(tmp_path / "run", {"storage": settings.to_config()})
        assert race_to_take(run, ROUNDS // 4) == Rounds(both=0, neither=0)
        assert race_to_end(run, ROUNDS // 4) == Rounds(both=0, neither=0)
