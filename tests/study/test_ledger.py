"""The study holds every evaluation; what is under way is one process's and is never lost."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from danas_hil.base import DanasError
from danas_hil.run import RunFolder
from danas_hil.space import Genome
from danas_hil.study import STUDY, Ledger, Turn
from study.shared_runs import evaluate, evaluated, genomes, joined, new_run

FAILED = 2


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return new_run(tmp_path / "run")


def fill(ledger: Ledger, count: int) -> None:
    for index, genome in enumerate(genomes(count)):
        assert evaluate(ledger, genome, failed=index == FAILED).index == index


def turn_of(ledger: Ledger, genome: Genome, trials: int | None = None) -> Turn | None:
    return ledger.turn(lambda: genome, lambda _genome: True, trials)


def test_evaluations_come_back_as_they_were_written(run: RunFolder) -> None:
    with joined(run) as shared:
        fill(shared.ledger, 5)
        written = list(shared.ledger.evaluations)
    with joined(run) as shared:
        assert list(shared.ledger.evaluations) == written
        assert [e.genome for e in written] == genomes(5)
        assert written[FAILED].outcome == "failed"


def test_the_study_is_one_that_optuna_users_can_open(run: RunFolder) -> None:
    with joined(run) as shared:
        fill(shared.ledger, 4)
    study = optuna.load_study(study_name=STUDY, storage=f"sqlite:///{run.study_file}")
    states = [trial.state.name for trial in study.trials]
    assert states == ["COMPLETE", "COMPLETE", "FAIL", "COMPLETE"]
    assert study.trials[3].values == [0.5, 0.5, 0.25, 1000.0, 2000.0]
    genome = genomes(4)[3]
    assert study.trials[3].params["resolution"] == genome.data.resolution
    assert study.trials[3].params["alpha"] == genome.arch.alpha


@pytest.mark.parametrize("content", [b"", b"this is no database", b"SQLite format 3\0" + b"x" * 99])
def test_a_torn_study_file_is_told_as_such(run: RunFolder, content: bytes) -> None:
    run.study_file.write_bytes(content)
    if not content:  # an empty file is an empty database: nothing is lost by starting on it
        with joined(run) as shared:
            assert not shared.ledger.evaluations
        return
    with pytest.raises(DanasError, match=r"study\.db can't be read"), joined(run):
        pass


class TestTwoWorkers:
    def test_they_see_what_the_other_finished(self, run: RunFolder) -> None:
        first, second = genomes(2)
        with joined(run) as one, joined(run) as other:
            evaluate(one.ledger, first)
            assert evaluate(other.ledger, second).index == 1
            one.ledger.at_work()
            assert [e.genome for e in one.ledger.evaluations] == [first, second]

    def test_a_genome_under_way_is_nobody_elses_turn(self, run: RunFolder) -> None:
        first, second = genomes(2)
        with joined(run) as one, joined(run) as other:
            assert turn_of(one.ledger, first)
            # The other one has the same idea, is refused, and is asked for a better one.
            ideas = iter([first, second])
            turn = other.ledger.turn(lambda: next(ideas), lambda _genome: True, None)
            assert turn is not None
            assert turn.genome == second
            assert other.ledger.at_work() == 2

    def test_together_they_do_no_more_trials_than_asked_for(self, run: RunFolder) -> None:
        first, second, third = genomes(3)
        with joined(run) as one, joined(run) as other:
            turn = turn_of(one.ledger, first, trials=2)
            assert turn_of(other.ledger, second, trials=2)
            assert turn_of(one.ledger, third, trials=2) is None
            assert turn is not None
            one.ledger.finish(turn, evaluated(first))
            assert turn_of(one.ledger, third, trials=2) is None

    def test_what_one_gives_back_the_other_takes(self, run: RunFolder) -> None:
        first, second = genomes(2)
        with joined(run) as one, joined(run) as other:
            turn = turn_of(one.ledger, first)
            assert turn is not None
            one.ledger.give_back(turn)
            unready = other.ledger.turn(lambda: second, lambda genome: genome != first, None)
            assert unready is not None
            assert unready.genome == second
            taken = turn_of(other.ledger, second)
            assert taken is not None
            assert taken.genome == first

    def test_a_worker_taken_for_dead_writes_nothing(self, run: RunFolder) -> None:
        genome, *_ = genomes(1)
        with joined(run) as one, joined(run) as other:
            turn = turn_of(one.ledger, genome)
            assert turn is not None
            one.worker._lock.release()  # as the operating system does when a process dies
            taken = turn_of(other.ledger, genome)
            assert taken is not None
            assert taken.genome == genome
            assert one.ledger.finish(turn, evaluated(genome)) is None
            assert other.ledger.finish(taken, evaluated(genome)) is not None
            assert [e.genome for e in other.ledger.evaluations] == [genome]


class TestLocks:
    def test_one_at_a_time(self, run: RunFolder) -> None:
        with joined(run) as one, joined(run) as other:
            lock = one.locks.acquire("front")
            assert lock is not None
            assert other.locks.acquire("front") is None
            assert other.locks.holders() == {"front": one.worker.name}
            assert other.locks.acquire("another thing") is not None
            one.locks.release(lock)
            assert other.locks.acquire("front") is not None

    def test_a_lock_ends_with_its_process(self, run: RunFolder) -> None:
        with joined(run) as one, joined(run) as other:
            lock = one.locks.acquire("front")
            assert lock is not None
            one.worker._lock.release()
            assert other.locks.acquire("front") is not None
            one.locks.release(lock)
            assert lock.lost
