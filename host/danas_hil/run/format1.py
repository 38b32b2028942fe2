"""What danas-hil 0.1 wrote, read as what it would write today: one signal, two families.

What carries no number of its format is format 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TASK_OF_FORMAT1 = {"classes": ["no person", "person"], "positive": "person"}
"""What 0.1 searched for, whatever the images."""

_USUAL_WIDTH = 0.33
"""Of monochrome images, where nothing else was said."""


def genome_of_format1(genes: Mapping[str, Any]) -> dict[str, Any]:
    """The genes of an image and a network, with the names of signal and family.

    The width factor of monochrome images has become one of MobileNetV2.
    """
    upgraded = {key: value for key, value in genes.items() if key != "width_factor"}
    family = "layers" if "conv1" in genes else "mobilenet_v2"
    if family == "mobilenet_v2":
        narrow = genes.get("colour") == "monochrome"
        upgraded["monochrome_width"] = genes.get("width_factor") if narrow else _USUAL_WIDTH
    return {"signal": "image", "family": family, **upgraded}


def front_of_format1(front: Mapping[str, Any]) -> dict[str, Any]:
    """front.json: its task, and the genomes of its rows. Ids stay what they were."""
    rows = {key: [_row(row) for row in front[key]] for key in _ROWS if key in front}
    return {"task": TASK_OF_FORMAT1, **front, **rows}


_ROWS = ("candidates", "evaluations")


def _row(row: Any) -> Any:
    if not isinstance(row, Mapping) or not isinstance(row.get("genome"), Mapping):
        return row  # said where it is read
    return {**row, "genome": genome_of_format1(row["genome"])}
