"""Values of genes: as files give them, checked, and one step apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from danas_hil.base import DanasError

_T = TypeVar("_T", int, float)


def read_values(
    value: Mapping[str, Any], kinds: Mapping[str, type], hint: str
) -> dict[str, tuple[Any, ...]]:
    """The values of each gene of `value`: a list, or one alone.

    kinds: of the values of every gene there is: int, float or str. Raises DanasError for other
    genes and other values.
    """
    read: dict[str, tuple[Any, ...]] = {}
    for gene, values in value.items():
        if gene not in kinds:
            raise DanasError(f"A search space has no gene {gene!r}.", f"Genes: {', '.join(kinds)}.")
        kind = kinds[gene]
        many = values if isinstance(values, list | tuple) else [values]
        if not all(_is(kind, item) for item in many):
            raise DanasError(f"The search space gives {gene} the values {values!r}.", hint)
        read[gene] = tuple(kind(item) for item in many)
    return read


def distinct(gene: str, values: Iterable[Any], hint: str) -> tuple[Any, ...]:
    """The values, ascending. Raises DanasError where there are none, or one is there twice."""
    ascending = tuple(sorted(values))
    if not ascending:
        raise DanasError(f"The search space gives {gene} no values.", hint)
    if len(set(ascending)) != len(ascending):
        raise DanasError(f"The search space gives {gene} a value twice.", hint)
    return ascending


def steps(values: tuple[_T, ...], value: _T) -> list[_T]:
    """The values one step below and above `value`; the nearest where it is not among them."""
    below = [v for v in values if v < value][-1:]
    above = [v for v in values if v > value][:1]
    return below + above


def _is(kind: type, value: object) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int | float) if kind is float else isinstance(value, kind)
