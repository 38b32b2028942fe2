"""When evaluations end, and what fine-tuning before the export gets."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from danas_hil.search import Listener, budget, create_run, pareto_front, search_seconds
from danas_hil.search.budget import (
    EVALUATION_LEAST,
    FINETUNE_SHARE,
    TRAINING_SHARE,
    Clock,
    finetune_seconds,
)
from danas_hil.search.finetune import plan_finetuning
from danas_hil.search.loop import EvaluationLoop
from danas_hil.tasks import Scores
from search.small_search import SETTINGS, session

HOUR = replace(
    SETTINGS, time_budget=3600.0, trials=None, export_finetune_steps=None, supernet_steps=None
)
END, LONGER = search_seconds(HOUR), search_seconds(HOUR, finetuning=False)
assert END is not None
assert LONGER is not None


class Heard(Listener):
    def __init__(self) -> None:
        self.until: list[float] = []
        self.longer: list[float] = []

    def late(self, until: float, seconds: float) -> None:
        self.until.append(until)

    def prolonged(self, seconds: float) -> None:
        self.longer.append(seconds)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """What time it is, for a search that began at 0."""
    at = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(budget.time, "monotonic", lambda: at.seconds)
    return at


def test_evaluations_end_with_their_time_and_fine_tuning_gets_its_own(
    now: SimpleNamespace,
) -> None:
    heard = Heard()
    clock = Clock(HOUR, heard, 0.0)
    clock.evaluated((1 - TRAINING_SHARE) * END)
    now.seconds = END - 1
    assert not clock.is_up(lambda _: True)
    now.seconds = END
    assert clock.is_up(lambda _: True)
    assert finetune_seconds(HOUR, clock.elapsed) == pytest.approx(FINETUNE_SHARE * 3600)
    assert not heard.until
    assert not heard.longer


def test_after_a_slow_training_evaluations_still_have_a_time_of_their_own(
    now: SimpleNamespace,
) -> None:
    heard = Heard()
    clock = Clock(HOUR, heard, 0.0)
    least = EVALUATION_LEAST * (1 - TRAINING_SHARE) * END
    now.seconds = END + 100  # trained until then, and evaluated nothing
    for _ in range(4):
        assert not clock.is_up(lambda _: True)
        now.seconds += least / 4
        clock.evaluated(least / 4)
    assert clock.is_up(lambda _: True)
    assert heard.until == [pytest.approx(END + 100 + least)]  # told once
    assert finetune_seconds(HOUR, clock.elapsed) == pytest.approx(
        FINETUNE_SHARE * 3600 - 100 - least
    )


def test_even_a_training_that_took_the_whole_budget_is_followed_by_evaluations(
    now: SimpleNamespace,
) -> None:
    clock = Clock(HOUR, Listener(), 0.0)
    now.seconds = 4000.0
    assert not clock.is_up(lambda _: False)
    clock.evaluated(END)
    assert clock.is_up(lambda _: False)
    assert finetune_seconds(HOUR, clock.elapsed) <= 0


def test_what_goes_beyond_the_time_budget_is_an_overrun(now: SimpleNamespace) -> None:
    clock = Clock(HOUR, Listener(), 0.0)
    now.seconds = 3599.0
    assert clock.overrun == 0
    now.seconds = 3690.0
    assert clock.overrun == 90
    unbounded = replace(HOUR, time_budget=None, trials=1, supernet_steps=1)
    assert Clock(unbounded, Listener(), 0.0).overrun == 0


def test_candidates_that_are_trained_one_by_one_end_with_the_clock(now: SimpleNamespace) -> None:
    settings = SimpleNamespace(
        shares_weights=False,
        time_budget=3600.0,
        export_limit=HOUR.export_limit,
        export_finetune_steps=None,
    )
    now.seconds = LONGER
    assert Clock(settings, Listener(), 0.0).is_up(lambda _: False)  # type: ignore[arg-type]


@pytest.mark.parametrize(("step_seconds", "longer"), [(1.0, True), (1e-6, False)])
def test_the_time_of_a_fine_tuning_that_would_be_too_short_goes_to_evaluations(
    step_seconds: float, longer: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Processor time: other work on the computer would leave none for fine-tuning.
    monkeypatch.setattr(budget, "time", SimpleNamespace(monotonic=time.process_time))
    settings = replace(SETTINGS, time_budget=1.0, trials=None, export_limit=1)
    evaluator: Any = SimpleNamespace(
        scores=lambda genome: Scores(0.75, 0.5, 0.5, 100),
        prepare=lambda data: None,
        lacking=set,
        finetune_step_seconds=lambda genome: step_seconds,
    )
    heard = Heard()
    run = create_run(tmp_path / "run", settings)
    with session(run, settings, heard) as opened:
        clock = Clock(settings, heard, budget.time.monotonic())
        reason = EvaluationLoop(opened, evaluator, clock).run()
        members = pareto_front(opened.evaluations)
    assert reason == "time is up"
    trained = plan_finetuning(settings, members, evaluator, clock.elapsed)
    assert any(trained.values()) is not longer
    whole = search_seconds(settings, finetuning=False)
    assert heard.longer == ([whole] if longer else [])
    assert clock.elapsed >= (whole if longer else search_seconds(settings))
