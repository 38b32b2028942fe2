"""Trainings that go on after a kill: steps, with a checkpoint now and then."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from danas_hil.supernet.checkpoint import Checkpoint, whole_steps
from danas_hil.supernet.network import Array
from danas_hil.supernet.training import OnStep, State

CHECKPOINT_SECONDS = 60.0
"""Between checkpoints of a training: what kill -9 costs at the most."""


def begun(path: Path | None, made_by: dict[str, Any], weights: Array) -> State:
    """Where the training of the checkpoint `path` stands; one of `weights` where there is none.

    Raises DanasError for a checkpoint that is damaged or made with other settings.
    """
    if path is None or not path.exists():
        return State.fresh(weights)
    saved = Checkpoint.load(path)
    saved.check(made_by, path, len(weights))
    return State(saved.weights, saved.first, saved.second, saved.step, saved.focus)


def train_on(
    state: State,
    one_step: Callable[[State], float],
    path: Path | None,
    made_by: dict[str, Any],
    *,
    should_stop: Callable[[], bool],
    on_step: OnStep,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    until: int | None = None,
) -> bool:
    """Take steps until all of the training's are done, or `until`; True at the end.

    one_step: takes the next one in place and returns its loss. False when `should_stop`, asked
    before each, ended it early. Either way the steps taken are kept in a checkpoint, and every
    `checkpoint_seconds` before, where there is a `path` for it.
    """
    steps = whole_steps(made_by, state.focus)
    end = steps if until is None else until
    first, written = state.step, time.monotonic()
    while state.step < end and not should_stop():
        loss = one_step(state)
        on_step(state.step, steps, loss)
        if time.monotonic() - written >= checkpoint_seconds and state.step < end:
            save(state, path, made_by)
            written = time.monotonic()
    if state.step > first:
        save(state, path, made_by)
    return state.step >= end


def save(state: State, path: Path | None, made_by: dict[str, Any]) -> None:
    """Keep a training in the checkpoint `path`, if there is one; a finished one without moments."""
    if path is None:
        return
    nothing = np.zeros(0, np.float32)
    whole = state.step == whole_steps(made_by, state.focus)
    first, second = (nothing, nothing) if whole else map(np.asarray, (state.first, state.second))
    weights = np.asarray(state.weights)
    Checkpoint(made_by, state.step, weights, first, second, state.focus).save(path)
