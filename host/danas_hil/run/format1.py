"""What version 0.1.0 wrote, in the words of today."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SETTINGS = {
    "final_steps": "export_finetune_steps",
    "finetune_steps": "evaluation_finetune_steps",
}
_CANDIDATE = {"final_steps": "finetune_steps"}


def upgraded_config(config: dict[str, Any]) -> dict[str, Any]:
    """config.toml with the settings of a search under their names of today."""
    search = config.get("search")
    if not isinstance(search, Mapping):
        return config
    return {**config, "search": _renamed(search, _SETTINGS)}


def upgraded_front(front: Any) -> Any:
    """front.json with the entries of candidates under their names of today."""
    candidates = front.get("candidates") if isinstance(front, Mapping) else None
    if not isinstance(candidates, list):
        return front
    renamed = [_renamed(one, _CANDIDATE) if isinstance(one, Mapping) else one for one in candidates]
    return {**front, "candidates": renamed}


def _renamed(table: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(key, key): value for key, value in table.items()}
