"""The search itself: propose, evaluate, write down, until it is time to export the front."""

from __future__ import annotations

import time
from collections.abc import Callable, Set
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cache

from danas_hil.base import DanasError
from danas_hil.data import Dataset
from danas_hil.run import Evaluation, Front, RunFolder
from danas_hil.search.budget import Clock, Share
from danas_hil.search.cost import CostEstimator
from danas_hil.search.evaluator import Evaluator
from danas_hil.search.export import export_front
from danas_hil.search.finetune import final_steps
from danas_hil.search.from_scratch import FromScratchEvaluator
from danas_hil.search.listener import Listener
from danas_hil.search.pareto import pareto_front
from danas_hil.search.samplers import NothingLeftError, worth
from danas_hil.search.scoring import failed, judged
from danas_hil.search.selection import spread
from danas_hil.search.session import FRONT, join, open_data, prepare
from danas_hil.search.settings import SearchSettings
from danas_hil.search.training_plan import agree_on_plan
from danas_hil.space import Genome
from danas_hil.study import Ledger, Present, Shared, StoppedError, Trainings, pause
from danas_hil.supernet import make_deterministic

_BEGAN = "began"
_STOPPED = "stopped"
_OTHERS = "the evaluations of other workers"


@dataclass(frozen=True)
class Outcome:
    """How a search ended. front is None where there was nothing to export, or no time to.

    elsewhere: the run folder into which another process exported the front. overrun_seconds: beyond
    the time budget, when this process was done with all of it.
    """

    evaluations: int
    front: Front | None
    reason: str
    elsewhere: str | None = None
    overrun_seconds: float = 0.0

    @property
    def stopped(self) -> bool:
        """Whether it was asked to stop, and has more to do."""
        return self.reason == _STOPPED


def search(
    run: RunFolder,
    listener: Listener | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    *,
    storage: str | None = None,
    data: str | None = None,
    leading: bool = True,
) -> Outcome:
    """Run the search of `run` from where it is to its end, and export the Pareto front.

    All settings come from the run's config.toml. What is finished stays finished: evaluations are
    in the study, trainings in checkpoints. When `should_stop` says so the evaluation or training
    step at work ends, an evaluation that lacks its supernet is dropped, and the front is exported.

    Several processes may do this at once, on one run folder or on copies of it. The one that leads
    exports the front once nobody evaluates any more. Where none leads, or it died, the first of
    the others does so; but none of them does when it is stopped.

    storage, data: URL of the storage and place of the images, over those in config.toml.
    """
    listener = listener or Listener()
    prepared = prepare(run, listener, data)
    settings, estimator, supernet_source = (
        prepared.settings,
        prepared.estimator,
        prepared.supernet_source,
    )
    with join(run, settings, storage) as shared, ExitStack() as at_end:
        lead = shared.locks.acquire(FRONT) if leading else None
        if lead is not None:
            at_end.callback(shared.locks.release, lead)
        dataset = open_data(settings, listener)
        make_deterministic()
        trainings = Trainings(shared.locks, prepared.store, should_stop, listener.waiting)
        clock = _clock(settings, listener, shared, lead is not None)
        try:
            plan = agree_on_plan(
                run, settings, shared, dataset, estimator, listener, should_stop, supernet_source
            )
        except StoppedError:
            return Outcome(len(shared.ledger.evaluations), None, _STOPPED)
        kind = Evaluator if settings.shares_weights else FromScratchEvaluator
        evaluator = kind(settings, dataset, plan, estimator, listener, trainings, supernet_source)
        try:
            if supernet_source is not None or settings.supernets is not None:
                # Their training is not this search's alone.
                evaluator.train_all()
                clock = _clock(settings, listener, shared, lead is not None)
            with Present(shared.locks, shared.worker.name) as present:
                reason = _evaluate_all(
                    settings,
                    shared.ledger,
                    evaluator,
                    estimator,
                    listener,
                    should_stop,
                    clock,
                    present.place,
                )
            while shared.ledger.at_work():
                listener.waiting(_OTHERS)
                pause(should_stop)
            if lead is None and reason != _STOPPED:
                lead = shared.locks.wait(
                    FRONT, should_stop, lambda who: listener.waiting(f"the front from {who}")
                )
                at_end.callback(shared.locks.release, lead)
        except StoppedError:
            reason = _STOPPED
        done = len(shared.ledger.evaluations)
        if lead is None:
            return Outcome(done, None, reason)
        exported = shared.noted(FRONT)
        if not leading and exported and exported["evaluations"] == done:
            return Outcome(done, None, reason, exported["folder"])
        front = _export(
            run, settings, shared.ledger, evaluator, estimator, dataset, listener, clock.elapsed
        )
        shared.note(FRONT, {"evaluations": done, "folder": str(run.path.resolve())})
        return Outcome(done, front, reason, overrun_seconds=clock.overrun)


def _started(shared: Shared, leading: bool) -> float:
    """When the search began, on our monotonic clock, as if it had never been interrupted.

    Those who join go by the clock of the one who leads.
    """
    spent = max((e.elapsed_seconds for e in shared.ledger.evaluations), default=0.0)
    if leading:
        shared.note(_BEGAN, time.time() - spent)
    elif FRONT in shared.locks.holders() and (began := shared.noted(_BEGAN)) is not None:
        spent = max(spent, time.time() - began)
    return time.monotonic() - spent


def _clock(settings: SearchSettings, listener: Listener, shared: Shared, leading: bool) -> Clock:
    evaluating = sum(evaluation.seconds for evaluation in shared.ledger.evaluations)
    return Clock(settings, listener, _started(shared, leading), evaluating)


def _evaluate_all(
    settings: SearchSettings,
    ledger: Ledger,
    evaluator: Evaluator,
    estimator: CostEstimator,
    listener: Listener,
    should_stop: Callable[[], bool],
    clock: Clock,
    place: Callable[[], tuple[int, int]] = lambda: (0, 1),
) -> str:
    """Evaluate until there is a reason to stop, and return it. StoppedError: in a training.

    place: ours among those who evaluate, from 0, and how many they are.
    """
    sampler = settings.make_sampler()
    lacking: Callable[[], Set[Share]]

    def propose() -> Genome:
        evaluated = {evaluation.genome for evaluation in ledger.evaluations}
        if len(evaluated.union(ledger.open)) >= settings.space.size:
            raise NothingLeftError("Every genome of the space was looked at.")

        def acceptable(genome: Genome) -> bool:
            if genome in evaluated or (genome.family, genome.data) in lacking():
                return False
            return not settings.drop_infeasible or estimator.fits(genome)

        def free(genome: Genome) -> bool:
            return acceptable(genome) and genome not in ledger.open

        # Workers that ask a sampler at the same moment get the same answers: of three, each takes
        # one of every three.
        own, workers = place()
        answers: set[Genome] = set()

        def ours(genome: Genome) -> bool:
            if genome in answers or not acceptable(genome):
                return False
            answers.add(genome)
            return (len(answers) - 1) % workers == own and genome not in ledger.open

        try:
            return sampler.propose(ledger.evaluations, ours)
        except NothingLeftError:
            return sampler.propose(ledger.evaluations, free)

    def ready(genome: Genome) -> bool:
        return (genome.family, genome.data) not in lacking()

    def trains_last(elapsed: float) -> bool:
        """Whether the last training comes to anything: in a short search its steps are too few."""
        members = spread(pareto_front(ledger.evaluations), settings.export_limit)
        return any(final_steps(settings, members, evaluator, elapsed).values())

    while True:
        if should_stop():
            return _STOPPED
        if settings.trials is not None and len(ledger.evaluations) >= settings.trials:
            return "all trials done"
        if clock.is_up(trains_last):
            return "time is up"
        lacking = cache(evaluator.lacking)  # asked anew for each turn
        asked = clock.elapsed
        try:
            turn = ledger.turn(propose, ready, settings.trials)
        except NothingLeftError:
            if not (ledger.open or lacking()):
                if not ledger.evaluations:
                    raise
                return _nothing_left(ledger, settings)
            turn = None
        if turn is None:
            training = ", ".join(sorted({data.name for _, data in lacking()}))
            listener.waiting(f"the training of {training}" if training else _OTHERS)
            pause(should_stop)
            continue
        proposed = clock.elapsed
        try:
            evaluator.prepare(turn.genome)  # its training is not part of the evaluation's time
            begun = clock.elapsed
            evaluation = _evaluate(turn.genome, settings, evaluator, estimator, clock)
        except StoppedError:
            ledger.give_back(turn)
            raise
        written = ledger.finish(turn, evaluation)
        clock.evaluated(proposed - asked + clock.elapsed - begun)
        if written is None:
            listener.warning(
                f"{turn.genome.id} was given to another worker, since this one was not heard of."
            )
        else:
            listener.evaluated(written, _best(ledger))


def _nothing_left(ledger: Ledger, settings: SearchSettings) -> str:
    if len(ledger.evaluations) >= settings.space.size:
        return "every genome of the space was looked at"
    return "no further genome fits"


def _evaluate(
    genome: Genome,
    settings: SearchSettings,
    evaluator: Evaluator,
    estimator: CostEstimator,
    clock: Clock,
) -> Evaluation:
    """One evaluation. A DanasError makes it a failed one, with its reason."""
    begun = clock.elapsed
    try:
        scores = evaluator.scores(genome)
    except DanasError as error:
        evaluation = failed(genome, str(error), estimator.costs(genome))
    else:
        evaluation = judged(
            genome, scores, estimator.costs(genome), settings.limits, settings.weights
        )
    now = clock.elapsed
    return replace(evaluation, seconds=now - begun, elapsed_seconds=now)


def _export(
    run: RunFolder,
    settings: SearchSettings,
    ledger: Ledger,
    evaluator: Evaluator,
    estimator: CostEstimator,
    dataset: Dataset,
    listener: Listener,
    elapsed: float,
) -> Front | None:
    if not pareto_front(ledger.evaluations):
        listener.warning(
            "Nothing that was evaluated fits the limits: there is no front to export."
            if ledger.evaluations
            else "Nothing was evaluated: there is no front to export."
        )
        return None
    return export_front(
        run, settings, ledger.evaluations, evaluator, estimator, dataset, listener, elapsed
    )


def _best(ledger: Ledger) -> Evaluation | None:
    return max((e for e in ledger.evaluations if e.feasible), key=_accuracy, default=None)


def _accuracy(evaluation: Evaluation) -> tuple[float, float]:
    """For the best one so far: its accuracy is what is shown; then its fitness."""
    return evaluation.scores.accuracy if evaluation.scores else 0.0, worth(evaluation)
