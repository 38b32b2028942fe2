"""The paper's genetic algorithm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from danas_hil.base import DanasError
from danas_hil.run import Evaluation
from danas_hil.search.samplers.interface import (
    Acceptable,
    bred,
    check_population,
    generator,
    sampled,
    worth,
)
from danas_hil.space import Genome, Space

_SALT_GENERATION = 2


@dataclass(frozen=True)
class TournamentSampler:
    """The paper's genetic algorithm, with the reference implementation's settings as defaults.

    In each generation update_ratio x population tournaments of two are held. The winners stay and
    breed; a child takes the loser's place. A child comes of a crossover of two winners with
    probability crossover_ratio, else of a mutation of the tournament's winner.
    """

    space: Space
    seed: int
    population: int = 10
    update_ratio: float = 0.5
    crossover_ratio: float = 0.2

    def __post_init__(self) -> None:
        check_population(self.population)
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
        rng = generator(self.seed, history)
        if len(history) < self.population:
            return sampled(self.space, rng, acceptable)
        generation, place = divmod(len(history) - self.population, self.tournaments)
        winners = [history[index].genome for index in self._winners(history, generation)]
        return bred(lambda: self._breed(winners, place, rng), self.space, rng, acceptable)

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
                lost = one if worth(history[living[one]]) < worth(history[living[other]]) else other
                winners.append(living[one if lost == other else other])
                living[lost] = self.population + past * self.tournaments + tournament
        return winners
