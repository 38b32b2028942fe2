import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import danas_hil.signals.image.decode
from danas_hil.base import DanasError, locks
from danas_hil.data import SPLITS, Balance, Record
from danas_hil.signals.image.dataset import open_dataset
from danas_hil.signals.image.decode import decode_image
from danas_hil.signals.image.files import open_images
from data.data_files import MemorySource, jpeg, memory_split, photo, write_folders, write_parquet

CLASSES = ("cat", "dog")


def two_classes(count: int = 6) -> dict[str, list[Record]]:
    return {
        split: [Record(f"{split}:{n}", jpeg(n), n % 2, "ab"[n % 3 == 0]) for n in range(count)]
        for split in SPLITS
    }


def cache_folder(root: Path) -> Path:
    (folder,) = (place for place in root.iterdir() if place.is_dir())
    return folder


def test_pixels_labels_and_groups_come_back_as_the_source_gave_them(tmp_path: Path) -> None:
    images = [photo(n, 20 + n, 40 - n) for n in range(20)]
    labels = [n % 2 for n in range(20)]
    groups = [("x", "y", "z")[n % 3] for n in range(20)]
    split = memory_split(tmp_path, images, labels, groups, size=64)
    assert len(split) == 20
    assert split.labels.tolist() == labels
    assert [split.group_names[place] for place in split.group_ids] == groups
    for place, pixels in enumerate(images):
        assert np.array_equal(split.image(place), pixels)
        assert not split.image(place).flags.writeable


def test_a_split_is_read_when_asked_for_and_only_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = MemorySource(two_classes())
    dataset = open_dataset(source, 16, tmp_path)
    assert source.reads == []
    for name in ("train", "validation", "train"):
        dataset.split(name)
    assert source.reads == ["train", "validation"]

    def never(*arguments: object) -> None:
        raise AssertionError("decoded again")

    monkeypatch.setattr(danas_hil.signals.image.decode, "_open", never)
    again = open_dataset(source, 16, tmp_path)
    assert again.split("train").labels.tolist() == [0, 1, 0, 1, 0, 1]
    assert source.reads == ["train", "validation"]


@pytest.mark.parametrize("layout", ["parquet", "folders"])
def test_the_test_split_may_be_unreadable_until_it_is_asked_for(
    tmp_path: Path, layout: str
) -> None:
    if layout == "parquet":
        for split in SPLITS:
            write_parquet(tmp_path / "set" / f"{split}.parquet", [0, 1])
        (tmp_path / "set/test.parquet").write_bytes(b"damaged")
    else:
        write_folders(tmp_path / "set", SPLITS, ["0", "1"])
        for file in (tmp_path / "set/test").glob("*/*.jpg"):
            file.write_bytes(b"damaged")
    dataset = open_dataset(open_images(str(tmp_path / "set")), 16, tmp_path / "cache")
    assert len(dataset.split("train")) == len(dataset.split("validation")) > 0
    with pytest.raises(DanasError, match="test"):
        dataset.split("test")


def test_unknown_labels_are_dropped_and_counted(tmp_path: Path) -> None:
    content = {"train": [Record(f"x:{n}", jpeg(n), (n % 3) - 1, "web") for n in range(9)]}
    split = open_dataset(MemorySource(content), 16, tmp_path).split("train")
    assert split.balance == Balance(CLASSES, (3, 3), dropped=3, groups={"web": (3, 3)})
    assert split.balance.images == 6


def test_balance_counts_by_class_and_group(tmp_path: Path) -> None:
    split = open_dataset(MemorySource(two_classes()), 16, tmp_path).split("train")
    assert split.balance == Balance(CLASSES, (3, 3), dropped=0, groups={"b": (1, 1), "a": (2, 2)})


@pytest.mark.parametrize("labels", [(0, 2), (0, -2)])
def test_a_label_that_is_no_class_is_told_by_its_row(tmp_path: Path, labels: tuple) -> None:
    content = {
        "train": [Record(f"f.parquet:{n}", jpeg(0), label) for n, label in enumerate(labels)]
    }
    with pytest.raises(DanasError, match=rf"f.parquet:1 has the label {labels[1]}; there are 2"):
        open_dataset(MemorySource(content), 16, tmp_path).split("train")


def some_bad(good: int, bad: int) -> dict[str, list[Record]]:
    """A training split whose bad images stand between the good ones."""
    content: list[bytes | DanasError] = [jpeg(n) for n in range(good)]
    for n in range(bad):
        wrong = b"nonsense" if n % 2 else DanasError(f"row {n} has no bytes.")
        content.insert(min(2 * n + 1, len(content)), wrong)
    return {"train": [Record(f"f:{n}", one, n % 2) for n, one in enumerate(content)]}


def test_images_that_can_not_be_read_are_left_out_told_and_counted(tmp_path: Path) -> None:
    source = MemorySource(some_bad(good=14, bad=12))
    dataset = open_dataset(source, 16, tmp_path)
    split = dataset.split("train")
    kept = [record for record in source.content["train"] if isinstance(record.content, bytes)]
    kept = [record for record in kept if record.content != b"nonsense"]
    assert len(split) == len(kept) == 14
    assert list(split.labels) == [record.label for record in kept]
    for place, record in enumerate(kept):
        assert np.array_equal(split.image(place), decode_image(record.content, "", 16))
    (warning,) = dataset.warnings("train")
    assert warning.startswith("train: 12 images can't be read and are left out. row 0 has no bytes")
    assert "f:3 is not an image that can be read" in warning
    assert warning.endswith("And 2 more.")
    again = open_dataset(source, 16, tmp_path)
    assert again.warnings("train") == [warning]
    assert source.reads == ["train"], "what was decoded is kept, and what was bad is known"


@pytest.mark.parametrize(("good", "bad"), [(0, 1), (0, 30), (4, 5)])
def test_where_less_than_half_can_be_read_nothing_goes_on(
    tmp_path: Path, good: int, bad: int
) -> None:
    source = MemorySource(some_bad(good, bad))
    told = rf"{bad} of the {good + bad} images in the train split of memory can't be read\. row 0"
    with pytest.raises(DanasError, match=told):
        open_dataset(source, 16, tmp_path).split("train")
    assert [place for place in tmp_path.iterdir() if place.is_dir()] == []


@pytest.mark.parametrize(("few", "many", "warned"), [(2, 39, False), (2, 40, True), (1, 302, True)])
def test_a_wild_imbalance_is_warned_of(tmp_path: Path, few: int, many: int, warned: bool) -> None:
    records = [Record(f"f:{n}", photo(n % 5, 8, 8), int(n < few)) for n in range(few + many)]
    dataset = open_dataset(MemorySource({"train": records}), 16, tmp_path)
    warnings = dataset.warnings("train")
    assert len(warnings) == warned
    assert not warned or f"({many} cat, {few} dog)" in warnings[0]


@pytest.mark.parametrize(("label", "name"), [(0, "dog"), (1, "cat")])
def test_an_empty_class_is_told(tmp_path: Path, label: int, name: str) -> None:
    content = {"validation": [Record("f:0", jpeg(0), label)]}
    with pytest.raises(
        DanasError, match=f"validation split of memory has no image of class {name} "
    ):
        open_dataset(MemorySource(content), 16, tmp_path).split("validation")


def test_of_many_lacking_classes_the_first_are_told(tmp_path: Path) -> None:
    names = tuple(f"class {n:02}" for n in range(40))
    content = {"train": [Record(f"f:{n}", photo(n, 8, 8), 2 * n) for n in range(20)]}
    source = MemorySource(content, classes=names)
    told = r"class 01, class 03, .*, class 19 and others \(20 images of 20 classes.*--classes FILE"
    with pytest.raises(DanasError, match=told):
        open_dataset(source, 16, tmp_path).split("train")


def test_hundreds_of_classes_are_kept_apart(tmp_path: Path) -> None:
    names = tuple(f"class {n}" for n in range(300))
    content = {"train": [Record(f"f:{n}", photo(n % 7, 8, 8), n % 300) for n in range(400)]}
    split = open_dataset(MemorySource(content, classes=names), 8, tmp_path).split("train")
    assert split.labels.tolist() == [n % 300 for n in range(400)]
    assert split.balance.counts == (2,) * 100 + (1,) * 200
    assert split.classes == split.balance.classes == names


def test_other_classes_of_the_same_images_are_another_cache(tmp_path: Path) -> None:
    for names in (("cat", "dog"), ("dog", "cat")):
        source = MemorySource(two_classes(), classes=names)
        assert open_dataset(source, 16, tmp_path).split("train").classes == names
        assert source.reads == ["train"]


def test_a_split_that_is_not_there_is_told(tmp_path: Path) -> None:
    dataset = open_dataset(MemorySource({"train": two_classes()["train"]}), 16, tmp_path)
    with pytest.raises(DanasError, match="memory has no test split"):
        dataset.split("test")


def test_progress_ends_with_all_records(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int | None]] = []
    records = [Record(f"x:{n}", photo(n, 8, 8), n % 2) for n in range(250)]
    source = MemorySource({"train": records})
    open_dataset(source, 16, tmp_path, lambda *told: seen.append(told)).split("train")
    assert seen == [("train", 100, 250), ("train", 200, 250), ("train", 250, 250)]


@pytest.mark.parametrize("damage", ["pixels.bin cut", "index.npz cut", "meta.json cut", "no meta"])
def test_a_torn_cache_is_made_again(tmp_path: Path, damage: str) -> None:
    source = MemorySource(two_classes())
    before = open_dataset(source, 16, tmp_path).split("train").image(5).copy()
    folder = cache_folder(tmp_path)
    file = folder / (damage.split()[0] if "cut" in damage else "meta.json")
    if "cut" in damage:
        content = file.read_bytes()
        file.write_bytes(content[: len(content) // 2])
    else:
        file.unlink()
    split = open_dataset(source, 16, tmp_path).split("train")
    assert source.reads == ["train", "train"]
    assert np.array_equal(split.image(5), before)


def test_a_half_made_cache_of_a_killed_process_is_not_used(tmp_path: Path) -> None:
    source = MemorySource(two_classes())
    open_dataset(source, 16, tmp_path).split("train")
    folder = cache_folder(tmp_path)
    part = folder.with_name(f".part-{folder.name}")
    folder.rename(part)
    (part / "meta.json").unlink()
    assert len(open_dataset(source, 16, tmp_path).split("train")) == 6
    assert source.reads == ["train", "train"]
    assert not part.exists()


def test_each_size_and_split_has_a_cache_of_its_own(tmp_path: Path) -> None:
    source = MemorySource(two_classes())
    assert open_dataset(source, 16, tmp_path).split("train").image(0).shape == (16, 21, 3)
    assert open_dataset(source, 20, tmp_path).split("train").image(0).shape == (20, 27, 3)
    assert source.reads == ["train", "train"]


BUILDER = """
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from danas_hil.signals.image.dataset import open_dataset
from danas_hil.signals.image.files import open_images
print(open_dataset(open_images(sys.argv[1]), 24, Path(sys.argv[2])).split("train").image(7).sum())
"""


def test_two_processes_that_build_at_once_end_with_one_good_cache(tmp_path: Path) -> None:
    write_folders(tmp_path / "set", SPLITS, ["0", "1"], each=40)
    arguments = [sys.executable, "-c", BUILDER, str(tmp_path / "set"), str(tmp_path / "cache")]
    running = [
        subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=os.environ)
        for _ in range(2)
    ]
    printed = [process.communicate(timeout=60)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0]
    split = open_dataset(open_images(str(tmp_path / "set")), 24, tmp_path / "cache").split("train")
    assert printed == [f"{split.image(7).sum()}\n"] * 2
    cache_folder(tmp_path / "cache")  # there is one, and nothing half-made


def test_who_waits_for_another_that_decodes_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "TOLD_AFTER_SECONDS", 0.05)
    begun, told = threading.Event(), []

    class Slow(MemorySource):
        def records(self, split: str) -> Iterator[Record]:
            begun.set()
            assert heard.wait(60)
            yield from super().records(split)

    heard = threading.Event()

    def waiting(what: str) -> None:
        told.append(what)
        heard.set()

    other = threading.Thread(
        target=lambda: open_dataset(Slow(two_classes()), 16, tmp_path).split("train")
    )
    other.start()
    assert begun.wait(60)
    source = MemorySource(two_classes())
    assert len(open_dataset(source, 16, tmp_path, on_waiting=waiting).split("train")) == 6
    other.join()
    assert told == ["the images of train, which another process decodes"]
    assert source.reads == []


def test_a_changed_source_is_decoded_again(tmp_path: Path) -> None:
    folder = write_folders(tmp_path / "set", SPLITS, ["0", "1"], each=1)
    cache = tmp_path / "cache"
    before = open_dataset(open_images(str(folder)), 16, cache).split("train").image(0).copy()
    shutil.copyfile(folder / "train/1/0.jpg", folder / "train/0/0.jpg")
    after = open_dataset(open_images(str(folder)), 16, cache).split("train").image(0)
    assert not np.array_equal(after, before)


def test_importing_the_room_loads_none_of_the_heavy_packages() -> None:
    code = "import sys, danas_hil.data; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    tops = {name.split(".")[0] for name in loaded.decode().split()}
    assert "danas_hil" in tops
    assert not tops & {"tensorflow", "keras", "PIL", "pyarrow"}


def test_person_mix_has_the_counts_it_is_known_to_have(tmp_path: Path) -> None:
    folder = Path(__file__).parents[4] / "shared/data/person_mix"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    dataset = open_dataset(open_images(str(folder)), 48, tmp_path)
    for split, counts in (("validation", (1035, 669)), ("test", (1114, 540))):
        balance = dataset.split(split).balance
        assert (balance.counts, balance.dropped) == (counts, 0)
        assert balance.classes == ("no person", "person")
        assert set(balance.groups) == {"inria", "natural_images", "pacs_photo", "coco_mini"}
