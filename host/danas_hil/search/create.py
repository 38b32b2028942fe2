"""Making a new run: its folder, and what config.toml says of how it is made."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from danas_hil import __version__
from danas_hil.run import RunFolder
from danas_hil.search.rates import rates_now, rates_to_config
from danas_hil.search.settings import SearchSettings
from danas_hil.study import StorageSettings

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
"""Packages whose version can change a figure."""


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
    kept_at = {} if storage is None else {"storage": storage.to_config()}
    rates = rates_to_config(rates_now(settings))
    return RunFolder.create(
        path, {**settings.to_config(), **kept_at, "versions": versions, **rates}
    )
