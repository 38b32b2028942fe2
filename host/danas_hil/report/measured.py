"""What was measured of a run's candidates, gathered from its folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from danas_hil.board import Board, board_names, load_board
from danas_hil.compare import Compared, Verdict, compare_run
from danas_hil.measure import Measurement
from danas_hil.run import RunFolder
from danas_hil.targets import Kind


@dataclass(frozen=True)
class Outcome:
    """How it went with one candidate on one target. Figures are None where a failure came first.

    latency_us: the median of `runs` timed inferences, taken with `timer`. parity: whether all
    outputs were byte for byte the golden ones. fits: against the board's limits. reason, hint: of
    a failure. accuracy, precision, recall: of the target itself on so many test images.
    """

    candidate: str
    target: str
    kind: Kind
    status: str
    fits: bool | None
    tflm: str
    arena_used_bytes: int | None
    latency_us: float | None
    runs: int
    timer: str
    parity: bool | None
    reason: str
    hint: str
    accuracy: float | None = None
    precision: float | None = None
    recall: float | None = None
    test_images: int = 0


@dataclass(frozen=True)
class FirmwareShares:
    """Bytes of one firmware's flash or static RAM, by whose they are (`platformio.Owner`)."""

    candidate: str
    target: str
    kind: Kind
    memory: Literal["flash", "static RAM"]
    model: int
    tflm: int
    sketch: int
    framework: int
    c_library: int
    linker: int


@dataclass(frozen=True)
class TargetWords:
    """A target for the reader: its board, and which TFLM with which kernels ran there."""

    board: str
    kind: Kind
    tflm: str
    kernels: str

    def __str__(self) -> str:
        return f"{self.board}, TFLM {self.tflm}, {self.kernels} kernels"


@dataclass(frozen=True)
class Measured:
    """All that was measured; `targets` by their names."""

    outcomes: tuple[Outcome, ...] = ()
    compared: tuple[Compared, ...] = ()
    targets: Mapping[str, TargetWords] = field(default_factory=dict)
    shares: tuple[FirmwareShares, ...] = ()


def gather(run: RunFolder) -> Measured:
    """Read all measurements of `run`, and hold them against the estimates of its candidates.

    Raises DanasError naming a measurement.json that is damaged.
    """
    measurements, comparison = compare_run(run)
    boards = {m.board: load_board(m.board) for m in measurements if m.board in board_names()}
    return Measured(
        tuple(map(_outcome, measurements, comparison.verdicts)),
        comparison.rows,
        {m.target: _words(m, boards.get(m.board)) for m in measurements},
        tuple(shares for m in measurements for shares in _shares(m)),
    )


def _outcome(m: Measurement, verdict: Verdict) -> Outcome:
    scores = m.accuracy.scores if m.accuracy else None
    return Outcome(
        m.model,
        m.target,
        m.kind,
        m.status,
        verdict.fits,
        m.tflm_version or "",
        m.memory.arena_used_bytes if m.memory else None,
        m.latency.median_us if m.latency else None,
        len(m.latency.runs_us) if m.latency else 0,
        m.latency.timer if m.latency else "",
        verdict.parity,
        m.failure.reason if m.failure else "",
        m.failure.hint if m.failure else "",
        scores.accuracy if scores else None,
        scores.precision if scores else None,
        scores.recall if scores else None,
        scores.images if scores else 0,
    )


def _shares(m: Measurement) -> Iterator[FirmwareShares]:
    """None of what was not built, or before shares were taken."""
    if m.sizes is not None and m.sizes.flash_shares:
        yield FirmwareShares(m.model, m.target, m.kind, "flash", **m.sizes.flash_shares)
        yield FirmwareShares(m.model, m.target, m.kind, "static RAM", **m.sizes.static_ram_shares)


def _words(m: Measurement, board: Board | None) -> TargetWords:
    kernels = m.build.parts.get("kernels") or (board.kernels if board else "unknown")
    tflm = m.tflm_version or "unknown"
    if m.custom_library:
        tflm += " (a library that no estimate is made for)"
    return TargetWords(board.name if board else m.board, m.kind, tflm, kernels)
