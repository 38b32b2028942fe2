"""Values of genes: as files give them, checked, and one step apart; and a step of a genome."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from danas_hil.base import DanasError
from danas_hil.space.genome import Genome

if TYPE_CHECKING:  # the estimate of a file needs no numpy, and is to be quick
    import numpy as np

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


def one_of(
    groups: Iterable[tuple[float, Sequence[Genome]]], genome: Genome, rng: np.random.Generator
) -> Genome:
    """A neighbour of `genome`: of a group that is drawn by its weight, where all are alike.

    A repair can undo a step: `genome` itself counts for nothing, and groups without others are
    left out. Raises DanasError where all are.
    """
    others = [(weight, [one for one in group if one != genome]) for weight, group in groups]
    others = [(weight, group) for weight, group in others if group]
    if not others:
        raise DanasError(
            "This search space has a single genome: nothing can mutate.",
            "Give at least one gene two values.",
        )
    total = sum(weight for weight, _ in others)
    shares = [weight / total for weight, _ in others]
    group = others[int(rng.choice(len(others), p=shares))][1]
    return group[int(rng.integers(len(group)))]


def _is(kind: type, value: object) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int | float) if kind is float else isinstance(value, kind)
