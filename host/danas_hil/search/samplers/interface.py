"""What every sampler keeps to, and what several of them need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from danas_hil.base import DanasError
from danas_hil.board import Limits
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


@dataclass(frozen=True)
class SamplerOptions:
    """What the settings of a search say of its sampler: each takes what concerns it.

    population: None is the sampler's own usual one. chance: the accuracy of guessing.
    """

    population: int | None = None
    update_ratio: float = 0.5
    crossover_ratio: float = 0.2
    chance: float = 0.5


class SamplerFactory(Protocol):
    """What makes a sampler for a search: a function, or a class that is made of the same.

    Another package registers one as an entry point `danas_hil.samplers`; the entry's name is what
    --sampler takes. `danas_hil.search.samplers.contract` has the tests that its samplers have to
    pass.
    """

    def __call__(
        self, space: Space, seed: int, limits: Limits, options: SamplerOptions, /
    ) -> Sampler:
        """A sampler of genomes of `space`. limits: what candidates have to keep to.

        It is made for every search and also to see that the settings are all right. Raises
        DanasError for options out of range.
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
