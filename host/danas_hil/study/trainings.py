"""Trained supernets, where several processes want them: one trains, the others wait or do else."""

from __future__ import annotations

from collections.abc import Callable

from danas_hil.study.claims import Claim
from danas_hil.study.locks import Locks, StoppedError, pause
from danas_hil.study.mirror import SupernetStore

_LOCK = "supernet "

Train = Callable[[Callable[[], bool]], bool]
"""Trains from the last checkpoint on until done (True) or its argument says to stop (False)."""


class Trainings:
    """Who trains which supernet (by name), and the checkpoints that come of it.

    on_wait: told again and again what another process is doing while there is nothing to do here.
    """

    def __init__(
        self,
        locks: Locks,
        store: SupernetStore,
        should_stop: Callable[[], bool],
        on_wait: Callable[[str], None] = lambda _what: None,
    ) -> None:
        self._locks, self.store = locks, store
        self.should_stop, self._on_wait = should_stop, on_wait

    def elsewhere(self) -> set[str]:
        """The supernets that are in training just now; asked between two trainings of our own."""
        held = self._locks.holders()
        return {name.removeprefix(_LOCK) for name in held if name.startswith(_LOCK)}

    def bring(self, name: str, is_done: Callable[[], bool], train: Train) -> None:
        """See to it that the supernet `name` is trained, here or by another process.

        is_done: whether the checkpoint in the store's folder is that of a whole training. A
        training whose process died is gone on with from its last checkpoint. Raises StoppedError
        when asked to stop.
        """
        while True:
            self.store.pull(name)
            if is_done():
                return
            if (lock := self._locks.acquire(_LOCK + name)) is None:
                who = self._locks.holders().get(_LOCK + name, "another worker")
                self._on_wait(f"the training of {name} by {who}")
                pause(self.should_stop)
                continue
            self.store.pull(name)  # perhaps it was finished in between
            train(lambda: self._between_steps(name, lock))
            if lock.lost:  # another process has gone on with it
                continue
            self.store.push(name)
            self._locks.release(lock)
            if self.should_stop() and not is_done():
                raise StoppedError

    def _between_steps(self, name: str, lock: Claim) -> bool:
        """Carry a new checkpoint to the others; whether the training is to stop."""
        self.store.push(name)
        return lock.lost or self.should_stop()
