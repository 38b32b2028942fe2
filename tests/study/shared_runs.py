"""Runs that several workers share, for tests: without a network to train."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from danas_hil.run import Evaluation, RunFolder
from danas_hil.space import Genome
from danas_hil.study import Ledger, Shared, open_shared
from danas_hil.tasks import Scores
from strategies import make_space

SPACE = make_space(resolution=(32, 64))


def new_run(path: Path) -> RunFolder:
    return RunFolder.create(path, {})


@contextmanager
def joined(run: RunFolder) -> Iterator[Shared]:
    """One more worker at the run."""
    with open_shared(run, SPACE) as shared:
        yield shared


def genomes(count: int) -> list[Genome]:
    rng = np.random.default_rng(0)
    drawn: dict[Genome, None] = {}
    while len(drawn) < count:
        drawn[SPACE.sample(rng)] = None
    return list(drawn)


def evaluated(genome: Genome, failed: bool = False, **figures: float) -> Evaluation:
    """What an evaluation found; its index is the ledger's to give."""
    evaluation = Evaluation(0, genome, "failed", 1000, 2000, reason="the model is odd")
    if failed:
        return evaluation
    return Evaluation(
        0, genome, "complete", 1000, 2000, Scores(0.5, 0.5, 0.25, 40), 3.0, True, seconds=0.25
    )


def evaluate(ledger: Ledger, genome: Genome, failed: bool = False) -> Evaluation:
    """Take `genome` and finish it."""
    turn = ledger.turn(lambda: genome, lambda _genome: True, None)
    assert turn is not None
    assert turn.genome == genome
    written = ledger.finish(turn, evaluated(genome, failed))
    assert written is not None
    return written
