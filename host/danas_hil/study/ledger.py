"""The study: every evaluation, and the genomes that are being evaluated or wait for it.

A trial's state tells where its genome stands; what came out is written as one JSON record before
the trial is finished, so that a process killed at any moment leaves a trial without a result, whose
genome is evaluated again. Evaluations are in the order in which they were finished: their index is
no trial's number.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from danas_hil.base import DanasError, require
from danas_hil.run import Evaluation
from danas_hil.space import Genome, Space
from danas_hil.study.claims import Claim, Claims
from danas_hil.study.objectives import objectives

_RECORD, _GENOME, _RETRY_OF = "evaluation", "genome", "retry of"


@dataclass(frozen=True)
class Turn:
    """A genome that is ours to evaluate."""

    genome: Genome
    claim: Claim


class Ledger:
    """The evaluations of a run, as all processes that work on it finish them."""

    def __init__(self, claims: Claims, space: Space) -> None:
        """Raises DanasError when the study is no study of ours."""
        self._claims, self._space = claims, space
        self._categorical = require("optuna", "search").distributions.CategoricalDistribution
        self._records: dict[int, Evaluation] = {}
        self._evaluations: list[Evaluation] = []
        self._open: dict[int, Genome] = {}
        self._look()

    @property
    def evaluations(self) -> Sequence[Evaluation]:
        """All that are finished, in order of their index, as of the last look."""
        return self._evaluations

    @property
    def open(self) -> Sequence[Genome]:
        """Genomes that wait for their evaluation or are in it, as of the last look."""
        return list(self._open.values())

    def at_work(self) -> int:
        """How many evaluations are under way, from a new look; none of ours between two turns.

        What dead processes left undone waits again after it.
        """
        return sum(map(self._claims.at_work, self._look()))

    def turn(
        self,
        propose: Callable[[], Genome],
        ready: Callable[[Genome], bool],
        trials: int | None,
    ) -> Turn | None:
        """A genome to evaluate: one that waits, or else the one that `propose` names.

        propose: may raise, and is asked with `evaluations` and `open` up to date. ready: whether a
        waiting genome can be evaluated here and now. trials: with so many evaluations, finished or
        under way, there is None. No genome is two processes' turn, or twice in the study.
        """
        while True:
            states = self._look()
            claim = genome = None
            for trial in states:
                if self._claims.waiting(trial) and ready(self._open[trial.number]):
                    claim, genome = self._claims.take(trial), self._open[trial.number]
                    break
            else:
                if trials is not None and len(self._evaluations) + len(self._open) >= trials:
                    return None
                genome = propose()
                claim = self._claims.add(*self._as_trial(genome))
            if claim is None:
                continue  # another process was quicker
            self._look()
            if self._is_needed(claim, genome, trials):
                return Turn(genome, claim)
            self._claims.fail(claim)

    def finish(self, turn: Turn, evaluation: Evaluation) -> Evaluation | None:
        """Write a finished evaluation, with its index; it is on disk when this returns.

        None where others took this process for dead: they evaluate the genome, or did.
        """
        evaluation = replace(evaluation, index=len(self._evaluations))
        self._claims.note(turn.claim, _RECORD, json.dumps(evaluation.to_json()))
        if evaluation.outcome == "complete":
            kept = self._claims.complete(turn.claim, objectives(evaluation))
        else:
            kept = self._claims.fail(turn.claim)
        if not kept:
            return None
        self._records[turn.claim.number] = evaluation
        self._open.pop(turn.claim.number, None)
        self._evaluations.append(evaluation)
        return evaluation

    def give_back(self, turn: Turn) -> None:
        """Let the genome wait for its evaluation again."""
        self._claims.give_back(turn.claim)

    # -- inside --------------------------------------------------------------------------------

    def _look(self) -> list[Any]:
        """Read all trials anew and sort them into finished and open; returns them."""
        trials = self._claims.read()
        self._open.clear()
        try:
            for trial in trials:
                if self._claims.waiting(trial) or self._claims.at_work(trial):
                    self._open[trial.number] = Genome.from_json(
                        json.loads(trial.user_attrs[_GENOME])
                    )
                elif trial.number not in self._records and _is_evaluated(trial):
                    record = json.loads(trial.user_attrs[_RECORD])
                    self._records[trial.number] = Evaluation.from_json(record)
        except (KeyError, TypeError, ValueError) as error:
            raise DanasError(
                f"The study {self._claims.study.study_name!r} can't be read: {error!r}.",
                "It is damaged, or no study of ours: start the search anew under another name.",
            ) from error
        if len(self._records) == len(self._evaluations):
            return trials
        in_order = sorted(self._records.items(), key=lambda item: (item[1].index, item[0]))
        self._evaluations = [
            record if record.index == index else replace(record, index=index)
            for index, (_, record) in enumerate(in_order)
        ]
        return trials

    def _is_needed(self, claim: Claim, genome: Genome, trials: int | None) -> bool:
        """Whether nobody before us has this genome, and there are not enough without it.

        The storage gives out numbers one after the other, so of two processes with the same idea
        one sees the other's trial before its own.
        """
        before = [other for number, other in self._open.items() if number < claim.number]
        finished = [evaluation.genome for evaluation in self._evaluations]
        if genome in before or genome in finished:
            return False
        return trials is None or len(before) + len(finished) < trials

    def _as_trial(self, genome: Genome) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        """Attributes, parameters and distributions."""
        values = self._space.genes
        return (
            {_GENOME: json.dumps(genome.to_json())},
            self._space.values(genome),
            {gene: self._categorical(choices) for gene, choices in values.items()},
        )


def retry(study: Any, trial: Any) -> None:
    """Let the genome of a trial whose process died wait again, as another trial."""
    if _GENOME not in trial.user_attrs or _is_evaluated(trial):
        return
    optuna = require("optuna", "search")
    study.add_trial(
        optuna.trial.create_trial(
            state=optuna.trial.TrialState.WAITING,
            params=trial.params,
            distributions=trial.distributions,
            user_attrs={_GENOME: trial.user_attrs[_GENOME], _RETRY_OF: trial.number},
        )
    )


def _is_evaluated(trial: Any) -> bool:
    """Whether a finished trial holds an evaluation; others were given up for another trial."""
    if _RECORD not in trial.user_attrs:
        return False
    outcome = json.loads(trial.user_attrs[_RECORD])["outcome"]
    return bool((outcome == "complete") == (trial.state.name == "COMPLETE"))
