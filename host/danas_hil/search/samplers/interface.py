"""What every sampler keeps to, and what several of them need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from danas_hil.base import DanasError
from danas_hil.run import Evaluation
from danas_hil.space import Genome, Space

_TRIES = 200
_MANY_TRIES = 5000
_LISTED = 200_000
"""Genomes that a space may have to be gone through one by one; the default space has 37,520."""

_SALT_TRIAL = 1

Acceptable = Callable[[Genome], bool]


class NothingLeftError(DanasError):
    """The space has no further genome to offer."""


class Sampler(Protocol):
    """One way to choose genomes."""

    def propose(self, history: Sequence[Evaluation], acceptable: Acceptable) -> Genome:
        """The genome for evaluation number len(history).

        It is one that `acceptable` takes, and depends on the sampler's settings, its seed and the
        history alone. Raises NothingLeftError when none can be found.
        """
        ...


def generator(seed: int, history: Sequence[Evaluation]) -> np.random.Generator:
    """The randomness of the proposal that follows `history`."""
    return np.random.default_rng((seed, _SALT_TRIAL, len(history)))


def sampled(space: Space, rng: np.random.Generator, acceptable: Acceptable) -> Genome:
    """A genome drawn from the whole space.

    Where many are refused all that there are are tried, in random order: NothingLeftError means
    that none is acceptable. In a space too large for that it means that a great many were refused.
    """
    listed = space.size <= _LISTED
    for _ in range(_TRIES if listed else _MANY_TRIES):
        genome = space.sample(rng)
        if acceptable(genome):
            return genome
    genomes = space.genomes() if listed else []
    for place in rng.permutation(len(genomes)):
        genome = genomes[int(place)]
        if acceptable(genome):
            return genome
    raise NothingLeftError(
        f"No further genome was found in the search space ({space.size:,} genomes).",
        "Every one was looked at, or those left don't fit the limits:"
        " widen the space or the limits, or ask for fewer --trials.",
    )


def bred(
    breed: Callable[[], Genome],
    space: Space,
    rng: np.random.Generator,
    acceptable: Acceptable,
) -> Genome:
    """The first child of `breed` that is acceptable; after many that aren't, any genome."""
    for _ in range(_TRIES):
        child = breed()
        if acceptable(child):
            return child
    return sampled(space, rng, acceptable)


def worth(evaluation: Evaluation) -> float:
    """Its fitness (Eq. B.1); less than any where it failed."""
    return float("-inf") if evaluation.fitness is None else evaluation.fitness


def check_population(population: int) -> None:
    if population < 2:
        raise DanasError(f"A population of {population} is too small: use 2 or more.")
