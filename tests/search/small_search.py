"""A search of a small space, for tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from danas_hil.run import RunFolder
from danas_hil.search import Listener, SearchSettings
from danas_hil.search.cost import CostEstimator
from danas_hil.search.session import Session, join
from danas_hil.study import open_store
from study.shared_runs import SPACE
from tasks.some_tasks import SIGNS

SETTINGS = SearchSettings(data="signs", task=SIGNS, space=SPACE, trials=100, supernet_steps=1)


@contextmanager
def session(
    run: RunFolder,
    settings: SearchSettings = SETTINGS,
    listener: Listener | None = None,
    dataset: Any = None,
) -> Iterator[Session]:
    """A session of `run` that nobody asks to stop; without images it serves fake evaluators."""
    with join(run, settings) as shared:
        yield Session(
            run,
            settings,
            CostEstimator(settings),
            open_store(run.supernets.name, run.path),
            None,
            shared,
            dataset,
            listener or Listener(),
            lambda: False,
        )
