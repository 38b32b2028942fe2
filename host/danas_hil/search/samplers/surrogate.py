"""Many genomes are predicted, and the most promising one is evaluated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from danas_hil.board import Limits
from danas_hil.run import Evaluation
from danas_hil.search.pareto import Array, costs_of, gains, non_dominated, run_costs
from danas_hil.search.samplers.interface import (
    Acceptable,
    check_population,
    generator,
    sampled,
)
from danas_hil.search.samplers.predictor import predict
from danas_hil.space import Genome, Space
from danas_hil.study import objectives

_STEPS = 3
_DRAWS = 8
_LEARNED = 500


@dataclass(frozen=True)
class SurrogateSampler:
    """Proposes the candidate by which the run's hypervolume is expected to grow most.

    The first `population` genomes are random. Then `candidates` are made for each proposal: half of
    them children of the front (a member or a crossover of two, one to three mutations away), half
    drawn anew. Their accuracy, RAM, flash and latency are predicted from the youngest 500
    evaluations. The growth is the mean over 8 draws from the predicted distribution of accuracy, so
    that the uncertain have their chance (expected hypervolume improvement by Monte Carlo, as in
    Daulton et al., arXiv 2006.05078); the others hardly vary around their prediction.

    chance: the accuracy of guessing, from which on the hypervolume counts.
    """

    space: Space
    seed: int
    limits: Limits = field(default_factory=Limits)
    population: int = 20
    candidates: int = 200
    chance: float = 0.5

    def __post_init__(self) -> None:
        check_population(self.population)

    def propose(self, history: Sequence[Evaluation], acceptable: Acceptable) -> Genome:
        rng = generator(self.seed, history)
        known = [evaluation for evaluation in history if evaluation.scores is not None]
        if len(known) < self.population:
            return sampled(self.space, rng, acceptable)
        costs = run_costs(known, self.limits, self.chance)
        best = np.flatnonzero(non_dominated(costs))
        candidates = self._candidates([known[place].genome for place in best], rng)
        promise = self._promise(candidates, known[-_LEARNED:], costs[best], rng)
        # Equals may differ in their last bits on another computer: the first of them is to win.
        for place in np.argsort(-np.round(promise, 9), kind="stable"):
            genome = candidates[int(place)]
            if acceptable(genome):
                return genome
        return sampled(self.space, rng, acceptable)

    def _candidates(self, parents: Sequence[Genome], rng: np.random.Generator) -> list[Genome]:
        found: dict[Genome, None] = {}
        for number in range(self.candidates):
            if number < self.candidates // 2:
                one, other = (parents[place] for place in rng.integers(len(parents), size=2))
                genome = self.space.crossover(one, other, rng) if rng.random() < 0.5 else one
                for _ in range(rng.integers(1, _STEPS + 1)):
                    genome = self.space.mutate(genome, rng)
            else:
                genome = self.space.sample(rng)
            found[genome] = None
        return list(found)

    def _promise(
        self,
        candidates: Sequence[Genome],
        known: Sequence[Evaluation],
        front: Array,
        rng: np.random.Generator,
    ) -> Array:
        """The expected growth of the hypervolume by each; where none is, less for what exceeds."""
        limits = (self.limits.ram_bytes, self.limits.flash_bytes, self.limits.latency_us)
        bounds = np.array([np.inf if limit is None else limit for limit in limits])
        sizes = np.array([[e.ram_bytes, e.flash_bytes, e.latency_us or 1.0] for e in known], float)
        values = np.column_stack([[objectives(e)[0] for e in known], np.log(sizes)])
        mean, deviation = predict([e.genome for e in known], values, candidates)
        expected = np.exp(mean[:, 1:])
        drawn = mean[:, 0] + deviation[:, 0] * rng.standard_normal((_DRAWS, len(candidates)))
        grown = np.zeros(len(candidates))
        for accuracy in np.minimum(drawn, 1):
            costs = costs_of(accuracy, expected[:, 0], expected[:, 1], self.limits, self.chance)
            grown += gains(costs, front) / _DRAWS
        grown[expected[:, 2] > bounds[2]] = 0
        if grown.any():
            return grown
        excess = np.maximum(expected / bounds - 1, 0)
        return -np.asarray(excess.sum(axis=1))
