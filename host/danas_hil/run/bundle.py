"""A copy of a run that other computers can flash, compare and report from."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from danas_hil.base import DanasError
from danas_hil.run.folder import RunFolder
from danas_hil.run.records import Front

_LEFT_BEHIND = ("supernets", "trainings", "workers", "study.db", ".study.lock")
_REPORT = {"report.html", "figures.json", "figures.csv"}
"""Of the whole front: a copy of a part of it makes its own."""


def export_bundle(run: RunFolder, to: Path, ids: Sequence[str] | None = None) -> list[Path]:
    """Copy `run` without study and supernets to the new folder `to`, whole or not at all.

    ids: the candidates that the copy's front shall have; None for all. Where the chosen one is
    none of them, the one of them that is the best by the task's metric, in int8 on validation
    images, is chosen in the copy.
    Returns the copied files, relative to `to`. Raises DanasError when the run has no front yet, or
    there is something at `to`.
    """
    front = run.front()  # raises with the hint to let the search end
    if run.path.resolve() in (to.resolve(), *to.resolve().parents):
        raise DanasError(
            f"{to} lies in the run itself.", "Name a folder outside: the copy would hold itself."
        )
    if to.exists():
        raise DanasError(f"There is something at {to} already.", "Name a folder that is not there.")
    left_behind = set(_LEFT_BEHIND)
    if ids is not None:
        front = _narrowed(front, ids)
        left_behind |= _REPORT
    to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=to.parent, prefix=".part-") as part:
        copy = Path(part) / to.name
        top, candidates = run.path.resolve(), run.candidate("").resolve()

        def ignored(folder: str, names: list[str]) -> set[str]:
            links = (name for name in names if (Path(folder) / name).is_symlink())
            left = {*(name for name in names if name.startswith(".part-")), *links}
            if Path(folder).resolve() == top:
                left |= {name for name in names if name.startswith(tuple(left_behind))}
            elif ids is not None and Path(folder).resolve() == candidates:
                left |= set(names) - set(ids)
            return left

        shutil.copytree(run.path, copy, ignore=ignored)
        if ids is not None:
            RunFolder(copy).write_front(front)
        copy.rename(to)
    return sorted(path.relative_to(to) for path in to.rglob("*") if path.is_file())


def _narrowed(front: Front, ids: Sequence[str]) -> Front:
    kept = tuple(candidate for candidate in front.candidates if candidate.id in ids)
    chosen = front.chosen
    if chosen not in ids:
        chosen = max(kept, key=lambda c: c.scores["int8_validation"].worth).id
    return replace(front, candidates=kept, chosen=chosen)
