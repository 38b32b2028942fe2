"""Which candidates are trained by themselves, and for how long."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danas_hil.metrics import Scores
from danas_hil.run import Evaluation
from danas_hil.search import Listener, create_run, pareto_front, search_seconds
from danas_hil.search.budget import FINAL_CANDIDATES
from danas_hil.search.final import final_steps, finalists
from danas_hil.search.joining import join
from danas_hil.search.loop import _evaluate_all
from danas_hil.search.memory import MemoryEstimator
from danas_hil.space import ArchConfig, DataConfig, Genome
from search.small_search import SETTINGS


def _evaluation(index: int, resolution: int, right: int) -> Evaluation:
    genome = Genome(DataConfig(resolution, "rgb"), ArchConfig(1, 0, 0, 0, 0, 0.1))
    scores = Scores(accuracy=right / 100, precision=0.5, recall=0.5, images=100)
    return Evaluation(index, genome, "complete", ram_bytes=1, flash_bytes=1, scores=scores)


fronts = st.lists(st.tuples(st.sampled_from([32, 64, 96]), st.integers(0, 100))).map(
    lambda drawn: [_evaluation(number, *one) for number, one in enumerate(drawn)]
)


@given(fronts)
def test_finalists_are_few_and_not_all_of_one_data_configuration(front: list[Evaluation]) -> None:
    chosen = finalists(front)
    assert len(chosen) <= FINAL_CANDIDATES
    alike = Counter(evaluation.genome.data for evaluation in chosen)
    assert all(count <= FINAL_CANDIDATES // 2 for count in alike.values())


@given(fronts)
def test_the_most_accurate_is_a_finalist_and_none_is_passed_over_for_a_worse_one_of_its_data(
    front: list[Evaluation],
) -> None:
    chosen = finalists(front)
    accuracies = [_accuracy(evaluation) for evaluation in chosen]
    assert accuracies == sorted(accuracies, reverse=True)
    assert not front or accuracies[0] == max(map(_accuracy, front))
    for evaluation in front:
        alike = [e for e in chosen if e.genome.data == evaluation.genome.data]
        if evaluation not in chosen and alike:
            assert min(map(_accuracy, alike)) >= _accuracy(evaluation)


@pytest.mark.parametrize(("step_seconds", "longer"), [(1.0, True), (1e-6, False)])
def test_the_time_of_a_last_training_that_would_be_too_short_goes_to_evaluations(
    step_seconds: float, longer: bool, tmp_path: Path
) -> None:
    settings = replace(SETTINGS, time_budget=1.0, trials=None, export_limit=1)
    evaluator: Any = SimpleNamespace(
        scores=lambda genome: Scores(0.75, 0.5, 0.5, 100),
        prepare=lambda data: None,
        lacking=set,
        final_step_seconds=lambda genome: step_seconds,
        last_training=True,
    )
    heard: list[float] = []
    listener = Listener()
    listener.prolonged = heard.append  # type: ignore[method-assign]
    run = create_run(tmp_path / "run", settings)
    with join(run, settings) as shared:
        started = time.monotonic()
        estimator, never = MemoryEstimator(settings), lambda: False
        reason = _evaluate_all(
            settings, shared.ledger, evaluator, estimator, listener, never, started
        )
        took = time.monotonic() - started
        members = pareto_front(shared.ledger.evaluations)
    assert reason == "time is up"
    assert any(final_steps(settings, members, evaluator).values()) is not longer
    whole = search_seconds(settings, last_training=False)
    assert heard == ([whole] if longer else [])
    assert took >= (whole if longer else search_seconds(settings))


def _accuracy(evaluation: Evaluation) -> float:
    assert evaluation.scores is not None
    return evaluation.scores.accuracy
