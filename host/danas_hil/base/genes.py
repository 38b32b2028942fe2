"""Values of genes: as files give them, checked, and one step apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from danas_hil.base.errors import DanasError

if TYPE_CHECKING:  # the estimate of a file needs no numpy, and is to be quick
    import numpy as np

_T = TypeVar("_T")


def read_values(
    value: Mapping[str, Any], kinds: Mapping[str, type | tuple[type, ...]], hint: str
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
        read[gene] = tuple(float(item) if kind is float else item for item in many)
    return read


def distinct(
    gene: str, values: Iterable[Any], hint: str, key: Callable[[Any], Any] | None = None
) -> tuple[Any, ...]:
    """The values, ascending (by `key`). Raises DanasError where there are none, or one is there
    twice."""
    ascending = tuple(sorted(values, key=key))
    if not ascending:
        raise DanasError(f"The search space gives {gene} no values.", hint)
    if len(set(ascending)) != len(ascending):
        raise DanasError(f"The search space gives {gene} a value twice.", hint)
    return ascending


def steps(
    values: tuple[_T, ...], value: _T, key: Callable[[_T], Any] = lambda value: value
) -> list[_T]:
    """The values one step below and above `value`; the nearest where it is not among them.

    values: ascending by `key`.
    """
    at = key(value)
    below = [v for v in values if key(v) < at][-1:]
    above = [v for v in values if key(v) > at][:1]
    return below + above


def either(rng: np.random.Generator, one: _T, other: _T) -> _T:
    """One of the two, with equal chance."""
    return one if rng.random() < 0.5 else other


def drawn(rng: np.random.Generator, values: Sequence[_T]) -> _T:
    """One of the values, each with equal chance."""
    return values[int(rng.integers(len(values)))]


def missing_values(ours: Mapping[str, Iterable[Any]], theirs: Mapping[str, Iterable[Any]]) -> str:
    """The first gene of `theirs` with values that `ours` lacks, as `the alpha 0.3`; else
    empty."""
    for gene, values in theirs.items():
        there = tuple(ours[gene])
        missing = [value for value in values if value not in there]
        if missing:
            listed, have = (", ".join(map(str, some)) for some in (missing, there))
            return f"the {gene} {listed} (it has {have})"
    return ""


def _is(kind: type | tuple[type, ...], value: object) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int | float) if kind is float else isinstance(value, kind)
