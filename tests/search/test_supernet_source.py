"""A search can use the supernet that another run trained, and trains none itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from danas_hil.base import DanasError
from danas_hil.board import Limits
from danas_hil.data import Balance
from danas_hil.run import RunFolder
from danas_hil.search import (
    Listener,
    SearchSettings,
    check_supernet_source,
    create_run,
    find_supernet_source,
    search,
    train_candidates,
)
from danas_hil.search.supernet_source import SupernetSource
from danas_hil.tasks import Scores
from strategies import layer_space, make_space, narrowed
from tasks.some_tasks import SIGNS

LARGE = SearchSettings(
    data="signs",
    task=SIGNS,
    limits=Limits(256 * 1024),
    space=make_space(
        (16, 24), ("monochrome",), b4=(0,), b5=(0,), b6=(0,), b7=(0,), alpha=(0.2, 0.3)
    ),
    sampler="random",
    trials=1,
    supernet_steps=2,
    batch_size=8,
    export_limit=1,
)
SMALL = replace(
    LARGE, limits=Limits(64 * 1024), supernet_steps=None, supernet_of="../large", batch_size=4
)
IMAGES = {"source": "signs", "kept_at": 24, "train_images": {"cat": 60, "dog": 60}}


class Heard(Listener):
    """What a search tells: its plan, steps of training, warnings."""

    def __init__(self) -> None:
        self.origin = ""
        self.trained: list[str] = []
        self.warnings: list[str] = []

    def data_ready(self, balance: Mapping[str, Balance]) -> None:
        assert balance["train"].images

    def training_planned(
        self, steps: Mapping[str, int], seconds: float | None, origin: str
    ) -> None:
        self.origin = origin
        assert dict(steps) == {"shared": 2}
        assert seconds is None

    def training(self, data: str, step: int, steps: int, loss: float) -> None:
        self.trained.append(data)

    def warning(self, text: str) -> None:
        self.warnings.append(text)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run whose supernet is trained."""
    pytest.importorskip("tensorflow", reason="the extra [search] is not installed")
    run = create_run(tmp_path_factory.mktemp("runs") / "large", LARGE)
    search(run)
    return run


def test_the_supernet_of_another_run_gives_the_same_scores_and_is_not_trained_again(
    large: RunFolder,
) -> None:
    heard = Heard()
    outcome = search(run := create_run(large.path.parent / "small", SMALL), heard)
    assert outcome.front is not None
    (ours,), (theirs,) = outcome.front.evaluations, large.front().evaluations
    assert ours.genome == theirs.genome
    assert ours.scores == theirs.scores
    assert heard.origin == "of large"
    assert heard.trained == heard.warnings == []
    assert run.config()["supernet_steps"] == {"shared": 2}
    assert not run.supernets.exists()
    again = Heard()
    assert search(run, again).evaluations == 1
    assert again.origin == "as this run began"


def test_a_narrower_space_with_another_seed_sees_images_as_the_supernet_did(
    large: RunFolder,
) -> None:
    narrow = narrowed(SMALL.space, resolution=(16,), alpha=(0.3,))
    settings = replace(
        SMALL, space=narrow, seed=5, limits=Limits(512 * 1024), export_finetune_steps=1
    )
    heard = Heard()
    outcome = search(run := create_run(large.path.parent / "narrow", settings), heard)
    assert outcome.front is not None
    assert [c.finetune_steps for c in outcome.front.candidates] == [1]
    assert run.config()["data"]["kept_at"] == 24
    (told,) = (one for one in heard.warnings if "by chance" not in one)  # it trained one step
    assert "were trained for RAM 256 kB" in told


def test_who_fixes_data_hears_that_a_supernet_was_trained_for_a_front(
    large: RunFolder, tmp_path: Path
) -> None:
    fixed = replace(SMALL, space=narrowed(SMALL.space, resolution=(16,)))
    supernet_source = SupernetSource(large, LARGE, {"shared": 2}, IMAGES)
    assert supernet_source.warnings(fixed) == []
    run = create_run(tmp_path / "run", LARGE)
    run.write_config({**run.config(), "supernet_focus": {"shared": {"steps": 2}}})
    focused = replace(supernet_source, run=run)
    assert focused.warnings(SMALL) == []
    (warning,) = focused.warnings(fixed)
    assert "trained most for the data on its own front" in warning


def test_its_candidates_can_be_trained_further_from_the_weights_of_the_other_run(
    large: RunFolder,
) -> None:
    narrow = narrowed(SMALL.space, resolution=(16,), alpha=(0.2,))
    settings = replace(SMALL, space=narrow, export_finetune_steps=0)
    search(run := create_run(large.path.parent / "further", settings))
    front = run.front()
    (candidate,) = front.candidates
    worse = {**candidate.scores, "int8_validation": Scores(0.0, 0.0, 0.0, 40)}
    run.write_front(replace(front, candidates=(replace(candidate, scores=worse),)))
    weights = (large.supernets / "shared" / "checkpoint.npz").read_bytes()
    trained: list[str] = []

    class Watching(Listener):
        def training(self, data: str, step: int, steps: int, loss: float) -> None:
            trained.append(data)

    outcome = train_candidates(run, [candidate.id], 3, Watching())
    assert [one.verdict for one in outcome.trained] == ["better"]
    assert trained == [candidate.id] * 3
    assert [c.finetune_steps for c in run.front().candidates] == [3]
    assert (large.supernets / "shared" / "checkpoint.npz").read_bytes() == weights
    assert not run.supernets.exists()


def test_an_unfinished_or_damaged_training_is_refused(large: RunFolder, tmp_path: Path) -> None:
    run = create_run(tmp_path / "large", LARGE)
    folder = tmp_path / "small"
    resume = f"danas-hil resume {run.path}"
    with pytest.raises(DanasError, match="has not begun to train") as told:
        find_supernet_source(SMALL, folder)
    assert resume in (told.value.hint or "")
    run.write_config({**run.config(), "supernet_steps": {"shared": 2}, "data": IMAGES})
    with pytest.raises(DanasError, match=r"shared of .* is not trained: 0 of 2 steps") as told:
        find_supernet_source(SMALL, folder)
    assert resume in (told.value.hint or "")
    checkpoint = run.supernets / "shared" / "checkpoint.npz"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_bytes((large.supernets / "shared" / "checkpoint.npz").read_bytes()[:100])
    with pytest.raises(DanasError, match=r"checkpoint\.npz can't be read"):
        find_supernet_source(SMALL, folder)


def test_supernets_are_found_where_the_other_run_keeps_them(
    large: RunFolder, tmp_path: Path
) -> None:
    for place, name in (("../kept", "beside"), (str(tmp_path / "kept"), "far")):
        run = create_run(tmp_path / "runs" / name, replace(LARGE, supernets=place))
        run.write_config({**run.config(), "supernet_steps": {"shared": 2}, "data": IMAGES})
        with pytest.raises(DanasError, match="is not trained"):
            find_supernet_source(replace(SMALL, supernet_of=str(run.path)), tmp_path / "small")
        kept = run.path / place
        (kept / "shared").mkdir(parents=True)
        (kept / "shared" / "checkpoint.npz").write_bytes(
            (large.supernets / "shared" / "checkpoint.npz").read_bytes()
        )
        supernet_source = find_supernet_source(
            replace(SMALL, supernet_of=str(run.path)), tmp_path / "small"
        )
        assert supernet_source is not None
        assert supernet_source.store(tmp_path / "copies").folder == kept


def test_what_is_no_run_lends_nothing(tmp_path: Path) -> None:
    with pytest.raises(DanasError, match=r"There is no run .*large, whose supernet"):
        find_supernet_source(SMALL, tmp_path / "small")


@pytest.mark.parametrize(
    ("ours", "message"),
    [
        ({"resolution": (16, 32)}, "lacks the resolution 32"),
        ({"colour": ("monochrome", "rgb")}, "lacks the colour rgb"),
        ({"b4": (0, 1, 2)}, "lacks the b4 1, 2"),
        ({"alpha": (0.1, 0.3)}, r"lacks the alpha 0\.1"),
        ({"monochrome_width": 0.5}, r"lacks the monochrome_width 0\.5"),
    ],
)
def test_a_space_that_the_supernet_does_not_hold_is_refused(
    ours: dict[str, Any], message: str
) -> None:
    with pytest.raises(DanasError, match=f"large {message}"):
        check_supernet_source(LARGE, replace(SMALL, space=narrowed(SMALL.space, **ours)), "large")


def test_a_run_without_a_supernet_of_its_own_lends_none() -> None:
    with pytest.raises(DanasError, match="large has no supernet: it trains each candidate"):
        check_supernet_source(replace(LARGE, space=layer_space()), SMALL, "large")
    with pytest.raises(DanasError, match="no supernet of its own: it uses that of large"):
        check_supernet_source(SMALL, SMALL, "small")


def test_other_images_or_another_size_of_them_are_told(large: RunFolder, tmp_path: Path) -> None:
    supernet_source = SupernetSource(
        large, LARGE, {"shared": 2}, {**IMAGES, "validation_images": {"dog": 20}}
    )
    supernet_source.check_images({**IMAGES, "validation_images": {"dog": 9}})
    told = "train images 60 cat and 60 dog; here: train images 60 cat and 61 dog"
    with pytest.raises(DanasError, match=f"other data: {told}"):
        supernet_source.check_images({**IMAGES, "train_images": {"cat": 60, "dog": 61}})
    with pytest.raises(DanasError, match="kept at 24, not at 32"):
        find_supernet_source(
            replace(SMALL, supernet_of=str(large.path), finest=32), tmp_path / "small"
        )
