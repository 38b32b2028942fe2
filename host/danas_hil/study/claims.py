"""Work that many processes share out among themselves: a study's trials, each one's for a while.

A trial waits, is at work (RUNNING, with Optuna's heartbeat), or is finished. It is made waiting,
gets its first heartbeat, and only then is taken, which the database grants to one process (see
`states`): at no moment is there a trial at work that nobody would miss. What was at work when its
process died is finished as FAIL, by one of those who see it; the storage's callback may put another
trial in its place.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from danas_hil.base import require
from danas_hil.study.states import TAKEN_BY, States
from danas_hil.study.storage import storage_errors
from danas_hil.study.worker import Worker


@dataclass
class Claim:
    """A trial at work that is ours; `lost` is set once others took us for dead."""

    trial_id: int
    number: int
    attributes: Mapping[str, Any]
    lost: bool = field(default=False)


class Claims:
    """The trials of the study `name` in `storage` as `worker` sees and takes them."""

    def __init__(
        self, storage: Any, name: str, directions: Sequence[str], worker: Worker, place: str
    ) -> None:
        self._optuna = require("optuna", "search")
        self._states = self._optuna.trial.TrialState
        self._storage, self._worker, self._place = storage, worker, place
        self._kept = States(storage)
        with self._errors():
            self.study = self._optuna.create_study(
                study_name=name, storage=storage, directions=directions, load_if_exists=True
            )
            self._study_id = storage.get_study_id_from_name(name)
        self._ids: dict[int, int] = {}
        self._mourned = float("-inf")

    # -- looking -------------------------------------------------------------------------------

    def read(self) -> list[Any]:
        """All trials (optuna.trial.FrozenTrial) by number, those of dead processes finished."""
        self._worker.check()
        with self._errors():
            trials = self._trials()
            if self._mourn(trials):
                trials = self._trials()
            return trials

    def at_work(self, trial: Any) -> bool:
        return bool(trial.state == self._states.RUNNING)

    def waiting(self, trial: Any) -> bool:
        return bool(trial.state == self._states.WAITING)

    def takers(self, trial: Any) -> list[str]:
        """Who took a trial; in the study of an earlier version also who came too late."""
        return [k.removeprefix(TAKEN_BY) for k in trial.user_attrs if k.startswith(TAKEN_BY)]

    # -- doing ---------------------------------------------------------------------------------

    def add(
        self,
        attributes: Mapping[str, Any],
        params: Mapping[str, Any] | None = None,
        distributions: Mapping[str, Any] | None = None,
    ) -> Claim | None:
        """A new trial, taken; None where another process was quicker to take it."""
        template = self._optuna.trial.create_trial(
            state=self._states.WAITING,
            params=dict(params or {}),
            distributions=dict(distributions or {}),
            user_attrs=dict(attributes),
        )
        with self._errors():
            trial_id = self._storage.create_new_trial(self._study_id, template)
            number = self._storage.get_trial_number_from_id(trial_id)
            return self._taken(Claim(trial_id, number, attributes))

    def take(self, trial: Any) -> Claim | None:
        """A waiting trial; None where another process was quicker."""
        with self._errors():
            return self._taken(Claim(self._id(trial), trial.number, trial.user_attrs))

    def note(self, claim: Claim, key: str, value: Any) -> None:
        """Write an attribute of a trial of ours, unless it is ours no longer."""
        with self._errors():
            if not self._kept.note(claim.trial_id, self._worker.name, key, value):
                claim.lost = True

    def complete(self, claim: Claim, values: Sequence[float]) -> bool:
        """Finish a trial of ours well; False where it is ours no longer."""
        return self._finish(claim, "COMPLETE", values)

    def fail(self, claim: Claim) -> bool:
        """Finish a trial of ours as failed; False where it is ours no longer."""
        return self._finish(claim, "FAIL", None)

    def give_back(self, claim: Claim) -> None:
        """Let a trial of ours wait again, for whoever takes it next."""
        self._finish(claim, "WAITING", None)

    # -- inside --------------------------------------------------------------------------------

    def _trials(self) -> list[Any]:
        return list(self.study.get_trials(deepcopy=False))

    def _id(self, trial: Any) -> int:
        """A trial's id in the storage, which never changes."""
        if trial.number not in self._ids:
            find = self._storage.get_trial_id_from_study_id_trial_number
            self._ids[trial.number] = find(self._study_id, trial.number)
        return self._ids[trial.number]

    def _taken(self, claim: Claim) -> Claim | None:
        """Heartbeat first: see above. Then the database says whose it is."""
        self._storage.record_heartbeat(claim.trial_id)
        if not self._kept.take(claim.trial_id, self._worker.name):
            return None

        def beat() -> None:
            with self._errors():
                self._storage.record_heartbeat(claim.trial_id)
                state = self._storage.get_trial(claim.trial_id).state
            claim.lost = claim.lost or state != self._states.RUNNING

        self._worker.keep(claim.trial_id, beat)
        return claim

    def _finish(self, claim: Claim, state: str, values: Sequence[float] | None) -> bool:
        self._worker.drop(claim.trial_id)
        with self._errors():
            kept = self._kept.end(claim.trial_id, [self._worker.name], state, values)
        claim.lost = claim.lost or not kept
        return kept

    def _mourn(self, trials: Sequence[Any]) -> bool:
        """Finish what dead processes left behind. Returns whether there was any."""
        running = {self._id(trial): trial for trial in trials if self.at_work(trial)}
        gone = {key for key, trial in running.items() if self._is_orphan(trial)}
        every = self._storage.get_heartbeat_interval()
        looked = bool(running) and time.monotonic() - self._mourned >= every
        if looked:
            self._mourned = time.monotonic()
            gone |= self._kept.silent(running, self._storage.grace_period)
        for key in sorted(gone):
            if self._kept.end(key, self.takers(running[key]), "FAIL", None):
                retry: Callable[..., None] = self._storage.get_heartbeat_stale_trial_callback()
                retry(self.study, self._storage.get_trial(key))
        return looked or bool(gone)

    def _is_orphan(self, trial: Any) -> bool:
        takers = self.takers(trial)
        return bool(takers) and all(map(self._worker.is_dead, takers))

    @contextmanager
    def _errors(self) -> Iterator[None]:
        with storage_errors(self._place):
            yield
