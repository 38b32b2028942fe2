"""An experiment does every run once, in its order, whatever interrupts it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from danas_hil.base import DanasError
from danas_hil.experiment import (
    Ended,
    Experiment,
    Variant,
    ended_runs,
    gather_results,
    run_experiment,
    seconds_left,
)
from danas_hil.experiment.running import settings_of
from danas_hil.run import RunFolder
from danas_hil.search import Outcome, SearchSettings
from strategies import make_space, narrowed
from tasks.some_tasks import SIGNS

SETTINGS = SearchSettings(
    data="signs",
    task=SIGNS,
    space=make_space((16, 24), ("monochrome",)),
    trials=5,
    supernet_steps=3,
    finest=24,
    supernet="per-data",
)
FIXED = replace(SETTINGS, space=make_space((24,), ("monochrome",)), sampler="random")
EXPERIMENT = Experiment(
    "mine", (Variant("both", False, SETTINGS), Variant("fixed", True, FIXED)), (0, 1)
)
NAMES = ["both-seed0", "fixed-seed0", "both-seed1", "fixed-seed1"]


class Search:
    """Stands in for a search: notes the runs it is given, and is stopped in one of them."""

    def __init__(self, stopped_in: str = "") -> None:
        self.seen: list[str] = []
        self.stopped_in = stopped_in

    def __call__(self, run: RunFolder) -> Outcome:
        self.seen.append(run.name)
        return Outcome(5, None, "stopped" if run.name == self.stopped_in else "all trials done")


class Clock:
    """Stands in for the module time."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


def test_all_runs_are_done_in_their_order_and_told_of(tmp_path: Path) -> None:
    search = Search()
    ended = list(run_experiment(EXPERIMENT, tmp_path, search))
    assert search.seen == [one.run for one in ended] == NAMES
    assert list(ended_runs(tmp_path)) == NAMES
    assert [result.run for result in gather_results(EXPERIMENT, tmp_path)] == NAMES


def test_a_stopped_experiment_goes_on_with_the_run_it_was_at(tmp_path: Path) -> None:
    first = Search(stopped_in="fixed-seed0")
    assert [one.run for one in run_experiment(EXPERIMENT, tmp_path, first)] == NAMES[:1]
    assert first.seen == NAMES[:2]
    again = Search()
    assert [one.run for one in run_experiment(EXPERIMENT, tmp_path, again)] == NAMES[1:]
    assert list(run_experiment(EXPERIMENT, tmp_path, Search())) == []


def test_the_time_of_a_run_is_that_of_all_its_sittings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr("danas_hil.experiment.running.time", clock)

    def seconds(search: Search) -> dict[str, float]:
        def timed(run: RunFolder) -> Outcome:
            clock.now += 10
            return search(run)

        return {one.run: one.seconds for one in run_experiment(EXPERIMENT, tmp_path, timed)}

    def broken(_run: RunFolder) -> Outcome:
        clock.now += 5
        raise DanasError("The storage is out of reach.")

    assert seconds(Search(stopped_in="fixed-seed0")) == {"both-seed0": 10}
    with pytest.raises(DanasError, match="out of reach"):
        list(run_experiment(EXPERIMENT, tmp_path, broken))
    assert seconds(Search(stopped_in="both-seed1")) == {"fixed-seed0": 25}
    shutil.rmtree(tmp_path / "both-seed1")  # begun anew, it counts anew
    assert seconds(Search()) == {"both-seed1": 10, "fixed-seed1": 10}
    told = {one.run: one.seconds for one in ended_runs(tmp_path).values()}
    assert told == dict(zip(NAMES, (10, 25, 10, 10), strict=True))


def test_seeds_and_searches_can_be_added_later(tmp_path: Path) -> None:
    list(run_experiment(EXPERIMENT, tmp_path, Search()))
    search = Search()
    list(run_experiment(replace(EXPERIMENT, seeds=(0, 1, 2)), tmp_path, search))
    assert search.seen == ["both-seed2", "fixed-seed2"]


def test_two_processes_with_other_seeds_in_one_folder_lose_nothing(tmp_path: Path) -> None:
    first, second = (replace(EXPERIMENT, seeds=(seed,)) for seed in (0, 1))
    elsewhere = run_experiment(second, tmp_path, Search())

    def meanwhile(run: RunFolder) -> Outcome:
        next(elsewhere)
        return Search()(run)

    list(run_experiment(first, tmp_path, meanwhile))
    assert set(ended_runs(tmp_path)) == set(NAMES)
    assert list(run_experiment(EXPERIMENT, tmp_path, Search())) == []


def test_runs_made_with_other_settings_are_told_before_anything_runs(tmp_path: Path) -> None:
    list(run_experiment(EXPERIMENT, tmp_path, Search()))
    changed = replace(EXPERIMENT.variants[1], settings=replace(FIXED, trials=9, population=4))
    search = Search()
    with pytest.raises(DanasError, match=r"fixed-seed0 was made with other settings.*population"):
        list(
            run_experiment(
                replace(EXPERIMENT, variants=(EXPERIMENT.variants[0], changed)), tmp_path, search
            )
        )
    assert search.seen == []


def test_missing_images_are_told_before_anything_runs(tmp_path: Path) -> None:
    lost = tuple(
        replace(v, settings=replace(v.settings, data=str(tmp_path / "lost")))
        for v in EXPERIMENT.variants
    )
    with pytest.raises(DanasError, match=r"There is no folder .*lost"):
        list(run_experiment(replace(EXPERIMENT, variants=lost), tmp_path / "out", Search()))
    assert not (tmp_path / "out").exists()


def test_a_damaged_list_of_ended_runs_is_named(tmp_path: Path) -> None:
    (tmp_path / "ended.json").write_text('[{"name": 1}]')
    with pytest.raises(DanasError, match=r"ended\.json is damaged"):
        ended_runs(tmp_path)


@pytest.mark.parametrize("text", ["[1]", '{"both-seed0": "long"}'])
def test_a_damaged_list_of_times_is_named_before_anything_runs(tmp_path: Path, text: str) -> None:
    (tmp_path / "sittings.json").write_text(text)
    search = Search()
    with pytest.raises(DanasError, match=r"sittings\.json is damaged"):
        list(run_experiment(EXPERIMENT, tmp_path, search))
    assert search.seen == []


def test_searches_share_supernets_only_where_their_training_is_the_same() -> None:
    def folder(settings: SearchSettings, seed: int = 0, reuse: bool = True) -> str | None:
        variant = Variant("one", False, settings)
        experiment = Experiment("mine", (variant,), (seed,), reuse_supernets=reuse)
        return settings_of(experiment, experiment.runs[0]).supernets

    ours = folder(SETTINGS)
    assert ours is not None
    assert ours == folder(FIXED)  # another resolution and sampler, the same supernets
    by_itself = replace(FIXED, supernet="shared", export_finetune_steps=0)
    assert ours == folder(by_itself)
    assert folder(SETTINGS, reuse=False) is None
    others = [
        folder(SETTINGS, seed=1),
        folder(replace(SETTINGS, supernet_steps=4)),
        folder(replace(SETTINGS, batch_size=8)),
        folder(replace(SETTINGS, supernet="shared")),
        folder(
            replace(
                SETTINGS, supernet="shared", space=narrowed(SETTINGS.space, resolution=(20, 24))
            )
        ),
        folder(replace(SETTINGS, finest=32)),
        folder(replace(SETTINGS, space=narrowed(SETTINGS.space, b7=(0,)))),
        folder(replace(SETTINGS, limits=replace(SETTINGS.limits, ram_bytes=100_000))),
    ]
    assert len({ours, *others}) == 1 + len(others)


def test_a_search_takes_the_supernet_of_the_run_with_the_same_seed(tmp_path: Path) -> None:
    borrows = replace(FIXED, supernet="shared", supernet_steps=None, supernet_of="both")
    experiment = Experiment(
        "mine", (EXPERIMENT.variants[0], Variant("fixed", True, borrows)), (0, 1)
    )
    list(run_experiment(experiment, tmp_path, Search()))
    for seed in (0, 1):
        settings = SearchSettings.from_config(
            RunFolder.open(tmp_path / f"fixed-seed{seed}").config()
        )
        assert settings.supernet_of == f"../both-seed{seed}"
        assert settings.supernets is None
    assert list(run_experiment(experiment, tmp_path, Search())) == []


def test_the_time_left_goes_by_runs_of_the_same_search_first() -> None:
    timed = Experiment(
        "mine",
        tuple(
            replace(v, settings=replace(v.settings, time_budget=60.0)) for v in EXPERIMENT.variants
        ),
        (0, 1),
    )
    assert seconds_left(EXPERIMENT, {}) is None
    assert seconds_left(timed, {}) == 240
    ended = {"both-seed0": Ended("both-seed0", 5, "", 30.0)}
    assert seconds_left(EXPERIMENT, ended) == 90
    ended["fixed-seed0"] = Ended("fixed-seed0", 5, "", 10.0)
    assert seconds_left(timed, ended) == 40
