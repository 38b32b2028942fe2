"""Two processes that ask the study for the same thing at the same moment, round after round."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from danas_hil.run import RunFolder
from danas_hil.study import Claim, Claims, open_shared
from strategies import make_space

_SECONDS = 60.0
"""For one round; it takes some milliseconds."""


@dataclass(frozen=True)
class Rounds:
    """both: in so many rounds both processes were told yes; neither: in so many none was."""

    both: int
    neither: int


def race_to_take(run: RunFolder, rounds: int) -> Rounds:
    """Both take the same waiting trial."""
    return _race(run, rounds, _take)


def race_to_end(run: RunFolder, rounds: int) -> Rounds:
    """One finishes its evaluation, the other takes it for dead and finishes it as failed."""
    return _race(run, rounds, _end)


def _take(claims: Claims, first: bool, barrier: Barrier) -> bool:
    if first:
        claims.give_back(_own_trial(claims))
    barrier.wait(_SECONDS)
    (waiting,) = filter(claims.waiting, claims.read())
    barrier.wait(_SECONDS)
    claim = claims.take(waiting)
    barrier.wait(_SECONDS)
    if claim is not None:
        claims.fail(claim)
    barrier.wait(_SECONDS)
    return claim is not None


def _end(claims: Claims, first: bool, barrier: Barrier) -> bool:
    if first:
        claim = _own_trial(claims)
        barrier.wait(_SECONDS)
        barrier.wait(_SECONDS)
        kept = claims.complete(claim, [1.0])
        barrier.wait(_SECONDS)
        state = claims._storage.get_trial(claim.trial_id).state.name
        assert state == ("COMPLETE" if kept else "FAIL"), "it is another's"
        return kept
    barrier.wait(_SECONDS)
    trials = claims.read()
    (running,) = filter(claims.at_work, trials)
    claims._worker.is_dead = lambda name: name in claims.takers(running)  # type: ignore[method-assign]
    barrier.wait(_SECONDS)
    claims._mourn(trials)
    del claims._worker.is_dead
    barrier.wait(_SECONDS)
    return claims._storage.get_trial(claims._id(running)).state.name == "FAIL"


def _own_trial(claims: Claims) -> Claim:
    claim = claims.add({"lock": "anything"})
    assert claim is not None
    return claim


def _race(run: RunFolder, rounds: int, go: Callable[[Claims, bool, Barrier], bool]) -> Rounds:
    context = multiprocessing.get_context("spawn")
    barrier, answers = context.Barrier(2), context.Queue()
    process = context.Process(target=_other, args=(run.path, rounds, go, barrier, answers))
    process.start()
    try:
        ours = _told(run.path, rounds, go, True, barrier)
        theirs = answers.get(timeout=_SECONDS)
    finally:
        barrier.abort()  # lets go of the other one where we failed
        process.join(_SECONDS)
    pairs = list(zip(ours, theirs, strict=True))
    return Rounds(sum(map(all, pairs)), sum(not any(pair) for pair in pairs))


def _other(path: Path, rounds: int, go: Any, barrier: Barrier, answers: Any) -> None:
    try:
        answers.put(_told(path, rounds, go, False, barrier))
    finally:
        barrier.abort()


def _told(path: Path, rounds: int, go: Any, first: bool, barrier: Barrier) -> list[bool]:
    with open_shared(RunFolder.open(path), make_space()) as shared:
        barrier.wait(_SECONDS)  # nobody opens what changes
        return [go(shared.locks._claims, first, barrier) for _ in range(rounds)]
