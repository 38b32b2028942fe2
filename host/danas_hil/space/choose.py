"""Which search space a name, a file or a run's settings mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from danas_hil.base import DanasError, read_toml
from danas_hil.families import DEFAULT as DEFAULT_FAMILY
from danas_hil.families import find_family
from danas_hil.signals import DEFAULT as DEFAULT_SIGNAL
from danas_hil.signals import find_signal
from danas_hil.space.space import Space

SPACES: Mapping[str, Mapping[str, Any]] = {
    "data-aware": {},
    "hardware-aware": {},
    "layers": {"family": "layers"},
}
"""Spaces that have a name, as files would write them. data-aware is the default everywhere;
hardware-aware has one data configuration, by default the usual one of its signal."""

_HARDWARE_AWARE = "hardware-aware"
_HINT = f"There are: {', '.join(SPACES)}; or name a TOML file."


def space_from_json(value: Mapping[str, Any]) -> Space:
    """The space of `signal`, of `family` (one or several), and their genes.

    Genes stand in a table of their signal or family, or beside `family` where only one of them has
    a gene of that name. What is left out has all its values. Raises DanasError for unknown names
    and genes, and values of no use.
    """
    signal_name = value.get("signal", DEFAULT_SIGNAL)
    listed = value.get("family", DEFAULT_FAMILY)
    names = [listed] if isinstance(listed, str) else listed
    if not isinstance(signal_name, str) or not isinstance(names, list | tuple):
        raise DanasError("A search space names its signal and its families.", _HINT)
    signal, families = find_signal(signal_name), [find_family(str(name)) for name in names]
    known = {signal.name: set(signal.space({}).to_json())}
    known |= {family.name: set(family.space({}).to_json()) for family in families}
    tables: dict[str, dict[str, Any]] = {name: {} for name in known}
    for gene, values in value.items():
        if gene in ("signal", "family"):
            continue
        if gene in tables and isinstance(values, Mapping):
            tables[gene] |= values
            continue
        owners = [name for name, genes in known.items() if gene in genes]
        if len(owners) != 1:
            genes = sorted(gene for genes in known.values() for gene in genes)
            raise DanasError(
                f"{' and '.join(owners)} both have a gene {gene!r}."
                if owners
                else f"A search space has no gene {gene!r}.",
                f"Write it in a table of its own: [{owners[0]}]."
                if owners
                else f"Genes: {', '.join(dict.fromkeys(genes))}.",
            )
        tables[owners[0]][gene] = values
    return Space(
        signal.space(tables[signal.name]),
        tuple(family.space(tables[family.name]) for family in families),
    )


DEFAULT_SPACE = space_from_json({})


def choose_space(
    space: str | Mapping[str, Any] | None = None,
    genes: Mapping[str, Any] | None = None,
    *,
    folder: Path = Path(),
) -> Space:
    """The space named `space`, or of the TOML file `space`, with other values of `genes`.

    space: what stands in such a file will do too. genes: those with the value None are left as
    they are; so is `family`. folder: from which on files are looked for.

    Raises DanasError for what is neither a name nor a file, for genes and values of no use, and
    for hardware-aware search of more than one data configuration.
    """
    if isinstance(space, str):
        content = dict(SPACES[space] if space in SPACES else _read(folder / space))
    else:
        content = deepcopy(dict(space or {}))  # tables in it are changed below
    for gene, values in (genes or {}).items():
        if values is not None:
            _replace(content, gene, values)
    if space == _HARDWARE_AWARE:
        content = {**find_signal(content.get("signal", DEFAULT_SIGNAL)).usual, **content}
    chosen = space_from_json(content)
    if space == _HARDWARE_AWARE and len(chosen.data_configs) > 1:
        names = ", ".join(data.name for data in chosen.data_configs)
        raise DanasError(
            f"Hardware-aware search has one data configuration, not {names}.",
            "Give each gene of the data one value, or leave out --space hardware-aware to search"
            " them all.",
        )
    return chosen


def _replace(content: dict[str, Any], gene: str, values: str | Sequence[Any]) -> None:
    """Put the values of a gene in, over those in a table too."""
    for table in content.values():
        if isinstance(table, dict):
            table.pop(gene, None)
    content[gene] = values


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise DanasError(f"There is no search space file {path}.", _HINT)
    return read_toml(path, _HINT)
