"""What config.toml holds is what was asked for."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from danas_hil.base import DanasError
from danas_hil.board import Limits
from danas_hil.run import RunFolder
from danas_hil.search import SearchSettings, Weights, create_run
from strategies import layer_space, make_space
from tasks.some_tasks import SIGNS

FULL = SearchSettings(
    data="/photos",
    task=SIGNS,
    limits=Limits(262144, 1048576, "device class small"),
    board="nano33ble",
    data_options={"label_column": "human", "missing_shards": True},
    space=make_space(resolution=(32, 64), colour=("rgb",)),
    sampler="random",
    weights=Weights(recall=2),
    seed=7,
    trials=12,
    time_budget=90.0,
    supernet_steps=10,
    drop_infeasible=True,
    supernets="../supernets",
    finest=96,
)


@pytest.mark.parametrize(
    "settings",
    [
        FULL,
        SearchSettings("signs", SIGNS, time_budget=60.0),
        SearchSettings("signs", SIGNS, trials=5, supernet_of="../large"),
    ],
)
def test_settings_come_back_from_config_toml(settings: SearchSettings, tmp_path: Path) -> None:
    run = create_run(tmp_path / "run", settings)
    assert SearchSettings.from_config(RunFolder.open(run.path).config()) == settings


def test_config_toml_tells_the_versions_that_count(tmp_path: Path) -> None:
    run = create_run(tmp_path / "run", FULL)
    versions = tomllib.loads(run.config_file.read_text())["versions"]
    assert {"danas-hil", "python", "numpy"} <= set(versions)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"sampler": "best"}, "no sampler 'best'"),
        ({"memory_model": "guess"}, "no memory model 'guess'"),
        ({"trials": 0}, "--trials 0 is too small"),
        ({"trials": None}, "never end"),
        ({"supernet_steps": None}, "How long"),
        ({"seed": -1}, "--seed -1"),
        ({"population": 1}, "population of 1"),
        ({"validation_images": 1}, "--validation-images"),
        ({"supernets": "x", "supernet_steps": None, "time_budget": 60}, "give --supernet-steps"),
        ({"supernets": "x", "space": layer_space()}, "give --candidate-steps"),
        ({"supernet_of": "../large"}, "--supernet-steps can't be given with --supernet-of"),
        (
            {"supernet_of": "../large", "supernets": "x", "supernet": "per-data"},
            "--supernet-steps, --supernets, --supernet per-data can't be given",
        ),
        ({"supernet_of": "../large", "space": layer_space()}, "no use to --family layers"),
        ({"finest": 96}, "--finest 96 is below"),
        ({"supernets": "s3://ID:hunter2@nets"}, "^The URL of --supernets has a password or a key"),
        ({"supernets": "https://nets/?sig=hunter2"}, "^The URL of --supernets has a password"),
    ],
)
def test_settings_of_no_use_are_refused(wrong: dict[str, Any], message: str) -> None:
    settings: dict[str, Any] = {
        "data": "signs",
        "task": SIGNS,
        "trials": 5,
        "supernet_steps": 5,
        **wrong,
    }
    with pytest.raises(DanasError, match=message) as told:
        SearchSettings(**settings)
    assert "hunter2" not in str(told.value)


def test_a_damaged_config_is_told_as_such(tmp_path: Path) -> None:
    run = create_run(tmp_path / "run", FULL)
    config = run.config()
    del config["limits"]
    run.write_config(config)
    with pytest.raises(DanasError, match=r"config\.toml is damaged"):
        SearchSettings.from_config(run.config())
