"""The front door: one supernet for one data configuration."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from danas_hil.space import DataConfig, Genome, SearchSpace
from danas_hil.supernet import evaluation, extract, training
from danas_hil.supernet.checkpoint import Checkpoint
from danas_hil.supernet.network import Array, Network
from danas_hil.supernet.sandwich import Fits, Sandwich, anything
from danas_hil.supernet.training import Batch, OnStep, State, TrainingSettings

CHECKPOINT = "checkpoint.npz"
CHECKPOINT_SECONDS = 60.0
"""Between checkpoints of a training: what kill -9 costs at the most."""


class Supernet:
    """All subnets of `space` for the data configuration `data`, in one set of shared weights.

    fits: which genomes could be chosen; training keeps to them, and is quicker for it.
    made_for: what else the training depends on (images, limits), as JSON: a checkpoint is taken
    for the same only.
    `weights` is the flat vector (see Network.parameters), made from `seed` until it is trained or
    loaded.
    """

    def __init__(
        self,
        space: SearchSpace,
        data: DataConfig,
        seed: int = 0,
        settings: TrainingSettings | None = None,
        fits: Fits = anything,
        made_for: Mapping[str, Any] | None = None,
    ) -> None:
        self.space, self.data, self.seed = space, data, seed
        self.sandwich = Sandwich.of(space, data, seed, fits)
        self.settings = settings or TrainingSettings()
        self.made_for = dict(made_for or {})
        self.network = Network.of(space, data)
        self.weights: Array = self.network.initial(np.random.default_rng(seed))

    # -- training ------------------------------------------------------------------------------

    def train(
        self,
        batch: Batch,
        steps: int,
        folder: Path,
        *,
        should_stop: Callable[[], bool] = lambda: False,
        on_step: OnStep = lambda _done, _steps, _loss: None,
        checkpoint_seconds: float = CHECKPOINT_SECONDS,
    ) -> bool:
        """Train for `steps` steps in all, going on from the checkpoint in `folder` if there is one.

        `batch` must give the same images for the same step: then a training that was killed and
        goes on ends with the weights of one that was not, to the bit if TensorFlow's op
        determinism is on. Returns True at the end, and False when `should_stop`, asked before each
        step, ended it early. Either way the checkpoint is written. Raises DanasError for a
        checkpoint made with other settings.
        """
        path = folder / CHECKPOINT
        made_by = self._made_by | {"steps": steps}
        state = State.fresh(self.network.initial(np.random.default_rng(self.seed)))
        if path.exists():
            saved = Checkpoint.load(path)
            saved.check(made_by, path)
            if saved.step == steps:
                self.weights = saved.weights
                return True
            state = State(saved.weights, saved.first, saved.second, saved.step)
        stopped, written = False, time.monotonic()
        while state.step < steps and not (stopped := should_stop()):
            genomes = self.sandwich.genomes(state.step, self.settings.random_subnets)
            images, labels = batch(state.step, self.settings.batch_size)
            rate = self.settings.rate(state.step, steps)
            loss = training.train_step(
                self.network,
                state,
                genomes,
                images,
                labels,
                rate,
                self.settings,
            )
            on_step(state.step, steps, loss)
            if time.monotonic() - written >= checkpoint_seconds and state.step < steps:
                _checkpoint(state, made_by, steps).save(path)
                written = time.monotonic()
        last = _checkpoint(state, made_by, steps)
        last.save(path)
        self.weights = last.weights
        return not stopped

    def load(self, folder: Path) -> int:
        """Take the weights of the checkpoint in `folder`, finished or not; returns its steps.

        Raises DanasError when it is missing, damaged, or of another supernet.
        """
        saved = Checkpoint.load(folder / CHECKPOINT)
        saved.check(self._made_by, folder / CHECKPOINT)
        self.weights = saved.weights
        return saved.step

    # -- subnets -------------------------------------------------------------------------------

    def evaluate(
        self, genome: Genome, recalibration: npt.NDArray[Any], images: npt.NDArray[Any]
    ) -> Array:
        """Probabilities (n, 2) float32 of `genome` for `images`, with batch-norm statistics of the
        images `recalibration`. Both are (n, height, width, channels), float32 in [-1, 1] or uint8.
        """
        statistics = evaluation.recalibrated(self.network, self.weights, genome, recalibration)
        return evaluation.probabilities(self.network, self.weights, genome, statistics, images)

    def extract(self, genome: Genome, recalibration: npt.NDArray[Any]) -> Any:
        """`genome` as a plain keras.Model whose outputs equal those of `evaluate`."""
        return self._extract(self.weights, genome, recalibration)

    def finetune(
        self,
        genome: Genome,
        batch: Batch,
        steps: int,
        recalibration: npt.NDArray[Any],
        *,
        learning_rate: float = 1e-3,
    ) -> Any:
        """`genome` as a plain keras.Model, trained on alone for `steps` of the training's batches.

        The shared weights stay as they are. The learning rate falls to zero along a cosine.
        """
        state = State.fresh(self.weights)
        settings = replace(self.settings, learning_rate=learning_rate, warmup=0.0)
        for step in range(steps):
            images, labels = batch(step, settings.batch_size)
            rate = settings.rate(step, steps)
            training.train_step(self.network, state, [genome], images, labels, rate, settings)
        return self._extract(np.asarray(state.weights), genome, recalibration)

    # -- inside --------------------------------------------------------------------------------

    @property
    def _made_by(self) -> dict[str, Any]:
        genes = self.space.to_json()
        for elsewhere in ("resolution", "colour"):  # of other supernets
            del genes[elsewhere]
        return {
            **self.made_for,
            "space": genes,
            "data": asdict(self.data),
            "seed": self.seed,
            "settings": asdict(self.settings),
            "largest": self.sandwich.largest.to_json(),
        }

    def _extract(self, weights: Array, genome: Genome, recalibration: npt.NDArray[Any]) -> Any:
        statistics = evaluation.recalibrated(self.network, weights, genome, recalibration)
        return extract.extract(self.network, weights, genome, statistics)


def time_step(
    space: SearchSpace,
    data: DataConfig,
    settings: TrainingSettings | None = None,
    fits: Fits = anything,
    steps: int = 3,
) -> float:
    """Seconds that a training step takes on this computer, without making its batch.

    The mean of `steps` steps on noise, after one that traces and is not counted. The traces serve
    the training that follows, at any resolution of the same colour.
    """
    settings = settings or TrainingSettings()
    network = Network.of(space, data)
    sandwich = Sandwich.of(space, data, 0, fits)
    rng = np.random.default_rng(0)
    images = rng.uniform(-1, 1, (settings.batch_size, *data.shape)).astype(np.float32)
    labels = rng.integers(0, 2, settings.batch_size)
    state = State.fresh(network.initial(rng))
    begin = 0.0
    for step in range(steps + 1):
        genomes = sandwich.genomes(step, settings.random_subnets)
        training.train_step(network, state, genomes, images, labels, 1e-3, settings)
        if step == 0:
            begin = time.perf_counter()
    return (time.perf_counter() - begin) / steps


def _checkpoint(state: State, made_by: dict[str, Any], steps: int) -> Checkpoint:
    """Of a training of `steps` steps; a finished one needs no moments."""
    moments = (np.asarray(state.first), np.asarray(state.second))
    if state.step == steps:
        moments = (np.zeros(0, np.float32), np.zeros(0, np.float32))
    return Checkpoint(made_by, state.step, np.asarray(state.weights), *moments)
