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
from danas_hil.signals import DataConfig
from danas_hil.signals.image import ImageConfig
from danas_hil.space import Genome, layers
from danas_hil.supernet import Batch, Subnets, Supernet, TrainingSettings, time_finetune, time_steps
from danas_hil.supernet.sandwich import Sandwich, Schedule
from danas_hil.supernet.training import gradient_function, update_function
from strategies import make_space
from supernet.elastic import (
    DATA,
    DS_SPACE,
    FAMILY,
    SHALLOW_SPACE,
    SOUND_SPACE,
    SPACE,
    SUBNETS,
    WIDE,
    largest,
    make_batch,
    make_stripes,
    shaken_supernet,
    shallow_space,
    small_space,
    smallest,
    subnets,
)

SETTINGS = TrainingSettings(batch_size=16)


def test_all_subnets_learn_together(tmp_path: Path) -> None:
    supernet = Supernet(subnets(), settings=replace(SETTINGS, batch_size=32))
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
    space = shallow_space(resolution=(32, 48), alpha=(0.5, 1.0))
    supernet = Supernet(subnets(space, space.data_configs), settings=SETTINGS)
    assert supernet.train(make_batch, 60, tmp_path)
    for data in space.data_configs:
        genome = largest(space, data)
        recalibration, _ = make_batch(data, 1000, 64)
        images, labels = make_batch(data, 2000, 100)
        probabilities = supernet.evaluate(genome, recalibration, images)
        assert np.mean(probabilities.argmax(axis=1) == labels) > 0.85, data.name
        model = supernet.extract(genome, recalibration)
        np.testing.assert_allclose(model(images, training=False), probabilities, atol=1e-5)


@pytest.mark.parametrize(
    ("of", "data"),
    [
        (Subnets(DS_SPACE, "ds_cnn", DS_SPACE.data_configs, 4), DS_SPACE.data_configs),
        (Subnets(SOUND_SPACE, "ds_cnn", SOUND_SPACE.data_configs, 4), SOUND_SPACE.data_configs),
    ],
    ids=["images", "features"],
)
def test_ds_cnns_learn_four_classes_together(
    of: Subnets, data: tuple[DataConfig, ...], tmp_path: Path
) -> None:
    supernet = Supernet(of, settings=replace(SETTINGS, batch_size=32))
    assert supernet.train(make_stripes, 120, tmp_path)
    ours = of.space.subnets("ds_cnn")
    for config in (data[0], data[-1]):
        recalibration, _ = make_stripes(config, 1000, 128)
        images, labels = make_stripes(config, 2000, 200)
        for arch in (ours.largest, ours.smallest):
            found = supernet.evaluate(Genome(config, arch), recalibration, images)
            assert found.shape == (200, 4)
            assert np.mean(found.argmax(axis=1) == labels) > 0.85, f"{config.name} {arch}"


def test_the_loss_is_the_mean_of_what_each_image_counts() -> None:
    supernet = shaken_supernet(subnets(SHALLOW_SPACE, classes=3))
    network, genome = supernet.network, largest(SHALLOW_SPACE, DATA)
    images, _ = make_batch(DATA, 0, 12)
    labels = np.arange(12) % 3
    targets = np.eye(3, dtype=np.float32)[labels]
    choice, gradient = network.choice(genome), gradient_function(network, "rgb")

    def loss_of(weights: tuple[float, ...]) -> tuple[float, np.ndarray]:
        counts = replace(SETTINGS, class_weights=weights).weights(labels)
        loss, probabilities, _ = gradient(
            supernet.weights, images, targets, counts, choice.depths, choice.kept, choice.head
        )
        return float(loss), np.asarray(probabilities)

    alike, probabilities = loss_of(())
    losses = -np.log(probabilities[np.arange(12), labels])
    assert alike == pytest.approx(losses.mean(), rel=1e-4)
    assert loss_of((1.0, 1.0, 1.0))[0] == pytest.approx(alike)
    counts = np.array([0.5, 0.0, 3.0])[labels]
    assert loss_of((0.5, 0.0, 3.0))[0] == pytest.approx((counts * losses).mean(), rel=1e-4)


def test_what_is_said_of_a_class_that_does_not_count_changes_nothing(tmp_path: Path) -> None:
    def batch(data: DataConfig, step: int, size: int) -> tuple[np.ndarray, np.ndarray]:
        images, labels = make_stripes(data, step, size)
        return images, np.minimum(labels, 2)

    def mislabelled(data: DataConfig, step: int, size: int) -> tuple[np.ndarray, np.ndarray]:
        images, labels = batch(data, step, size)
        return images, np.where(labels == 0, 1, labels)

    def trained(batch: Batch, weights: tuple[float, ...], folder: str) -> np.ndarray:
        settings = replace(SETTINGS, class_weights=weights)
        supernet = Supernet(subnets(SHALLOW_SPACE, classes=3), settings=settings)
        assert supernet.train(batch, 3, tmp_path / folder)
        again = Supernet(subnets(SHALLOW_SPACE, classes=3), settings=settings)
        assert again.trained(tmp_path / folder, 3), "a checkpoint is of its own settings"
        return supernet.weights

    last_alone = (0.0, 0.0, 1.0)
    one, other = trained(batch, last_alone, "one"), trained(mislabelled, last_alone, "other")
    np.testing.assert_allclose(one, other, atol=1e-4)
    alike = trained(batch, (), "alike")
    assert np.abs(one - alike).max() > 1e-2


def test_a_step_is_for_one_data_configuration_and_large_images_have_fewer_and_more_time() -> None:
    configs = [ImageConfig(resolution, "rgb") for resolution in (32, 64)]
    schedule = Schedule.of(SPACE, FAMILY, configs, 0)
    drawn = [schedule.genomes(step, 1) for step in range(300)]
    assert all(len({genome.data for genome in genomes}) == 1 for genomes in drawn)
    small = sum(genomes[0].data == DATA for genomes in drawn)
    assert schedule.shares == pytest.approx([2 / 3, 1 / 3])
    assert small == pytest.approx(200, abs=30)
    assert drawn == [schedule.genomes(step, 1) for step in range(300)]


def test_steps_go_by_the_root_of_the_pixels_of_images_that_are_not_square() -> None:
    configs = [DATA, ImageConfig(64, "rgb"), ImageConfig(128, "rgb", 32)]
    space = small_space(resolution=(32, 64, "128x32"))
    assert Schedule.of(space, FAMILY, configs, 0).shares == pytest.approx([0.5, 0.25, 0.25])


def test_data_for_which_nothing_fits_get_no_step() -> None:
    configs = [ImageConfig(resolution, "rgb") for resolution in (32, 64)]
    schedule = Schedule.of(SPACE, FAMILY, configs, 0, lambda genome: genome.data == DATA)
    assert [sandwich.data for sandwich in schedule.sandwiches] == configs[:1]


def test_one_trace_serves_largest_smallest_and_random_subnets(tmp_path: Path) -> None:
    for function in (gradient_function, update_function):
        function.cache_clear()
    Supernet(subnets(), settings=SETTINGS).train(make_batch, 3, tmp_path)
    traces = [f.cache_info().misses for f in (gradient_function, update_function)]
    assert traces == [1, 1]


def test_a_training_that_is_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    supernet = Supernet(subnets(), settings=SETTINGS)
    seen: list[int] = []

    def note(step: int, steps: int, loss: float) -> None:
        seen.append(step)

    assert not supernet.train(
        make_batch, 4, tmp_path, on_step=note, should_stop=lambda: len(seen) == 2
    )
    again = Supernet(subnets(), settings=SETTINGS)
    assert again.load(tmp_path) == 2
    np.testing.assert_array_equal(again.weights, supernet.weights)
    assert again.train(make_batch, 4, tmp_path, on_step=note)
    assert again.train(make_batch, 4, tmp_path, on_step=note)  # finished: nothing to do
    assert seen == [1, 2, 3, 4]


_SCRIPT = """
import os, signal, sys
from pathlib import Path
import numpy as np
from danas_hil.supernet import Batch, Subnets, Supernet, TrainingSettings, make_deterministic
from supernet.elastic import SHALLOW_SPACE, make_batch, subnets

make_deterministic()

def train(folder, on_step=lambda *_: None):
    supernet = Supernet(subnets(SHALLOW_SPACE), settings=TrainingSettings(batch_size=16))
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
    supernet = Supernet(subnets(), settings=SETTINGS)
    before = supernet.weights.copy()
    images, _ = make_batch(DATA, 5, 32)
    model = supernet.finetune(SUBNETS[2], make_batch, 3, images)
    np.testing.assert_array_equal(supernet.weights, before)
    untuned = supernet.evaluate(SUBNETS[2], images, images)
    assert np.abs(np.asarray(model(images, training=False)) - untuned).max() > 1e-3


def test_a_fine_tuning_that_is_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    supernet = Supernet(subnets(), settings=SETTINGS)
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
        Supernet(subnets(), seed=1, settings=SETTINGS),
        Supernet(subnets(small_space(b3=(1, 2))), settings=SETTINGS),
        Supernet(subnets(), settings=replace(SETTINGS, learning_rate=0.1)),
        Supernet(subnets(), settings=SETTINGS, made_for={"images": "others"}),
        Supernet(subnets(classes=3), settings=SETTINGS),
        Supernet(subnets(configs=(WIDE,)), settings=SETTINGS),
        Supernet(subnets(), settings=replace(SETTINGS, class_weights=(1.0, 2.0))),
    ],
    ids=["seed", "space", "settings", "images", "classes", "data", "class weights"],
)
def test_a_checkpoint_of_another_supernet_is_refused(other: Supernet, tmp_path: Path) -> None:
    answers = iter((False, True))
    Supernet(subnets(), settings=SETTINGS).train(
        make_batch, 4, tmp_path, should_stop=lambda: next(answers)
    )
    with pytest.raises(DanasError, match="other settings"):
        other.train(make_batch, 4, tmp_path)


def test_a_damaged_or_missing_checkpoint_is_named(tmp_path: Path) -> None:
    supernet = Supernet(subnets(), settings=SETTINGS)
    with pytest.raises(DanasError, match="no checkpoint"):
        supernet.load(tmp_path)
    (tmp_path / "checkpoint.npz").write_bytes(b"PK\x03\x04 not whole")
    with pytest.raises(DanasError, match=r"checkpoint\.npz can't be read"):
        supernet.load(tmp_path)


def test_random_subnets_depend_on_seed_and_step_alone() -> None:
    def drawn(seed: int) -> list[list[Genome]]:
        sandwich = Sandwich.of(SPACE, FAMILY, DATA, seed)
        return [sandwich.genomes(step, 2) for step in range(8)]

    assert drawn(7) == drawn(7)
    assert len({tuple(genomes[2:]) for genomes in drawn(7)}) > 4
    assert drawn(7) != drawn(8)


def test_only_subnets_that_fit_are_trained_and_the_largest_of_them_teaches() -> None:
    space = make_space(resolution=(64,), colour=("rgb",))
    data = space.data_configs[0]

    def fits(genome: Genome) -> bool:
        return paper(genome, 2).flash_bytes <= 500_000

    sandwich = Sandwich.of(space, FAMILY, data, 0, fits)
    trained = [genome for step in range(30) for genome in sandwich.genomes(step, 2)]
    assert all(map(fits, trained))
    assert sandwich.largest == max(trained, key=macs)
    assert macs(sandwich.largest) < macs(largest(space, data))
    assert sandwich.genomes(0, 2)[1] == smallest(space, data)


def test_where_nothing_fits_training_goes_on_without_limits() -> None:
    sandwich = Sandwich.of(SPACE, FAMILY, DATA, 0, lambda _: False)
    assert sandwich.largest == largest(SPACE, DATA)
    assert len(set(sandwich.genomes(0, 3))) > 2


def macs(genome: Genome) -> int:
    return sum(layer.macs for layer in layers(genome, 2))


def test_the_learning_rate_rises_and_then_falls_to_nothing() -> None:
    rates = [SETTINGS.rate(step, 100) for step in range(100)]
    peak = int(np.argmax(rates))
    assert max(rates) == pytest.approx(SETTINGS.learning_rate)
    assert all(a <= b for a, b in pairwise(rates[: peak + 1]))
    assert all(a >= b for a, b in pairwise(rates[peak:]))
    assert rates[-1] < 0.01 * max(rates)


def test_the_time_of_a_step_is_a_positive_number_of_seconds() -> None:
    data = (DATA, ImageConfig(64, "rgb"))
    mean, by_data = time_steps(subnets(configs=data), SETTINGS, steps=1)
    assert tuple(by_data) == data
    assert 0 < min(by_data.values()) <= mean <= max(by_data.values()) < 60


def test_timing_a_candidates_own_training_leaves_the_shared_weights_as_they_are() -> None:
    supernet = Supernet(subnets(), settings=SETTINGS)
    before = supernet.weights.copy()
    assert 0 < time_finetune(supernet, SUBNETS[0], steps=1) < 60
    np.testing.assert_array_equal(supernet.weights, before)
