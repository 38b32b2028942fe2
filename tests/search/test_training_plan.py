"""What all who work on a run hold to is settled by the first of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from danas_hil.base import DanasError
from danas_hil.run import RunFolder
from danas_hil.search import Listener, SearchSettings, create_run, training_plan
from danas_hil.search.budget import FINETUNE_SHARE, TRAINING_SHARE, search_seconds, step_name
from danas_hil.search.session import open_data
from danas_hil.search.training_plan import TrainingPlan, agree_on_training
from danas_hil.signals.image.dataset import Dataset
from search.small_search import SETTINGS, session
from tasks.some_tasks import SIGNS

SMALL = SETTINGS.space.data_configs[0]


@pytest.fixture(scope="module")
def signs() -> Dataset:
    return open_data(SETTINGS, Listener())


def agreed(
    run: RunFolder,
    settings: SearchSettings,
    dataset: Dataset,
    listener: Listener | None = None,
) -> TrainingPlan:
    with session(run, settings, listener, dataset) as opened:
        return agree_on_training(opened)


def test_the_first_plan_counts(tmp_path: Path, signs: Dataset) -> None:
    run = create_run(tmp_path / "run", SETTINGS)
    first = agreed(run, SETTINGS, signs)
    assert set(first.steps.values()) == {SETTINGS.supernet_steps}
    config = run.config()
    assert config["supernet_steps"] == first.steps
    assert config["evaluation_precision"] == first.precision
    assert config["data"]["train_images"] == dict.fromkeys(SIGNS.classes, 180)
    # Whose folder was copied before there was a plan takes it from the study.
    del config["supernet_steps"], config["evaluation_precision"]
    run.write_config(config)
    assert agreed(run, SETTINGS, signs) == first
    assert run.config()["supernet_steps"] == first.steps


def test_training_takes_its_share_of_what_the_export_and_fine_tuning_leave(
    tmp_path: Path, signs: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_plan, "time_steps", lambda *_: (0.5, {SMALL: 0.25}))
    hour = replace(SETTINGS, supernet_steps=None, time_budget=3600.0, export_finetune_steps=None)
    steps = []
    for name, settings in (("with", hour), ("without", replace(hour, export_finetune_steps=0))):
        plan = agreed(create_run(tmp_path / name, settings), settings, signs)
        steps.append(sum(plan.steps.values()))
        assert plan.step_seconds == {step_name("mobilenet_v2", SMALL): 0.25}
        seconds = search_seconds(settings)
        assert seconds is not None
        assert 0.5 * steps[-1] == pytest.approx(TRAINING_SHARE * seconds, rel=0.01)
    assert steps[1] - steps[0] == pytest.approx(
        TRAINING_SHARE * FINETUNE_SHARE * 3600 / 0.5, rel=0.01
    )


def test_a_time_budget_that_training_alone_takes_is_told(
    tmp_path: Path, signs: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def warned(step_seconds: float) -> list[str]:
        monkeypatch.setattr(training_plan, "time_steps", lambda *_: (step_seconds, {}))
        settings = replace(SETTINGS, supernet_steps=None, time_budget=60.0)
        listener, told = Listener(), list[str]()
        monkeypatch.setattr(listener, "warning", told.append)
        run = create_run(tmp_path / f"{step_seconds}", settings)
        agreed(run, settings, signs, listener)
        return told

    assert not warned(0.01)
    (text,) = warned(2.0)
    assert "little is evaluated" in text
    assert "--time-budget" in text


def test_other_images_than_the_run_began_with_are_refused(tmp_path: Path, signs: Dataset) -> None:
    run = create_run(tmp_path / "run", SETTINGS)
    agreed(run, SETTINGS, signs)
    larger = open_data(replace(SETTINGS, finest=96), Listener())
    with pytest.raises(DanasError, match="holds other data than this run began with") as told:
        agreed(run, SETTINGS, larger)
    assert "kept at 64" in told.value.hint
