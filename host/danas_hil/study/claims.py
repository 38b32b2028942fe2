"""Work that many processes share out among themselves: a study's trials, each one's for a while.

A trial waits, is at work (RUNNING, with Optuna's heartbeat), or is finished. It is made waiting,
gets its first heartbeat, and only then is taken, which the storage grants to one process: at no
moment is there a trial at work that nobody would miss. What was at work when its process died is
finished as FAIL; the storage's callback may put another trial in its place.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from danas_hil.base import require
from danas_hil.study.storage import storage_errors
from danas_hil.study.worker import Worker

_TAKEN_BY = "taken by "
"""Begins the attributes that name who may have taken a trial; the last one did."""


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
        with self._errors():
            self.study = self._optuna.create_study(
                study_name=name, storage=storage, directions=directions, load_if_exists=True
            )
            self._study_id = storage.get_study_id_from_name(name)
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
        """Who took a trial, or tried to when somebody else was quicker."""
        return [key.removeprefix(_TAKEN_BY) for key in trial.user_attrs if _TAKEN_BY in key]

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
            user_attrs={**attributes, _TAKEN_BY + self._worker.name: True},
        )
        with self._errors():
            trial_id = self._storage.create_new_trial(self._study_id, template)
            number = self._storage.get_trial_number_from_id(trial_id)
            return self._taken(Claim(trial_id, number, attributes))

    def take(self, trial: Any) -> Claim | None:
        """A waiting trial; None where another process was quicker."""
        with self._errors():
            key = _TAKEN_BY + self._worker.name
            try:
                self._storage.set_trial_user_attr(trial._trial_id, key, True)
            except self._optuna.exceptions.UpdateFinishedTrialError:
                return None
            return self._taken(Claim(trial._trial_id, trial.number, trial.user_attrs))

    def note(self, claim: Claim, key: str, value: Any) -> None:
        """Write an attribute of a trial of ours, unless it is ours no longer."""
        with self._errors():
            try:
                self._storage.set_trial_user_attr(claim.trial_id, key, value)
            except self._optuna.exceptions.UpdateFinishedTrialError:
                claim.lost = True

    def complete(self, claim: Claim, values: Sequence[float]) -> bool:
        """Finish a trial of ours well; False where it is ours no longer."""
        return self._finish(claim, self._states.COMPLETE, values)

    def fail(self, claim: Claim) -> bool:
        """Finish a trial of ours as failed; False where it is ours no longer."""
        return self._finish(claim, self._states.FAIL, None)

    def give_back(self, claim: Claim) -> None:
        """Let a trial of ours wait again, for whoever takes it next."""
        self._finish(claim, self._states.WAITING, None)

    # -- inside --------------------------------------------------------------------------------

    def _trials(self) -> list[Any]:
        return list(self.study.get_trials(deepcopy=False))

    def _taken(self, claim: Claim) -> Claim | None:
        """Heartbeat first: see above. Then the storage says whose it is."""
        self._storage.record_heartbeat(claim.trial_id)
        try:
            if not self._storage.set_trial_state_values(claim.trial_id, self._states.RUNNING):
                return None
        except self._optuna.exceptions.UpdateFinishedTrialError:
            return None

        def beat() -> None:
            with self._errors():
                self._storage.record_heartbeat(claim.trial_id)
                state = self._storage.get_trial(claim.trial_id).state
            claim.lost = claim.lost or state != self._states.RUNNING

        self._worker.keep(claim.trial_id, beat)
        return claim

    def _finish(self, claim: Claim, state: Any, values: Sequence[float] | None) -> bool:
        self._worker.drop(claim.trial_id)
        with self._errors():
            try:
                self._storage.set_trial_state_values(claim.trial_id, state, values)
            except self._optuna.exceptions.UpdateFinishedTrialError:
                claim.lost = True
                return False
        return True

    def _mourn(self, trials: Sequence[Any]) -> bool:
        """Finish what dead processes left behind. Returns whether there was any."""
        found = False
        running = [trial for trial in trials if self.at_work(trial)]
        for trial in running:
            if (takers := self.takers(trial)) and all(map(self._worker.is_dead, takers)):
                found = True
                try:
                    self._storage.set_trial_state_values(trial._trial_id, self._states.FAIL)
                except self._optuna.exceptions.UpdateFinishedTrialError:
                    continue  # another process saw it first
                retry: Callable[..., None] = self._storage.get_heartbeat_stale_trial_callback()
                retry(self.study, self._storage.get_trial(trial._trial_id))
        every = self._storage.get_heartbeat_interval()
        if running and time.monotonic() - self._mourned >= every:
            self._mourned = time.monotonic()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", self._optuna.exceptions.ExperimentalWarning)
                self._optuna.storages.fail_stale_trials(self.study)
            found = True
        return found

    @contextmanager
    def _errors(self) -> Iterator[None]:
        with storage_errors(self._place):
            yield
