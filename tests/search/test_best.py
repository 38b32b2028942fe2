"""The best one so far, as progress shows it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

from danas_hil.run import Evaluation
from danas_hil.search import Listener, create_run
from danas_hil.search.budget import Clock
from danas_hil.search.loop import EvaluationLoop
from danas_hil.space import Genome
from danas_hil.tasks import Scores
from search.small_search import SETTINGS, session
from search.test_interrupted import EVALUATOR


class Heard(Listener):
    def __init__(self) -> None:
        self.best: list[float] = []
        self.all: list[float] = []

    def evaluated(self, evaluation: Evaluation, best: Evaluation | None) -> None:
        assert evaluation.scores is not None
        assert best is not None
        assert best.scores is not None
        self.all.append(evaluation.scores.accuracy)
        self.best.append(best.scores.accuracy)


def scores(genome: Genome) -> Scores:
    """The more accurate, the less fit."""
    value = int(genome.id, 16) % 997 / 997
    return Scores(value, 1 - value, 1 - value, 100)


def test_the_best_accuracy_never_falls(tmp_path: Path) -> None:
    settings = replace(SETTINGS, trials=6)
    heard, evaluator = Heard(), SimpleNamespace(**{**vars(EVALUATOR), "scores": scores})
    with session(create_run(tmp_path / "run", settings), settings, heard) as opened:
        EvaluationLoop(opened, evaluator, Clock(settings, heard, 0.0)).run()
    assert heard.best == [max(heard.all[: place + 1]) for place in range(6)]
