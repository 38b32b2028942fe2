"""NSGA-II."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from danas_hil.board import Limits
from danas_hil.run import Evaluation
from danas_hil.search.pareto import Array, non_dominated
from danas_hil.search.samplers.interface import (
    Acceptable,
    bred,
    check_population,
    generator,
    sampled,
)
from danas_hil.space import Genome, Space
from danas_hil.study import objectives

_CROSSOVER = 0.9
"""Share of children that have two parents, as in Deb et al., section V."""
_MUTATIONS = 0.7
"""Of a child, on the mean; a half to one and a half does as well (docs/decisions.md)."""


class Nsga2Sampler:
    """NSGA-II (Deb et al., IEEE TEC 6(2), 2002) on accuracy, RAM and flash.

    A generation is `population` complete evaluations; the first one is random. Parents are the best
    `population` of the parents before and the generation that they had. Limits are constraints
    (section VI): what fits is better than what doesn't, and of two that don't fit the one that
    exceeds them by less. Failed evaluations count for nothing.

    Parents follow from the history alone. They are kept as long as a history goes on from the one
    before, since choosing them anew takes longer the longer it is.
    """

    def __init__(
        self, space: Space, seed: int, limits: Limits | None = None, population: int = 20
    ) -> None:
        check_population(population)
        self.space, self.seed, self.population = space, seed, population
        self.limits = limits or Limits()
        self._chosen_from: list[Evaluation] = []
        self._parents: list[Evaluation] = []

    def propose(self, history: Sequence[Evaluation], acceptable: Acceptable) -> Genome:
        rng = generator(self.seed, history)
        parents = [evaluation.genome for evaluation in self._parents_after(history)]
        if not parents:
            return sampled(self.space, rng, acceptable)
        return bred(lambda: self._child(parents, rng), self.space, rng, acceptable)

    def _child(self, parents: Sequence[Genome], rng: np.random.Generator) -> Genome:
        child = parents[_winner(len(parents), rng)]
        if rng.random() < _CROSSOVER:
            others = [genome for genome in parents if genome != child]
            if others:
                child = self.space.crossover(child, others[_winner(len(others), rng)], rng)
        for _ in range(rng.poisson(_MUTATIONS)):
            child = self.space.mutate(child, rng)
        return child

    def _parents_after(self, history: Sequence[Evaluation]) -> list[Evaluation]:
        """The parents of the present generation, the best first; none of the first generation."""
        complete = [evaluation for evaluation in history if evaluation.scores is not None]
        if complete[: len(self._chosen_from)] != self._chosen_from:
            self._chosen_from, self._parents = [], []
        for begin in range(len(self._chosen_from), len(complete), self.population):
            generation = complete[begin : begin + self.population]
            if len(generation) == self.population:
                self._parents = self._best([*self._parents, *generation])
                self._chosen_from += generation
        return self._parents

    def _best(self, evaluations: Sequence[Evaluation]) -> list[Evaluation]:
        """The best `population` of them: by front, and in a front by crowding distance."""
        costs = np.array([_costs(evaluation) for evaluation in evaluations])
        excess = np.array([self._excess(evaluation) for evaluation in evaluations])
        order: list[int] = []
        left = np.flatnonzero(excess == 0)
        while left.size:
            best = non_dominated(costs[left])
            front, left = left[best], left[~best]
            order += list(front[np.argsort(-crowding_distance(costs[front]), kind="stable")])
        over = np.flatnonzero(excess > 0)
        order += list(over[np.argsort(excess[over], kind="stable")])
        return [evaluations[place] for place in order[: self.population]]

    def _excess(self, evaluation: Evaluation) -> float:
        """By how much it exceeds the limits, as shares of them; what is not known exceeds none."""
        pairs = (
            (evaluation.ram_bytes, self.limits.ram_bytes),
            (evaluation.flash_bytes, self.limits.flash_bytes),
            (evaluation.latency_us, self.limits.latency_us),
        )
        return sum(
            max(0.0, value / limit - 1)
            for value, limit in pairs
            if value is not None and limit is not None
        )


def crowding_distance(costs: Array) -> Array:
    """How far the neighbours of each of (n, objectives) points are apart, (n,).

    The sum over the objectives, each as a share of its range; infinite for the first and the last
    of an objective, and nothing where all are alike in it (Deb et al., section III-B).
    """
    distance = np.zeros(len(costs))
    for column in costs.T:
        order = np.argsort(column, kind="stable")
        values = column[order]
        if values[0] == values[-1]:
            continue
        gaps = np.full(len(costs), np.inf)
        gaps[1:-1] = (values[2:] - values[:-2]) / (values[-1] - values[0])
        distance[order] += gaps
    return distance


def _costs(evaluation: Evaluation) -> tuple[float, float, float]:
    """Less is better."""
    accuracy, *_, ram_bytes, flash_bytes = objectives(evaluation)
    return -accuracy, ram_bytes, flash_bytes


def _winner(count: int, rng: np.random.Generator) -> int:
    """Of a tournament of two among `count`, the best of which stands first."""
    return int(rng.integers(count, size=2).min())
