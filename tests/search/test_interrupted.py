"""A search that dies at any word to its storage proposes what it would have proposed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import pytest

from danas_hil.run import RunFolder
from danas_hil.search import Listener, create_run
from danas_hil.search.budget import Clock
from danas_hil.search.loop import EvaluationLoop
from danas_hil.space import Genome
from danas_hil.tasks import Scores
from search.small_search import SETTINGS, session

SEARCH = replace(SETTINGS, trials=7, population=4)
"""Four are drawn, three bred."""
WORDS = ("create_new_trial", "record_heartbeat", "set_trial_state_values", "set_trial_user_attr")


class DiedError(Exception):
    """Stands for kill -9."""


def scores(genome: Genome) -> Scores:
    """Anything that tells genomes apart."""
    value = int(genome.id, 16) % 997 / 997
    return Scores(value, value, value, 100)


EVALUATOR: Any = SimpleNamespace(scores=scores, prepare=lambda data: None, lacking=set)


def work(run: RunFolder) -> list[tuple[int, Genome, str]]:
    """Search to the end, or to death: then the operating system frees the worker's lock."""
    with session(run, SEARCH) as opened:
        EvaluationLoop(opened, EVALUATOR, Clock(SEARCH, Listener(), 0.0)).run()
        return [(e.index, e.genome, e.outcome) for e in opened.evaluations]


@contextmanager
def death(when: int, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """At the word number `when` to the storage: odd ones are still heard, even ones are not."""
    said = 0

    def dying(word: Callable[..., Any]) -> Callable[..., Any]:
        def speak(*arguments: Any, **named: Any) -> Any:
            nonlocal said
            said += 1
            if said == when and when % 2 == 0:
                raise DiedError
            answer = word(*arguments, **named)
            if said == when:
                raise DiedError
            return answer

        return speak

    with patch.context() as context:
        for word in WORDS:
            storage = optuna.storages.RDBStorage
            context.setattr(storage, word, dying(getattr(storage, word)))
        yield


def test_dying_again_and_again_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calm = work(create_run(tmp_path / "calm", SEARCH))
    assert len(calm) == SEARCH.trials

    shaken, deaths = create_run(tmp_path / "shaken", SEARCH), 0
    found: list[tuple[int, Genome, str]] = []
    while not found:
        try:
            with death(1 + deaths % 9, monkeypatch):
                found = work(shaken)
        except DiedError:
            deaths += 1
    assert deaths > len(calm)
    assert found == calm
