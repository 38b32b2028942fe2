import json
from pathlib import Path

import pytest

from danas_hil.base import DanasError
from danas_hil.data import SPLITS, DrawnSplits, Source, SourceOptions, task_of
from danas_hil.data.parquet import ParquetSource
from danas_hil.signals.image.dataset import open_dataset
from danas_hil.signals.image.files import open_images
from danas_hil.tasks import Task
from data.data_files import jpeg, write_folders, write_parquet, write_tfds

WAKE_VISION = ("train_large", "train_quality", "validation", "test")


def labels_of(source: Source, split: str) -> list[int]:
    return [record.label for record in source.records(split)]


def test_the_former_built_in_set_is_answered_with_the_name_of_todays(tmp_path: Path) -> None:
    for spec in ("faces", str(tmp_path / "faces")):
        with pytest.raises(DanasError, match=r"faces is gone.*is signs now"):
            open_images(spec)
    write_folders(tmp_path / "faces", SPLITS, ["cat", "dog"])
    assert open_images(str(tmp_path / "faces")).classes == ("cat", "dog")


@pytest.mark.parametrize("named", ["wake_vision/1.0.0", "wake_vision", "."])
def test_tfds_is_read_from_its_folder_or_one_above(tmp_path: Path, named: str) -> None:
    splits = {"train_large": [[0]], "train_quality": [[1, 0], [-1, 1]]}
    write_tfds(tmp_path, {**splits, "validation": [[0, 1]], "test": [[1, 0, 0]]})
    source = open_images(str(tmp_path / named))
    assert labels_of(source, "train") == [1, 0, -1, 1]
    assert labels_of(source, "test") == [1, 0, 0]
    assert [source.count(split) for split in SPLITS] == [4, 2, 3]
    assert next(source.records("train")).content == jpeg(0)


def test_train_large_is_read_when_asked_for(tmp_path: Path) -> None:
    write_tfds(tmp_path, {split: [[0, 1]] for split in WAKE_VISION[1:]} | {"train_large": [[1]]})
    options = SourceOptions(train_split="train_large")
    assert labels_of(open_images(str(tmp_path), options), "train") == [1]


def test_tfds_with_array_records_says_what_to_do(tmp_path: Path) -> None:
    write_tfds(tmp_path, {split: [[0, 1]] for split in WAKE_VISION}, "array_record")
    source = open_images(str(tmp_path))
    with pytest.raises(DanasError, match=r"array_record-00000.*out_file_format=tfrecord"):
        labels_of(source, "train")


def test_tfds_with_fewer_rows_than_it_says_is_refused(tmp_path: Path) -> None:
    folder = write_tfds(tmp_path, {split: [[0, 1]] for split in WAKE_VISION})
    info = folder / "dataset_info.json"
    info.write_text(info.read_text().replace('"2"', '"3"'))
    with pytest.raises(DanasError, match=r"has 2 rows; dataset_info\.json says 3"):
        labels_of(open_images(str(tmp_path)), "validation")


def test_tfds_feature_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    write_tfds(tmp_path, {split: [[0, 1]] for split in WAKE_VISION})
    source = open_images(str(tmp_path), SourceOptions(label_column="cat"))
    with pytest.raises(DanasError, match=r":0 has no feature cat.*depiction.*person"):
        labels_of(source, "train")


def test_several_tfds_versions_are_not_guessed_among(tmp_path: Path) -> None:
    folder = write_tfds(tmp_path, {split: [[0, 1]] for split in WAKE_VISION})
    folder.rename(folder.with_name("2.0.0"))
    (tmp_path / "wake_vision/1.0.0").mkdir()
    (tmp_path / "wake_vision/1.0.0/dataset_info.json").write_text("{}")
    with pytest.raises(DanasError, match=r"several data sets.*1\.0\.0.*2\.0\.0"):
        open_images(str(tmp_path))


@pytest.mark.parametrize("layout", ["tfds", "parquet"])
def test_a_missing_shard_is_named_and_can_be_accepted(tmp_path: Path, layout: str) -> None:
    if layout == "tfds":
        folder = write_tfds(tmp_path, {split: [[0, 1], [1, 1], [0, 0]] for split in WAKE_VISION})
        (folder / "wake_vision-train_quality.tfrecord-00001-of-00003").unlink()
    else:
        for split in WAKE_VISION[1:]:
            for shard, labels in ((0, [0, 1]), (2, [0, 0])):
                write_parquet(tmp_path / f"{split}-{shard:05d}-of-00003.parquet", labels)
    with pytest.raises(DanasError, match=r"1 of the 3 files .*train_quality.*number 00001"):
        labels_of(open_images(str(tmp_path)), "train")
    source = open_images(str(tmp_path), SourceOptions(missing_shards=True))
    assert labels_of(source, "train") == [0, 1, 0, 0]
    assert source.count("train") == 4


def test_wake_vision_of_hugging_face_is_read(tmp_path: Path) -> None:
    for shard, labels in enumerate(([0, 1, 1, 0], [1, -1])):
        name = f"train_quality_part_0-{shard:05d}-of-00002.parquet"
        write_parquet(tmp_path / "data" / name, labels)
    write_parquet(tmp_path / "data/validation-00000-of-00001.parquet", [0, 1])
    write_parquet(tmp_path / "data/test-00000-of-00001.parquet", [1, 0])
    source = open_images(str(tmp_path))
    records = list(source.records("train"))
    assert [record.label for record in records] == [0, 1, 1, 0, 1, -1]
    assert records[5].key.endswith("train_quality_part_0-00001-of-00002.parquet:1")
    assert records[3].content == jpeg(3)
    assert source.count("train") == 6


@pytest.mark.parametrize("as_struct", [True, False])
def test_any_parquet_is_read_by_its_column_names(tmp_path: Path, as_struct: bool) -> None:
    for split in ("train", "val", "test"):
        write_parquet(
            tmp_path / split / "part.parquet",
            [True, False],
            label_column="walker",
            image_column="picture",
            as_struct=as_struct,
            camera=["a", "b"],
        )
    options = SourceOptions(label_column="walker", image_column="picture", group_column="camera")
    records = list(open_images(str(tmp_path), options).records("validation"))
    assert [(record.label, record.group) for record in records] == [(1, "a"), (0, "b")]


def test_the_column_source_is_the_group_unless_another_is_set(tmp_path: Path) -> None:
    for split in SPLITS:
        write_parquet(tmp_path / f"{split}.parquet", [0, 1], source=["web", None])
    assert [r.group for r in open_images(str(tmp_path)).records("train")] == ["web", ""]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (SourceOptions(label_column="cat"), "no column cat.*filename, image, person"),
        (SourceOptions(group_column="cat"), "no column cat"),
        (SourceOptions(image_column="filename"), "filename does not hold image bytes but string"),
        (SourceOptions(label_column="weight"), r"train.parquet:0 has the label 0.5.*text, integ"),
    ],
)
def test_parquet_columns_of_no_use_are_named(
    tmp_path: Path, options: SourceOptions, message: str
) -> None:
    for split in SPLITS:
        write_parquet(tmp_path / f"{split}.parquet", [0, 1], weight=[0.5, 1.5])
    with pytest.raises(DanasError, match=message):
        labels_of(open_images(str(tmp_path), options), "train")


def test_parquet_row_without_bytes_is_named(tmp_path: Path) -> None:
    for split in SPLITS:
        write_parquet(tmp_path / f"{split}.parquet", [0, 1], images=[jpeg(0), None])
    first, second = open_images(str(tmp_path)).records("train")
    assert first.content == jpeg(0)
    assert isinstance(second.content, DanasError)
    assert "train.parquet:1 has no image bytes" in second.content.what


def test_damaged_parquet_is_named(tmp_path: Path) -> None:
    for split in SPLITS:
        write_parquet(tmp_path / f"{split}.parquet", [0, 1])
    (tmp_path / "test.parquet").write_bytes(b"PAR1 and then nothing")
    source = open_images(str(tmp_path))
    assert labels_of(source, "train") == [0, 1]
    with pytest.raises(DanasError, match=r"test.parquet can't be read"):
        labels_of(source, "test")


def test_wake_vision_class_folders_are_read(tmp_path: Path) -> None:
    write_folders(tmp_path, WAKE_VISION, ["0", "1"])
    (tmp_path / "unlabeled_images").mkdir()
    (tmp_path / "train_quality/1/Thumbs.db").write_bytes(b"not a photo")
    source = open_images(str(tmp_path))
    records = list(source.records("train"))
    assert [record.label for record in records] == [0, 0, 1, 1]
    assert all("train_quality" in record.key for record in records)
    assert source.count("train") == 4
    large = open_images(str(tmp_path), SourceOptions(train_split="train_large"))
    assert all("train_large" in record.key for record in large.records("train"))


def test_classes_are_the_names_of_folders_of_the_training_split(tmp_path: Path) -> None:
    write_folders(tmp_path, SPLITS, ["dog", "bird", "cat"])
    source = open_images(str(tmp_path))
    assert source.classes == ("bird", "cat", "dog")
    for split in SPLITS:
        for record in source.records(split):
            assert source.classes[record.label] == Path(record.key).parent.name
    assert task_of(source) == Task(("bird", "cat", "dog"))
    write_folders(tmp_path, ["test"], ["brid"])
    with pytest.raises(DanasError, match=r"test/brid has the label 'brid'.*mean bird\?"):
        labels_of(open_images(str(tmp_path)), "test")


def test_folders_that_are_numbers_are_in_their_order(tmp_path: Path) -> None:
    names = [str(n) for n in range(11)]
    write_folders(tmp_path, ["."], names, each=3)
    assert open_images(str(tmp_path)).classes == tuple(names)


def test_a_class_map_joins_and_leaves_out_folders(tmp_path: Path) -> None:
    write_folders(tmp_path, SPLITS, ["bird", "cat", "dog", "wolf"], each=1)
    chosen = {"wolf": "canine", "dog": "canine", "cat": "feline"}
    source = open_images(str(tmp_path), SourceOptions(classes=chosen))
    assert source.classes == ("canine", "feline")
    assert labels_of(source, "test") == [-1, 1, 0, 0]
    balance = open_dataset(source, 16, tmp_path / "cache").split("train").balance
    assert (balance.counts, balance.dropped) == ((2, 1), 1)
    assert task_of(source, "feline", "recall:canine") == Task(
        ("canine", "feline"), "feline", "recall:canine"
    )


def test_fingerprints_follow_the_classes(tmp_path: Path) -> None:
    write_folders(tmp_path, SPLITS, ["bird", "cat", "dog"])
    maps: list[dict[str, str] | None] = [
        None,
        {"cat": "cat", "dog": "dog"},
        {"dog": "dog", "cat": "cat"},
        {"dog": "dog", "cat": "cat", "bird": "cat"},
    ]
    found = {
        open_images(str(tmp_path), SourceOptions(classes=one)).fingerprint("test") for one in maps
    }
    assert len(found) == len(maps)


def test_a_new_folder_in_train_changes_the_labels_of_the_others(tmp_path: Path) -> None:
    write_folders(tmp_path / "set", SPLITS, ["cat", "dog"])
    before = open_images(str(tmp_path / "set")).fingerprint("test")
    write_folders(tmp_path / "set", ["train"], ["bird"])
    assert open_images(str(tmp_path / "set")).fingerprint("test") != before


def test_wake_vision_is_known_in_all_its_layouts(tmp_path: Path) -> None:
    write_tfds(tmp_path / "tfds", {split: [[0, 1]] for split in WAKE_VISION})
    write_folders(tmp_path / "folders", WAKE_VISION, ["0", "1"])
    write_parquet(
        tmp_path / "hub/data/train_quality_part_0-00000-of-00001.parquet", [0, 1] * 9 + [-1]
    )
    for layout in ("tfds", "folders", "hub"):
        source = open_images(str(tmp_path / layout))
        assert task_of(source) == Task(("no person", "person"), positive="person")
        assert {0, 1} <= set(labels_of(source, "train"))
        turned = SourceOptions(classes={"person": "anybody", "no person": "nobody"})
        assert task_of(open_images(str(tmp_path / layout), turned)) == Task(("anybody", "nobody"))
        turned = SourceOptions(classes={"1": "person", "0": "nobody"})
        task = task_of(open_images(str(tmp_path / layout), turned))
        assert task == Task(("person", "nobody"), positive="person")


def test_folders_0_and_1_of_others_are_no_wake_vision(tmp_path: Path) -> None:
    write_folders(tmp_path, SPLITS, ["0", "1"])
    assert task_of(open_images(str(tmp_path))) == Task(("0", "1"))


@pytest.mark.parametrize(
    ("column", "classes", "labels"),
    [
        (["dog", "cat", "dog", None], ("cat", "dog"), [1, 0, 1, -1]),
        ([10, 9, 2, -1], ("2", "9", "10"), [2, 1, 0, -1]),
        ([True, False, True, None], ("false", "true"), [1, 0, 1, -1]),
    ],
)
def test_columns_of_text_numbers_and_booleans_name_their_classes(
    tmp_path: Path, column: list, classes: tuple[str, ...], labels: list[int]
) -> None:
    write_parquet(tmp_path / "train.parquet", column, label_column="label")
    source = open_images(str(tmp_path))
    assert source.classes == classes
    assert isinstance(source, DrawnSplits)
    whole = ParquetSource(tmp_path, SourceOptions())
    assert labels_of(whole, "train") == labels == [label for label, _ in whole.labels("train")]


def test_hugging_faces_class_labels_name_the_numbers(tmp_path: Path) -> None:
    features = {
        "img": {"_type": "Image"},
        "fine": {"names": ["ant", "bee", "cat"], "_type": "ClassLabel"},
        "filename": {"dtype": "string", "_type": "Value"},
    }
    for split in ("train", "test"):
        write_parquet(
            tmp_path / f"{split}.parquet",
            [2, 0, 1, 2],
            label_column="fine",
            image_column="img",
            metadata={"huggingface": json.dumps({"info": {"features": features}})},
        )
    source = open_images(str(tmp_path))
    assert source.classes == ("ant", "bee", "cat")
    assert labels_of(source, "test") == [2, 0, 1, 2]
    chosen = SourceOptions(classes={"cat": "big", "0": "small", "bee": "small"})
    assert labels_of(open_images(str(tmp_path), chosen), "test") == [0, 1, 1, 0]


@pytest.mark.parametrize("told", ["nonsense", "[]", '{"info": {"features": [1]}}'])
def test_metadata_that_say_nothing_are_done_without(tmp_path: Path, told: str) -> None:
    write_parquet(
        tmp_path / "train.parquet", [1, 0], label_column="label", metadata={"huggingface": told}
    )
    assert open_images(str(tmp_path)).classes == ("0", "1")


def test_a_column_of_a_thousand_different_values_is_no_label(tmp_path: Path) -> None:
    count = 1001
    write_parquet(
        tmp_path / "train.parquet", range(count), label_column="id", images=[b"x"] * count
    )
    with pytest.raises(DanasError, match=r"more than 1,000 different.*--label-column"):
        task_of(open_images(str(tmp_path), SourceOptions(label_column="id")))
    chosen = SourceOptions(label_column="id", classes={"7": "seven", "8": "eight"})
    assert open_images(str(tmp_path), chosen).classes == ("seven", "eight")


def test_tfds_names_its_classes_in_a_file_of_labels(tmp_path: Path) -> None:
    splits = {"train": [[1, 0, 2]], "test": [[2, 1, 0]]}
    folder = write_tfds(tmp_path, splits, name="pets", label="label")
    (folder / "label.labels.txt").write_text("dog\ncat\nant\n")
    source = open_images(str(tmp_path))
    assert source.classes == ("dog", "cat", "ant")
    assert labels_of(source, "test") == [2, 1, 0]
    assert task_of(source) == Task(("dog", "cat", "ant"))


def test_tfds_without_names_has_numbers(tmp_path: Path) -> None:
    splits = {"train": [[1, 0, 3]], "test": [[3, 1, 0]]}
    folder = write_tfds(tmp_path, splits, name="pets", label="label")
    assert open_images(str(tmp_path)).classes == ("0", "1", "3"), "as they stand in train"
    label = {"pythonClassName": "ClassLabel", "classLabel": {"numClasses": "4"}}
    described = {"featuresDict": {"features": {"label": label}}}
    (folder / "features.json").write_text(json.dumps(described))
    assert open_images(str(tmp_path)).classes == ("0", "1", "2", "3"), "as features.json counts"
    (folder / "features.json").write_text('{"featuresDict": 3}')
    with pytest.raises(DanasError, match=r"features.json is damaged"):
        task_of(open_images(str(tmp_path)))


def test_a_data_set_without_train_is_told_on_opening(tmp_path: Path) -> None:
    write_folders(tmp_path, ["validation", "test"], ["0", "1"])
    with pytest.raises(DanasError, match=r"no train split.*It has: validation, test"):
        open_images(str(tmp_path))


def test_a_training_split_that_is_not_there_is_told(tmp_path: Path) -> None:
    write_folders(tmp_path, SPLITS, ["0", "1"])
    with pytest.raises(DanasError, match=r"has no split train_large.*It has: test, train, valid"):
        open_images(str(tmp_path), SourceOptions(train_split="train_large"))
    with pytest.raises(DanasError, match="no training split 'training'"):
        SourceOptions(train_split="training")


def test_what_is_no_data_set_gets_the_layouts_told(tmp_path: Path) -> None:
    for place, message in (
        (tmp_path / "nowhere", "no folder"),
        (tmp_path, "layout .* not known"),
        (Path(__file__), "not a folder"),
    ):
        with pytest.raises(DanasError, match=message) as caught:
            open_images(str(place))
        assert "Known layouts" in caught.value.hint


@pytest.mark.parametrize("layout", ["tfds", "parquet", "folders"])
def test_fingerprint_follows_the_files_of_its_split_only(tmp_path: Path, layout: str) -> None:
    if layout == "tfds":
        folder = write_tfds(tmp_path, {split: [[0, 1]] for split in WAKE_VISION})
        changed = folder / "wake_vision-test.tfrecord-00000-of-00001"
    elif layout == "parquet":
        for split in SPLITS:
            write_parquet(tmp_path / f"{split}.parquet", [0, 1])
        changed = tmp_path / "test.parquet"
    else:
        write_folders(tmp_path, SPLITS, ["0", "1"])
        changed = tmp_path / "test/1/0.jpg"

    def fingerprints() -> list[str]:
        source = open_images(str(tmp_path))
        return [source.fingerprint(split) for split in SPLITS]

    before = fingerprints()
    assert fingerprints() == before
    changed.write_bytes(changed.read_bytes() + b" ")
    after = fingerprints()
    assert after[:2] == before[:2]
    assert after[2] != before[2]
