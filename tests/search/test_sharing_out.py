"""Workers that propose at the same moment: each takes answers of its own from the sampler."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from danas_hil.search import Listener, create_run
from danas_hil.search.budget import Clock
from danas_hil.search.loop import EvaluationLoop
from danas_hil.search.settings import SearchSettings
from danas_hil.space import Genome
from search.small_search import SETTINGS, session
from search.test_interrupted import EVALUATOR
from strategies import make_space


def evaluated(path: Path, settings: SearchSettings, place: tuple[int, int]) -> list[Genome]:
    run = create_run(path, settings)
    with session(run, settings) as opened:
        clock = Clock(settings, Listener(), 0.0)
        EvaluationLoop(opened, EVALUATOR, clock, lambda: place).run()
        return [evaluation.genome for evaluation in opened.evaluations]


@pytest.mark.parametrize("sampler", ["nsga2", "tournament", "surrogate"])
def test_the_same_history_gives_each_place_another_genome(tmp_path: Path, sampler: str) -> None:
    settings = replace(SETTINGS, trials=1, sampler=sampler)
    first = [evaluated(tmp_path / f"{place}", settings, (place, 3))[0] for place in range(3)]
    assert len(set(first)) == 3


def test_one_that_waits_for_the_others_answers_in_vain_takes_them_itself(tmp_path: Path) -> None:
    space = make_space(
        (32,), ("rgb",), b3=(1,), b4=(1,), b5=(0,), b6=(0,), b7=(0,), alpha=(0.1, 0.2, 0.3)
    )
    assert space.size == 3
    settings = replace(SETTINGS, space=space)
    assert len(evaluated(tmp_path / "run", settings, (1, 2))) == 3
