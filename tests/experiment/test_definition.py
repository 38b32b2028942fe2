"""An experiment's file is read whole, or refused with the place and the key."""

from __future__ import annotations

from pathlib import Path

import pytest

from danas_hil.base import DanasError
from danas_hil.experiment import read_experiment
from danas_hil.search import SearchSettings, Weights, create_run
from danas_hil.tasks import Task
from data.data_files import write_folders

BASE = """
data = "signs"
seeds = [3, 1]
trials = 10
supernet_steps = 5
device_class = "small"
resolutions = [16, 24]
"""
TWO = """
[[search]]
name = "wide"

[[search]]
name = "narrow"
baseline = true
resolutions = [24]
colours = ["rgb"]
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text)
    return path


def test_searches_take_what_is_common_and_set_the_rest(tmp_path: Path) -> None:
    experiment = read_experiment(write(tmp_path, BASE + "weights = [1, 0, 0, 1, 1]" + TWO))
    wide, narrow = (variant.settings for variant in experiment.variants)
    assert experiment.name == "mine"
    assert [variant.baseline for variant in experiment.variants] == [False, True]
    assert wide.weights == narrow.weights == Weights(1, 0, 0, 1, 1)
    assert wide.space.data.resolution == (16, 24)
    assert narrow.space.data.resolution == (24,)
    assert narrow.space.data.colour == ("rgb",)
    assert wide.limits == narrow.limits
    assert wide.limits.ram_bytes == 256 * 1024


def test_every_search_runs_with_the_first_seed_before_the_next(tmp_path: Path) -> None:
    runs = read_experiment(write(tmp_path, BASE + TWO)).runs
    assert [run.name for run in runs] == [
        "wide-seed3",
        "narrow-seed3",
        "wide-seed1",
        "narrow-seed1",
    ]


def test_images_are_kept_at_one_size_for_all(tmp_path: Path) -> None:
    experiment = read_experiment(write(tmp_path, BASE + TWO.replace("[24]", "[32]")))
    assert {variant.settings.finest for variant in experiment.variants} == {32}


def test_limits_of_a_search_take_the_place_of_all_common_ones(tmp_path: Path) -> None:
    experiment = read_experiment(write(tmp_path, BASE + TWO + 'board = "nano33ble"'))
    wide, narrow = (variant.settings for variant in experiment.variants)
    assert wide.board is None
    assert narrow.board == "nano33ble"
    assert "device class" not in narrow.limits.origin


def test_a_search_can_use_the_supernet_of_one_before_it(tmp_path: Path) -> None:
    text = BASE + "supernet = 'per-data'" + TWO + "supernet_of = 'wide'"
    wide, narrow = (variant.settings for variant in read_experiment(write(tmp_path, text)).variants)
    assert (wide.supernet_steps, wide.supernet, wide.supernet_of) == (5, "per-data", None)
    assert (narrow.supernet_steps, narrow.supernet, narrow.supernet_of) == (None, "shared", "wide")


def test_a_time_is_written_as_on_the_command_line(tmp_path: Path) -> None:
    experiment = read_experiment(
        write(tmp_path, BASE.replace("10", '10\ntime_budget = "2m"') + TWO)
    )
    assert experiment.timed
    assert experiment.variants[1].settings.time_budget == 120


def test_data_is_looked_for_from_the_file_on_unless_it_is_given(tmp_path: Path) -> None:
    path = write(tmp_path, BASE.replace("signs", "photos") + TWO)
    write_folders(tmp_path / "photos", ["train"], ["ant", "bee", "cat"])
    settings = read_experiment(path).variants[0].settings
    assert settings.data == str(tmp_path / "photos")
    assert settings.task == Task(("ant", "bee", "cat"))
    assert read_experiment(path, "signs").variants[0].settings.data == "signs"


def test_all_searches_have_one_task(tmp_path: Path) -> None:
    write_folders(tmp_path / "photos", ["train"], ["ant", "bee", "cat"])
    (tmp_path / "classes.json").write_text('{"cat": "cat", "ant": "insect", "bee": "insect"}')
    base = BASE.replace("signs", "photos") + 'positive = "cat"\nmetric = "f1:insect"\n'
    told = Task(("cat", "insect"), "cat", "f1:insect")
    for classes in (
        '"classes.json"',
        '{ cat = "cat", ant = "insect", bee = "insect" }',
    ):
        path = write(tmp_path, f"{base}classes = {classes}\n{TWO}")
        for variant in read_experiment(path).variants:
            assert variant.settings.task == told
            assert list(variant.settings.data_options["classes"]) == ["cat", "ant", "bee"]


def test_runs_that_are_there_know_the_classes_of_images_that_are_not(tmp_path: Path) -> None:
    path = write(tmp_path, BASE.replace("signs", "photos") + TWO)
    with pytest.raises(DanasError, match=r"mine\.toml: There is no folder"):
        read_experiment(path, folder=tmp_path / "runs")
    task = Task(("ant", "bee"), positive="bee")
    create_run(
        tmp_path / "runs" / "wide-seed3", SearchSettings("gone", task, trials=1, supernet_steps=1)
    )
    found = read_experiment(path, folder=tmp_path / "runs")
    assert found.variants[1].settings.task == task


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BASE, r"mine\.toml: It has no \[\[search\]\]"),
        (TWO, "It names no data"),
        ("data = ", r"mine\.toml can't be read"),
        (BASE + "speed = 3" + TWO, "An experiment has no key 'speed'. Keys: .*batch_size.*trials"),
        (BASE + TWO + "speed = 3", "search narrow: A search has no key 'speed'. Keys: .*sampler"),
        (BASE + TWO + "trials = 3", "no key 'trials'. trials is the same for all searches"),
        (BASE + TWO + "batch_size = '64'", "search narrow: batch_size = '64' is not a whole"),
        (BASE + TWO + "batch_size = true", "batch_size = True is not a whole number"),
        (BASE + TWO + "sampler = 'lucky'", "search narrow: There is no sampler 'lucky'"),
        (BASE + TWO + "ram = '2kB'", "search narrow: No genome fits RAM 2 kB"),
        (BASE + TWO + "ram = 'much'", "'much' is not a size"),
        (BASE + TWO + "weights = [1]", "weights are five numbers"),
        (BASE + TWO + "weights = [1, 1, 1, 1, '1']", "weights are five numbers"),
        (BASE + TWO + "space = 'none.toml'", "no search space file"),
        (BASE + TWO + "[search.space]\nb9 = [1]", "no gene 'b9'"),
        (BASE + TWO.replace("narrow", "wide"), "Two searches have the same name"),
        (BASE + TWO.replace("narrow", "a/b"), "'a/b' is no name for a search"),
        (BASE + "[[search]]\nsampler = 'random'", "search number 1: name = '' is no name"),
        (BASE.replace("[3, 1]", "[3, 3]") + TWO, r"seeds = \[3, 3\]"),
        (BASE.replace("[3, 1]", "[-1]") + TWO, r"seeds = \[-1\]"),
        (BASE.replace("[3, 1]", "[1.5]") + TWO, r"seeds = \[1.5\]"),
        (BASE + "classes = { a = 3 }" + TWO, "classes is a table of texts"),
        (BASE + 'metric = "f1:nose"' + TWO, r"mine\.toml: There is no class 'nose'"),
        (BASE + TWO + 'metric = "macro-f1"', "metric is the same for all searches"),
        (BASE + "threshold = 75" + TWO, "threshold = 75 is no accuracy"),
        (BASE.replace("trials = 10", "") + TWO, "would never end"),
        (BASE.replace("supernet_steps = 5", "time_budget = 60") + TWO, "searches share"),
        (BASE + TWO + "supernet_of = 'narrow'", "narrow: supernet_of = 'narrow' is no search that"),
        (BASE + TWO.replace("[[search]]", "[[search]]\nsupernet_of = 'narrow'", 1), "before it"),
        (BASE + TWO + "supernet_of = 'wide'\nsupernet_steps = 4", "--supernet-steps can't be"),
        (
            BASE + TWO.replace("24", "32") + "supernet_of = 'wide'",
            "of wide lacks the resolution 32",
        ),
        (BASE + "supernet_of = 'wide'" + TWO, "An experiment has no key 'supernet_of'"),
        ("search = 3\n" + BASE, "search = 3 is not a list"),
        ("search = [3]\n" + BASE, "It has no"),
    ],
)
def test_what_is_of_no_use_is_refused_with_its_place(
    text: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(DanasError, match=message):
        read_experiment(write(tmp_path, text))


def test_an_experiment_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DanasError, match=r"There is no file .*none\.toml"):
        read_experiment(tmp_path / "none.toml")


@pytest.mark.parametrize("name", ["paper", "person_mix"])
def test_the_experiments_that_come_with_the_source_are_sound(name: str, root: Path) -> None:
    experiment = read_experiment(root / "experiments" / f"{name}.toml", "signs")
    assert any(variant.baseline for variant in experiment.variants)
