"""Exporting the Pareto front: int8 models, golden outputs, estimates, and the one look at test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from danas_hil.base import DanasError, atomic_path
from danas_hil.run import Candidate, Evaluation, Front, RunFolder, settle
from danas_hil.search.candidate import (
    finetuned_steps,
    has_model,
    validation_scores,
    with_test,
    write_model,
    write_rest,
)
from danas_hil.search.data_focus import FOCUS
from danas_hil.search.evaluator import Evaluator
from danas_hil.search.finetune import plan_finetuning
from danas_hil.search.listener import Listener
from danas_hil.search.pareto import pareto_front
from danas_hil.search.selection import best, members_to_export
from danas_hil.search.session import Session
from danas_hil.space import Genome
from danas_hil.study import StoppedError
from danas_hil.tasks import Task, beats_guessing, guessing_words

DEVICE_IMAGES = 200
"""Test images kept in test-images.npz, for accuracy on a device."""


def export_front(session: Session, evaluator: Evaluator, elapsed: float) -> Front:
    """Convert, check and write the front, and front.json last.

    The candidates, and the chosen one among them, are fixed on validation images before the test
    split is opened. A model that was converted already is kept.

    elapsed: seconds of the time budget that the search has taken.
    """
    run, settings, listener = session.run, session.settings, session.listener
    settle(run)
    if focus := evaluator.focus(e.genome for e in session.evaluations if e.scores):
        run.write_config({**run.config(), FOCUS: focus})
    front = pareto_front(session.evaluations)
    candidates = _export_members(session, evaluator, _members(session, front), elapsed)
    chosen = best(candidates)
    _warn_of_guessing(candidates, settings.task, listener)
    tested = [with_test(run, candidate, evaluator) for candidate in candidates]
    for text in session.dataset.warnings("test") if tested else ():
        listener.warning(text)
    _write_device_images(run, tested, evaluator)
    pareto = {evaluation.index for evaluation in front}
    result = Front(
        run=run.name,
        task=settings.task,
        limits=settings.limits,
        memory_model=settings.memory_model,
        candidates=tuple(tested),
        chosen=chosen,
        evaluations=tuple(replace(e, pareto=e.index in pareto) for e in session.evaluations),
    )
    run.write_front(result)
    return result


def _members(session: Session, front: Sequence[Evaluation]) -> list[Evaluation]:
    """Those of the front that are exported. The listener is told of a choice."""
    members = members_to_export(front, session.settings.export_limit)
    if len(members) < len(front):
        session.listener.warning(
            f"{len(members)} of the {len(front)} members of the front are exported"
            " (--export-limit); the best at each size of RAM come first."
        )
    return members


def _warn_of_guessing(candidates: Sequence[Candidate], task: Task, listener: Listener) -> None:
    """Tell of candidates that are no better than what comes out without having learned anything."""
    scores = [candidate.scores["int8_validation"] for candidate in candidates]
    lazy = sum(not beats_guessing(one, one.counts, task) for one in scores)
    if not lazy:
        return
    guesses = guessing_words(scores[0].counts, task)
    listener.warning(
        f"{lazy} of the {len(candidates)} candidates are no better than guessing on validation"
        f" examples ({guesses}). Train for longer, or look at the data."
    )


def _export_members(
    session: Session, evaluator: Evaluator, members: Sequence[Evaluation], elapsed: float
) -> list[Candidate]:
    """The members with their models; the listener is told of those that come to none."""
    listener = session.listener
    steps = plan_finetuning(session.settings, members, evaluator, elapsed)
    candidates = []
    for done, evaluation in enumerate(members):
        id_ = evaluation.genome.id
        listener.exporting(done, len(members), id_)
        try:
            candidates.append(_export(session, evaluator, evaluation, steps.get(id_, 0)))
        except DanasError as error:
            listener.warning(f"Candidate {id_} is left out: {error}")
    listener.exporting(len(members), len(members), "test examples")
    return candidates


def _export(
    session: Session, evaluator: Evaluator, evaluation: Evaluation, steps: int
) -> Candidate:
    """One member, fine-tuned for so many steps if it has no model yet."""
    genome, run = evaluation.genome, session.run
    folder = run.candidate(genome.id)
    if not _has_model(folder, session.listener):
        steps, model = _finetuned(session, evaluator, genome, steps)
        write_model(folder, genome, model, steps, session)
        run.training(genome.id, steps).unlink(missing_ok=True)
    assert evaluation.fitness is not None
    return Candidate(
        id=genome.id,
        genome=genome,
        evaluation=evaluation.index,
        fitness=evaluation.fitness,
        estimate=write_rest(folder, genome, evaluator, session.estimator),
        scores=validation_scores(folder, genome, evaluator),
        finetune_steps=finetuned_steps(folder),
    )


def _has_model(folder: Path, listener: Listener) -> bool:
    try:
        return has_model(folder)
    except DanasError as error:
        listener.warning(f"{error.what} The candidate is made anew.")
        return False


def _finetuned(
    session: Session, evaluator: Evaluator, genome: Genome, steps: int
) -> tuple[int, Any]:
    """Steps of fine-tuning, and the Keras model: none when asked to stop meanwhile."""
    run = session.run
    if steps:
        try:
            return steps, evaluator.finetuned_model(genome, steps, run.training(genome.id, steps))
        except StoppedError:
            session.listener.warning(
                f"{genome.id} is exported as it is in the supernet. To train it to the end:"
                f" danas-hil train {run.path} --candidate {genome.id} --steps {steps}"
            )
    return 0, evaluator.model(genome)


def _write_device_images(
    run: RunFolder, candidates: Sequence[Candidate], evaluator: Evaluator
) -> None:
    """test-images.npz: labels (n,), and images (n, h, w, c) uint8 for each data configuration."""
    arrays: dict[str, Any] = {}
    for candidate in candidates:
        data = candidate.genome.data
        if data.name not in arrays:
            sample = evaluator.all_images("test", data, DEVICE_IMAGES)
            arrays |= {"labels": sample.labels, data.name: sample.images}
    if arrays:
        with atomic_path(run.test_images_file) as path, path.open("wb") as file:
            np.savez_compressed(file, **arrays)
