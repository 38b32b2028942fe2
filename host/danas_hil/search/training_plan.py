"""What is settled before a search begins: which images it sees, how long supernets are trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from danas_hil.base import DanasError
from danas_hil.data import DrawnSplits
from danas_hil.search import budget
from danas_hil.search.cost import CostEstimator
from danas_hil.search.listener import Listener
from danas_hil.search.session import Session
from danas_hil.search.settings import SearchSettings
from danas_hil.search.supernet_source import told
from danas_hil.signals.shown import Dataset
from danas_hil.space import Genome
from danas_hil.supernet import (
    STANDALONE,
    Precision,
    TrainingSettings,
    quick_precision,
    time_standalone,
    time_steps,
)

CANDIDATE = "candidate"
"""What the training of each candidate is called in a plan where no weights are shared."""
MOST_STEPS = 25_000
"""Of each candidate in the paper's comparison (arXiv 2502.12690): 25 x 1,000."""
LEAST_CANDIDATES = 50
"""A time budget is to be enough for so many: five populations of ten."""
_TIMED = 5

_STEPS, _PRECISION, _DATA = "supernet_steps", "evaluation_precision", "data"
_STEP_SECONDS = "supernet_step_seconds"


@dataclass(frozen=True)
class TrainingPlan:
    """What all who work on a run hold to.

    steps: of the training of each supernet by its name, or of CANDIDATE; a focused supernet may
        come to more or fewer. step_seconds: what one takes, by the name of a data configuration,
        where steps were derived from time. precision: of evaluations.
    """

    steps: Mapping[str, int]
    precision: Precision
    step_seconds: Mapping[str, float] = field(default_factory=dict)


def agree_on_training(session: Session) -> TrainingPlan:
    """What the first of those who work on the run settles, and the others take.

    It and what the search sees are put into config.toml. Raises DanasError for other images than
    the run began with or the supernet was trained on, StoppedError when asked to stop while another
    process makes the plan.
    """
    run, shared, listener = session.run, session.shared, session.listener
    lock = shared.locks.wait(
        "training plan",
        session.should_stop,
        lambda who: listener.waiting(f"the training plan from {who}"),
    )
    try:
        seen = _agree_on_images(session)
        planned = _planned(session)
        steps = shared.agree(_STEPS, lambda: dict(planned.steps))
        step_seconds = shared.agree(_STEP_SECONDS, lambda: dict(planned.step_seconds))
        precision = shared.agree(
            _PRECISION, lambda: run.config().get(_PRECISION, quick_precision())
        )
        settled = {_DATA: seen, _STEPS: steps, _PRECISION: precision}
        if step_seconds:
            settled[_STEP_SECONDS] = step_seconds
        run.write_config({**run.config(), **settled})
    finally:
        shared.locks.release(lock)
    return TrainingPlan(steps, precision, step_seconds)


def _agree_on_images(session: Session) -> dict[str, Any]:
    """What the search sees, as all others and the supernet's training see it too."""
    seen = _described(session.dataset)
    theirs = session.shared.agree(_DATA, lambda: seen)
    if theirs != seen:
        raise DanasError(
            f"{session.settings.data} holds other data than this run began with.",
            f"Then: {_told(theirs)}; now: {_told(seen)}.",
        )
    if session.supernet_source is not None:
        session.supernet_source.check_images(seen)
    return seen


def _planned(session: Session) -> budget.Steps:
    """The steps of this run: those it began with, or else by its settings. The listener is told."""
    settings, noted, listener = session.settings, session.shared.noted, session.listener
    config = session.run.config()
    begun = config.get(_STEPS) or noted(_STEPS)
    if begun is not None:
        timed = config.get(_STEP_SECONDS) or noted(_STEP_SECONDS)
        planned, origin = budget.Steps(begun, step_seconds=timed or {}), "as this run began"
    elif session.supernet_source is not None:
        planned = budget.Steps(session.supernet_source.steps)
        origin = f"of {session.supernet_source.run.name}"
    elif not settings.shares_weights:
        planned, origin = plan_candidates(
            settings, budget.search_seconds(settings), session.estimator.fits
        )
    elif settings.supernet_steps is not None:
        planned = budget.Steps(dict.fromkeys(settings.supernets_of_space, settings.supernet_steps))
        origin = "--supernet-steps"
    else:
        planned = _plan_by_time(settings, session.estimator)
        origin = f"{100 * budget.TRAINING_SHARE:g} % of the time for the search"
    listener.training_planned(planned.steps, planned.seconds, origin)
    _warn_of_too_little_time(settings, planned, listener)
    return planned


def _warn_of_too_little_time(
    settings: SearchSettings, plan: budget.Steps, listener: Listener
) -> None:
    """Fewer than LEAST_STEPS train nothing, so a short budget may go into them whole."""
    end = budget.search_seconds(settings)
    if end is not None and plan.seconds is not None and plan.seconds >= end:
        listener.warning(
            f"The fewest steps of training that make sense ({budget.LEAST_STEPS}) take all the time"
            " there is before the export: little is evaluated, and the search may end late. Raise"
            " --time-budget, or give the space smaller data, or a lower --batch-size."
        )


def _described(dataset: Dataset) -> dict[str, Any]:
    """What the search sees, for config.toml and the report."""
    noted: dict[str, Any] = {
        "source": dataset.source.name,
        "kept_at": dataset.finest,
    }
    if isinstance(dataset.source, DrawnSplits):
        noted["splits"] = dataset.source.rule
    for split in ("train", "validation"):
        balance = dataset.split(split).balance
        noted[f"{split}_images"] = dict(zip(balance.classes, balance.counts, strict=True))
        if balance.dropped:
            noted[f"{split}_dropped_without_label"] = balance.dropped
        if unreadable := dataset.split(split).unreadable.count:
            noted[f"{split}_unreadable"] = unreadable
    return noted


def _told(described: Mapping[str, Any]) -> str:
    return ", ".join(f"{key.replace('_', ' ')} {told(value)}" for key, value in described.items())


def _plan_by_time(settings: SearchSettings, estimator: CostEstimator) -> budget.Steps:
    seconds = budget.search_seconds(settings)
    assert seconds is not None
    supernets = settings.supernets_of_space
    training = TrainingSettings(batch_size=settings.batch_size)
    timed = {name: time_steps(of, training, estimator.fits) for name, of in supernets.items()}
    plan = budget.plan_steps(
        budget.TRAINING_SHARE * seconds,
        supernets,
        budget.expected_use(settings.space, estimator.fits),
        {name: mean for name, (mean, _) in timed.items()},
    )
    by_name = {
        budget.step_name(supernets[name].family, data): seconds
        for name, (_, each) in timed.items()
        for data, seconds in each.items()
    }
    return replace(plan, step_seconds=by_name)


def plan_candidates(
    settings: SearchSettings, seconds: float | None, fits: Callable[[Genome], bool]
) -> tuple[budget.Steps, str]:
    """The training steps of each candidate that is trained from scratch, and who says so.

    seconds: for all evaluations; None where the clock does not say. They are divided among
    LEAST_CANDIDATES by the mean time of a step of a few genomes that fit.
    """
    if settings.candidate_steps is not None:
        return budget.Steps({CANDIDATE: settings.candidate_steps}), "--candidate-steps"
    if seconds is None:
        return budget.Steps({CANDIDATE: MOST_STEPS}), "the paper's"
    drawn = [settings.space.sample(np.random.default_rng(place)) for place in range(500)]
    fitting = [genome for genome in drawn if fits(genome)] or drawn
    timing = standalone_settings(settings)
    step_seconds = np.mean(
        [time_standalone(genome, len(settings.task.classes), timing) for genome in fitting[:_TIMED]]
    )
    steps = max(budget.LEAST_STEPS, int(seconds / LEAST_CANDIDATES / step_seconds))
    origin = f"--time-budget, for {LEAST_CANDIDATES} candidates"
    return budget.Steps({CANDIDATE: min(MOST_STEPS, steps)}), origin


def standalone_settings(settings: SearchSettings) -> TrainingSettings:
    """How a candidate is trained from scratch."""
    return replace(STANDALONE, batch_size=settings.batch_size)
