"""Latency of a model: the work of each operator times the rates of the kernel that runs it.

Rates belong to one board, build, set of kernels and toolchain: `fitting` finds them from measured
or emulated profiles, `latency_tables` keeps them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from danas_hil.base import build
from danas_hil.estimate.work import TERMS, Work

Rates = Mapping[str, Mapping[str, float]]
"""Microseconds for each count of a kernel: by kernel, then by term, none negative."""


@dataclass(frozen=True)
class LatencyTable:
    """What a board's kernels take.

    board, build, kernels, toolchain: as in Board. kind: of the times it is fitted on; `estimated`
    of cycles by Arm's timings times one factor. models: the sha256 of each file among them. tflm:
    the library that ran. operators: how many of each kernel were timed; one that is in `rates`
    alone has the proportions of another table. median_error, worst_error: shares of the time, of
    models left out of the fit; None of fewer than two. band: by which share a time may be more or
    less; 0 of rates that are fitted. origin: what `source` says of estimated ones.
    """

    board: str
    build: str
    kernels: str
    toolchain: str
    kind: Literal["emulated", "measured", "estimated"]
    rates: Rates
    operators: Mapping[str, int]
    models: tuple[str, ...]
    tflm: str
    median_error: float | None = None
    worst_error: float | None = None
    band: float = 0.0
    origin: str = ""

    @property
    def source(self) -> str:
        if self.kind == "estimated":
            return self.origin
        return f"fitted on {self.kind} times of {len(self.models)} models"

    @property
    def mark(self) -> str:
        """What stands wherever a time of it is shown; empty of rates that are fitted on times."""
        if self.kind != "estimated":
            return ""
        timed = "one model timed" if self.models else "uncalibrated"
        return f"estimated, {timed}, ±{100 * self.band:.0f} %"

    @property
    def source_on_board(self) -> str:
        return told_on(self.board, self.source, self.mark)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "models": list(self.models)}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> LatencyTable:
        """The inverse of `to_json`, of earlier formats too. Raises TypeError or ValueError if
        damaged."""
        if "runtime" in value:  # format 1: a build was a runtime, and its toolchain the build
            now = {"build": value["runtime"], "toolchain": value.get("build")}
            value = {**{key: one for key, one in value.items() if key != "runtime"}, **now}
        made: LatencyTable = build(LatencyTable, value)
        for kernel in made.rates.values():
            for term, rate in kernel.items():
                if term not in TERMS or not 0 <= rate < float("inf"):
                    raise ValueError(f"a rate of {rate} for each {term}")
        if not 0 <= made.band < 1:
            raise ValueError(f"a band of {made.band}")
        return made


def told_on(board: str, source: str, mark: str) -> str:
    """Where latencies of a board come from, in one line that begins with what they are."""
    return f"{board}, {source}" if not mark else f"{mark}; {board}, {source}"


@dataclass(frozen=True)
class LatencyEstimate:
    """The time of one inference.

    by_kernel: microseconds of all operators that a kernel runs, as far as they are known, the
    slowest first. source: what the rates come from; empty where there are none. fitted_on_it:
    whether this very model is among what they were fitted on, which flatters them. unknown: why
    the total is not known, and what to do; empty where it is. band: by which share it may be more
    or less; 0 where only times say how good it is. mark: what stands wherever it is shown, as in
    LatencyTable.
    """

    by_kernel: tuple[tuple[str, float], ...] = ()
    source: str = ""
    fitted_on_it: bool = False
    unknown: str = ""
    band: float = 0.0
    mark: str = ""

    @property
    def known_us(self) -> float:
        """The total is at least this."""
        return sum(microseconds for _, microseconds in self.by_kernel)

    @property
    def total_us(self) -> float | None:
        return None if self.unknown else self.known_us

    @property
    def least_us(self) -> float:
        """It takes at least this, as far as `band` says."""
        return self.known_us * (1 - self.band)

    @property
    def most_us(self) -> float | None:
        return None if self.unknown else self.known_us * (1 + self.band)

    def to_json(self) -> dict[str, Any]:
        return {
            "total_us": self.total_us,
            "least_us": self.least_us,
            "most_us": self.most_us,
            "band": self.band,
            "mark": self.mark,
            "by_kernel": dict(self.by_kernel),
            "source": self.source,
            "fitted_on_it": self.fitted_on_it,
            "unknown": self.unknown,
        }


def microseconds(work: Work, rates: Rates) -> float:
    """The time of one operator. Raises KeyError for a kernel without rates."""
    rate = rates[work.kernel]
    return sum(count * rate.get(term, 0.0) for term, count in work.counts.items())


def estimate_latency(
    work: Sequence[Work], table: LatencyTable, model: str | None = None
) -> LatencyEstimate:
    """The time of a model whose operators do `work`; nothing is guessed of unknown kernels.

    model: the sha256 of its file, if it has one.
    """
    by_kernel: dict[str, float] = {}
    lacking: dict[str, None] = {}
    for one in work:
        if one.kernel in table.rates:
            taken = by_kernel.get(one.kernel, 0.0) + microseconds(one, table.rates)
            by_kernel[one.kernel] = taken
        else:
            lacking[one.kernel] = None
    unknown = (
        f"no model with {', '.join(lacking)} was timed: danas-hil calibrate"
        f" --board {table.board} MODEL"
        if lacking
        else ""
    )
    slowest_first = sorted(by_kernel.items(), key=lambda item: -item[1])
    return LatencyEstimate(
        tuple(slowest_first),
        table.source,
        model in table.models,
        unknown,
        table.band,
        table.mark,
    )
