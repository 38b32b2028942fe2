"""Accuracy on a device, with a target that knows its classes from the pixels."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from danas_hil import tflm
from danas_hil.base import DanasError
from danas_hil.measure import (
    Item,
    Measurement,
    MeasureSettings,
    TestImages,
    measure_all,
    measure_candidate,
    read_test_images,
)
from danas_hil.targets import (
    BuildIdentity,
    Hello,
    Kind,
    Memory,
    ModelFile,
    OperatorTime,
    Program,
    TargetError,
)
from danas_hil.tasks import Scores
from danas_hil.tflm import Golden
from estimate.little_models import little_model
from tasks.some_tasks import PERSON

LABELS = np.array([0, 0, 1, 1, 1, 0, 1, 0])
# Two pixels an image: the brighter one is its class to the board, which errs twice.
BRIGHT = np.array([0, 0, 0, 1, 1, 0, 1, 1])
PIXELS = np.stack([np.where(one == BRIGHT, 250, 10) for one in (0, 1)], axis=1)
IMAGES = PIXELS.astype(np.uint8).reshape(8, 1, 1, 2)


@dataclass
class Echo:
    """A board whose output is its input; it fails at the images in `fails_at`, once each."""

    kind: Kind = "measured"
    name: str = "echo"
    board: str = "echo"
    fails_at: list[int] = field(default_factory=list)
    inferred: int = 0
    order: list[str] = field(default_factory=list)

    def identity(self, model: ModelFile) -> BuildIdentity:
        return BuildIdentity.of({"model": model.sha256})

    def build(self, model: ModelFile, folder: Path) -> Program:
        return Program(model, self.identity(model), folder)

    def flash(self, program: Program) -> None:
        self.order.append("flash")

    @contextlib.contextmanager
    def open(self, program: Program) -> Iterator[EchoSession]:
        self.inferred = 0
        yield EchoSession(self, program)


@dataclass
class EchoSession:
    echo: Echo
    program: Program

    def identify(self) -> Hello:
        return Hello(self.program.identity.id, "echo", "2026", "cycle counter")

    def memory(self) -> Memory:
        return Memory(100)

    def infer(self, one: np.ndarray) -> np.ndarray:
        self.echo.order.append("infer")
        self.echo.inferred += 1
        if self.echo.inferred in self.echo.fails_at:
            self.echo.fails_at.remove(self.echo.inferred)
            raise TargetError("PROTOCOL", "the line is bad")
        assert one.dtype == np.int8
        return one.ravel()

    def time(self, runs: int) -> tuple[float, ...]:
        self.echo.order.append("time")
        return (1e6,) * runs

    def profile(self) -> tuple[OperatorTime, ...] | None:
        return None


@pytest.fixture
def item(tmp_path: Path) -> Item:
    (tmp_path / "model.tflite").write_bytes(little_model())
    inputs = np.zeros((1, 2), np.int8)
    tflm.write_golden(tmp_path / "golden.npz", Golden(inputs, inputs))
    images = tmp_path / "test-images.npz"
    np.savez(images, labels=LABELS, **{"16-rgb": IMAGES})
    return Item(
        "c0",
        tmp_path / "model.tflite",
        tmp_path / "golden.npz",
        tmp_path / "c0" / "echo",
        (images, "16-rgb", PERSON),
    )


def measured(target: Echo, item: Item, count: int) -> tuple[Measurement, bool]:
    ((_, found, kept),) = measure_all(target, [item], accuracy=count)
    return found, kept


def test_the_scores_are_of_the_device_s_own_classes(item: Item) -> None:
    found, _ = measured(Echo(), item, 8)
    assert found.good
    assert found.accuracy is not None
    assert found.accuracy.scores == Scores.of(LABELS, BRIGHT, PERSON)
    assert found.accuracy.scores.accuracy == 6 / 8
    assert Measurement.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_images_are_streamed_after_the_timed_runs_with_word_of_each(item: Item) -> None:
    echo, told = Echo(), []
    list(measure_all(echo, [item], accuracy=3, streamed=lambda *at: told.append(at)))
    assert echo.order == ["flash", "infer", "time", "time", "infer", "infer", "infer"]
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_a_line_that_breaks_costs_time_and_no_image(item: Item) -> None:
    found, _ = measured(Echo(fails_at=[4]), item, 8)
    assert found.good
    assert found.attempts == 2
    assert found.accuracy is not None
    assert found.accuracy.scores == Scores.of(LABELS, BRIGHT, PERSON)


def test_a_line_that_stays_broken_leaves_no_accuracy_but_the_figures_before_it(item: Item) -> None:
    found, _ = measured(Echo(fails_at=[4, 4, 4]), item, 8)
    assert found.status == "PROTOCOL"
    assert found.accuracy is None
    assert found.latency is not None


def test_a_measurement_without_the_accuracy_asked_for_is_taken_again(item: Item) -> None:
    assert measured(Echo(), item, 0)[1] is False
    assert measured(Echo(), item, 8)[1] is False
    assert measured(Echo(), item, 8)[1] is True
    assert measured(Echo(), item, 0)[1] is True, "more than asked for is enough"
    assert measured(Echo(), item, 5)[1] is False, "other images are another accuracy"


def test_an_earlier_file_without_accuracy_is_read(item: Item) -> None:
    value = measured(Echo(), item, 0)[0].to_json()
    del value["accuracy"]
    assert Measurement.from_json(value).accuracy is None


def test_fewer_images_are_spread_over_all_that_there_are(item: Item) -> None:
    assert item.test_images is not None
    few = read_test_images(*item.test_images, 3)
    assert [list(image.ravel()) for image in few.images] == [
        list(IMAGES[place].ravel()) for place in (0, 4, 7)
    ]
    assert len(read_test_images(*item.test_images, 99).labels) == 8
    assert few.sha256 != TestImages(few.images, 1 - few.labels, PERSON).sha256


@pytest.mark.parametrize("damage", ["gone", "torn", "other data", "none asked", "more classes"])
def test_images_that_can_t_be_used_are_told_by_name(damage: str, item: Item) -> None:
    assert item.test_images is not None
    file, data, task = item.test_images
    if damage == "more classes":
        np.savez(file, labels=LABELS + 1, **{data: IMAGES})
    if damage == "gone":
        file.unlink()
    elif damage == "torn":
        file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(DanasError, match="0 examples" if damage == "none asked" else file.name):
        read_test_images(
            file,
            "32-rgb" if damage == "other data" else data,
            task,
            0 if damage == "none asked" else 3,
        )


def test_a_board_that_is_not_flashed_is_asked_all_the_same(item: Item) -> None:
    echo = Echo()
    content = item.model.read_bytes()
    assert item.golden is not None
    golden = tflm.read_golden(item.golden)
    found = measure_candidate(
        echo, ModelFile("c0", content), golden, item.folder, MeasureSettings(flash=False)
    )
    assert found.good
    assert "flash" not in echo.order
