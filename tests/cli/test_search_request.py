"""What is typed after `danas-hil search` becomes settings, each option by its own name."""

from __future__ import annotations

import inspect
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from danas_hil.base import DanasError
from danas_hil.cli.search_request import SearchRequest
from danas_hil.cli.searching import search
from danas_hil.tasks import Task
from data.data_files import write_folders
from tasks.some_tasks import SIGNS

OTHER_VALUES: dict[str, Any] = {
    "data": "photos",
    "board": "nano33ble",
    "device_class": "small",
    "ram": "64kB",
    "flash": "1MB",
    "latency": "20ms",
    "memory_model": "paper",
    "drop_infeasible": True,
    "space": "hardware-aware",
    "family": "ds_cnn,mobilenet_v2",
    "resolutions": "32,96x64",
    "colours": "rgb",
    "trials": 7,
    "time_budget": "2h",
    "supernet_steps": 11,
    "candidate_steps": 12,
    "export_finetune_steps": 13,
    "supernets": "s3://bucket/supernets",
    "supernet_of": Path("runs/other"),
    "evaluation_finetune_steps": 14,
    "sampler": "random",
    "supernet": "per-data",
    "population": 15,
    "update_ratio": 0.25,
    "crossover_ratio": 0.75,
    "weights": "1,2,3,4,5",
    "seed": 16,
    "batch_size": 17,
    "balance": True,
    "validation_images": 18,
    "export_limit": 19,
    "clear_names": False,
    "finest": 300,
    "train_split": "train_large",
    "classes": Path("classes.json"),
    "positive": "ant",
    "metric": "f1:give-way",
    "label_column": "label",
    "image_column": "picture",
    "group_column": "camera",
    "missing_shards": True,
    "split_seed": 20,
    "storage": "sqlite:////tmp/study.db",
    "lease": "90s",
}
NO_SETTINGS = {"name", "threads", "json", "signal"}
"""Of the run's folder, of this process, of what is shown; and one that has a single value here."""
NEEDED = {  # beside the option, for it to be taken
    "classes": {"data": "photos"},
    "positive": {"data": "pairs"},
    "latency": {"board": "nano33ble"},
    "supernets": {"supernet_steps": 11},
    "supernet_of": {"supernet_steps": None},
}


@pytest.fixture(autouse=True)
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data set, classes for it, and one of two classes."""
    monkeypatch.chdir(tmp_path)
    write_folders(Path("photos"), ["train"], ["bird", "cat", "dog"], each=3)
    write_folders(Path("pairs"), ["train"], ["ant", "bee"])
    Path("classes.json").write_text('{"bird": "bird", "cat": "pet", "dog": "pet"}')


def typed(**options: Any) -> SearchRequest:
    """The command's own defaults, and what is typed over them."""
    defaults = {
        name: None if parameter.default is inspect.Parameter.empty else parameter.default
        for name, parameter in inspect.signature(search).parameters.items()
    }
    return SearchRequest(
        **{**defaults, "data": "signs", "trials": 5, "supernet_steps": 5, **options}
    )


def made(asked: SearchRequest) -> tuple[Any, Any]:
    folder = Path("runs/porch")
    return asked.settings(folder), replace(asked.kept_at(folder), study="")


def test_a_request_has_the_options_of_the_command() -> None:
    names = {field.name for field in fields(SearchRequest)}
    assert names == set(inspect.signature(search).parameters)
    assert names == OTHER_VALUES.keys() | NO_SETTINGS


@pytest.mark.parametrize("option", OTHER_VALUES)
def test_every_option_arrives_in_the_settings(option: str) -> None:
    beside = NEEDED.get(option, {})
    plain, changed = typed(**beside), typed(**beside, **{option: OTHER_VALUES[option]})
    if option == "supernet_of":
        plain = typed()
    assert made(plain) != made(changed)


def test_what_nothing_ends_has_an_hour() -> None:
    assert typed(trials=None).settings(Path("runs/x")).time_budget == 3600
    assert typed(supernet_steps=None).settings(Path("runs/x")).time_budget == 3600
    assert typed().settings(Path("runs/x")).time_budget is None
    assert typed(space="layers", supernet_steps=9).settings(Path("runs/x")).time_budget == 3600


def test_a_kind_of_supernet_is_not_chosen_for_a_run_that_trains_none() -> None:
    asked = typed(supernet_steps=None, supernet_of=Path("runs/other"), supernet="shared")
    with pytest.raises(DanasError, match="--supernet can't be given with --supernet-of"):
        asked.settings(Path("runs/porch"))


def test_the_task_is_what_the_data_and_the_options_say() -> None:
    folder = Path("runs/porch")
    assert typed().settings(folder).task == SIGNS
    assert typed(data="photos").settings(folder).task == Task(("bird", "cat", "dog"))
    chosen = typed(data="photos", classes=Path("classes.json"), positive="pet", metric="macro-f1")
    assert chosen.settings(folder).task == Task(("bird", "pet"), "pet", "macro-f1")
    with pytest.raises(DanasError, match=r"no class 'cta'.*mean cat"):
        typed(data="photos", metric="recall:cta").settings(folder)
    with pytest.raises(DanasError, match="no folder"):
        typed(data="nowhere").settings(folder)


def test_families_and_images_that_are_not_square_make_the_space() -> None:
    space = typed(family="ds_cnn, mobilenet_v2", resolutions="32,96x64").settings(Path("x")).space
    assert space.families == ("ds_cnn", "mobilenet_v2")
    assert {data.shape[:2] for data in space.data_configs} == {(32, 32), (64, 96)}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"family": "ds_cn"}, "Did you mean ds_cnn"),
        ({"family": "layers,ds_cnn"}, "trained from scratch"),
        ({"family": "ds_cnn", "space": "layers"}, "--family can't be given with --space layers"),
        ({"family": ""}, "no family"),
        ({"signal": "imag"}, "Did you mean image"),
        ({"resolutions": "96x"}, "'96x' is no resolution"),
        ({"resolutions": "0x64"}, "'0x64' is no resolution"),
        ({"resolutions": "96x8"}, "too small"),
        ({"resolutions": "32,"}, "'' is no resolution"),
    ],
)
def test_a_space_that_there_is_not_is_told(options: dict[str, str], told: str) -> None:
    with pytest.raises(DanasError) as caught:
        typed(**options).settings(Path("runs/x"))
    assert told in str(caught.value)
