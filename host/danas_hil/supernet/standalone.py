"""A network that shares its weights with no other: trained from scratch, by itself."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from danas_hil.families import HEAD
from danas_hil.space import Genome
from danas_hil.supernet.backend import keras, tensorflow, traced
from danas_hil.supernet.checkpoint import CHECKPOINT, Checkpoint, whole_training
from danas_hil.supernet.extract import build
from danas_hil.supernet.timing import mean_seconds, noise
from danas_hil.supernet.training import Batch, OnStep, TrainingSettings

STANDALONE = TrainingSettings(learning_rate=1e-3, weight_decay=0.0, random_subnets=0)
"""Adam with Keras' own learning rate, as the earlier layer-based search has it (its reference
implementation says no more than `adam`); it rises and falls as a supernet's does."""


class Standalone:
    """The network of `genome`, with weights made from `seed` until it is trained.

    made_for: what else its training depends on, as JSON; a checkpoint must agree with it.
    """

    def __init__(
        self,
        genome: Genome,
        classes: int,
        seed: int = 0,
        settings: TrainingSettings = STANDALONE,
        made_for: Mapping[str, Any] | None = None,
    ) -> None:
        self.genome, self.classes = genome, classes
        self.seed, self.settings = seed, settings
        self._made_for = dict(made_for or {})
        self.model: Any = build(genome, classes)
        _initialise(self.model, np.random.default_rng(seed))

    def trained(self, folder: Path, steps: int) -> bool:
        """Take the weights that a training of `steps` steps left in `folder`, if there are any.

        Raises DanasError for a checkpoint that is damaged or made with other settings.
        """
        saved = whole_training(folder, self._made_by(steps), self.model.count_params())
        if saved is None:
            return False
        self._take(saved.weights)
        return True

    def train(
        self,
        batch: Batch,
        steps: int,
        folder: Path | None = None,
        *,
        should_stop: Callable[[], bool] = lambda: False,
        on_step: OnStep = lambda _done, _steps, _loss: None,
    ) -> bool:
        """Train for `steps` steps, and then keep the weights in `folder`.

        Returns False when `should_stop`, asked before each step, ended it early: then nothing is
        kept.
        """
        step_function = _step_function(self.model)
        for step in range(steps):
            if should_stop():
                return False
            images, labels = batch(self.genome.data, step, self.settings.batch_size)
            counts = self.settings.weights(labels)
            loss = step_function(images, labels, counts, self.settings.rate(step, steps))
            on_step(step + 1, steps, loss)
        if folder is not None:
            flat = np.concatenate([weight.ravel() for weight in self.model.get_weights()])
            nothing = np.zeros(0, np.float32)
            Checkpoint(self._made_by(steps), steps, flat, nothing, nothing).save(
                folder / CHECKPOINT
            )
        return True

    def name(self, steps: int) -> str:
        """Of a folder for what a training of `steps` steps leaves: another training has another."""
        made_by = json.dumps(self._made_by(steps), sort_keys=True)
        return f"{self.genome.id}-{zlib.crc32(made_by.encode()):08x}"

    def _made_by(self, steps: int) -> dict[str, Any]:
        return {
            "genome": self.genome.to_json(),
            "classes": self.classes,
            "seed": self.seed,
            "settings": asdict(self.settings),
            "steps": steps,
            **self._made_for,
        }

    def _take(self, flat: npt.NDArray[np.float32]) -> None:
        shapes = [weight.shape for weight in self.model.get_weights()]
        parts = np.split(flat, np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1])
        pairs = zip(parts, shapes, strict=True)
        self.model.set_weights([part.reshape(shape) for part, shape in pairs])


def time_standalone(
    genome: Genome, classes: int, settings: TrainingSettings = STANDALONE, steps: int = 3
) -> float:
    """Seconds that a training step of `genome` takes on this computer, without making its batch.

    The mean of `steps` steps on noise, after one that traces and is not counted.
    """
    batch = noise(genome.data, classes, settings.batch_size)
    step_function = _step_function(build(genome, classes))
    counts = settings.weights(batch[1])
    return mean_seconds(lambda _: step_function(*batch, counts, 1e-3), steps)


def _initialise(model: Any, rng: np.random.Generator) -> None:
    """Glorot's uniform initialization of kernels, as Keras' own, but from `rng`; biases zero."""
    for layer in model.layers:
        weights = layer.get_weights()
        if len(weights) == 2:
            kernel, bias = weights
            window = int(np.prod(kernel.shape[:-2]))
            bound = np.sqrt(6 / (window * (kernel.shape[-2] + kernel.shape[-1])))
            layer.set_weights([rng.uniform(-bound, bound, kernel.shape), np.zeros_like(bias)])


_Step = Callable[[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any], float], float]


def _step_function(model: Any) -> _Step:
    """One step in place on `model`: (images, labels, how much each counts, learning rate) to the
    loss before it."""
    tf = tensorflow()
    optimizer = keras().optimizers.Adam()
    optimizer.build(model.trainable_variables)
    logits_of = keras().Model(model.inputs, model.get_layer(HEAD).output)

    def step(images: Any, labels: Any, counts: Any) -> Any:
        with tf.GradientTape() as tape:
            logits = logits_of(images, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            loss = tf.reduce_mean(counts * losses)
        slopes = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(slopes)
        return loss

    images_spec = tf.TensorSpec([None, *model.input_shape[1:]], tf.float32)
    labels_spec, counts_spec = tf.TensorSpec([None], tf.int32), tf.TensorSpec([None], tf.float32)
    traced_step = traced(step, [images_spec, labels_spec, counts_spec])

    def run(
        images: npt.NDArray[Any],
        labels: npt.NDArray[Any],
        counts: npt.NDArray[Any],
        rate: float,
    ) -> float:
        optimizer.learning_rate.assign(rate)
        return float(traced_step(images, tf.cast(labels, tf.int32), counts))

    return run
