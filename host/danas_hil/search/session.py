"""A run that is worked on: made, opened, joined by those who search it, and the images it sees."""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from danas_hil import __version__
from danas_hil.base import DanasError
from danas_hil.data import DrawnSplits, Source, SourceOptions, open_source
from danas_hil.families import families
from danas_hil.run import Evaluation, RunFolder
from danas_hil.search.cost import (
    CostEstimator,
    check_possible,
    rates_now,
    rates_of_run,
    rates_to_config,
)
from danas_hil.search.listener import Listener
from danas_hil.search.samplers.registry import samplers
from danas_hil.search.settings import SearchSettings
from danas_hil.search.supernet_source import SupernetSource, find_supernet_source
from danas_hil.signals import find_signal, signals
from danas_hil.signals.shown import Dataset
from danas_hil.study import (
    Claim,
    Ledger,
    Shared,
    StorageSettings,
    SupernetStore,
    open_shared,
    open_store,
)
from danas_hil.supernet import make_deterministic

FRONT = "front"
"""The lock of the process that leads, and what was noted of its export."""
_COUNTS = (
    "tensorflow",
    "tensorflow-cpu",
    "keras",
    "numpy",
    "optuna",
    "ai-edge-litert",
    "tflite-micro",
    "pillow",
)
"""Packages whose version can change a figure; beside those that add the signal, a family or the
sampler."""


def create_run(
    path: Path, settings: SearchSettings, storage: StorageSettings | None = None
) -> RunFolder:
    """A new run folder with its resolved settings, the versions of everything that counts, and the
    rates that its board has now.

    storage: where the study is kept; None is study.db in the folder.
    """
    versions = {"danas-hil": __version__, "python": platform.python_version()}
    for package in _COUNTS:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    space = settings.space
    added = [signals().version(space.data.signal), samplers().version(settings.sampler)]
    added += [families().version(family) for family in space.families]
    versions |= dict(package for package in added if package is not None)
    kept_at = {} if storage is None else {"storage": storage.to_config()}
    rates = rates_to_config(rates_now(settings))
    return RunFolder.create(
        path, {**settings.to_config(), **kept_at, "versions": versions, **rates}
    )


_OF_NOTHING = ("config.toml", "study.db", ".study.lock", "workers", ".part-")
"""Files of a run before it has seen an image; the study has other files beside it."""


def discard_unbegun(run: RunFolder) -> bool:
    """Remove the folder of a run that never came to see its images; whether it was such a one.

    Else the same command, corrected, would find its name taken by nothing.
    """
    with suppress(DanasError, OSError):
        files = (place for place in run.path.rglob("*") if not place.is_dir())
        names = {file.relative_to(run.path).parts[0] for file in files}
        if "data" not in run.config() and all(name.startswith(_OF_NOTHING) for name in names):
            shutil.rmtree(run.path)
            run.path.parent.rmdir()  # runs/, where this was the first one
    return not run.path.exists()


@dataclass(frozen=True)
class Prepared:
    """What config.toml of a run means here.

    store: of its supernets, or of those of the run that they are taken from.
    """

    settings: SearchSettings
    estimator: CostEstimator
    store: SupernetStore
    supernet_source: SupernetSource | None


def prepare(run: RunFolder, listener: Listener, data: str | None = None) -> Prepared:
    """What config.toml of `run` means, with `data` as the place of the images if it is given.

    Raises DanasError where nothing can come of it: no genome fits, the board is not known, its
    supernets are out of reach; and for a run that an older version made.
    """
    run.check_goes_on()
    config = run.config()
    settings = SearchSettings.from_config(config)
    if data is not None:
        settings = replace(settings, data=data)
    estimator = CostEstimator(settings, rates_of_run(config))
    check_possible(settings, estimator)
    supernet_source = find_supernet_source(settings, run.path)
    if supernet_source is None:
        store = open_store(settings.supernets or run.supernets.name, run.path)
        return Prepared(settings, estimator, store, None)
    settings = replace(settings, finest=supernet_source.finest)
    for warning in supernet_source.warnings(settings):
        listener.warning(warning)
    return Prepared(settings, estimator, supernet_source.store(run.supernets), supernet_source)


_MAY_DIFFER = (
    "data",
    "supernets",
    "trials",
    "time_budget",
    "export_finetune_steps",
    "export_limit",
)
"""Settings that change no evaluation: those of one process may be others than another's."""


@contextmanager
def join(run: RunFolder, settings: SearchSettings, url: str | None = None) -> Iterator[Shared]:
    """Join those who work on `run`, as `open_shared` does.

    Raises DanasError also when the study there is of another search.
    """
    with open_shared(run, settings.space, url) as shared:
        _check_same_search(shared, settings)
        yield shared


def _check_same_search(shared: Shared, settings: SearchSettings) -> None:
    first = shared.agree("settings", settings.to_config)
    theirs = json.loads(json.dumps(SearchSettings.from_config(first).to_config()))
    ours = json.loads(json.dumps(settings.to_config()))
    different = sorted(_differences(ours, theirs) - set(_MAY_DIFFER))
    if different:
        raise DanasError(
            f"The study {shared.place} is of another search than this run folder:"
            f" {', '.join(different)}.",
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


def source_of(settings: SearchSettings) -> Source:
    """The data that a search was asked to look at; names of files are looked at, nothing is read.

    Raises DanasError where it is not there.
    """
    kind = find_signal(settings.space.data.signal).files()
    return open_source(settings.data, kind, SourceOptions(**settings.data_options))


def open_data(settings: SearchSettings, listener: Listener) -> Dataset:
    """The data set, kept as fine as the space or a setting has it; training and validation read.

    The test split stays unread. Raises DanasError for other classes than those of the settings.
    """
    source = source_of(settings)
    if source.classes != settings.task.classes:
        raise DanasError(
            f"{settings.data} has other classes than this run began with.",
            f"Then: {', '.join(settings.task.classes)}; now: {', '.join(source.classes)}.",
        )
    data = settings.space.data
    finest = settings.finest or data.finest
    signal = find_signal(data.signal)
    dataset = signal.dataset(source, finest, listener.decoding, listener.waiting)
    shown = ("train", "validation")
    listener.data_ready({name: dataset.split(name).balance for name in shown})
    if isinstance(source, DrawnSplits):
        listener.warning(f"{source.rule}.")
    for text in (text for name in shown for text in dataset.warnings(name)):
        listener.warning(text)
    return dataset


@dataclass(frozen=True)
class Session:
    """A run that this process works on, with the others who do, and the images open.

    store, supernet_source: as in `Prepared`. shared: what the study says, with its ledger.
    should_stop: asked now and then; where it says so, what is at work ends with StoppedError.
    """

    run: RunFolder
    settings: SearchSettings
    estimator: CostEstimator
    store: SupernetStore
    supernet_source: SupernetSource | None
    shared: Shared
    dataset: Dataset
    listener: Listener
    should_stop: Callable[[], bool]

    @property
    def ledger(self) -> Ledger:
        return self.shared.ledger

    @property
    def evaluations(self) -> Sequence[Evaluation]:
        """All that are written down, in order."""
        return self.shared.ledger.evaluations


@dataclass
class Lead:
    """Whether this process leads those who work on a run: only one may, and it exports the front.

    As a context: at its end it leads no more.
    """

    shared: Shared
    claim: Claim | None = None

    def __enter__(self) -> Lead:
        return self

    def __exit__(self, *_: object) -> None:
        if self.claim is not None:
            self.shared.locks.release(self.claim)

    @property
    def held(self) -> bool:
        return self.claim is not None

    def take(self) -> None:
        """Lead, unless another process does."""
        self.claim = self.shared.locks.acquire(FRONT)

    def wait(self, listener: Listener, should_stop: Callable[[], bool]) -> None:
        """Lead once no other process does. Raises StoppedError when asked to stop."""
        if self.claim is None:
            self.claim = self.shared.locks.wait(
                FRONT, should_stop, lambda who: listener.waiting(f"the front from {who}")
            )


def open_session(
    run: RunFolder,
    prepared: Prepared,
    shared: Shared,
    listener: Listener,
    should_stop: Callable[[], bool],
) -> Session:
    """The session of a run that was prepared and joined: opens the images, and makes TensorFlow
    deterministic."""
    dataset = open_data(prepared.settings, listener)
    make_deterministic()
    return Session(
        run,
        prepared.settings,
        prepared.estimator,
        prepared.store,
        prepared.supernet_source,
        shared,
        dataset,
        listener,
        should_stop,
    )
