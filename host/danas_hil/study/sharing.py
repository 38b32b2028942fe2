"""What those who work on one run have in common: its study, its locks, what they agreed on."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from danas_hil.base import require
from danas_hil.run import RunFolder
from danas_hil.space import Space
from danas_hil.study.claims import Claims
from danas_hil.study.ledger import Ledger, retry
from danas_hil.study.locks import Locks
from danas_hil.study.objectives import DIRECTIONS, OBJECTIVES
from danas_hil.study.storage import StorageSettings, open_storage, storage_errors
from danas_hil.study.worker import Worker


@dataclass(frozen=True)
class Shared:
    """A run as one of the processes at work on it sees it.

    one_folder: whether all work in the same run folder, with the study in it.
    """

    worker: Worker
    ledger: Ledger
    locks: Locks
    one_folder: bool
    _study: Any
    _place: str

    @property
    def place(self) -> str:
        """The study and where it is, for errors."""
        return f"{self._study.study_name} in {self._place}"

    def agree(self, key: str, find_out: Callable[[], Any]) -> Any:
        """What `find_out` gave the first process that asked, as JSON keeps it.

        To be called under a lock where two answers could differ.
        """
        known = self.noted(key)
        if known is None:
            self.note(key, find_out())
            known = self.noted(key)
        return known

    def note(self, key: str, value: Any) -> None:
        """Let the other processes know `value`."""
        with storage_errors(self._place):
            self._study.set_user_attr(key, value)

    def noted(self, key: str) -> Any:
        """What was noted under `key`, or None."""
        with storage_errors(self._place):
            return self._study.user_attrs.get(key)


@contextmanager
def open_shared(run: RunFolder, space: Space, url: str | None = None) -> Iterator[Shared]:
    """Join those who work on `run`, whose genomes are of `space`.

    url: of its storage, over the one in config.toml. Raises DanasError when the storage is out of
    reach, or the run folder can't be written.
    """
    kept_at = StorageSettings.from_config(run.config(), url)
    storage = open_storage(run, kept_at, retry)
    one_folder = kept_at.url is None
    with Worker(run.workers, kept_at.beat_seconds, one_folder) as worker:
        place = str(run.study_file) if one_folder else kept_at.place
        claims = Claims(storage, kept_at.study, DIRECTIONS, worker, place)
        with storage_errors(place):
            _name_objectives(claims.study)
        locks = Locks(Claims(storage, f"{kept_at.study} locks", ("minimize",), worker, place))
        ledger = Ledger(claims, space)
        yield Shared(worker, ledger, locks, one_folder, claims.study, place)


def _name_objectives(study: Any) -> None:
    """For those who look at the study with Optuna's own tools."""
    with warnings.catch_warnings():
        optuna = require("optuna", "search")
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        if study.metric_names is None:
            study.set_metric_names(list(OBJECTIVES))
