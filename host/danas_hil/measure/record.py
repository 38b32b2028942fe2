"""A Measurement: what a target showed of one model, and how it came about."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from danas_hil.base import DanasError, read_json, write_json
from danas_hil.metrics import Scores
from danas_hil.targets import BuildIdentity, Kind, Memory, OperatorTime, Sizes, Stage
from danas_hil.tflm import AllocationClass

SCHEMA = 1

Status = Stage | Literal["PARITY", "OK"]
"""OK, or the stage that failed; PARITY keeps all figures, but the verdict is not good."""

LATENCY_LABELS: Mapping[Kind, str] = {
    "host": "time on this computer",
    "emulated": "emulated time",
    "measured": "measured time",
}


@dataclass(frozen=True)
class Failure:
    """Why a measurement is not good. log: a file where more stands, if any."""

    stage: str
    reason: str
    hint: str = ""
    log: str | None = None


@dataclass(frozen=True)
class Latency:
    """The time of one inference. runs_us: of every timed run, in order, in microseconds.

    label: what kind of time it is; timer: what it was taken with.
    """

    runs_us: tuple[float, ...]
    label: str
    timer: str

    @property
    def median_us(self) -> float:
        return statistics.median(self.runs_us)


@dataclass(frozen=True)
class Parity:
    """Outputs against the golden ones, byte for byte.

    inputs: how many were tried; differing: how many output elements differ, of `elements`.
    first_difference: (input, element of its output). largest_difference: in steps of the output.
    golden_sha256: of the golden inputs and outputs; random_inputs: whether they were drawn, for
    want of images.
    """

    inputs: int
    elements: int
    differing: int
    first_difference: tuple[int, int] | None
    largest_difference: float
    golden_sha256: str
    random_inputs: bool

    @property
    def equal(self) -> bool:
        return self.differing == 0


@dataclass(frozen=True)
class Accuracy:
    """What the device got right on test images. images_sha256: of these, with their labels."""

    scores: Scores
    images_sha256: str


@dataclass(frozen=True)
class Measurement:
    """One model on one target.

    model: the candidate's id or the file's name. target: BOARD or BOARD@SERIAL. recorded_at: UTC,
    ISO 8601. attempts: how often flashing and talking were begun. Figures that a failure prevented
    are None. sizes: None where nothing is built. accuracy: None where no test images were asked of
    the device.
    """

    model: str
    model_sha256: str
    model_bytes: int
    target: str
    board: str
    kind: Kind
    status: Status
    recorded_at: str
    build: BuildIdentity
    failure: Failure | None = None
    tflm_version: str | None = None
    memory: Memory | None = None
    arena_bytes: int | None = None
    sizes: Sizes | None = None
    latency: Latency | None = None
    parity: Parity | None = None
    profile: tuple[OperatorTime, ...] | None = None
    accuracy: Accuracy | None = None
    attempts: int = 1

    @property
    def good(self) -> bool:
        return self.status == "OK"

    @property
    def custom_library(self) -> str:
        """`custom:HASH` where it ran with a library that no estimate is made for; else empty."""
        return self.build.custom_library

    def to_json(self) -> dict[str, Any]:
        value = {"schema": SCHEMA, **asdict(self)}
        if self.latency is not None:
            value["latency"]["median_us"] = self.latency.median_us
        if self.parity is not None:
            value["parity"]["equal"] = self.parity.equal
        return value

    @staticmethod
    def from_json(value: Mapping[str, Any], file: str = "the measurement") -> Measurement:
        """The inverse of `to_json`. Raises DanasError for another schema or a damaged `file`."""
        hint = "Measure again: danas-hil flash."
        if not isinstance(value, Mapping) or value.get("schema") != SCHEMA:
            raise DanasError(f"{file} is not a measurement of schema {SCHEMA}.", hint)
        value = {"accuracy": None, **value}  # which earlier files do not have
        plain = {k: v for k, v in value.items() if k not in ("schema", *_NESTED)}
        try:
            nested: dict[str, Any] = {
                key: None if value[key] is None else make(value[key])
                for key, make in _NESTED.items()
            }
            return Measurement(**plain, **nested)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise DanasError(f"{file} is damaged ({error!r}).", hint) from error

    def write(self, path: Path) -> None:
        """Write measurement.json, whole or not at all. Raises DanasError when it can't."""
        try:
            write_json(path, self.to_json())
        except OSError as error:
            raise DanasError(
                f"The measurement of {self.model} can't be written to {path}: {error.strerror}.",
                "What stood there before is whole; make room and measure again.",
            ) from error

    @staticmethod
    def read(path: Path) -> Measurement:
        """Read measurement.json. Raises DanasError naming the file if missing or damaged."""
        return Measurement.from_json(read_json(path), str(path))


def _memory(value: Mapping[str, Any]) -> Memory:
    classes = tuple(AllocationClass(**one) for one in value["classes"])
    return Memory(**{**value, "classes": classes})


def _latency(value: Mapping[str, Any]) -> Latency:
    return Latency(tuple(value["runs_us"]), value["label"], value["timer"])


def _parity(value: Mapping[str, Any]) -> Parity:
    first = value["first_difference"]
    plain = {key: item for key, item in value.items() if key != "equal"}
    return Parity(**{**plain, "first_difference": None if first is None else tuple(first)})


def _accuracy(value: Mapping[str, Any]) -> Accuracy:
    return Accuracy(Scores.from_json(value["scores"]), str(value["images_sha256"]))


_NESTED: Mapping[str, Any] = {
    "accuracy": _accuracy,
    "build": lambda value: BuildIdentity(**value),
    "failure": lambda value: Failure(**value),
    "memory": _memory,
    "sizes": lambda value: Sizes(**value),
    "latency": _latency,
    "parity": _parity,
    "profile": lambda value: tuple(OperatorTime(**one) for one in value),
}
