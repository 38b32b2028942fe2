"""What those who work on one run have in common: its study, its locks, what they agreed on."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from danas_hil.base import DanasError, require
from danas_hil.run import RunFolder
from danas_hil.search.claims import Claims
from danas_hil.search.ledger import Ledger, retry
from danas_hil.search.locks import Locks
from danas_hil.search.pareto import DIRECTIONS, OBJECTIVES
from danas_hil.search.settings import SearchSettings
from danas_hil.search.storage import StorageSettings, open_storage, storage_errors
from danas_hil.search.worker import Worker

_MAY_DIFFER = ("data", "supernets", "trials", "time_budget", "final_steps", "export_limit")
"""Settings that change no evaluation: those of one process may be others than another's."""


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
def open_shared(
    run: RunFolder, settings: SearchSettings, url: str | None = None
) -> Iterator[Shared]:
    """Join those who work on `run`. `url`: of its storage, over the one in config.toml.

    Raises DanasError when the storage is out of reach, the run folder can't be written, or the
    study there is of another search.
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
        ledger = Ledger(claims, settings.space)
        shared = Shared(worker, ledger, locks, one_folder, claims.study, place)
        _check_same_search(shared, settings, f"{kept_at.study} in {place}")
        yield shared


def _name_objectives(study: Any) -> None:
    """For those who look at the study with Optuna's own tools."""
    with warnings.catch_warnings():
        optuna = require("optuna", "search")
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        if study.metric_names is None:
            study.set_metric_names(list(OBJECTIVES))


def _check_same_search(shared: Shared, settings: SearchSettings, place: str) -> None:
    first = shared.agree("settings", settings.to_config)
    theirs = json.loads(json.dumps(SearchSettings.from_config(first).to_config()))
    ours = json.loads(json.dumps(settings.to_config()))
    different = sorted(_differences(ours, theirs) - set(_MAY_DIFFER))
    if different:
        raise DanasError(
            f"The study {place} is of another search than this run folder: {', '.join(different)}.",
            "Use the run folder that began it, or a copy of that; or another --name.",
        )


def _differences(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> set[str]:
    """Names of tables, and of keys in [search], that are not the same."""
    tables = {name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name)}
    if "search" not in tables:
        return tables
    one, other = ours["search"], theirs.get("search", {})
    keys = {key for key in {*one, *other} if one.get(key) != other.get(key)}
    return (tables - {"search"}) | keys
