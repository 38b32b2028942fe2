"""A trial's state in the database, changed only from what it is known to be.

Optuna's storage reads a state and then writes another one. Between the two, SQLite lets others
write: a trial came to two workers, and one that was finished was finished again. Here the first
word of every change is an UPDATE of the trial as it has to be (its state, and who took it). It
takes the lock (SQLite's one writer, elsewhere the row's) and touches nothing where the trial is
otherwise. Then Optuna writes the new state in the same transaction: its methods take the session of
their thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from danas_hil.base import require

TAKEN_BY = "taken by "
"""Begins the attribute that names who took a trial."""


class States:
    """The states of the trials in `storage` (optuna.storages.RDBStorage)."""

    def __init__(self, storage: Any) -> None:
        sql = self._sql = require("sqlalchemy", "search")
        self._optuna = require("optuna", "search")
        self._storage = storage
        columns = [sql.column(name) for name in ("trial_id", "number", "state")]
        self._trials = sql.table("trials", *columns)
        attributes = [sql.column(name) for name in ("trial_id", "key", "value_json")]
        self._attributes = sql.table("trial_user_attributes", *attributes)
        beat = sql.column("heartbeat", sql.DateTime)
        self._heartbeats = sql.table("trial_heartbeats", sql.column("trial_id"), beat)

    def take(self, trial_id: int, taker: str) -> bool:
        """From waiting to work, by `taker`; False where somebody else was quicker."""
        sql = self._sql
        with self._changing(trial_id, "WAITING") as session:
            if session is None:
                return False
            mine = self._attributes.c.trial_id == trial_id
            taken = sql.func.substr(self._attributes.c.key, 1, len(TAKEN_BY)) == TAKEN_BY
            session.execute(sql.delete(self._attributes).where(mine & taken))
            values = {"trial_id": trial_id, "key": TAKEN_BY + taker, "value_json": "true"}
            session.execute(sql.insert(self._attributes).values(values))
            return self._write(trial_id, "RUNNING")

    def note(self, trial_id: int, taker: str, key: str, value: Any) -> bool:
        """An attribute of a trial that `taker` is at work on; False where it is not."""
        with self._changing(trial_id, "RUNNING", [taker]) as session:
            if session is None:
                return False
            self._storage.set_trial_user_attr(trial_id, key, value)
            return True

    def end(
        self, trial_id: int, takers: Sequence[str], state: str, values: Sequence[float] | None
    ) -> bool:
        """From the work of `takers` to COMPLETE, FAIL or WAITING; False where it is not theirs."""
        with self._changing(trial_id, "RUNNING", takers) as session:
            return session is not None and self._write(trial_id, state, values)

    def silent(self, trial_ids: Iterable[int], seconds: float) -> set[int]:
        """Those of the trials whose last heartbeat is longer ago, by the database's clock."""
        beats, sql = self._heartbeats.c, self._sql
        wanted = beats.trial_id.in_(list(trial_ids))
        with self._storage.engine.connect() as connection:
            now = _plain(connection.execute(sql.select(sql.func.now())).scalar())
            rows = connection.execute(sql.select(beats.trial_id, beats.heartbeat).where(wanted))
            return {
                int(row.trial_id)
                for row in rows
                if now - _plain(row.heartbeat) > timedelta(seconds=seconds)
            }

    # -- inside --------------------------------------------------------------------------------

    @contextmanager
    def _changing(
        self, trial_id: int, state: str, takers: Sequence[str] = ()
    ) -> Iterator[Any | None]:
        """The session of a transaction in which the trial is as told; None where it is not.

        What is done in it is dropped unless Optuna commits it.
        """
        trial, attribute, sql = self._trials.c, self._attributes.c, self._sql
        # A literal: to PostgreSQL a state is of a type of its own.
        as_told = (trial.trial_id == trial_id) & (trial.state == sql.literal_column(f"'{state}'"))
        for taker in takers:
            taken = (attribute.trial_id == trial_id) & (attribute.key == TAKEN_BY + taker)
            as_told &= sql.exists().where(taken)
        lock = sql.update(self._trials).where(as_told).values(number=trial.number)
        session = self._storage.scoped_session()
        try:
            yield session if session.execute(lock).rowcount else None
        finally:
            session.rollback()
            session.close()

    def _write(self, trial_id: int, state: str, values: Sequence[float] | None = None) -> bool:
        write: Callable[..., bool] = self._storage.set_trial_state_values
        return write(trial_id, self._optuna.trial.TrialState[state], values)


def _plain(moment: Any) -> datetime:
    """PostgreSQL's now has a time zone; heartbeats are written without."""
    assert isinstance(moment, datetime)
    return moment.replace(tzinfo=None)
