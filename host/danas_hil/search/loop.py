"""The search itself: propose, evaluate, write down, until it is time to export the front."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from danas_hil.base import DanasError
from danas_hil.data import Dataset
from danas_hil.run import Evaluation, Front, RunFolder
from danas_hil.search import budget
from danas_hil.search.evaluation import Evaluator, StoppedError
from danas_hil.search.export import export_front
from danas_hil.search.fitness import fitness
from danas_hil.search.ledger import Ledger
from danas_hil.search.listener import Listener
from danas_hil.search.memory import MemoryEstimator, check_possible
from danas_hil.search.opening import open_data
from danas_hil.search.pareto import pareto_front
from danas_hil.search.samplers import NothingLeftError
from danas_hil.search.settings import SearchSettings
from danas_hil.space import Genome
from danas_hil.supernet import (
    Precision,
    TrainingSettings,
    make_deterministic,
    quick_precision,
    time_step,
)

_STEPS = "supernet_steps"
_PRECISION = "evaluation_precision"
_STOPPED = "stopped"


@dataclass(frozen=True)
class Outcome:
    """How a search ended. front is None where there was nothing to export, or no time to."""

    evaluations: int
    front: Front | None
    reason: str

    @property
    def stopped(self) -> bool:
        """Whether it was asked to stop, and has more to do."""
        return self.reason == _STOPPED


def search(
    run: RunFolder,
    listener: Listener | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Run the search of `run` from where it is to its end, and export the Pareto front.

    All settings come from the run's config.toml. What is finished stays finished: evaluations are
    in the study, trainings in checkpoints. When `should_stop` says so the evaluation or training
    step at work ends, an evaluation that lacks its supernet is dropped, and the front is exported.
    """
    listener = listener or Listener()
    settings = SearchSettings.from_config(run.config())
    ledger = Ledger(run, settings.space)
    estimator = MemoryEstimator(settings)
    check_possible(settings, estimator)
    dataset = open_data(settings, listener)
    _note_data(run, dataset)
    make_deterministic()
    started = time.monotonic() - _spent(ledger)
    plan = _plan(run, settings, estimator, listener)
    precision = _precision(run)
    evaluator = Evaluator(
        settings, run, dataset, plan.steps, precision, estimator.fits, listener, should_stop
    )
    try:
        if settings.supernets is not None:
            for data in settings.space.data_configs:
                evaluator.supernet(data)
            started = time.monotonic() - _spent(ledger)  # the training is not this search's alone
        reason = _evaluate_all(
            settings, ledger, evaluator, estimator, listener, should_stop, started
        )
    except StoppedError:
        reason = _STOPPED
    front = _export(run, settings, ledger, evaluator, estimator, dataset, listener)
    return Outcome(len(ledger.evaluations), front, reason)


def _evaluate_all(
    settings: SearchSettings,
    ledger: Ledger,
    evaluator: Evaluator,
    estimator: MemoryEstimator,
    listener: Listener,
    should_stop: Callable[[], bool],
    started: float,
) -> str:
    """Evaluate until there is a reason to stop, and return it. StoppedError: in a training."""
    sampler = settings.make_sampler()
    seconds = search_seconds(settings)
    seen = {evaluation.genome for evaluation in ledger.evaluations}
    best = _best(ledger)

    def acceptable(genome: Genome) -> bool:
        if genome in seen:
            return False
        return not settings.drop_infeasible or estimator.fits(genome)

    while True:
        if should_stop():
            return _STOPPED
        if settings.trials is not None and len(ledger.evaluations) >= settings.trials:
            return "all trials done"
        if seconds is not None and time.monotonic() - started >= seconds:
            return "time is up"
        if len(seen) >= settings.space.size:
            return "every genome of the space was looked at"
        try:
            genome = sampler.propose(ledger.evaluations, acceptable)
        except NothingLeftError:
            if not seen:
                raise
            return "no further genome fits"
        evaluation = _evaluate(
            len(ledger.evaluations), genome, settings, evaluator, estimator, started
        )
        ledger.append(evaluation)
        seen.add(genome)
        if evaluation.feasible and (best is None or _value(evaluation) > _value(best)):
            best = evaluation
        listener.evaluated(evaluation, best)


def _evaluate(
    index: int,
    genome: Genome,
    settings: SearchSettings,
    evaluator: Evaluator,
    estimator: MemoryEstimator,
    started: float,
) -> Evaluation:
    """One evaluation. A DanasError makes it a failed one, with its reason."""
    ram_bytes, flash_bytes = estimator.totals(genome)
    evaluator.supernet(genome.data)  # its training is not part of the evaluation's time
    begun = time.monotonic()
    evaluation = Evaluation(
        index,
        genome,
        "failed",
        ram_bytes,
        flash_bytes,
        feasible=estimator.fits(genome),
    )
    try:
        scores = evaluator.scores(genome)
    except DanasError as error:
        evaluation = replace(evaluation, reason=str(error), feasible=False)
    else:
        evaluation = replace(
            evaluation,
            outcome="complete",
            scores=scores,
            fitness=fitness(scores, ram_bytes, flash_bytes, settings.limits, settings.weights),
        )
    now = time.monotonic()
    return replace(evaluation, seconds=now - begun, elapsed_seconds=now - started)


def _export(
    run: RunFolder,
    settings: SearchSettings,
    ledger: Ledger,
    evaluator: Evaluator,
    estimator: MemoryEstimator,
    dataset: Dataset,
    listener: Listener,
) -> Front | None:
    front = pareto_front(ledger.evaluations)
    if not front:
        listener.warning(
            "Nothing that was evaluated fits the limits: there is no front to export."
            if ledger.evaluations
            else "Nothing was evaluated: there is no front to export."
        )
        return None
    return export_front(run, settings, ledger.evaluations, evaluator, estimator, dataset, listener)


def _note_data(run: RunFolder, dataset: Dataset) -> None:
    """Put what the search sees into config.toml, for the report."""
    noted: dict[str, object] = {"source": dataset.source.name, "pixels_decoded": dataset.resolution}
    for split in ("train", "validation"):
        balance = dataset.split(split).balance
        absent, present = balance.classes
        noted |= {f"{split}_no_person": absent, f"{split}_person": present}
        if balance.dropped:
            noted[f"{split}_dropped_without_label"] = balance.dropped
    run.write_config({**run.config(), "data": noted})


def _plan(
    run: RunFolder, settings: SearchSettings, estimator: MemoryEstimator, listener: Listener
) -> budget.Plan:
    """The training steps, from config.toml if they stand there; else they are put there."""
    config = run.config()
    if _STEPS in config:
        plan = budget.Plan(config[_STEPS])
        listener.planned(plan.steps, None, "as this run began")
        return plan
    if settings.supernet_steps is not None:
        plan = budget.Plan(dict.fromkeys(settings.supernet_configs, settings.supernet_steps))
        listener.planned(plan.steps, None, "--supernet-steps")
    else:
        plan = _plan_by_time(settings, estimator)
        listener.planned(plan.steps, plan.seconds, "55 % of --time-budget")
    run.write_config({**config, _STEPS: dict(plan.steps)})
    return plan


def _precision(run: RunFolder) -> Precision:
    """Of evaluations, from config.toml if it stands there; else this computer's is put there."""
    config = run.config()
    if _PRECISION not in config:
        config[_PRECISION] = quick_precision()
        run.write_config(config)
    precision: Precision = config[_PRECISION]
    return precision


def _plan_by_time(settings: SearchSettings, estimator: MemoryEstimator) -> budget.Plan:
    assert settings.time_budget is not None
    space, supernets = settings.subnets, settings.supernet_configs
    training = TrainingSettings(batch_size=settings.batch_size)
    return budget.plan_steps(
        budget.TRAINING_SHARE * settings.time_budget,
        supernets,
        budget.expected_use(space, estimator.fits),
        {
            name: time_step(space, configs, training, estimator.fits)
            for name, configs in supernets.items()
        },
    )


def search_seconds(settings: SearchSettings) -> float | None:
    """When evaluations end, in seconds from the beginning; None where the clock does not say."""
    if settings.time_budget is None:
        return None
    reserve = budget.export_reserve(settings.time_budget, settings.export_limit)
    if settings.final_steps is None:
        reserve += budget.FINAL_SHARE * settings.time_budget
    return settings.time_budget - reserve


def _spent(ledger: Ledger) -> float:
    """Seconds that the search took before: a resumed one does not get its budget anew."""
    return ledger.evaluations[-1].elapsed_seconds if ledger.evaluations else 0.0


def _best(ledger: Ledger) -> Evaluation | None:
    feasible = [e for e in ledger.evaluations if e.feasible and e.fitness is not None]
    return max(feasible, key=_value, default=None)


def _value(evaluation: Evaluation) -> float:
    return float("-inf") if evaluation.fitness is None else evaluation.fitness
