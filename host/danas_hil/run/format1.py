"""What danas-hil 0.1 wrote, read as what it would write today: one task, one signal, two families.

What carries no number of its format is format 1. Such a run is read, and never gone on with. What
is damaged raises a TypeError, KeyError or ValueError here, or is left to who reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

TASK_OF_FORMAT1: Mapping[str, Any] = {"classes": ["no person", "person"], "positive": "person"}
"""What 0.1 searched for, whatever the images."""

_USUAL_WIDTH = 0.33
"""Of networks that see monochrome images, unless the search space said otherwise."""

_SETTINGS = {
    "final_steps": "export_finetune_steps",
    "finetune_steps": "evaluation_finetune_steps",
    "decode_resolution": "finest",
}
_FOCUS, _FOCUSED = "supernet_focus", "shared"
"""The table of what a focused training went on with, and the supernet that it was of."""
_CANDIDATE = {"final_steps": "finetune_steps"}


def genome_of_format1(
    genes: Mapping[str, Any], monochrome_width: float = _USUAL_WIDTH
) -> dict[str, Any]:
    """The genes of an image and a network, with the names of signal and family.

    monochrome_width: of the networks of a run, where a genome that sees rgb images says nothing of
    it. The width factor of monochrome images has become one of MobileNetV2.
    """
    upgraded = {key: value for key, value in genes.items() if key != "width_factor"}
    family = "layers" if "conv1" in genes else "mobilenet_v2"
    if family == "mobilenet_v2":
        narrow = genes["colour"] == "monochrome"
        upgraded["monochrome_width"] = genes["width_factor"] if narrow else monochrome_width
    return {"signal": "image", "family": family, **upgraded}


def front_of_format1(front: Mapping[str, Any]) -> dict[str, Any]:
    """front.json: its task, and the genomes of its rows. Ids stay what they were."""
    rows = {name: front[name] for name in ("candidates", "evaluations") if name in front}
    width = _monochrome_width(row["genome"] for of in rows.values() for row in of)
    upgraded = {name: [_row(row, width) for row in of] for name, of in rows.items()}
    return {**front, "task": TASK_OF_FORMAT1, **upgraded}


def config_of_format1(config: Mapping[str, Any]) -> dict[str, Any]:
    """The tables of config.toml. Signal and family, which its space leaves out, are the usual."""
    upgraded = {**config, "task": TASK_OF_FORMAT1}
    if "search" in config:
        upgraded["search"] = _renamed(config["search"], _SETTINGS)
    if _FOCUS in config:
        upgraded[_FOCUS] = {_FOCUSED: config[_FOCUS]}
    return upgraded


def _monochrome_width(genomes: Iterable[Mapping[str, Any]]) -> float:
    """Of the networks of a run, as one that sees monochrome images says."""
    told = (one["width_factor"] for one in genomes if one["colour"] == "monochrome")
    return next((float(width) for width in told), _USUAL_WIDTH)


def _row(row: Mapping[str, Any], monochrome_width: float) -> dict[str, Any]:
    genome = genome_of_format1(row["genome"], monochrome_width)
    return {**_renamed(row, _CANDIDATE), "genome": genome}


def _renamed(table: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(key, key): value for key, value in table.items()}
