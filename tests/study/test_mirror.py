"""Supernets at a URL: what one computer trains the others get, and half a file never."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from danas_hil.base import DanasError
from danas_hil.study import SupernetStore, open_store
from danas_hil.supernet import CHECKPOINT, Checkpoint

pytest.importorskip("fsspec", reason="the extra [remote] is not installed")

NAME = "16-rgb"


def write(store: SupernetStore, step: int) -> None:
    empty = np.zeros(0, np.float32)
    weights = np.full(3, step, np.float32)
    Checkpoint({}, step, weights, empty, empty).save(store.folder / NAME / CHECKPOINT)


def step_of(store: SupernetStore) -> int:
    return Checkpoint.load(store.folder / NAME / CHECKPOINT).step


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"file://{tmp_path}/shared"


def test_a_checkpoint_gets_from_one_computer_to_another(url: str, tmp_path: Path) -> None:
    one, other = open_store(url, tmp_path / "one"), open_store(url, tmp_path / "other")
    other.pull(NAME)  # there is none yet
    assert not (other.folder / NAME).exists()
    for step in (1, 2):
        write(one, step)
        one.push(NAME)
        other.pull(NAME)
        assert step_of(other) == step
    left = {file.name for file in (tmp_path / "shared" / NAME).iterdir()}
    assert left == {CHECKPOINT}


def test_the_checkpoint_that_is_further_stays(url: str, tmp_path: Path) -> None:
    one, other = open_store(url, tmp_path / "one"), open_store(url, tmp_path / "other")
    write(one, 5)
    one.push(NAME)
    write(other, 7)
    other.pull(NAME)
    assert step_of(other) == 7
    other.push(NAME)
    one.pull(NAME)
    assert step_of(one) == 7


def test_a_checkpoint_is_carried_once(url: str, tmp_path: Path) -> None:
    one, other = open_store(url, tmp_path / "one"), open_store(url, tmp_path / "other")
    write(one, 1)
    one.push(NAME)
    other.pull(NAME)
    carried = tmp_path / "shared" / NAME / CHECKPOINT
    got = other.folder / NAME / CHECKPOINT
    before = carried.stat().st_mtime_ns, got.stat().st_mtime_ns
    one.push(NAME)
    other.pull(NAME)
    assert (carried.stat().st_mtime_ns, got.stat().st_mtime_ns) == before


def test_a_folder_is_used_as_it_is(tmp_path: Path) -> None:
    store = open_store("../supernets", tmp_path / "run")
    assert store.folder.resolve() == tmp_path / "supernets"
    write(store, 1)
    store.push(NAME)
    store.pull(NAME)
    assert step_of(store) == 1


@pytest.mark.parametrize("place", ["{}/file/supernets", "file://{}/file/supernets"])
def test_a_place_that_cant_be_written_is_told(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DanasError, match="Supernets can't be written") as told:
        open_store(place.format(tmp_path), tmp_path / "run")
    assert "Choose another --supernets" in told.value.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_rights_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(DanasError, match="Supernets can't be written"):
        open_store("supernets", tmp_path / "run")


def test_a_url_that_nobody_knows_is_told(tmp_path: Path) -> None:
    with pytest.raises(DanasError, match="Nothing is known of carrierpigeon://loft"):
        open_store("carrierpigeon://loft", tmp_path / "run")
