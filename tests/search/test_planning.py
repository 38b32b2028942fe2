"""What all who work on a run hold to is settled by the first of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from danas_hil.base import DanasError
from danas_hil.data import Dataset
from danas_hil.run import RunFolder
from danas_hil.search import Listener, SearchSettings, create_run
from danas_hil.search.joining import join
from danas_hil.search.memory import MemoryEstimator
from danas_hil.search.opening import open_data
from danas_hil.search.planning import Agreed, agree_on_plan
from search.small_search import SETTINGS

pytest.importorskip("skimage", reason="the extra [search] is not installed")


@pytest.fixture(scope="module")
def faces() -> Dataset:
    return open_data(SETTINGS, Listener())


def agreed(run: RunFolder, settings: SearchSettings, dataset: Dataset) -> Agreed:
    with join(run, settings) as shared:
        return agree_on_plan(
            run,
            settings,
            shared,
            dataset,
            MemoryEstimator(settings),
            Listener(),
            lambda: False,
        )


def test_the_first_plan_counts(tmp_path: Path, faces: Dataset) -> None:
    run = create_run(tmp_path / "run", SETTINGS)
    first = agreed(run, SETTINGS, faces)
    assert set(first.supernet_steps.values()) == {SETTINGS.supernet_steps}
    config = run.config()
    assert config["supernet_steps"] == first.supernet_steps
    assert config["evaluation_precision"] == first.precision
    assert config["data"]["train_person"] > 0
    # Whose folder was copied before there was a plan takes it from the study.
    del config["supernet_steps"], config["evaluation_precision"]
    run.write_config(config)
    assert agreed(run, SETTINGS, faces) == first
    assert run.config()["supernet_steps"] == first.supernet_steps


def test_other_images_than_the_run_began_with_are_refused(tmp_path: Path, faces: Dataset) -> None:
    run = create_run(tmp_path / "run", SETTINGS)
    agreed(run, SETTINGS, faces)
    larger = open_data(replace(SETTINGS, decode_resolution=96), Listener())
    with pytest.raises(DanasError, match="holds other images than this run began with") as told:
        agreed(run, SETTINGS, larger)
    assert "pixels decoded 64" in told.value.hint
