from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from danas_hil.base import DanasError
from danas_hil.estimate import paper
from danas_hil.signals.image import ImageConfig
from danas_hil.space import Genome, layers
from danas_hil.supernet import Supernet, TrainingSettings, time_finetune, time_steps
from danas_hil.supernet.sandwich import Sandwich, Schedule
from danas_hil.supernet.training import gradient_function, update_function
from strategies import make_space
from supernet.elastic import DATA, SHALLOW_SPACE, SPACE, SUBNETS, make_batch

SETTINGS = TrainingSettings(batch_size=16)


def test_all_subnets_learn_together(tmp_path: Path) -> None:
    supernet = Supernet(SPACE, (DATA,), settings=replace(SETTINGS, batch_size=32))
    losses: list[float] = []
    assert supernet.train(
        make_batch, 80, tmp_path, on_step=lambda _step, _steps, loss: losses.append(loss)
    )
    assert len(losses) == 80
    assert np.mean(losses[-10:]) < 0.5 * np.mean(losses[:10])
    recalibration, _ = make_batch(DATA, 1000, 128)
    images, labels = make_batch(DATA, 2000, 200)
    for genome in SUBNETS[:4]:
        guess = supernet.evaluate(genome, recalibration, images).argmax(axis=1)
        assert np.mean(guess == labels) > 0.85, str(genome)


def test_one_supernet_learns_from_all_resolutions_and_colours(tmp_path: Path) -> None:
    space = replace(SHALLOW_SPACE, resolution=(32, 48), alpha=(0.5, 1.0))
    supernet = Supernet(space, space.data_configs, settings=SETTINGS)
    assert supernet.train(make_batch, 60, tmp_path)
    for data in space.data_configs:
        genome = space.largest(data)
        recalibration, _ = make_batch(data, 1000, 64)
        images, labels = make_batch(data, 2000, 100)
        probabilities = supernet.evaluate(genome, recalibration, images)
        assert np.mean(probabilities.argmax(axis=1) == labels) > 0.85, data.name
        model = supernet.extract(genome, recalibration)
        np.testing.assert_allclose(model(images, training=False), probabilities, atol=1e-5)


def test_a_step_is_for_one_data_configuration_and_large_images_have_fewer_and_more_time() -> None:
    configs = [ImageConfig(resolution, "rgb") for resolution in (32, 64)]
    schedule = Schedule.of(SPACE, configs, 0)
    drawn = [schedule.genomes(step, 1) for step in range(300)]
    assert all(len({genome.data for genome in genomes}) == 1 for genomes in drawn)
    small = sum(genomes[0].data.resolution == 32 for genomes in drawn)
    assert schedule.shares == pytest.approx([2 / 3, 1 / 3])
    assert small == pytest.approx(200, abs=30)
    assert drawn == [schedule.genomes(step, 1) for step in range(300)]


def test_data_for_which_nothing_fits_get_no_step() -> None:
    configs = [ImageConfig(resolution, "rgb") for resolution in (32, 64)]
    schedule = Schedule.of(SPACE, configs, 0, lambda genome: genome.data.resolution == 32)
    assert [sandwich.data for sandwich in schedule.sandwiches] == configs[:1]


def test_one_trace_serves_largest_smallest_and_random_subnets(tmp_path: Path) -> None:
    for function in (gradient_function, update_function):
        function.cache_clear()
    Supernet(SPACE, (DATA,), settings=SETTINGS).train(make_batch, 3, tmp_path)
    traces = [f.cache_info().misses for f in (gradient_function, update_function)]
    assert traces == [1, 1]


def test_a_training_that_is_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    supernet = Supernet(SPACE, (DATA,), settings=SETTINGS)
    seen: list[int] = []

    def note(step: int, steps: int, loss: float) -> None:
        seen.append(step)

    assert not supernet.train(
        make_batch, 4, tmp_path, on_step=note, should_stop=lambda: len(seen) == 2
    )
    again = Supernet(SPACE, (DATA,), settings=SETTINGS)
    assert again.load(tmp_path) == 2
    np.testing.assert_array_equal(again.weights, supernet.weights)
    assert again.train(make_batch, 4, tmp_path, on_step=note)
    assert again.train(make_batch, 4, tmp_path, on_step=note)  # finished: nothing to do
    assert seen == [1, 2, 3, 4]


_SCRIPT = """
import os, signal, sys
from pathlib import Path
import numpy as np
from danas_hil.supernet import Supernet, TrainingSettings, make_deterministic
from supernet.elastic import DATA, SHALLOW_SPACE, make_batch

make_deterministic()

def train(folder, on_step=lambda *_: None):
    supernet = Supernet(SHALLOW_SPACE, (DATA,), settings=TrainingSettings(batch_size=16))
    supernet.checkpoint_seconds = 0
    supernet.train(make_batch, 6, Path(folder), on_step=on_step)
    return supernet.weights

def kill(step, *_):
    if step == 4:
        os.kill(os.getpid(), signal.SIGKILL)

undisturbed, disturbed, which = sys.argv[1:]
if which == "kill":
    train(undisturbed)
    train(disturbed, kill)
else:
    assert np.array_equal(train(disturbed), train(undisturbed)), "the weights differ"
"""


def test_a_training_killed_and_resumed_ends_with_the_weights_of_an_undisturbed_one(
    tmp_path: Path, root: Path
) -> None:
    def run(which: str) -> subprocess.CompletedProcess[str]:
        folders = [str(tmp_path / name) for name in ("undisturbed", "disturbed")]
        return subprocess.run(
            [sys.executable, "-c", _SCRIPT, *folders, which],
            cwd=root / "tests",
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    killed = run("kill")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    steps = [
        int(np.load(tmp_path / name / "checkpoint.npz")["step"])
        for name in ("undisturbed", "disturbed")
    ]
    assert steps == [6, 3]
    resumed = run("resume")
    assert resumed.returncode == 0, resumed.stderr


def test_fine_tuning_never_touches_the_shared_weights() -> None:
    supernet = Supernet(SPACE, (DATA,), settings=SETTINGS)
    before = supernet.weights.copy()
    images, _ = make_batch(DATA, 5, 32)
    model = supernet.finetune(SUBNETS[2], make_batch, 3, images)
    np.testing.assert_array_equal(supernet.weights, before)
    untuned = supernet.evaluate(SUBNETS[2], images, images)
    assert np.abs(np.asarray(model(images, training=False)) - untuned).max() > 1e-3


def test_a_fine_tuning_that_is_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    supernet = Supernet(SPACE, (DATA,), settings=SETTINGS)
    images, _ = make_batch(DATA, 5, 32)
    checkpoint, seen = tmp_path / "tuned.npz", list[int]()

    def tuned(steps: int, stop_at: int) -> Any:
        return supernet.finetune(
            SUBNETS[2],
            make_batch,
            steps,
            images,
            checkpoint=checkpoint,
            should_stop=lambda: len(seen) == stop_at,
            on_step=lambda step, _steps, _loss: seen.append(step),
        )

    assert tuned(4, stop_at=2) is None
    stopped_and_resumed = tuned(4, stop_at=-1)
    assert seen == [1, 2, 3, 4]
    at_once = supernet.finetune(SUBNETS[2], make_batch, 4, images)
    for ours, theirs in zip(stopped_and_resumed.get_weights(), at_once.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
    with pytest.raises(DanasError, match="other settings: steps"):
        tuned(5, stop_at=-1)
    supernet.weights = supernet.weights + 1
    with pytest.raises(DanasError, match="other settings: shared_weights"):
        tuned(4, stop_at=-1)


@pytest.mark.parametrize(
    "other",
    [
        Supernet(SPACE, (DATA,), seed=1, settings=SETTINGS),
        Supernet(replace(SPACE, b3=(1, 2)), (DATA,), settings=SETTINGS),
        Supernet(SPACE, (DATA,), settings=replace(SETTINGS, learning_rate=0.1)),
        Supernet(SPACE, (DATA,), settings=SETTINGS, made_for={"images": "others"}),
    ],
    ids=["seed", "space", "settings", "images"],
)
def test_a_checkpoint_of_another_supernet_is_refused(other: Supernet, tmp_path: Path) -> None:
    answers = iter((False, True))
    Supernet(SPACE, (DATA,), settings=SETTINGS).train(
        make_batch, 4, tmp_path, should_stop=lambda: next(answers)
    )
    with pytest.raises(DanasError, match="other settings"):
        other.train(make_batch, 4, tmp_path)


def test_a_damaged_or_missing_checkpoint_is_named(tmp_path: Path) -> None:
    supernet = Supernet(SPACE, (DATA,), settings=SETTINGS)
    with pytest.raises(DanasError, match="no checkpoint"):
        supernet.load(tmp_path)
    (tmp_path / "checkpoint.npz").write_bytes(b"PK\x03\x04 not whole")
    with pytest.raises(DanasError, match=r"checkpoint\.npz can't be read"):
        supernet.load(tmp_path)


def test_random_subnets_depend_on_seed_and_step_alone() -> None:
    def drawn(seed: int) -> list[list[Genome]]:
        sandwich = Sandwich.of(SPACE, DATA, seed)
        return [sandwich.genomes(step, 2) for step in range(8)]

    assert drawn(7) == drawn(7)
    assert len({tuple(genomes[2:]) for genomes in drawn(7)}) > 4
    assert drawn(7) != drawn(8)


def test_only_subnets_that_fit_are_trained_and_the_largest_of_them_teaches() -> None:
    space = make_space(resolution=(64,), colour=("rgb",))
    data = space.data_configs[0]

    def fits(genome: Genome) -> bool:
        return paper(genome).flash_bytes <= 500_000

    sandwich = Sandwich.of(space, data, 0, fits)
    trained = [genome for step in range(30) for genome in sandwich.genomes(step, 2)]
    assert all(map(fits, trained))
    assert sandwich.largest == max(trained, key=macs)
    assert macs(sandwich.largest) < macs(space.largest(data))
    assert sandwich.genomes(0, 2)[1] == space.smallest(data)


def test_where_nothing_fits_training_goes_on_without_limits() -> None:
    sandwich = Sandwich.of(SPACE, DATA, 0, lambda _: False)
    assert sandwich.largest == SPACE.largest(DATA)
    assert len(set(sandwich.genomes(0, 3))) > 2


def macs(genome: Genome) -> int:
    return sum(layer.macs for layer in layers(genome))


def test_the_learning_rate_rises_and_then_falls_to_nothing() -> None:
    rates = [SETTINGS.rate(step, 100) for step in range(100)]
    peak = int(np.argmax(rates))
    assert max(rates) == pytest.approx(SETTINGS.learning_rate)
    assert all(a <= b for a, b in pairwise(rates[: peak + 1]))
    assert all(a >= b for a, b in pairwise(rates[peak:]))
    assert rates[-1] < 0.01 * max(rates)


def test_the_time_of_a_step_is_a_positive_number_of_seconds() -> None:
    data = [DATA, ImageConfig(64, "rgb")]
    mean, by_data = time_steps(SPACE, data, SETTINGS, steps=1)
    assert list(by_data) == data
    assert 0 < min(by_data.values()) <= mean <= max(by_data.values()) < 60


def test_timing_a_candidates_own_training_leaves_the_shared_weights_as_they_are() -> None:
    supernet = Supernet(SPACE, (DATA,), settings=SETTINGS)
    before = supernet.weights.copy()
    assert 0 < time_finetune(supernet, SUBNETS[0], steps=1) < 60
    np.testing.assert_array_equal(supernet.weights, before)
