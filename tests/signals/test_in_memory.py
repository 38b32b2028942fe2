"""Data sets that are held in memory: what is left out, what is shown, and in what order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from danas_hil.base import DanasError
from danas_hil.data import SPLITS, Record
from danas_hil.signals.in_memory import InMemoryDataset, Showing
from danas_hil.signals.order import ShuffledPlaces, even_sample

NUMBER = Record("f:0", np.array([7], np.uint8), 0)


class Listed:
    """A source of records that are there."""

    name = "listed"
    splits = SPLITS
    classes = ("even", "odd")

    def __init__(self, records: Sequence[Record]) -> None:
        self.listed = records
        self.asked: list[str] = []

    def fingerprint(self, split: str) -> str:
        return split

    def count(self, split: str) -> int | None:
        return len(self.listed)

    def records(self, split: str) -> Iterator[Record]:
        self.asked.append(split)
        return iter(self.listed)


def read(record: Record) -> np.ndarray:
    if isinstance(record.content, bytes):
        raise DanasError(f"{record.key} is no number.")
    return np.asarray(record.content)


def show(kept: np.ndarray, times: int) -> np.ndarray:
    return (kept * times).astype(np.uint8).reshape(1, 1, 1)


def numbers(count: int) -> list[Record]:
    return [
        Record(f"f:{n}", np.array([n], np.uint8), n % 2, "ab"[n % 4 == 0]) for n in range(count)
    ]


def dataset(records: Sequence[Record]) -> InMemoryDataset:
    vary = lambda kept, rng: kept + rng.integers(100, 101)  # noqa: E731
    return InMemoryDataset(Listed(records), 1, Showing(read, show, vary))


def test_a_split_is_read_once_and_no_other_is() -> None:
    opened = dataset(numbers(8))
    source = opened.source
    assert isinstance(source, Listed)
    assert source.asked == []
    for _ in range(2):
        opened.evaluation_view("validation", 1).arrays()
    assert source.asked == ["validation"]


def test_what_is_of_no_class_or_can_not_be_read_is_left_out_and_told() -> None:
    bad = [
        Record("f:bad", b"words", 0),
        Record("f:gone", DanasError("f:gone is not there."), 1),
        Record("f:other", np.array([1], np.uint8), -1),
    ]
    opened = dataset([*bad, *numbers(8)])
    split = opened.split("train")
    assert (len(split), split.dropped, split.unreadable.count) == (8, 1, 2)
    (told,) = opened.warnings("train")
    assert told == (
        "train: 2 left out that can't be read. f:bad is no number. f:gone is not there."
    )
    assert split.balance.counts == (4, 4)
    assert split.balance.groups == {"b": (2, 0), "a": (2, 4)}


def test_of_what_half_can_not_be_read_nothing_is() -> None:
    bad = [Record(f"f:{n}", b"words", 0) for n in range(9)]
    with pytest.raises(DanasError, match="9 of the 17 records in the test split of listed"):
        dataset([*bad, *numbers(8)]).split("test")


def test_a_split_that_lacks_a_class_is_refused() -> None:
    with pytest.raises(DanasError, match="has nothing of class odd"):
        dataset([NUMBER]).split("train")


def test_evaluation_shows_records_as_they_are_and_training_varies_them() -> None:
    opened = dataset(numbers(8))
    shown = opened.evaluation_view("test", 2).arrays()
    assert shown.images.ravel().tolist() == [0, 2, 4, 6, 8, 10, 12, 14]
    assert shown.labels.tolist() == [0, 1] * 4
    assert shown.groups == ("b", "a", "a", "a") * 2
    inputs, labels = opened.training_view(1, seed=3).batch(0, 8)
    seen = np.rint((inputs.ravel() + 1) * 127.5).astype(int) - 100
    assert sorted(seen.tolist()) == list(range(8))
    assert (labels == seen % 2).all()


def test_a_limit_keeps_the_shares_of_classes_and_groups() -> None:
    shown = dataset(numbers(80)).evaluation_view("test", 1).arrays(limit=8, seed=5)
    assert shown.labels.tolist().count(0) == 4
    assert shown.groups.count("b") == 2
    with pytest.raises(DanasError, match="0 examples is empty"):
        even_sample(np.zeros(4, np.int64), np.zeros(4, np.int64), 0, 0)


def test_every_record_comes_once_an_epoch_whatever_the_batch() -> None:
    for size in (3, 7, 10):
        order = ShuffledPlaces(10, seed=1)
        shown = np.concatenate([order.of(step, size) for step in range(30 // size + 1)])
        for epoch in range(3):
            assert sorted(shown[10 * epoch : 10 * epoch + 10].tolist()) == list(range(10))
    assert ShuffledPlaces(10, 1).of(5, 4).tolist() == order.of(2, 10)[:4].tolist()
