"""Trained supernets, where several processes want them: one trains, the others wait or do else."""

from __future__ import annotations

from collections.abc import Callable

from danas_hil.search.claims import Claim
from danas_hil.search.listener import Listener
from danas_hil.search.locks import Locks, StoppedError, pause
from danas_hil.search.mirror import SupernetStore

_LOCK = "supernet "

Train = Callable[[Callable[[], bool]], bool]
"""Trains from the last checkpoint on until done (True) or its argument says to stop (False)."""


class Trainings:
    """Who trains which supernet (by name), and the checkpoints that come of it."""

    def __init__(
        self,
        locks: Locks,
        store: SupernetStore,
        listener: Listener,
        should_stop: Callable[[], bool],
    ) -> None:
        self._locks, self.store = locks, store
        self._listener, self.should_stop = listener, should_stop

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
                self._listener.waiting(f"the training of {name} by {who}")
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
