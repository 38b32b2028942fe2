"""The search itself: propose, evaluate, write down, until it is time to export the front."""

from __future__ import annotations

import time
from collections.abc import Callable, Set
from dataclasses import dataclass, replace
from functools import cache

from danas_hil.base import DanasError
from danas_hil.run import Evaluation, Front, RunFolder
from danas_hil.search.budget import Clock, Share
from danas_hil.search.evaluator import Evaluator
from danas_hil.search.export import export_front
from danas_hil.search.finetune import plan_finetuning
from danas_hil.search.from_scratch import FromScratchEvaluator
from danas_hil.search.listener import Listener
from danas_hil.search.pareto import pareto_front
from danas_hil.search.samplers import Acceptable, NothingLeftError, worth
from danas_hil.search.scoring import failed, judged
from danas_hil.search.selection import members_to_export
from danas_hil.search.session import FRONT, Lead, Session, join, open_session, prepare
from danas_hil.search.training_plan import TrainingPlan, agree_on_training
from danas_hil.space import Genome
from danas_hil.study import Ledger, Present, Shared, StoppedError, Turn, pause

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
    with join(run, prepared.settings, storage) as shared, Lead(shared) as lead:
        if leading:
            lead.take()
        session = open_session(run, prepared, shared, listener, should_stop)
        clock = _clock(session, lead)
        try:
            plan = agree_on_training(session)
        except StoppedError:
            return Outcome(len(session.evaluations), None, _STOPPED)
        evaluator = _evaluator(session, plan)
        try:
            if session.supernet_source is not None or session.settings.supernets is not None:
                # Their training is not this search's alone.
                evaluator.train_all()
                clock = _clock(session, lead)
            reason = _evaluate_all(session, evaluator, clock)
            if reason != _STOPPED:
                lead.wait(listener, should_stop)
        except StoppedError:
            reason = _STOPPED
        done = len(session.evaluations)
        if not lead.held:
            return Outcome(done, None, reason)
        exported = shared.noted(FRONT)
        if not leading and exported and exported["evaluations"] == done:
            return Outcome(done, None, reason, exported["folder"])
        front = _export(session, evaluator, clock.elapsed)
        shared.note(FRONT, {"evaluations": done, "folder": str(run.path.resolve())})
        return Outcome(done, front, reason, overrun_seconds=clock.overrun)


def _evaluator(session: Session, plan: TrainingPlan) -> Evaluator:
    kind = Evaluator if session.settings.shares_weights else FromScratchEvaluator
    return kind(session, plan)


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


def _clock(session: Session, lead: Lead) -> Clock:
    evaluating = sum(evaluation.seconds for evaluation in session.evaluations)
    started = _started(session.shared, lead.held)
    return Clock(session.settings, session.listener, started, evaluating)


def _evaluate_all(session: Session, evaluator: Evaluator, clock: Clock) -> str:
    """Evaluate until there is a reason to stop, and the others are done too; returns the reason.

    StoppedError: in a training, or while others are at work.
    """
    shared = session.shared
    with Present(shared.locks, shared.worker.name) as present:
        reason = EvaluationLoop(session, evaluator, clock, present.place).run()
    while shared.ledger.at_work():
        session.listener.waiting(_OTHERS)
        pause(session.should_stop)
    return reason


class EvaluationLoop:
    """Proposes genomes and evaluates them, one after the other.

    place: ours among those who evaluate, from 0, and how many they are.
    """

    def __init__(
        self,
        session: Session,
        evaluator: Evaluator,
        clock: Clock,
        place: Callable[[], tuple[int, int]] = lambda: (0, 1),
    ) -> None:
        self._session, self._evaluator, self._clock = session, evaluator, clock
        self._settings, self._ledger = session.settings, session.ledger
        self._place = place
        self._sampler = session.settings.make_sampler()
        self._lacking: Callable[[], Set[Share]] = evaluator.lacking

    def run(self) -> str:
        """Evaluate until there is a reason to stop, and return it. StoppedError: in a training."""
        while (reason := self._reason_to_stop()) is None:
            self._lacking = cache(self._evaluator.lacking)  # asked anew for each turn
            asked = self._clock.elapsed
            try:
                turn = self._ledger.turn(self._propose, self._ready, self._settings.trials)
            except NothingLeftError:
                if not (self._ledger.open or self._lacking()):
                    if not self._ledger.evaluations:
                        raise
                    return self._nothing_left()
                turn = None
            if turn is None:
                self._wait()
            else:
                self._take(turn, asked)
        return reason

    def _reason_to_stop(self) -> str | None:
        if self._session.should_stop():
            return _STOPPED
        trials = self._settings.trials
        if trials is not None and len(self._ledger.evaluations) >= trials:
            return "all trials done"
        if self._clock.is_up(self._finetunes):
            return "time is up"
        return None

    def _finetunes(self, elapsed: float) -> bool:
        """Whether fine-tuning comes to anything: in a short search its steps are too few."""
        members = members_to_export(
            pareto_front(self._ledger.evaluations), self._settings.export_limit
        )
        return any(plan_finetuning(self._settings, members, self._evaluator, elapsed).values())

    def _propose(self) -> Genome:
        history = self._ledger.evaluations
        evaluated = {evaluation.genome for evaluation in history}
        if len(evaluated.union(self._ledger.open)) >= self._settings.space.size:
            raise NothingLeftError("Every genome of the space was looked at.")

        def acceptable(genome: Genome) -> bool:
            if genome in evaluated or not self._ready(genome):
                return False
            return not self._settings.drop_infeasible or self._session.estimator.fits(genome)

        def free(genome: Genome) -> bool:
            return acceptable(genome) and genome not in self._ledger.open

        # Workers that ask a sampler at the same moment get the same answers: of three, each takes
        # one of every three.
        own, workers = self._place()
        answers: set[Genome] = set()

        def ours(genome: Genome) -> bool:
            if genome in answers or not acceptable(genome):
                return False
            answers.add(genome)
            return (len(answers) - 1) % workers == own and genome not in self._ledger.open

        try:
            return self._proposed(ours)
        except NothingLeftError:
            return self._proposed(free)

    def _proposed(self, acceptable: Acceptable) -> Genome:
        """Raises DanasError where the sampler keeps not to what it was told."""
        taken: set[Genome] = set()

        def told(genome: Genome) -> bool:
            if acceptable(genome):
                taken.add(genome)
                return True
            return False

        genome = self._sampler.propose(self._ledger.evaluations, told)
        if genome not in taken:
            raise DanasError(
                f"The sampler {self._settings.sampler} proposed {genome} without having asked"
                " whether it is acceptable, or after it was told that it isn't.",
                "Choose another --sampler, or mend this one: danas_hil.search.samplers.contract"
                " has tests for it.",
            )
        return genome

    def _ready(self, genome: Genome) -> bool:
        return (genome.family, genome.data) not in self._lacking()

    def _wait(self) -> None:
        training = ", ".join(sorted({data.name for _, data in self._lacking()}))
        self._session.listener.waiting(f"the training of {training}" if training else _OTHERS)
        pause(self._session.should_stop)

    def _take(self, turn: Turn, asked: float) -> None:
        """Evaluate and write down. asked: when the sampler was, in seconds from the beginning."""
        clock, listener = self._clock, self._session.listener
        proposed = clock.elapsed
        try:
            # Its training is not part of the evaluation's time.
            self._evaluator.prepare(turn.genome)
            begun = clock.elapsed
            evaluation = self._evaluate(turn.genome)
        except StoppedError:
            self._ledger.give_back(turn)
            raise
        written = self._ledger.finish(turn, evaluation)
        clock.evaluated(proposed - asked + clock.elapsed - begun)
        if written is None:
            listener.warning(
                f"{turn.genome.id} was given to another worker, since this one was not heard of."
            )
        else:
            listener.evaluated(written, _best(self._ledger))

    def _evaluate(self, genome: Genome) -> Evaluation:
        """One evaluation. A DanasError makes it a failed one, with its reason."""
        begun, settings = self._clock.elapsed, self._settings
        costs = self._session.estimator.costs(genome)
        try:
            scores = self._evaluator.scores(genome)
        except DanasError as error:
            evaluation = failed(genome, str(error), costs)
        else:
            evaluation = judged(genome, scores, costs, settings.limits, settings.weights)
        now = self._clock.elapsed
        return replace(evaluation, seconds=now - begun, elapsed_seconds=now)

    def _nothing_left(self) -> str:
        if len(self._ledger.evaluations) >= self._settings.space.size:
            return "every genome of the space was looked at"
        return "no further genome fits"


def _export(session: Session, evaluator: Evaluator, elapsed: float) -> Front | None:
    if not pareto_front(session.evaluations):
        session.listener.warning(
            "Nothing that was evaluated fits the limits: there is no front to export."
            if session.evaluations
            else "Nothing was evaluated: there is no front to export."
        )
        return None
    return export_front(session, evaluator, elapsed)


def _best(ledger: Ledger) -> Evaluation | None:
    return max((e for e in ledger.evaluations if e.feasible), key=_metric, default=None)


def _metric(evaluation: Evaluation) -> tuple[float, float]:
    """For the best one so far: the task's metric is what is shown; then its fitness."""
    return evaluation.scores.worth if evaluation.scores else 0.0, worth(evaluation)
