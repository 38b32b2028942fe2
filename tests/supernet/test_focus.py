"""A training that looks, after a quarter of its steps, which data the rest is for."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from danas_hil.base import DanasError
from danas_hil.signals.image import ImageConfig
from danas_hil.supernet import CHECKPOINT, Checkpoint, Look, Supernet, TrainingSettings, Use
from danas_hil.supernet.focus import Focus
from danas_hil.supernet.sandwich import Schedule
from supernet.elastic import FAMILY, make_batch, shallow_space, smallest, subnets

SPACE = shallow_space(resolution=(16, 32), colour=("monochrome",), alpha=(0.1, 0.3))
SMALL, LARGE = SPACE.data_configs
SCHEDULE = Schedule.of(SPACE, FAMILY, SPACE.data_configs, 0)
OF = subnets(SPACE, SPACE.data_configs)
SETTINGS = TrainingSettings(batch_size=8)
STEPS = 12

uses = st.fixed_dictionaries({SMALL: st.floats(0, 1), LARGE: st.floats(0, 1)})
seconds = st.fixed_dictionaries({SMALL: st.floats(0.1, 2), LARGE: st.floats(0.1, 2)})


@given(uses, st.integers(4, 5000))
def test_shares_go_by_use_and_the_steps_stay(use: dict[ImageConfig, float], planned: int) -> None:
    focus = Focus.on(use, SCHEDULE, planned)
    assert sum(focus.shares) == pytest.approx(1)
    assert (focus.begin, focus.steps) == (planned // 4, planned)
    # What is of little use counts as an even part.
    counts = [max(use[data], 0.5) for data in (SMALL, LARGE)]
    ratios = [share / even for share, even in zip(focus.shares, SCHEDULE.shares, strict=True)]
    assert ratios[0] * counts[1] == pytest.approx(ratios[1] * counts[0])


def test_where_nothing_is_of_use_training_goes_on_as_before() -> None:
    assert Focus.on({}, SCHEDULE, 100).shares == pytest.approx(tuple(SCHEDULE.shares))


@given(uses, seconds, st.integers(400, 5000))
def test_where_time_counts_the_steps_take_what_the_planned_ones_would_have_taken(
    use: dict[ImageConfig, float], of: dict[ImageConfig, float], planned: int
) -> None:
    focus = Focus.on(use, SCHEDULE, planned, of)

    def mean(shares: Any) -> float:
        return float(np.dot(shares, [of[SMALL], of[LARGE]]))

    left = (planned - focus.begin) * mean(SCHEDULE.shares)
    assert (focus.steps - focus.begin) * mean(focus.shares) == pytest.approx(left, abs=2)


@given(st.integers(4, 500), st.integers(1, 1000))
def test_the_learning_rate_falls_on_to_the_end_however_many_steps_there_are(
    planned: int, more: int
) -> None:
    begin = planned // 4
    focus = Focus(begin, planned, begin + more, (0.5, 0.5))
    places = [focus.position(step) for step in range(focus.steps + 1)]
    assert places[: begin + 1] == list(range(begin + 1))
    assert places[-1] == pytest.approx(planned)
    assert all(a < b for a, b in pairwise(places))


class Trained:
    """A supernet, which data its steps were for, and how often it was looked at."""

    def __init__(self) -> None:
        self.supernet = Supernet(OF, settings=SETTINGS)
        self.seen: list[ImageConfig] = []
        self.looks: list[int] = []

    def batch(self, data: ImageConfig, step: int, size: int) -> Any:
        self.seen.append(data)
        return make_batch(data, step, size)

    def train(
        self,
        folder: Path,
        use: Use | None,
        stop_at: int = -1,
        seconds: dict[ImageConfig, float] | None = None,
    ) -> bool:
        def look() -> Use | None:
            self.looks.append(len(self.seen))
            images, _ = make_batch(SMALL, 0, 8)
            self.supernet.evaluate(smallest(SPACE, SMALL), images, images)
            return use

        return self.supernet.train(
            self.batch,
            STEPS,
            folder,
            look=Look(look, seconds),
            should_stop=lambda: len(self.seen) == stop_at,
        )


def test_after_a_quarter_of_the_steps_those_that_are_of_use_get_the_rest(tmp_path: Path) -> None:
    trained = Trained()
    assert trained.train(tmp_path, {LARGE: 1.0})
    assert trained.looks == [STEPS // 4]
    assert len(trained.seen) == STEPS
    focus = trained.supernet.focus
    assert focus is not None
    even = [trained.supernet.schedule.genomes(step, 0)[0].data for step in range(STEPS)]
    by_use = [
        trained.supernet.schedule.genomes(step, 0, focus.shares)[0].data for step in range(STEPS)
    ]
    assert trained.seen == even[: STEPS // 4] + by_use[STEPS // 4 :]
    saved = Checkpoint.load(tmp_path / CHECKPOINT)
    assert (saved.step, saved.steps) == (STEPS, STEPS)
    assert not saved.first.size, "a finished training needs no moments"
    images, _ = make_batch(SMALL, 0, 8)
    again = Supernet(OF, settings=SETTINGS)
    assert again.trained(tmp_path, STEPS)
    genome = smallest(SPACE, SMALL)  # nothing of the look is kept
    assert trained.supernet._kept.bytes == 0
    expected = again.evaluate(genome, images, images)
    np.testing.assert_array_equal(trained.supernet.evaluate(genome, images, images), expected)


def test_one_that_is_stopped_and_goes_on_ends_as_one_that_was_not(tmp_path: Path) -> None:
    calm, shaken = Trained(), Trained()
    assert calm.train(tmp_path / "calm", {SMALL: 0.8, LARGE: 0.2})
    folder = tmp_path / "shaken"
    assert not shaken.train(folder, None), "stopped while it looked"
    assert not shaken.train(folder, {SMALL: 0.8, LARGE: 0.2}, stop_at=7)
    assert Checkpoint.load(folder / CHECKPOINT).step == 7
    assert shaken.train(folder, {LARGE: 1.0}), "what was found out stays"
    assert shaken.looks == [3, 3]
    assert shaken.seen == calm.seen
    np.testing.assert_array_equal(shaken.supernet.weights, calm.supernet.weights)


def test_there_are_more_steps_where_they_are_quick_and_time_was_planned(tmp_path: Path) -> None:
    trained = Trained()
    assert trained.train(tmp_path, {SMALL: 1.0}, seconds={SMALL: 0.1, LARGE: 1.0})
    saved = Checkpoint.load(tmp_path / CHECKPOINT)
    assert len(trained.seen) == saved.step == saved.steps > STEPS
    assert saved.made_by["steps"] == STEPS
    assert Trained().supernet.trained(tmp_path, STEPS)


def test_one_that_is_killed_after_the_look_does_not_look_again(tmp_path: Path) -> None:
    killed, on = Trained(), Trained()

    def batch(data: ImageConfig, step: int, size: int) -> Any:
        if step == STEPS // 4:
            raise KeyboardInterrupt
        return make_batch(data, step, size)

    with pytest.raises(KeyboardInterrupt):
        killed.supernet.train(batch, STEPS, tmp_path, look=Look(lambda: {LARGE: 1.0}))
    assert on.train(tmp_path, {SMALL: 1.0})
    assert on.looks == []
    assert on.supernet.focus == Focus.on({LARGE: 1.0}, SCHEDULE, STEPS)


@pytest.mark.parametrize(
    ("damaged", "message"),
    [
        ({"begin": 3}, "lacks 'planned'"),
        ({"begin": 3, "planned": 12, "steps": 3, "shares": [1.0]}, "of 3 steps that begins after"),
        ([3], r"a focus that is \[3\]"),
    ],
)
def test_a_checkpoint_whose_focus_is_damaged_is_refused(
    tmp_path: Path, damaged: Any, message: str
) -> None:
    assert Trained().train(tmp_path, {LARGE: 1.0})
    path = tmp_path / CHECKPOINT
    with np.load(path) as file:
        content = dict(file)
    content["focus"] = np.array(json.dumps(damaged))
    np.savez(path, **content)
    with pytest.raises(DanasError, match=f"{CHECKPOINT} is damaged: .*{message}"):
        Checkpoint.load(path)


def test_a_checkpoint_of_a_version_that_did_not_look_is_read(tmp_path: Path) -> None:
    supernet = Supernet(OF, settings=SETTINGS)
    assert supernet.train(make_batch, 2, tmp_path)
    path = tmp_path / CHECKPOINT
    with np.load(path) as file:
        content = {key: file[key] for key in file if key != "focus"}
    np.savez(path, **content)
    assert (Checkpoint.load(path).focus, Checkpoint.load(path).steps) == (None, 2)
    assert supernet.trained(tmp_path, 2)
