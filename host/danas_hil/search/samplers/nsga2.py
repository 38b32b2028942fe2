"""NSGA-II, as Optuna has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from danas_hil.base import require
from danas_hil.board import Limits
from danas_hil.run import Evaluation
from danas_hil.search.samplers.interface import Acceptable, bred, check_population, generator
from danas_hil.space import Genome, Space
from danas_hil.study import objectives

_DIRECTIONS = ("maximize", "minimize", "minimize")


class Nsga2Sampler:
    """optuna.samplers.NSGAIISampler (Deb et al., IEEE TEC 6(2), 2002) on accuracy, RAM and flash.

    The limits are its constraints: what fits is better than what doesn't, and of two that don't
    fit the one that exceeds them by less. The children's depths are repaired.

    Optuna's study is only a form of the history: it is kept in memory and made anew from any other
    history. The random numbers of a proposal are drawn from its seed and place, as those of every
    sampler are.
    """

    def __init__(
        self, space: Space, seed: int, limits: Limits | None = None, population: int = 20
    ) -> None:
        check_population(population)
        self.space, self.seed, self.population = space, seed, population
        self.limits = limits or Limits()
        self._genes = space.genes
        self._told: list[Evaluation] = []
        self._study: Any = None

    def propose(self, history: Sequence[Evaluation], acceptable: Acceptable) -> Genome:
        self._follow(history)
        rng = generator(self.seed, history)
        return bred(lambda: self._child(rng), self.space, rng, acceptable)

    def _child(self, rng: np.random.Generator) -> Genome:
        """Asked of the sampler itself: the study would keep every child, also those refused."""
        seed = int(rng.integers(2**31))
        sampler = self._sampler(population_size=self.population, seed=seed)
        create = self._optuna.trial.create_trial
        trial = create(state=self._optuna.trial.TrialState.RUNNING, system_attrs=self._generation())
        genes = sampler.sample_relative(self._study, trial, self._varied)
        for gene, values in self._distributions.items():
            if values.single():
                (genes[gene],) = values.choices
            elif gene not in genes:
                genes[gene] = sampler.sample_independent(self._study, trial, gene, values)
        return self.space.genome(genes)

    def _generation(self) -> dict[str, int]:
        """That of the next child, in Optuna's words.

        Optuna counts generations of trials that it proposed and has no public word for others.
        """
        return {self._sampler._get_generation_key(): self._complete // self.population}

    def _follow(self, history: Sequence[Evaluation]) -> None:
        """Make the study one of this history."""
        if self._study is None or self._told != list(history[: len(self._told)]):
            self._begin()
        for evaluation in history[len(self._told) :]:
            self._tell(evaluation)
            self._told.append(evaluation)

    def _begin(self) -> None:
        self._optuna = require("optuna", "search")
        self._optuna.logging.set_verbosity(self._optuna.logging.WARNING)
        categorical = self._optuna.distributions.CategoricalDistribution
        self._distributions = {gene: categorical(values) for gene, values in self._genes.items()}
        self._varied = {g: of for g, of in sorted(self._distributions.items()) if not of.single()}
        self._sampler = _with_parents_at_hand(self._optuna)
        self._study = self._optuna.create_study(directions=list(_DIRECTIONS))
        self._told, self._complete = [], 0

    def _tell(self, evaluation: Evaluation) -> None:
        if evaluation.scores is None:
            return  # Optuna leaves failed trials out as well
        accuracy, *_, ram_bytes, flash_bytes = objectives(evaluation)
        shares = {
            what: value / limit
            for what, value, limit in (
                ("ram", ram_bytes, self.limits.ram_bytes),
                ("flash", flash_bytes, self.limits.flash_bytes),
                ("latency", evaluation.latency_us, self.limits.latency_us),
            )
            if value is not None and limit is not None
        }
        genes = evaluation.genome.to_json()
        self._study.add_trial(
            self._optuna.trial.create_trial(
                values=[accuracy, ram_bytes, flash_bytes],
                params={gene: genes[gene] for gene in self._genes},
                distributions=self._distributions,
                constraints={what: share - 1 for what, share in shares.items()},
                system_attrs=self._generation(),
            )
        )
        self._complete += 1


def _with_parents_at_hand(optuna: Any) -> Any:
    """NSGAIISampler that looks for the parents of a generation once, and without a cache.

    Optuna goes through the whole history for each child. It knows parents in another order when it
    is asked again: which child comes first must not depend on who asks when. And it believes that
    nothing was told between two trials that it was asked for.
    """
    parents: dict[int, list[Any]] = {}

    class Nsga2(optuna.samplers.NSGAIISampler):  # type: ignore[misc]
        def get_population(self, study: Any, generation: int) -> list[Any]:
            key = self._get_generation_key()
            trials = study.get_trials(deepcopy=False)
            return [trial for trial in trials if trial.system_attrs.get(key) == generation]

        def get_parent_population(self, study: Any, generation: int) -> list[Any]:
            if generation not in parents:
                chosen = self.select_parent(study, generation) if generation else []
                parents[generation] = sorted(chosen, key=lambda trial: trial.number)
            return parents[generation]

    return Nsga2
