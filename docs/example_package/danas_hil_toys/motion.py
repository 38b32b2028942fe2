"""A signal that is no image: what an accelerometer feels, in windows of some seconds.

A signal answers three questions. What may be chosen about the data (`Window` and `WindowSpace`)?
What do the records show under each choice (`MotionSignal.dataset`)? How does the device make the
same of its sensor, and what does that take (`front_end`)?
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import log2
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from danas_hil.base import DanasError
from danas_hil.base.genes import distinct, drawn, either, read_values, steps
from danas_hil.data import SPLITS, FileKind, OnProgress, OnWaiting, Record, Source, SourceOptions
from danas_hil.signals import FrontEnd
from danas_hil.signals.in_memory import InMemoryDataset, Showing
from danas_hil.tasks import ClassNames

NAME = "motion"

RATE = 50
"""Samples a second that records have, and SECONDS that they last."""
SECONDS = 4
RANGE = 4.0
"""In g: an axis goes from -RANGE to RANGE, which the network sees as 0 to 255."""

_HINT = (
    'A space of motion is a TOML file such as: signal = "motion", rate = [10, 25], window = [2].'
)


# -- what may be chosen ----------------------------------------------------------------------------


@dataclass(frozen=True, order=True)
class Window:
    """One way to look at a motion: `rate` samples a second, for `window` seconds."""

    rate: int
    window: int

    signal: ClassVar[str] = NAME

    def __post_init__(self) -> None:
        if not 1 <= self.rate <= RATE or RATE % self.rate:
            raise DanasError(f"A rate of {self.rate} is none: it divides {RATE}.", _HINT)
        if not 1 <= self.window <= SECONDS:
            raise DanasError(f"A window of {self.window} s is none: it is 1 to {SECONDS}.", _HINT)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Time goes down, the three axes are channels: convolutions run over time."""
        return (self.rate * self.window, 1, 3)

    @property
    def kind(self) -> str:
        """Numbers mean the same at every rate: one stem of a supernet serves all."""
        return "acceleration"

    @property
    def name(self) -> str:
        return f"{self.rate}hz-{self.window}s"

    @property
    def short(self) -> str:
        return self.name

    @property
    def features(self) -> tuple[float, ...]:
        return (log2(self.rate), self.window)

    def to_json(self) -> dict[str, Any]:
        return {"rate": self.rate, "window": self.window}


@dataclass(frozen=True)
class WindowSpace:
    """The values that each gene may take."""

    rate: tuple[int, ...] = (5, 10, 25, 50)
    window: tuple[int, ...] = (1, 2, 4)

    signal: ClassVar[str] = NAME

    def __post_init__(self) -> None:
        for gene, values in self.genes.items():
            object.__setattr__(self, gene, distinct(gene, values, _HINT))
        _ = self.configs  # raises for a value out of range

    @property
    def genes(self) -> dict[str, tuple[Any, ...]]:
        return {"rate": self.rate, "window": self.window}

    @property
    def configs(self) -> tuple[Window, ...]:
        return tuple(Window(rate, window) for rate in self.rate for window in self.window)

    @property
    def finest(self) -> int:
        """Records are kept at the highest rate that is looked at."""
        return self.rate[-1]

    def sample(self, rng: np.random.Generator) -> Window:
        return Window(drawn(rng, self.rate), drawn(rng, self.window))

    def from_genes(self, genes: Mapping[str, Any]) -> Window:
        return Window(genes["rate"], genes["window"])

    def neighbours(self, data: Window) -> list[Window]:
        slower_or_faster = [Window(rate, data.window) for rate in steps(self.rate, data.rate)]
        shorter_or_longer = [Window(data.rate, s) for s in steps(self.window, data.window)]
        return slower_or_faster + shorter_or_longer

    def crossover(self, one: Window, other: Window, rng: np.random.Generator) -> Window:
        return Window(either(rng, one.rate, other.rate), either(rng, one.window, other.window))

    def to_json(self) -> dict[str, Any]:
        return {gene: list(values) for gene, values in self.genes.items()}


# -- the records -----------------------------------------------------------------------------------

MOTIONS = ("rest", "walk", "run", "shake")
EACH = {"train": 60, "validation": 30, "test": 30}
"""Records of each motion, by split."""

_HERTZ = {"rest": (0.0, 0.0), "walk": (1.6, 2.2), "run": (2.4, 3.2), "shake": (4.0, 8.0)}
_SWING = {"rest": (0.0, 0.0), "walk": (0.2, 0.5), "run": (0.4, 1.2), "shake": (0.4, 1.2)}
"""Of each motion: how often it swings in a second, and how far, in g. At a low rate a shake looks
like something slow, and a short window holds few steps: the genes of the data matter."""


class MotionsSource:
    """A data set that is built in: motions made up from a seed."""

    name = "motions"
    splits = SPLITS

    def __init__(self, options: SourceOptions) -> None:
        self._names = ClassNames.of(MOTIONS, options.classes, self.name)

    @property
    def classes(self) -> tuple[str, ...]:
        return self._names.classes

    def fingerprint(self, split: str) -> str:
        """Count the number up when other records are made."""
        return f"motions 1 {split} {self._names.identity}"

    def count(self, split: str) -> int | None:
        return EACH[split] * len(MOTIONS)

    def records(self, split: str) -> Iterator[Record]:
        for number in range(EACH[split]):
            for place, motion in enumerate(MOTIONS):
                key = f"motions:{split}:{motion}:{number}"
                rng = np.random.default_rng([SPLITS.index(split), place, number])
                yield Record(key, _made_up(motion, rng), self._names.label(motion, key))


def _made_up(motion: str, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Acceleration in g, (RATE * SECONDS, 3): gravity, a swing along some axis, and noise."""
    up, along = (vector / np.linalg.norm(vector) for vector in rng.normal(size=(2, 3)))
    hertz, swing = rng.uniform(*_HERTZ[motion]), rng.uniform(*_SWING[motion])
    seconds = np.arange(RATE * SECONDS) / RATE
    swung = swing * np.sin(2 * np.pi * (hertz * seconds + rng.random()))
    noise = rng.normal(scale=0.1, size=(len(seconds), 3))
    felt: npt.NDArray[np.float32] = (up + swung[:, None] * along + noise).astype(np.float32)
    return felt


def _read(record: Record) -> npt.NDArray[np.float32]:
    """A record as it is kept: of the built-in set an array; of a folder the bytes of a file."""
    if isinstance(record.content, np.ndarray):
        return record.content
    assert isinstance(record.content, bytes)  # what can't be had does not come here
    try:
        rows = [line.split(b",") for line in record.content.splitlines()]
        samples: npt.NDArray[np.float32] = np.array(rows, np.float32)
    except ValueError as error:
        raise DanasError(f"{record.key} is no table of three numbers a line.") from error
    if samples.ndim != 2 or samples.shape[1] != 3 or len(samples) < RATE * SECONDS:
        raise DanasError(f"{record.key} has not {RATE * SECONDS} lines of three numbers.")
    return samples[: RATE * SECONDS]


def _show(samples: npt.NDArray[np.float32], data: Window) -> npt.NDArray[np.uint8]:
    """What the network sees: the last seconds, every so many samples, as uint8 (h, 1, 3)."""
    seen = samples[-data.window * RATE :: RATE // data.rate]
    levels = np.clip((seen + RANGE) / (2 * RANGE) * 255, 0, 255)
    shown: npt.NDArray[np.uint8] = np.rint(levels).astype(np.uint8).reshape(data.shape)
    return shown


def _vary(samples: npt.NDArray[np.float32], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """For training: it begins at another moment, and the board is held another way round."""
    signs = rng.choice(np.array([-1, 1], np.float32), 3)
    turned = samples[:, rng.permutation(3)] * signs
    return np.roll(turned, rng.integers(len(samples)), axis=0)


# -- the device ------------------------------------------------------------------------------------


def front_end(data: Window) -> FrontEnd:
    """A ring of samples; before each inference it is read from the oldest one on."""
    height, width, channels = data.shape
    values = height * width * channels
    return FrontEnd(
        steps=(
            f"accelerometer at {data.rate} Hz, +-{RANGE:g} g, three axes of 16 bits",
            f"ring of the last {data.window} s",
            "scaled to int8",
        ),
        ram_bytes=2 * values,
        operations=2 * values,
    )


# -- the signal ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MotionSignal:
    """What the entry point names is an object of this, `motion` below."""

    name: str = NAME
    title: str = "Motion: rate and length of windows of acceleration"

    @property
    def options(self) -> Mapping[str, str]:
        """None: genes of a package's signal stand in the file of --space."""
        return {}

    @property
    def usual(self) -> Mapping[str, Any]:
        """What --space hardware-aware takes: the data are left as they are."""
        return {"rate": RATE, "window": 2}

    def space(self, genes: Mapping[str, Any]) -> WindowSpace:
        return WindowSpace(**read_values(genes, {"rate": int, "window": int}, _HINT))

    def config(self, genes: Mapping[str, Any]) -> Window:
        return Window(int(genes["rate"]), int(genes["window"]))

    def front_end(self, data: Window) -> FrontEnd:
        return front_end(data)

    def files(self) -> FileKind:
        """Folders of CSV files are read too: {train,validation,test}/{CLASS}/*.csv."""
        return FileKind(
            suffixes=frozenset({".csv"}),
            most_bytes=1024 * 1024,
            example="*.csv",
            built_in={MotionsSource.name: MotionsSource},
        )

    def dataset(
        self,
        source: Source,
        finest: int,
        on_progress: OnProgress,
        on_waiting: OnWaiting,  # noqa: ARG002
    ) -> InMemoryDataset:
        # A record takes 2,400 bytes: nothing is kept on disk, and no other process is waited for.
        return InMemoryDataset(source, finest, Showing(_read, _show, _vary), on_progress)


motion = MotionSignal()
