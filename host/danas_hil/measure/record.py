"""A Measurement: what a target showed of one model, and how it came about."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from danas_hil.base import DanasError, build, check_format, checking, read_json, trouble, write_json
from danas_hil.run import anew
from danas_hil.targets import BuildIdentity, Kind, Memory, OperatorTime, Sizes, Stage
from danas_hil.tasks import Scores

SCHEMA = 2
"""1 had scores without macro F1, metric and confusion matrix, and is read as it is."""

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
    def from_json(
        value: Any, file: Path | str = "the measurement", hint: str = "Measure again."
    ) -> Measurement:
        """The inverse of `to_json`. Raises DanasError for another schema or a damaged `file`."""
        check_format(file, value, SCHEMA, hint)
        with checking(file, hint):
            fields = {key: one for key, one in value.items() if key != "schema"}
            for key, derived in _DERIVED.items():
                if isinstance(fields.get(key), Mapping):
                    fields[key] = {k: v for k, v in fields[key].items() if k != derived}
            made: Measurement = build(Measurement, fields)
            if made.latency is not None and not min(made.latency.runs_us, default=0.0) > 0:
                raise ValueError("latency.runs_us holds no times")
        return made

    def write(self, path: Path) -> None:
        """Write measurement.json, whole or not at all. Raises DanasError when it can't."""
        try:
            write_json(path, self.to_json())
        except OSError as error:
            raise DanasError(
                f"The measurement of {self.model} can't be written to {path}: {error.strerror}.",
                f"What stood there before is whole. {trouble(error).hint}",
            ) from error

    @staticmethod
    def read(path: Path) -> Measurement:
        """Read measurement.json. Raises DanasError naming the file if missing or damaged."""
        hint = anew(path)
        return Measurement.from_json(read_json(path, hint), path, hint)


_DERIVED = {"latency": "median_us", "parity": "equal"}
"""Written for readers elsewhere; here they are properties."""
