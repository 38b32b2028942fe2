"""A copy of a run that other computers can flash, compare and report from."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from danas_hil.base import DanasError
from danas_hil.run.folder import RunFolder

_LEFT_BEHIND = ("supernets", "study.db")


def export_bundle(run: RunFolder, to: Path) -> list[Path]:
    """Copy `run` without study and supernets to the new folder `to`, whole or not at all.

    Returns the copied files, relative to `to`. Raises DanasError when the run has no front yet, or
    there is something at `to`.
    """
    run.front()  # raises with the hint to let the search end
    if to.exists():
        raise DanasError(f"There is something at {to} already.", "Name a folder that is not there.")
    to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=to.parent, prefix=".part-") as part:
        copy = Path(part) / to.name

        def ignored(folder: str, names: list[str]) -> set[str]:
            top = Path(folder).resolve() == run.path.resolve()
            left = {n for n in names if n.startswith((".part-", *_LEFT_BEHIND))}
            return left if top else {n for n in names if n.startswith(".part-")}

        shutil.copytree(run.path, copy, ignore=ignored)
        copy.rename(to)
    return sorted(path.relative_to(to) for path in to.rglob("*") if path.is_file())
