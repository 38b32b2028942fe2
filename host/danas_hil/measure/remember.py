"""What was measured on a board, kept for it: the times from which its latency is learned."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path

from danas_hil.base import (
    DanasError,
    build,
    check_format,
    checking,
    read_json,
    user_folder,
    write_json,
)
from danas_hil.board import Board, board_names, build_key, load_board
from danas_hil.estimate.fitting import Sample, TimedModel
from danas_hil.estimate.read import read_graph
from danas_hil.estimate.work import work_of
from danas_hil.measure.record import Measurement

_SCHEMA = 1


@dataclass(frozen=True)
class Remembered:
    """A model's figures on a board, in one build.

    target: BOARD or BOARD@SERIAL. kind: `emulated` or `measured`. timed: with a sample for each
    operator where it was profiled, or else one for all of them.
    """

    timed: TimedModel
    target: str
    kind: str
    tflm: str
    recorded_at: str
    arena_used_bytes: int | None
    flash_bytes: int | None


def remember(content: bytes, measurement: Measurement) -> None:
    """Keep what `measurement` tells of the model `content`, for `recall`.

    Nothing is kept of the host, of boards that have no file, of libraries that no estimate is made
    for, and where no time was taken. What is known of the operators stays if this measurement does
    not tell of them.
    """
    if measurement.latency is None or measurement.board not in board_names():
        return
    if measurement.custom_library:
        return
    board = load_board(measurement.board)
    if board.firmware is None:
        return
    sha256 = hashlib.sha256(content).hexdigest()
    if measurement.model_sha256 != sha256:
        return  # a measurement that came with a run from elsewhere says what it likes
    path = _folder(board) / f"{sha256[:16]}.json"
    work = work_of(read_graph(content, measurement.model))
    total = measurement.latency.median_us
    profile = measurement.profile
    samples: tuple[Sample, ...] = (Sample(work, total),)
    if profile is not None and len(profile) == len(work):
        samples = tuple(
            Sample((one,), taken.microseconds) for one, taken in zip(work, profile, strict=True)
        )
    elif path.is_file():
        earlier = _read(path)
        if earlier.timed.work == work:
            samples = earlier.timed.samples
    timed = TimedModel(measurement.model, measurement.model_sha256, total, samples)
    memory, sizes = measurement.memory, measurement.sizes
    kept = Remembered(
        timed,
        measurement.target,
        measurement.kind,
        measurement.tflm_version or "",
        measurement.recorded_at,
        memory.arena_used_bytes if memory else None,
        sizes.flash_bytes if sizes else None,
    )
    try:
        write_json(path, {"schema": _SCHEMA, **asdict(kept)})
    except OSError as error:
        raise DanasError(
            f"The figures for {board.id} can't be written to {path}: {error.strerror}."
        ) from error


def recall(board: Board) -> tuple[Remembered, ...]:
    """All models that were timed on `board` with its own build and one library, by name.

    Of several versions of TensorFlow Lite Micro the one measured last counts. Raises DanasError
    naming a file that is damaged.
    """
    found = [_read(path) for path in sorted(_folder(board).glob("*.json"))]
    if not found:
        return ()
    newest = max(found, key=lambda one: one.recorded_at)
    same = [one for one in found if one.tflm == newest.tflm]
    return tuple(sorted(same, key=lambda one: (one.timed.name, one.timed.key)))


def _folder(board: Board) -> Path:
    build = build_key(board.build, board.kernels, board.toolchain).replace(" ", "_")
    return user_folder("measurements") / board.kept_as / build


def _read(path: Path) -> Remembered:
    hint = "Delete it, and measure the model again."
    value = read_json(path, hint)
    check_format(path, value, _SCHEMA, hint)
    with checking(path, hint):
        kept: Remembered = build(Remembered, {k: v for k, v in value.items() if k != "schema"})
        if not kept.timed.total_us > 0 or not kept.timed.samples:
            raise ValueError("it tells no time")
    return kept
