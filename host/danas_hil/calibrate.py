"""From times on a board to its latency table: built-in models, the fit, and how good it is."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from danas_hil.base import DanasError
from danas_hil.board import Board
from danas_hil.estimate import fitting
from danas_hil.estimate.latency import LatencyTable, Rates, estimate_latency, microseconds
from danas_hil.estimate.latency_tables import find_table, related_table
from danas_hil.estimate.layout import lay_out
from danas_hil.estimate.lines import known_bytes
from danas_hil.estimate.on_board import estimate_on
from danas_hil.estimate.samples import shipped_samples
from danas_hil.estimate.uncalibrated import (
    QUICK_BAND,
    QUICK_BAND_BUILT_IN,
    counted_table,
    scaled,
)
from danas_hil.measure import Remembered, recall
from danas_hil.space import DEFAULT_SPACE, Genome, layers

PROFILER_RAM_BYTES = 24 * 1024
"""Left free in RAM for the profiling program: MicroProfiler alone takes 20,488 bytes."""

_MOST_MACS = 10_000_000  # a second or so on the slowest boards
_DEEPEST_WIDTH = 0.3
"""Built-in models have all kinds of convolutions; the deepest network comes at this width."""
_CHANNELS = 3
_CLASSES = 2  # any number will do: the classes take no time to speak of
_TRIES = 50  # genomes drawn of one data configuration until one fits


@dataclass(frozen=True)
class Before:
    """A table that is to be replaced: kernels that it knows, and the median error that its own
    models make of all that are known now; None where it was not fitted on times."""

    kernels: frozenset[str]
    median_error: float | None


@dataclass(frozen=True)
class Calibration:
    """A fitted table, what it was fitted on, and each model as the others foretell it.

    models: timed here; shipped: how many more come along with the package, timed on this board.
    related: the board whose proportions stand in for what no model told; empty without one.
    before: what the table that it is to replace is worth.
    """

    table: LatencyTable
    models: tuple[Remembered, ...]
    left_out: tuple[fitting.LeftOut, ...]
    related: str
    shipped: int = 0
    before: Before | None = None

    @property
    def lost(self) -> tuple[str, ...]:
        """Kernels that were known before and are not any more."""
        known = self.before.kernels if self.before else frozenset()
        return tuple(sorted(known - self.table.rates.keys()))

    @property
    def worse(self) -> bool:
        """Whether a kernel is lost, or the median error of all models has grown, as it is shown:
        by a tenth of a percent."""
        before = self.before.median_error if self.before else None
        after = self.table.median_error
        grown = before is not None and (after is None or round(after, 3) > round(before, 3))
        return bool(self.lost) or grown

    def to_json(self) -> dict[str, Any]:
        return {
            "table": self.table.to_json(),
            "related": self.related or None,
            "shipped": self.shipped,
            "worse": self.worse,
            "lost": list(self.lost),
            "median_before": self.before.median_error if self.before else None,
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
    """Fit the latency table of `board` on all that is remembered of it, as it is built, and on
    the samples that come along for that build.

    Nothing is kept: that is `keep_table`. Raises DanasError where nothing was timed.
    """
    models = recall(board)
    if not models:
        raise DanasError(
            f"No model was timed on {board.name} as built ({board.toolchain or 'not at all'}).",
            f"danas-hil calibrate --board {board.id} times some.",
        )
    related = related_table(board)
    rates = related.rates if related else None
    own = {one.timed.key: one.timed for one in models}
    others = [one for one in _shipped(board, models[0].tflm) if one.key not in own]
    timed = [*others, *own.values()]
    left_out = fitting.leave_one_out(timed, rates)
    median, worst = fitting.errors(left_out) or (None, None)
    table = LatencyTable(
        board=board.id,
        build=board.build,
        kernels=board.kernels,
        toolchain=board.toolchain,
        kind="emulated" if board.kind == "emulated" else "measured",
        rates=fitting.fit(timed, rates),
        operators=fitting.counted(timed),
        models=tuple(one.key for one in timed),
        tflm=models[0].tflm,
        median_error=median,
        worst_error=worst,
    )
    return Calibration(
        table,
        models,
        left_out,
        related.board if related else "",
        len(others),
        _before(board, timed, rates),
    )


def calibrate_quickly(board: Board, key: str, *, built_in: bool) -> LatencyTable:
    """Counted cycles times one factor: that of the one model `key`, which was timed on `board`.

    built_in: whether it is one of `built_in_genomes`. Raises DanasError where the board's build was
    not counted, or the model has an operator that was not.
    """
    timed = next((one for one in recall(board) if one.timed.key == key), None)
    if timed is None:  # of several libraries the one measured last counts
        raise DanasError(
            f"{board.name} was measured since with another TensorFlow Lite Micro.",
            "Time the model anew: --again.",
        )
    counted = counted_table(board)
    if counted is None:
        raise DanasError(
            f"What {board.id} does as built ({board.toolchain}) was never counted.",
            f"Time several models: danas-hil calibrate --board {board.id}",
        )
    told = estimate_latency(timed.timed.work, counted)
    if told.total_us is None:
        raise DanasError(
            f"{timed.timed.name} has operators that were never counted.", "Time another model."
        )
    factor = timed.timed.total_us / told.total_us
    return replace(
        counted,
        rates=scaled(counted.rates, factor),
        models=(key,),
        tflm=timed.tflm,
        band=QUICK_BAND_BUILT_IN if built_in else QUICK_BAND,
        origin=f"{counted.origin} x {factor:.2f}; the factor: {timed.timed.name}, timed here",
    )


def _shipped(board: Board, tflm: str) -> tuple[fitting.TimedModel, ...]:
    """Models that come along with the package, timed on this board in the same build."""
    found = shipped_samples(board.id)
    own = (board.build, board.kernels, board.toolchain, tflm)
    if found is None:
        return ()
    if (found.build, found.kernels, found.toolchain, found.tflm) != own:
        return ()
    return found.models


def _before(
    board: Board, timed: Sequence[fitting.TimedModel], related: Rates | None
) -> Before | None:
    """The table of today, and how well its own models foretell each of `timed`."""
    table = find_table(board)
    if isinstance(table, str):
        return None
    kernels = frozenset(table.rates)
    if table.kind == "estimated":
        return Before(kernels, None)
    old = [one for one in timed if one.key in table.models]
    if len(old) < len(table.models):  # some of its models are gone: what it said of itself stands
        return Before(kernels, table.median_error)
    errors = [one.error for one in fitting.leave_one_out(old, related)]
    rates = fitting.fit(old, related)
    for one in timed:
        if one.key not in table.models and all(work.kernel in rates for work in one.work):
            told = sum(microseconds(work, rates) for work in one.work)
            errors.append(told / one.total_us - 1)
    known = [abs(error) for error in errors if error is not None]
    return Before(kernels, statistics.median(known) if known else None)


def built_in_genomes(board: Board, count: int) -> tuple[Genome, ...]:
    """`count` genomes of the default space to time on `board`, always the same.

    The first is the deepest one for the smallest images, which has every operator; then random
    ones, of all data configurations in turn. All leave the profiling program its RAM and take no
    long time; fewer where so many don't fit.
    """
    rng = np.random.default_rng(0)
    subnets = DEFAULT_SPACE.subnets(DEFAULT_SPACE.families[0])
    deep = (arch for arch in subnets.extremes if arch.depths == subnets.largest.depths)
    narrow = min(deep, key=lambda arch: abs(arch.width(_CHANNELS) - _DEEPEST_WIDTH))
    deepest = Genome(DEFAULT_SPACE.data_configs[0], narrow)
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


def random_model(
    genome: Genome, seed: int = 1, *, classes: int = _CLASSES, clear_names: bool = True
) -> bytes:
    """The int8 file of `genome` with random weights, which memory and time do not depend on.

    All of them come from `seed`. Biases and batch norm are random too, since the converter leaves
    out biases of zero. It also stores equal constants once: kernels that see one channel are
    nothing but signs, and may equal each other's by chance. Needs the extra `search`.
    """
    from danas_hil.convert import to_tflite
    from danas_hil.supernet import build

    rng = np.random.default_rng(seed)
    model = build(genome, classes)
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
    if sum(layer.macs for layer in layers(genome, _CLASSES)) > _MOST_MACS:
        return False
    estimate = estimate_on(board, lay_out(genome, _CLASSES))
    ram = known_bytes(estimate.ram.lines) + PROFILER_RAM_BYTES
    small_enough = board.ram_bytes is None or ram <= board.ram_bytes
    return small_enough and estimate.fits_flash is not False
