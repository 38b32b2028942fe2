"""A supernet is trained by one worker; the others wait for it, or go on where a dead one was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from danas_hil.run import RunFolder
from danas_hil.study import Shared, StoppedError, Trainings, open_store
from study.shared_runs import joined, new_run

STEPS = 4


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return new_run(tmp_path / "run")


class Steps:
    """A training of a few steps that counts, with its checkpoints in a list."""

    def __init__(self) -> None:
        self.done, self.by = 0, [""]

    def is_done(self) -> bool:
        return self.done >= STEPS

    def by_worker(self, name: str) -> Callable[[Callable[[], bool]], bool]:
        def train(should_stop: Callable[[], bool]) -> bool:
            while not self.is_done() and not should_stop():
                self.done += 1
                self.by.append(name)
            return self.is_done()

        return train


def trainings(
    shared: Shared,
    run: RunFolder,
    stop: Callable[[], bool] = lambda: False,
    on_wait: Callable[[str], None] = lambda _what: None,
) -> Trainings:
    return Trainings(shared.locks, open_store("supernets", run.path), stop, on_wait)


def test_who_finds_a_supernet_in_training_waits_for_it(run: RunFolder) -> None:
    steps, heard = Steps(), [""]
    with joined(run) as one, joined(run) as other:
        lock = one.locks.acquire("supernet small")
        assert lock is not None

        def finish(what: str) -> None:
            heard.append(what)
            steps.by_worker("one")(lambda: False)
            one.locks.release(lock)

        waits = trainings(other, run, on_wait=finish)
        assert waits.elsewhere() == {"small"}
        waits.bring("small", steps.is_done, steps.by_worker("other"))
        assert heard[-1] == f"the training of small by {one.worker.name}"
        assert steps.by == ["", "one", "one", "one", "one"]
        assert waits.elsewhere() == set()


def test_the_training_of_a_dead_worker_goes_on_from_its_last_checkpoint(run: RunFolder) -> None:
    steps = Steps()
    with joined(run) as one, joined(run) as other:
        assert one.locks.acquire("supernet small")
        steps.by_worker("one")(lambda: steps.done >= 1)

        def die(_what: str) -> None:
            one.worker._lock.release()  # as the system does when a process dies

        waits = trainings(other, run, on_wait=die)
        waits.bring("small", steps.is_done, steps.by_worker("other"))
        assert steps.by == ["", "one", "other", "other", "other"]


def test_a_training_that_is_stopped_lets_others_have_it(run: RunFolder) -> None:
    steps = Steps()
    with joined(run) as one, joined(run) as other:
        stopped = trainings(one, run, lambda: steps.done >= 2)
        with pytest.raises(StoppedError):
            stopped.bring("small", steps.is_done, steps.by_worker("one"))
        trainings(other, run).bring("small", steps.is_done, steps.by_worker("other"))
        assert steps.by == ["", "one", "one", "other", "other"]


def test_waiting_ends_when_the_search_is_stopped(run: RunFolder) -> None:
    with joined(run) as one, joined(run) as other:
        assert one.locks.acquire("supernet small")
        waits = trainings(other, run, lambda: True)
        with pytest.raises(StoppedError):
            waits.bring("small", lambda: False, Steps().by_worker("other"))
