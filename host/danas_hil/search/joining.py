"""Joining those who search the same run, by the same settings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from danas_hil.base import DanasError
from danas_hil.run import RunFolder
from danas_hil.search.settings import SearchSettings
from danas_hil.study import Shared, open_shared

_MAY_DIFFER = ("data", "supernets", "trials", "time_budget", "final_steps", "export_limit")
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
