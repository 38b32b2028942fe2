"""A supernet in training is looked at, so that it goes on with the data on the front."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from danas_hil.base import DanasError
from danas_hil.board import Limits
from danas_hil.data import Balance
from danas_hil.run import RunFolder
from danas_hil.search import (
    Listener,
    SearchSettings,
    create_run,
    data_focus,
    search,
    steps_taken,
)
from danas_hil.search.cost import CostEstimator
from danas_hil.search.data_focus import LOOK_MOST, look_size, use_on_front
from danas_hil.signals.image import ImageConfig
from danas_hil.space import Genome
from danas_hil.supernet import CHECKPOINT, Checkpoint
from danas_hil.tasks import Scores
from strategies import make_space, narrowed
from tasks.some_tasks import SIGNS

SETTINGS = SearchSettings(
    data="signs",
    task=SIGNS,
    limits=Limits(256 * 1024, 1024 * 1024),
    space=make_space(
        (16, 24), ("monochrome",), b4=(0,), b5=(0,), b6=(0,), b7=(0,), alpha=(0.2, 0.3)
    ),
    trials=1,
    supernet="focused",
    supernet_steps=8,
    batch_size=8,
    export_limit=1,
)
FAMILIES = replace(
    SETTINGS,
    space=make_space(
        (16, 24),
        ("monochrome",),
        family=["mobilenet_v2", "ds_cnn"],
        mobilenet_v2=SETTINGS.space.of("mobilenet_v2").to_json(),
        ds_cnn={"blocks": [1, 2], "alpha": [0.0625, 0.125]},
    ),
    sampler="random",
)
WIDE = replace(SETTINGS, space=narrowed(SETTINGS.space, resolution=(16, 64)))
SMALL, LARGE = WIDE.space.data_configs
GENOMES = WIDE.space.genomes()


def better(data: ImageConfig) -> dict[ImageConfig, float]:
    """What a look makes of scores that only go by the data: all its genomes beat the others."""

    def scores(genome: Genome) -> Scores:
        return Scores(0.9 if genome.data == data else 0.6, 0.5, 0.5, 100)

    found = use_on_front(WIDE, CostEstimator(WIDE), scores, 100, lambda: False)
    assert found is not None
    return found


def test_the_use_of_data_is_their_share_of_the_front() -> None:
    assert better(SMALL) == {SMALL: 1.0}, "it takes less memory too"
    found = better(LARGE)
    assert found.keys() == {SMALL, LARGE}
    assert sum(found.values()) == pytest.approx(1)


def test_a_look_proposes_what_fits_as_often_as_it_is_told_and_stops_when_told() -> None:
    seen: list[Genome] = []
    flash = sorted(CostEstimator(WIDE).costs(genome).flash_bytes for genome in GENOMES)
    limits = replace(WIDE, limits=Limits(None, flash[len(flash) // 2]))
    estimator = CostEstimator(limits)

    def scores(genome: Genome) -> Scores:
        seen.append(genome)
        return Scores(0.6, 0.5, 0.5, 100)

    told: list[int] = []
    assert use_on_front(limits, estimator, scores, 3, lambda: False, told.append)
    assert told == [1, 2, 3]
    first = list(seen)
    seen.clear()
    assert use_on_front(limits, estimator, scores, 100, lambda: False)
    fitting = [genome for genome in GENOMES if estimator.fits(genome)]
    assert 3 < len(fitting) < len(GENOMES)
    assert seen[:3] == first, "the same genomes each time"
    assert set(seen) == set(fitting)
    seen.clear()
    assert use_on_front(limits, estimator, scores, 100, lambda: len(seen) == 2) is None
    assert len(seen) == 2
    tight = replace(SETTINGS, limits=Limits(1024, 1024))
    assert use_on_front(tight, CostEstimator(tight), scores, 5, lambda: False) == {}


def test_a_short_training_is_not_worth_a_look() -> None:
    assert look_size(499) == 0
    assert look_size(500) == 100
    assert look_size(100_000) == LOOK_MOST


class Heard(Listener):
    """Steps of each training, which supernets were trained, looks, and what came of them."""

    def __init__(self) -> None:
        self.trained: set[str] = set()
        self.steps: list[int] = []
        self.looks: list[tuple[int, int]] = []
        self.found: list[Mapping[str, float]] = []

    def data_ready(self, balance: Mapping[str, Balance]) -> None:
        assert balance["train"].images

    def training(self, data: str, step: int, steps: int, loss: float) -> None:
        self.steps.append(step)
        self.trained.add(data)

    def looking(self, data: str, done: int, total: int) -> None:
        self.looks.append((done, total))

    def focused(self, data: str, use: Mapping[str, float]) -> None:
        self.found.append(use)


@pytest.fixture
def short_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tensorflow", reason="the extra [search] is not installed")
    monkeypatch.setattr(data_focus, "LOOK_SHARE", 0.5)
    monkeypatch.setattr(data_focus, "LOOK_LEAST", 2)


def checkpoint(run: RunFolder) -> Checkpoint:
    return Checkpoint.load(run.supernets / "shared" / CHECKPOINT)


@pytest.mark.usefixtures("short_looks")
def test_a_search_looks_once_and_another_uses_what_came_of_it(tmp_path: Path) -> None:
    heard = Heard()
    run = create_run(tmp_path / "run", SETTINGS)
    assert search(run, heard, lambda: heard.looks == [(1, 4), (2, 4)]).stopped
    assert not heard.found
    assert checkpoint(run).step == 2
    assert search(run, heard).front is not None
    assert heard.looks[2:] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    (found,) = heard.found
    assert sum(found.values()) == pytest.approx(1)
    focus = checkpoint(run).focus
    assert focus is not None
    assert (focus.begin, focus.steps) == (2, 8)
    noted = dict(run.config()["supernet_focus"]["shared"])
    assert (noted.pop("steps_before"), noted.pop("steps")) == (2, 8)
    assert noted == dict(zip(("16-monochrome", "24-monochrome"), focus.shares, strict=True))

    borrows = replace(SETTINGS, supernet_steps=None, supernet_of="../run", limits=Limits(64 * 1024))
    heard = Heard()
    assert search(create_run(tmp_path / "borrows", borrows), heard).front is not None
    assert heard.steps == heard.looks == []


@pytest.mark.usefixtures("short_looks")
@pytest.mark.parametrize("kind", ["shared", "per-data"])
def test_supernets_of_other_kinds_are_not_looked_at(tmp_path: Path, kind: str) -> None:
    heard = Heard()
    search(create_run(tmp_path / "run", replace(SETTINGS, supernet=kind)), heard)
    assert heard.steps
    assert heard.looks == heard.found == []


@pytest.mark.usefixtures("short_looks")
def test_each_family_is_looked_at_by_itself(tmp_path: Path) -> None:
    heard = Heard()
    run = create_run(tmp_path / "run", replace(FAMILIES, trials=6))
    assert search(run, heard).front is not None
    assert {e.genome.family for e in run.front().evaluations} == {"mobilenet_v2", "ds_cnn"}
    assert heard.looks == 2 * [(done, 4) for done in (1, 2, 3, 4)]
    config = run.config()
    assert config["supernet_focus"].keys() == config["supernet_steps"].keys() == heard.trained
    for focus in config["supernet_focus"].values():
        assert (focus["steps_before"], set(focus) - {"steps", "steps_before"}) == (
            2,
            {"16-monochrome", "24-monochrome"},
        )
    assert steps_taken(config) == sum(one["steps"] for one in config["supernet_focus"].values())


@pytest.mark.usefixtures("short_looks")
@pytest.mark.parametrize("kind", ["shared", "focused"])
def test_a_family_that_was_never_evaluated_is_not_trained_for_the_export(
    tmp_path: Path, kind: str
) -> None:
    heard = Heard()
    run = create_run(tmp_path / "run", replace(FAMILIES, supernet=kind))
    front = search(run, heard).front
    assert front is not None
    (evaluation,) = front.evaluations
    assert heard.trained == {f"shared-{evaluation.genome.family}"}


@pytest.mark.usefixtures("short_looks")
def test_a_supernet_of_another_kind_is_not_taken(tmp_path: Path) -> None:
    settings = replace(SETTINGS, supernets="../supernets")
    search(create_run(tmp_path / "focused", settings))
    with pytest.raises(DanasError, match="made with other settings: look"):
        search(create_run(tmp_path / "shared", replace(settings, supernet="shared")))
