"""The front door: one supernet for one data configuration, or for several."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from danas_hil.signals import DataConfig
from danas_hil.space import Genome, Space
from danas_hil.supernet import extract, prediction, training
from danas_hil.supernet.backend import Precision
from danas_hil.supernet.checkpoint import CHECKPOINT, Checkpoint, whole_training
from danas_hil.supernet.focus import FOCUS_AT, Focus, Look
from danas_hil.supernet.kept import Kept
from danas_hil.supernet.network import Array, Network
from danas_hil.supernet.resumable import CHECKPOINT_SECONDS, begun, save, train_on
from danas_hil.supernet.sandwich import Fits, Sandwich, Schedule, anything
from danas_hil.supernet.timing import mean_seconds, noise
from danas_hil.supernet.training import Batch, OnStep, State, TrainingSettings

KEPT_BYTES = 1 << 30
"""Of what the first segments make of the images, from one evaluation to the next. All widths and
depths at 96x96 rgb come to 0.7 GB with 1,700 images, at 64x64 to 0.3."""


@dataclass(frozen=True)
class Subnets:
    """Which networks share weights: those of a family of `space` that see one of `configs`."""

    space: Space
    family: str
    configs: tuple[DataConfig, ...]
    classes: int

    def holds(self, genome: Genome) -> bool:
        """Whether `genome` is of the family and sees one of the data configurations."""
        return genome.family == self.family and genome.data in self.configs

    @property
    def network(self) -> Network:
        """Equal for all that differ in the sizes of the data alone."""
        return Network.of(self.space, self.family, self.configs, self.classes)


class Supernet:
    """All subnets of a family of `space` that see one of the data configurations `configs` and tell
    `classes` apart, in one set of shared weights.

    fits: which genomes could be chosen; training keeps to them, and is quicker for it.
    made_for: what else the training depends on (images, limits), as JSON: a checkpoint is taken
    for the same only.
    checkpoint_seconds: between two checkpoints of a training.
    `weights` is the flat vector (see Network.parameters), made from `seed` until it is trained or
    loaded; `focus` is what its training went on with, where it looked.
    """

    checkpoint_seconds = CHECKPOINT_SECONDS

    def __init__(
        self,
        of: Subnets,
        seed: int = 0,
        settings: TrainingSettings | None = None,
        fits: Fits = anything,
        made_for: Mapping[str, Any] | None = None,
    ) -> None:
        self.of, self.seed = of, seed
        self.schedule = Schedule.of(of.space, of.family, of.configs, seed, fits)
        self.settings = settings or TrainingSettings()
        self.made_for = dict(made_for or {})
        self.network = of.network
        self.weights: Array = self.network.initial(np.random.default_rng(seed))
        self.focus: Focus | None = None
        self._kept = Kept(KEPT_BYTES)

    # -- training ------------------------------------------------------------------------------

    def train(
        self,
        batch: Batch,
        steps: int,
        folder: Path,
        *,
        look: Look | None = None,
        should_stop: Callable[[], bool] = lambda: False,
        on_step: OnStep = lambda _done, _steps, _loss: None,
    ) -> bool:
        """Train for `steps` steps in all, going on from the checkpoint in `folder` if there is one.

        `batch` must give the same images for the same step: then a training that was killed and
        goes on ends with the weights of one that was not, to the bit if TensorFlow's op
        determinism is on. After a quarter of the steps `look` says which data the rest is for; then
        there may be more or fewer of them. Returns True at the end, and False when `should_stop`,
        asked before each step, ended it early. Either way the steps taken are kept. Raises
        DanasError for a checkpoint made with other settings.
        """
        path = folder / CHECKPOINT
        made_by = self._made_by | {"steps": steps}
        initial = self.network.initial(np.random.default_rng(self.seed))
        state = begun(path, made_by, initial)

        def one_step(state: State) -> float:
            shares = state.focus.shares if state.focus else None
            genomes = self.schedule.genomes(state.step, self.settings.random_subnets, shares)
            return self._step(state, genomes, batch, steps, self.settings)

        def go_on(until: int | None = None) -> bool:
            done = train_on(
                state,
                one_step,
                path,
                made_by,
                should_stop=should_stop,
                on_step=on_step,
                checkpoint_seconds=self.checkpoint_seconds,
                until=until,
            )
            self.weights, self.focus = np.asarray(state.weights), state.focus
            return done

        if look is not None and state.focus is None:
            if not go_on(until=int(FOCUS_AT * steps)):
                return False
            try:
                use = look.use()
            finally:
                self._kept = Kept(KEPT_BYTES)  # of these weights: room for the rest of the training
            if use is None:
                return False
            state.focus = Focus.on(use, self.schedule, steps, look.step_seconds)
            save(state, path, made_by)  # so that nobody looks again
        return go_on()

    def trained(self, folder: Path, steps: int) -> bool:
        """Take the weights of a whole training of `steps` steps in `folder`, if there is one.

        Raises DanasError for a checkpoint that is damaged or made with other settings.
        """
        saved = whole_training(folder, self._made_by | {"steps": steps}, len(self.weights))
        if saved is None:
            return False
        self.weights, self.focus = saved.weights, saved.focus
        return True

    def load(self, folder: Path) -> int:
        """Take the weights of the checkpoint in `folder`, finished or not; returns its steps.

        Raises DanasError when it is missing, damaged, or of another supernet.
        """
        saved = Checkpoint.load(folder / CHECKPOINT)
        saved.check(self._made_by, folder / CHECKPOINT, len(self.weights))
        self.weights, self.focus = saved.weights, saved.focus
        return saved.step

    # -- subnets -------------------------------------------------------------------------------

    def evaluate(
        self,
        genome: Genome,
        recalibration: npt.NDArray[Any],
        images: npt.NDArray[Any],
        precision: Precision = "float32",
    ) -> Array:
        """Probabilities (n, classes) float32 of `genome` for `images`, with batch-norm statistics
        of the images `recalibration`. Both are (n, height, width, channels), float32 in [-1, 1] or
        uint8.

        What other subnets share with `genome` is kept for them, up to KEPT_BYTES: don't change the
        weights or the images in place afterwards.
        """
        statistics = prediction.recalibrated(
            self.network, self.weights, genome, recalibration, self._kept
        )
        return prediction.probabilities(
            self.network, self.weights, genome, statistics, images, precision, self._kept
        )

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
        checkpoint: Path | None = None,
        should_stop: Callable[[], bool] = lambda: False,
        on_step: OnStep = lambda _done, _steps, _loss: None,
    ) -> Any:
        """`genome` as a plain keras.Model, trained on alone for `steps` of the training's batches.

        The shared weights stay as they are. The learning rate falls to zero along a cosine. As in
        `train`, a training goes on from the file `checkpoint` if there is one and is kept there,
        and `should_stop` ends it early: then there is no model, but None. Raises DanasError for a
        checkpoint made with other settings or from other shared weights.
        """
        settings = replace(self.settings, learning_rate=learning_rate, warmup=0.0)
        made_by = {
            **self._made_by,
            "settings": asdict(settings),
            "genome": genome.to_json(),
            "steps": steps,
            "shared_weights": zlib.crc32(self.weights.tobytes()),
        }
        state = begun(checkpoint, made_by, self.weights)

        def one_step(state: State) -> float:
            return self._step(state, [genome], batch, steps, settings)

        if not train_on(
            state,
            one_step,
            checkpoint,
            made_by,
            should_stop=should_stop,
            on_step=on_step,
            checkpoint_seconds=self.checkpoint_seconds,
        ):
            return None
        return self._extract(np.asarray(state.weights), genome, recalibration)

    # -- inside --------------------------------------------------------------------------------

    def _step(
        self,
        state: State,
        genomes: list[Genome],
        batch: Batch,
        steps: int,
        settings: TrainingSettings,
    ) -> float:
        """The next of `steps` steps, in place, for `genomes`; returns the loss of the first."""
        images, labels = batch(genomes[0].data, state.step, settings.batch_size)
        position = state.focus.position(state.step) if state.focus else state.step
        rate = settings.rate(position, steps)
        return training.train_step(self.network, state, genomes, images, labels, rate, settings)

    @property
    def _made_by(self) -> dict[str, Any]:
        return {
            **self.made_for,
            "family": self.of.family,
            "space": self.of.space.of(self.of.family).to_json(),
            "data": [data.to_json() for data in self.of.configs],
            "classes": self.of.classes,
            "seed": self.seed,
            "settings": asdict(self.settings),
            "largest": [sandwich.largest.to_json() for sandwich in self.schedule.sandwiches],
        }

    def _extract(self, weights: Array, genome: Genome, recalibration: npt.NDArray[Any]) -> Any:
        statistics = prediction.recalibrated(self.network, weights, genome, recalibration)
        return extract.extract(self.network, weights, genome, statistics)


def time_finetune(supernet: Supernet, genome: Genome, steps: int = 3) -> float:
    """Seconds that a step of `Supernet.finetune` takes on this computer, without its batch."""
    network, settings, state = supernet.network, supernet.settings, State.fresh(supernet.weights)
    batch = noise(genome.data, network.classes, settings.batch_size)
    return mean_seconds(
        lambda _: training.train_step(network, state, [genome], *batch, 1e-3, settings), steps
    )


def time_steps(
    of: Subnets,
    settings: TrainingSettings | None = None,
    fits: Fits = anything,
    steps: int = 3,
) -> tuple[float, dict[DataConfig, float]]:
    """Seconds that a training step of such a supernet takes on this computer, without making its
    batch: on average, and by data configuration.

    Each is the mean of `steps` steps on noise, after one that traces and is not counted. The traces
    serve the training that follows.
    """
    settings = settings or TrainingSettings()
    network, schedule = of.network, Schedule.of(of.space, of.family, of.configs, 0, fits)
    state = State.fresh(network.initial(np.random.default_rng(0)))

    def timed(sandwich: Sandwich) -> float:
        batch = noise(sandwich.data, of.classes, settings.batch_size)

        def step(number: int) -> None:
            genomes = sandwich.genomes(number, settings.random_subnets)
            training.train_step(network, state, genomes, *batch, 1e-3, settings)

        return mean_seconds(step, steps)

    seconds = {sandwich.data: timed(sandwich) for sandwich in schedule.sandwiches}
    return float(np.dot(schedule.shares, list(seconds.values()))), seconds
