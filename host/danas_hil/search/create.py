"""Making a new run: its folder, and what config.toml says of how it is made."""

from __future__ import annotations

import platform
import shutil
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from danas_hil import __version__
from danas_hil.base import DanasError
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
