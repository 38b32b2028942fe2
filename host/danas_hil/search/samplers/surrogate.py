"""Many genomes are predicted, and the most promising one is evaluated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from danas_hil.board import Limits
from danas_hil.run import Evaluation
from danas_hil.search.pareto import Array, costs_of, gains, non_dominated, objectives, run_costs
from danas_hil.search.samplers.interface import (
    Acceptable,
    check_population,
    generator,
    sampled,
)
from danas_hil.search.samplers.predictor import predict
from danas_hil.space import Genome, Space

_STEPS = 3
_DRAWS = 8
_LEARNED = 500


@dataclass(frozen=True)
class SurrogateSampler:
    """Proposes the candidate by which the run's hypervolume is expected to grow most.

    The first `population` genomes are random. Then `candidates` are made for each proposal: half of
    them children of the front (a member or a crossover of two, one to three mutations
    away), half drawn anew. Their accuracy, RAM and flash are predicted from the youngest 500
    evaluations, and the growth is the mean over 8 draws of accuracy from what is predicted, so
    that the uncertain have their chance (expected hypervolume improvement by Monte Carlo;
    Daulton et al., arXiv 2006.05078). RAM and flash hardly vary around their prediction.
    """

    space: Space
    seed: int
    limits: Limits = field(default_factory=Limits)
    population: int = 20
    candidates: int = 200

    def __post_init__(self) -> None:
        check_population(self.population)

    def propose(self, history: Sequence[Evaluation], acceptable: Acceptable) -> Genome:
        rng = generator(self.seed, history)
        known = [evaluation for evaluation in history if evaluation.scores is not None]
        if len(known) < self.population:
            return sampled(self.space, rng, acceptable)
        costs = run_costs(known, self.limits)
        best = np.flatnonzero(non_dominated(costs))
        candidates = self._candidates([known[place].genome for place in best], rng)
        promise = self._promise(candidates, known[-_LEARNED:], costs[best], rng)
        for place in np.argsort(-promise, kind="stable"):
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
        rows = np.array([objectives(evaluation) for evaluation in known])
        values = np.column_stack([rows[:, 0], np.log(rows[:, -2:])])
        mean, deviation = predict([e.genome for e in known], values, candidates)
        ram_bytes, flash_bytes = np.exp(mean[:, 1]), np.exp(mean[:, 2])
        drawn = mean[:, 0] + deviation[:, 0] * rng.standard_normal((_DRAWS, len(candidates)))
        costs = [
            costs_of(np.minimum(accuracy, 1), ram_bytes, flash_bytes, self.limits)
            for accuracy in drawn
        ]
        grown = np.mean([gains(points, front) for points in costs], axis=0)
        if grown.any():
            return np.asarray(grown)
        excess = np.maximum(costs[0][:, 1:] - 1, 0)
        return -np.asarray(excess.sum(axis=1))
