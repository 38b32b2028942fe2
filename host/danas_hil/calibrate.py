"""From times on a board to its latency table: built-in models, the fit, and how good it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from danas_hil.base import DanasError
from danas_hil.board import Board
from danas_hil.estimate import fitting
from danas_hil.estimate.latency import LatencyTable
from danas_hil.estimate.latency_tables import related_table
from danas_hil.estimate.lines import known_bytes
from danas_hil.estimate.on_board import estimate_on
from danas_hil.measure import Remembered, recall
from danas_hil.space import DEFAULT_SPACE, ArchConfig, Genome, layers
from danas_hil.space.genome import DEPTH_LIMITS

PROFILER_RAM_BYTES = 24 * 1024
"""Left free in RAM for the profiling program: MicroProfiler alone takes 20,488 bytes."""

_MOST_MACS = 10_000_000  # a second or so on the slowest boards
_TRIES = 50  # genomes drawn of one data configuration until one fits


@dataclass(frozen=True)
class Calibration:
    """A fitted table, what it was fitted on, and each model as the others foretell it.

    related: the board whose proportions stand in for what no model told; empty without one.
    """

    table: LatencyTable
    models: tuple[Remembered, ...]
    left_out: tuple[fitting.LeftOut, ...]
    related: str

    def to_json(self) -> dict[str, Any]:
        return {
            "table": self.table.to_json(),
            "related": self.related or None,
            "models": [
                {
                    "model": one.timed.name,
                    "sha256": one.timed.key,
                    "target": one.target,
                    "recorded_at": one.recorded_at,
                    "profiled": len(one.timed.samples) > 1,
                    "latency_us": one.timed.total_us,
                }
                for one in self.models
            ],
            "left_out": [
                {
                    "model": one.model,
                    "latency_us": one.total_us,
                    "estimate_us": one.estimate_us,
                    "error_share": one.error,
                    "lacking": list(one.lacking),
                }
                for one in self.left_out
            ],
        }


def calibrate(board: Board) -> Calibration:
    """Fit the latency table of `board` on all that is remembered of it, in its own build.

    Nothing is kept: that is `keep_table`. Raises DanasError where nothing was timed.
    """
    models = recall(board)
    if not models:
        raise DanasError(
            f"No model was timed on {board.name} with its build ({board.build or 'none'}).",
            f"danas-hil calibrate --board {board.id} times some.",
        )
    related = related_table(board)
    timed = [one.timed for one in models]
    rates = related.rates if related else None
    left_out = fitting.leave_one_out(timed, rates)
    median, worst = fitting.errors(left_out) or (None, None)
    table = LatencyTable(
        board=board.id,
        runtime=board.runtime,
        kernels=board.kernels,
        build=board.build,
        kind="emulated" if board.kind == "emulated" else "measured",
        rates=fitting.fit(timed, rates),
        operators=fitting.counted(timed),
        models=tuple(one.key for one in timed),
        tflm=models[0].tflm,
        median_error=median,
        worst_error=worst,
    )
    return Calibration(table, models, left_out, related.board if related else "")


def built_in_genomes(board: Board, count: int) -> tuple[Genome, ...]:
    """`count` genomes of the default space to time on `board`, always the same.

    The first is the deepest one for the smallest images, which has every operator; then random
    ones, of all data configurations in turn. All leave the profiling program its RAM and take no
    long time; fewer where so many don't fit.
    """
    rng = np.random.default_rng(0)
    deepest = Genome(DEFAULT_SPACE.data_configs[0], ArchConfig(*DEPTH_LIMITS, alpha=0.3))
    found: dict[Genome, None] = {deepest: None} if count and _fits(board, deepest) else {}
    while len(found) < count:
        before = len(found)
        for data in DEFAULT_SPACE.data_configs:
            drawn = (DEFAULT_SPACE.sample(rng, data) for _ in range(_TRIES))
            fitting_one = next((g for g in drawn if g not in found and _fits(board, g)), None)
            if fitting_one is not None and len(found) < count:
                found[fitting_one] = None
        if len(found) == before:
            break
    return tuple(found)


def random_model(genome: Genome, seed: int = 1, *, clear_names: bool = True) -> bytes:
    """The int8 file of `genome` with random weights, which memory and time do not depend on.

    All of them come from `seed`. Biases and batch norm are random too, since the converter leaves
    out biases of zero. It also stores equal constants once: kernels that see one channel are
    nothing but signs, and may equal each other's by chance. Needs the extra `search`.
    """
    from danas_hil.convert import to_tflite
    from danas_hil.supernet import build

    rng = np.random.default_rng(seed)
    model = build(genome)
    for layer in model.layers:
        weights = [rng.normal(0, 0.1, weight.shape) for weight in layer.get_weights()]
        if layer.name.endswith("_bn"):
            scale, offset, _, _ = weights
            offset, mean = (rng.uniform(-1, 1, offset.shape) for _ in range(2))
            scale, variance = (rng.uniform(0.5, 1.5, scale.shape) for _ in range(2))
            layer.set_weights([scale, offset, mean, variance])
        elif len(weights) == 2:
            layer.set_weights([weights[0], rng.uniform(-1, 1, weights[1].shape)])
        elif weights:
            layer.set_weights(weights)
    images = rng.uniform(-1, 1, (4, *genome.data.shape)).astype(np.float32)
    return to_tflite(model, images, clear_names=clear_names)


def _fits(board: Board, genome: Genome) -> bool:
    if sum(layer.macs for layer in layers(genome)) > _MOST_MACS:
        return False
    estimate = estimate_on(board, genome)
    ram = known_bytes(estimate.ram.lines) + PROFILER_RAM_BYTES
    small_enough = board.ram_bytes is None or ram <= board.ram_bytes
    return small_enough and estimate.fits_flash is not False
