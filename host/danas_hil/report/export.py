"""The numbers of all figures, as JSON and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from danas_hil.base import write_atomic, write_json

SCHEMA = 1
Figures = Mapping[str, Sequence[Mapping[str, Any]]]


def write_figures_json(path: Path, run: str, figures: Figures) -> None:
    """`figures`: for each figure its rows, each a mapping from column to number or text."""
    write_json(
        path,
        {
            "schema": SCHEMA,
            "run": run,
            "figures": {k: list(map(dict, v)) for k, v in figures.items()},
        },
    )


def write_figures_csv(path: Path, figures: Figures) -> None:
    """One file for all: the column `figure` says which; columns of other figures stay empty."""
    columns = dict.fromkeys(
        column for rows in figures.values() for row in rows[:1] for column in row
    )
    content = io.StringIO()
    writer = csv.DictWriter(content, ["figure", *columns], restval="", lineterminator="\n")
    writer.writeheader()
    for figure, rows in figures.items():
        writer.writerows({"figure": figure, **row} for row in rows)
    write_atomic(path, content.getvalue())
