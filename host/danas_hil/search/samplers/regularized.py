"""Ageing evolution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True)
class RegularizedSampler:
    """Regularized evolution, Algorithm 1 of Real et al., arXiv 1802.01548.

    The population is the youngest `population` evaluations: the oldest dies, however good it is.
    A quarter of it is drawn with replacement (25 of 100 in the paper), and the fittest of those
    has a mutated child.
    """

    space: Space
    seed: int
    population: int = 100

    def __post_init__(self) -> None:
        check_population(self.population)

    def propose(self, history: Sequence[Evaluation], acceptable: Acceptable) -> Genome:
        rng = generator(self.seed, history)
        if len(history) < self.population:
            return sampled(self.space, rng, acceptable)
        living = history[-self.population :]
        drawn = rng.integers(len(living), size=max(2, self.population // 4))
        parent = max((living[place] for place in drawn), key=worth).genome
        return bred(lambda: self.space.mutate(parent, rng), self.space, rng, acceptable)
