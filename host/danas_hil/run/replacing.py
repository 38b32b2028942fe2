"""A candidate's folder in place of the one that is there, also where a kill comes in between."""

from __future__ import annotations

import shutil
from pathlib import Path

from danas_hil.run.folder import RunFolder

_NEW, _OLD = ".part-new-", ".part-old-"
"""What begins with .part- is left behind by `export_bundle`."""


def new_folder(run: RunFolder, id_: str) -> Path:
    """An empty folder beside the candidate's own, to write its successor into."""
    folder = run.candidate(_NEW + id_)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def replace_candidate(run: RunFolder, id_: str) -> None:
    """Put what was written into `new_folder` in the candidate's place.

    What boards showed for the old model goes with it. To be called when the new folder is whole.
    """
    run.candidate(id_).rename(run.candidate(_OLD + id_))
    settle(run)


def settle(run: RunFolder) -> None:
    """Do to its end what a kill interrupted, and drop what was not yet whole."""
    candidates = run.candidate("")
    for old in candidates.glob(f"{_OLD}*"):
        id_ = old.name.removeprefix(_OLD)
        if not run.candidate(id_).exists():  # killed between two renames: the new one is whole
            run.candidate(_NEW + id_).rename(run.candidate(id_))
        shutil.rmtree(old)
    for new in candidates.glob(f"{_NEW}*"):
        shutil.rmtree(new)
