"""Validation and test drawn from train, and what lies beside images."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from danas_hil.base import DanasError
from danas_hil.data import SPLITS, DrawnSplits, Record, Source, SourceOptions
from danas_hil.data.folders import FolderSource
from danas_hil.signals.image.dataset import open_dataset
from danas_hil.signals.image.files import image_files, open_images
from data.data_files import MemorySource, jpeg, write_folders, write_parquet


def keys(source: Source) -> dict[str, list[str]]:
    return {split: [record.key for record in source.records(split)] for split in SPLITS}


def assert_apart(found: dict[str, list[str]], total: int) -> None:
    """Every image is in one split, once."""
    listed = [key for split in found.values() for key in split]
    assert len(listed) == len(set(listed)) == total
    assert all(found.values())


@pytest.mark.parametrize("there", [["train"], ["train", "test"], ["train", "validation"]])
def test_what_is_missing_is_drawn_from_train_of_each_class_alike(
    tmp_path: Path, there: list[str]
) -> None:
    write_folders(tmp_path, there, ["0", "1"], each=20)
    source = open_images(str(tmp_path))
    assert isinstance(source, DrawnSplits)
    found = keys(source)
    assert_apart(found, 40 * len(there))
    for split in set(SPLITS) - set(there):
        assert len(found[split]) == 6
        assert sum("/1/" in key for key in found[split]) == 3
        assert source.count(split) == 6
        assert split in source.rule
    for split in set(there) - {"train"}:
        assert len(found[split]) == 40, "what is there stays whole"
    assert "15% of it each, by example, seed 0" in source.rule


def test_folders_of_classes_alone_are_a_data_set(tmp_path: Path) -> None:
    write_folders(tmp_path, ["."], ["cat", "dog"], each=20)
    source = open_images(str(tmp_path))
    assert_apart(keys(source), 40)
    assert {record.label for record in source.records("test")} == {0, 1}


def test_the_same_seed_draws_the_same_and_another_seed_others(tmp_path: Path) -> None:
    write_folders(tmp_path, ["train"], ["0", "1"], each=20)
    first, again, other = (
        open_images(str(tmp_path), SourceOptions(split_seed=seed)) for seed in (0, 0, 1)
    )
    assert keys(first) == keys(again)
    assert keys(first) != keys(other)
    for split in SPLITS:
        assert first.fingerprint(split) == again.fingerprint(split) != other.fingerprint(split)
    whole = FolderSource(tmp_path, SourceOptions(), image_files()).fingerprint("train")
    assert len({whole, *(first.fingerprint(split) for split in SPLITS)}) == 4


def test_images_of_one_group_stay_together(tmp_path: Path) -> None:
    groups = [f"place {n // 4}" for n in range(80)]
    write_parquet(tmp_path / "train.parquet", [n % 2 for n in range(80)], source=groups)
    source = open_images(str(tmp_path))
    assert isinstance(source, DrawnSplits)
    assert "by group" in source.rule
    seen = {split: {record.group for record in source.records(split)} for split in SPLITS}
    assert seen["train"] | seen["validation"] | seen["test"] == set(groups)
    assert sum(map(len, seen.values())) == 20, "no group is in two splits"
    for split in ("validation", "test"):
        assert 12 <= (source.count(split) or 0) <= 16
        assert {record.label for record in source.records(split)} == {0, 1}


def test_with_a_few_groups_images_are_drawn(tmp_path: Path) -> None:
    content = {"train": [Record(f"f:{n}", jpeg(0), n % 2, f"{n % 3}") for n in range(40)]}
    source = DrawnSplits(MemorySource(content), 0)
    assert "by example" in source.rule
    assert_apart(keys(source), 40)


def test_hugging_faces_folders_are_found(tmp_path: Path) -> None:
    for split in ("train", "partial-test", "validation"):
        for number in range(2):
            write_parquet(tmp_path / "default" / split / f"{number:04}.parquet", [0, 1])
    source = open_images(str(tmp_path))
    assert [source.count(split) for split in SPLITS] == [4, 4, 4]
    write_parquet(tmp_path / "other" / "train" / "0000.parquet", [0, 1])
    with pytest.raises(DanasError, match=r"several data sets.*default.*other"):
        open_images(str(tmp_path))


def test_what_is_passed_over_is_counted_by_kind_and_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("danas_hil.signals.image.files.reads_heif", lambda: False)
    write_folders(tmp_path / "set", SPLITS, ["0", "1"], each=3)
    person = tmp_path / "set" / "train" / "1"
    for name in ("a.gif", "b.GIF", "c.mov", "README", "._0.jpg", ".DS_Store", "d.heic"):
        (person / name).write_bytes(b"x")
    (person / "more").mkdir()
    (person / "0.tif").write_bytes(b"x")
    source = open_images(str(tmp_path / "set"))
    assert isinstance(source, FolderSource)
    assert source.count("train") == 7, "TIFF is an image, ._0.jpg is none"
    assert source.passed_over("train") == {
        ("train/1", ".heic"): 1,
        ("train/1", ".gif"): 2,
        ("train/1", ".mov"): 1,
        ("train/1", "files without a suffix"): 1,
        ("train/1", "subfolder"): 1,
    }
    unreadable, left_out = open_dataset(source, 16, tmp_path / "cache").warnings("train")
    assert "train: 1 image can't be read and is left out." in unreadable
    assert "0.tif is not an image" in unreadable
    assert left_out.startswith("train: passed over 2 .gif in train/1, ")
    assert "danas-hil[heic]" in left_out


def test_a_pipe_or_a_link_to_nothing_among_images_keeps_nobody_waiting(tmp_path: Path) -> None:
    write_folders(tmp_path / "set", SPLITS, ["0", "1"], each=3)
    os.mkfifo(tmp_path / "set" / "train" / "1" / "pipe.jpg")
    (tmp_path / "set" / "train" / "1" / "gone.jpg").symlink_to(tmp_path / "nowhere")
    dataset = open_dataset(open_images(str(tmp_path / "set")), 16, tmp_path / "cache")
    assert len(dataset.split("train")) == 6
    told = " ".join(dataset.warnings("train"))
    assert "gone.jpg" in told
    assert "1 .jpg in train/1" in told


def test_heic_is_read_where_the_package_is_there(tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif", reason="pillow-heif is not installed")
    heif.register_heif_opener()

    write_folders(tmp_path / "set", SPLITS, ["0", "1"], each=2)
    Image.new("RGB", (20, 20), "red").save(tmp_path / "set/train/1/x.heic")
    dataset = open_dataset(open_images(str(tmp_path / "set")), 16, tmp_path / "cache")
    assert len(dataset.split("train")) == 5
    assert not dataset.warnings("train")
