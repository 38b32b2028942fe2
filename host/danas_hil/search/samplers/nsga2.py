"""NSGA-II, as Optuna has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
        self._study.sampler = self._optuna_sampler(int(rng.integers(2**31)))
        trial = self._study.ask(self._distributions)
        self._study.tell(trial, state=self._optuna.trial.TrialState.FAIL)  # it is no evaluation
        return self.space.genome(trial.params)

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
        self._sampler = _told_its_space(self._optuna, self._distributions)
        self._study = self._optuna.create_study(
            directions=list(_DIRECTIONS), sampler=self._optuna_sampler(0)
        )
        self._told, self._complete = [], 0

    def _optuna_sampler(self, seed: int) -> Any:
        return self._sampler(population_size=self.population, seed=seed)

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
        # Optuna counts generations of trials that it proposed and has no public word for others.
        key = self._sampler._get_generation_key()
        self._study.add_trial(
            self._optuna.trial.create_trial(
                values=[accuracy, ram_bytes, flash_bytes],
                params={gene: genes[gene] for gene in self._genes},
                distributions=self._distributions,
                constraints={what: share - 1 for what, share in shares.items()},
                system_attrs={key: self._complete // self.population},
            )
        )
        self._complete += 1
        if self._complete % self.population == 0:
            # Optuna selects parents when first asked for a child of theirs, and then knows them in
            # another order: which child comes first must not depend on who asks when.
            self._child(np.random.default_rng(0))


def _told_its_space(optuna: Any, distributions: Mapping[str, Any]) -> Any:
    """NSGAIISampler for `distributions`, which else it infers from the whole history for each
    proposal: at 400 evaluations that is nine tenths of a proposal's time."""
    finished = (optuna.trial.TrialState.COMPLETE,)
    space = {gene: of for gene, of in sorted(distributions.items()) if not of.single()}

    class Nsga2(optuna.samplers.NSGAIISampler):  # type: ignore[misc]
        def infer_relative_search_space(self, study: Any, _trial: Any) -> dict[str, Any]:
            return space if study.get_trials(deepcopy=False, states=finished) else {}

    return Nsga2
