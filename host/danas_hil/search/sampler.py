"""Which genome to look at next: a function of the seed and of what has been seen, nothing else.

A search that was killed and goes on from its study therefore proposes the same genomes as one that
was never disturbed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from danas_hil.base import DanasError
from danas_hil.run import Evaluation
from danas_hil.space import Genome, SearchSpace

_BREEDING_TRIES, _SAMPLING_TRIES = 200, 5000
_SALT_TRIAL, _SALT_GENERATION = 1, 2

Acceptable = Callable[[Genome], bool]


class NothingLeftError(DanasError):
    """The space has no further genome to offer."""


class Sampler(Protocol):
    """One way to choose genomes."""

    def propose(self, history: Sequence[Evaluation], acceptable: Acceptable) -> Genome:
        """The genome for evaluation number len(history).

        It is one that `acceptable` takes. Raises NothingLeftError when none can be found.
        """
        ...


@dataclass(frozen=True)
class RandomSampler:
    """Every genome is drawn anew."""

    space: SearchSpace
    seed: int

    def propose(self, history: Sequence[Evaluation], acceptable: Acceptable) -> Genome:
        rng = np.random.default_rng((self.seed, _SALT_TRIAL, len(history)))
        return _sampled(self.space, rng, acceptable)


@dataclass(frozen=True)
class TournamentSampler:
    """The paper's genetic algorithm, with the reference implementation's settings as defaults.

    In each generation update_ratio x population tournaments of two are held. The winners stay and
    breed; a child takes the loser's place. A child comes of a crossover of two winners with
    probability crossover_ratio, else of a mutation of the tournament's winner.
    """

    space: SearchSpace
    seed: int
    population: int = 10
    update_ratio: float = 0.5
    crossover_ratio: float = 0.2

    def __post_init__(self) -> None:
        if self.population < 2:
            raise DanasError(f"A population of {self.population} is too small: use 2 or more.")
        if not 0 < self.update_ratio <= 0.5:
            raise DanasError(
                f"An update ratio of {self.update_ratio:g} is out of range.",
                "A tournament takes two: the ratio is over 0 and at most 0.5.",
            )
        if not 0 <= self.crossover_ratio <= 1:
            raise DanasError(f"A crossover ratio of {self.crossover_ratio:g} is not 0 to 1.")

    @property
    def tournaments(self) -> int:
        """Tournaments, and so children, in one generation."""
        return max(1, int(self.population * self.update_ratio))

    def propose(self, history: Sequence[Evaluation], acceptable: Acceptable) -> Genome:
        rng = np.random.default_rng((self.seed, _SALT_TRIAL, len(history)))
        if len(history) >= self.population:
            generation, place = divmod(len(history) - self.population, self.tournaments)
            winners = [history[index].genome for index in self._winners(history, generation)]
            for _ in range(_BREEDING_TRIES):
                child = self._breed(winners, place, rng)
                if acceptable(child):
                    return child
        return _sampled(self.space, rng, acceptable)

    def _breed(self, winners: Sequence[Genome], place: int, rng: np.random.Generator) -> Genome:
        if len(winners) > 1 and rng.random() < self.crossover_ratio:
            other = int(rng.integers(len(winners) - 1))
            mate = winners[other if other < place else other + 1]
            return self.space.crossover(winners[place], mate, rng)
        return self.space.mutate(winners[place], rng)

    def _winners(self, history: Sequence[Evaluation], generation: int) -> list[int]:
        """The indices of the winners of this generation's tournaments, from the whole history."""
        living = list(range(self.population))
        winners: list[int] = []
        for past in range(generation + 1):
            rng = np.random.default_rng((self.seed, _SALT_GENERATION, past))
            order = rng.permutation(len(living))
            winners = []
            for tournament in range(self.tournaments):
                one, other = order[2 * tournament], order[2 * tournament + 1]
                lost = (
                    one if _worth(history[living[one]]) < _worth(history[living[other]]) else other
                )
                winners.append(living[one if lost == other else other])
                living[lost] = self.population + past * self.tournaments + tournament
        return winners


def _worth(evaluation: Evaluation) -> float:
    return float("-inf") if evaluation.fitness is None else evaluation.fitness


def _sampled(space: SearchSpace, rng: np.random.Generator, acceptable: Acceptable) -> Genome:
    for _ in range(_SAMPLING_TRIES):
        genome = space.sample(rng)
        if acceptable(genome):
            return genome
    raise NothingLeftError(
        f"No further genome was found in the search space ({space.size:,} genomes).",
        "Every one was looked at, or those left don't fit the limits:"
        " widen the space or the limits, or ask for fewer --trials.",
    )
