"""The study: every evaluation, in Optuna's SQLite file.

A trial is written when it is over, in one transaction. So a search that is killed at any moment
leaves neither half a trial nor one that claims to be running, and a trial's number is the index of
its evaluation.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from danas_hil.base import DanasError, atomic_path, require
from danas_hil.run import Evaluation, RunFolder
from danas_hil.search.pareto import DIRECTIONS, OBJECTIVES, objectives
from danas_hil.space import Space

STUDY = "danas-hil"
_RECORD = "evaluation"


class Ledger:
    """The evaluations of a run: read at the start, appended to as they finish."""

    def __init__(self, run: RunFolder, space: Space) -> None:
        """Open the study of `run`, making it if need be.

        Raises DanasError when the file is damaged or no study of ours.
        """
        optuna = require("optuna", "search")
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._optuna = optuna
        self._space = space
        try:
            if not run.study_file.exists():
                with atomic_path(run.study_file) as path:  # half a schema would be of no use
                    path.unlink()
                    self._open(path)
            self._study = self._open(run.study_file)
            trials = self._study.get_trials(deepcopy=False)
            records = [json.loads(trial.user_attrs[_RECORD]) for trial in trials]
        except (
            optuna.exceptions.OptunaError,
            require("sqlalchemy", "search").exc.SQLAlchemyError,
            KeyError,
            ValueError,
        ) as error:
            raise DanasError(
                f"{run.study_file} can't be read: {str(error).splitlines()[0]}.",
                "Put back a copy of it, or start the search anew under another name.",
            ) from error
        self._evaluations = [Evaluation.from_json(record) for record in records]

    def _open(self, path: Path) -> Any:
        """The study in an SQLite file, made if need be."""
        study = self._optuna.create_study(
            study_name=STUDY,
            storage=f"sqlite:///{path.resolve()}",
            directions=list(DIRECTIONS),
            load_if_exists=True,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", self._optuna.exceptions.ExperimentalWarning)
            study.set_metric_names(list(OBJECTIVES))
        return study

    @property
    def evaluations(self) -> Sequence[Evaluation]:
        """All of them, in order of their index."""
        return self._evaluations

    def append(self, evaluation: Evaluation) -> None:
        """Write one finished evaluation. It is on disk when this returns."""
        if evaluation.index != len(self._evaluations):
            raise ValueError(f"evaluation {evaluation.index} after {len(self._evaluations)}")
        genes: dict[str, Any] = evaluation.genome.to_json()
        values = self._space.genes
        categorical = self._optuna.distributions.CategoricalDistribution
        state = self._optuna.trial.TrialState
        complete = evaluation.outcome == "complete"
        self._study.add_trial(
            self._optuna.trial.create_trial(
                state=state.COMPLETE if complete else state.FAIL,
                values=list(objectives(evaluation)) if complete else None,
                params={gene: genes[gene] for gene in values},
                distributions={gene: categorical(choices) for gene, choices in values.items()},
                user_attrs={_RECORD: json.dumps(evaluation.to_json())},
            )
        )
        self._evaluations.append(evaluation)
