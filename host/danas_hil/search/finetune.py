"""Fine-tuning: candidates go on from the supernet's weights, each by itself.

The best are fine-tuned before a search exports them: weights that all subnets share suit none of
them best. The time budget keeps a part for it; where what is left of that makes too few steps to be
worth it, evaluations get the time. `train_candidates` does the same later, for as long as one
likes: what comes out is what the search would have exported with as many steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from danas_hil.base import DanasError
from danas_hil.run import (
    Candidate,
    Evaluation,
    Front,
    RunFolder,
    new_folder,
    replace_candidate,
    settle,
)
from danas_hil.search import budget
from danas_hil.search.candidate import (
    finetuned_steps,
    note_no_better,
    tried,
    validation_scores,
    with_test,
    write_model,
    write_rest,
)
from danas_hil.search.evaluator import Evaluator
from danas_hil.search.listener import Listener
from danas_hil.search.selection import best, finalists
from danas_hil.search.session import Lead, Session, join, open_session, prepare
from danas_hil.search.settings import SearchSettings
from danas_hil.search.training_plan import agree_on_training
from danas_hil.space import Genome
from danas_hil.study import StoppedError, SupernetStore
from danas_hil.supernet import CHECKPOINT, Checkpoint


def plan_finetuning(
    settings: SearchSettings,
    members: Sequence[Evaluation],
    evaluator: Evaluator,
    elapsed: float,
) -> dict[str, int]:
    """Steps of fine-tuning before the export, by genome id.

    elapsed: seconds of the time budget that the search has taken.
    """
    if not settings.shares_weights:
        return {}
    seconds, fixed = budget.finetune_seconds(settings, elapsed), settings.export_finetune_steps
    if fixed == 0 or (fixed is None and seconds <= 0):
        return {}
    genomes = [evaluation.genome for evaluation in finalists(members)]
    if fixed is not None:
        return {genome.id: fixed for genome in genomes}
    return {
        genome.id: budget.finetune_steps(seconds, evaluator.finetune_step_seconds(genome))
        for genome in genomes
    }


Verdict = Literal["better", "no better", "trained before"]


@dataclass(frozen=True)
class Trained:
    """What came of training a candidate by itself.

    steps: for which it was trained, or was before. before, after: the task's metric, in int8 on
    validation images; the better model is the one that stays.
    """

    id: str
    steps: int
    before: float
    after: float
    verdict: Verdict


@dataclass(frozen=True)
class TrainingOutcome:
    """All that were trained, and the front as it is now. stopped: asked to, before the last one."""

    trained: tuple[Trained, ...]
    front: Front
    stopped: bool


def train_candidates(
    run: RunFolder,
    ids: Sequence[str],
    steps: int,
    listener: Listener | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    *,
    storage: str | None = None,
) -> TrainingOutcome:
    """Train the candidates `ids` of the front by themselves, each for `steps` steps in all.

    One after the other, each is exported anew when it is done, unless it is no better by the task's
    metric, in int8 on validation images, than the model that is there. Until then the old export
    stays as it is. A candidate that was trained for as many steps before is passed over, and a
    training that was stopped or killed goes on from its checkpoint: the same call again does what
    is left.

    Nobody else may export meanwhile: it waits for those who do. Raises DanasError where candidates
    share no weights, and where the supernet is not at hand.
    """
    listener = listener or Listener()
    genomes = {candidate.id: candidate.genome for candidate in run.front().candidates}
    if not SearchSettings.from_config(run.config()).shares_weights:
        raise DanasError(
            "The candidates of this run share no weights: each was trained by itself already.",
            "`danas-hil search --space layers --candidate-steps` says for how long.",
        )
    prepared = prepare(run, listener)
    if prepared.supernet_source is None:
        _check_supernets(prepared.settings, prepared.store, [genomes[id_] for id_ in ids])
    with join(run, prepared.settings, storage) as shared, Lead(shared) as lead:
        try:
            lead.wait(listener, should_stop)
            session = open_session(run, prepared, shared, listener, should_stop)
            plan = agree_on_training(replace(session, listener=Listener()))
        except StoppedError:
            return TrainingOutcome((), run.front(), stopped=True)
        finetuning = _Finetuning(session, Evaluator(session, plan))
        settle(run)
        finetuning.catch_up()
        trained, stopped = [], False
        front = run.front()
        candidates = [_of(front, id_) for id_ in ids]
        found = {candidate.id: finetuning.earlier(candidate, steps) for candidate in candidates}
        finetuning.tell_plan([c for c in candidates if found[c.id] is None], steps)
        for id_ in ids:
            try:
                trained.append(found[id_] or finetuning.train(id_, steps))
            except StoppedError:
                stopped = True
        return TrainingOutcome(tuple(trained), run.front(), stopped)


@dataclass(frozen=True)
class _Finetuning:
    """What it takes to train candidates of a run by themselves and to export them anew."""

    session: Session
    evaluator: Evaluator

    @property
    def run(self) -> RunFolder:
        return self.session.run

    def tell_plan(self, candidates: Sequence[Candidate], steps: int) -> None:
        """How long their trainings will take, those that were begun from where they are."""
        seconds = 0.0
        for candidate in candidates:
            checkpoint = self.run.training(candidate.id, steps)
            begun = Checkpoint.load(checkpoint).step if checkpoint.is_file() else 0
            one_step = self.evaluator.finetune_step_seconds(candidate.genome)
            seconds += (steps - begun) * one_step
        if candidates:
            plan = {candidate.id: steps for candidate in candidates}
            self.session.listener.training_planned(plan, seconds, "--steps")

    def earlier(self, candidate: Candidate, steps: int) -> Trained | None:
        """What came of such a training before, or of a longer one."""
        id_ = candidate.id
        now = candidate.scores["int8_validation"].worth
        if candidate.finetune_steps >= steps:
            return Trained(id_, candidate.finetune_steps, now, now, "trained before")
        accuracy = tried(self.run.candidate(id_)).get(steps)
        return None if accuracy is None else Trained(id_, steps, now, accuracy, "no better")

    def train(self, id_: str, steps: int) -> Trained:
        """Train and, where that made it better, export. Raises StoppedError when asked to stop."""
        front = self.run.front()
        candidate = _of(front, id_)
        checkpoint = self.run.training(id_, steps)
        model = self.evaluator.finetuned_model(candidate.genome, steps, checkpoint)
        self.session.listener.exporting(0, 1, id_)
        folder = new_folder(self.run, id_)
        write_model(folder, candidate.genome, model, steps, self.session)
        scores = validation_scores(folder, candidate.genome, self.evaluator)
        before = candidate.scores["int8_validation"].worth
        after = scores["int8_validation"].worth
        if after > before:
            estimate = write_rest(folder, candidate.genome, self.evaluator, self.session.estimator)
            replace_candidate(self.run, id_)
            self._write_front(
                front, replace(candidate, scores=scores, estimate=estimate, finetune_steps=steps)
            )
        else:
            note_no_better(self.run.candidate(id_), steps, after)
            settle(self.run)
        checkpoint.unlink(missing_ok=True)
        self.session.listener.exporting(1, 1, id_)
        return Trained(id_, steps, before, after, "better" if after > before else "no better")

    def catch_up(self) -> None:
        """Tell front.json of a model that took its place just before a kill."""
        front = self.run.front()
        for candidate in front.candidates:
            folder = self.run.candidate(candidate.id)
            steps = finetuned_steps(folder)
            if steps != candidate.finetune_steps:
                scores = validation_scores(folder, candidate.genome, self.evaluator)
                estimate = write_rest(
                    folder, candidate.genome, self.evaluator, self.session.estimator
                )
                self._write_front(
                    self.run.front(),
                    replace(candidate, scores=scores, estimate=estimate, finetune_steps=steps),
                )

    def _write_front(self, front: Front, candidate: Candidate) -> None:
        """With `candidate` in the place of the one of its id, tested."""
        tested = with_test(self.run, candidate, self.evaluator)
        candidates = tuple(tested if c.id == tested.id else c for c in front.candidates)
        self.run.write_front(replace(front, candidates=candidates, chosen=best(candidates)))


def _of(front: Front, id_: str) -> Candidate:
    return next(candidate for candidate in front.candidates if candidate.id == id_)


def _check_supernets(
    settings: SearchSettings, store: SupernetStore, genomes: Sequence[Genome]
) -> None:
    """Raise DanasError where a supernet would have to be trained first."""
    subnets = settings.supernets_of_space
    needed = (name for name, of in subnets.items() if any(map(of.holds, genomes)))
    for name in needed:
        store.pull(name)
        if not (store.folder / name / CHECKPOINT).is_file():
            raise DanasError(
                f"The supernet {name}, whose weights the training begins with, is not in"
                f" {store.folder}.",
                "Train where the run was searched: exported copies have no supernet.",
            )
