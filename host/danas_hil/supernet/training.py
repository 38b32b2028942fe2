"""Training: sandwich steps with distillation in place, Adam with decoupled weight decay."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from danas_hil.families import HEAD, Layer
from danas_hil.signals import DataConfig
from danas_hil.space import Genome
from danas_hil.supernet.backend import tensorflow, traced
from danas_hil.supernet.focus import Focus
from danas_hil.supernet.network import EPSILON, Array, Network, activation, convolution

Batch = Callable[[DataConfig, int, int], tuple[npt.NDArray[Any], npt.NDArray[Any]]]
"""(data configuration, step, size) to images as it shows them (size, height, width, channels),
float32 in [-1, 1], and labels (size,)."""

OnStep = Callable[[int, int, float], None]
"""(steps done, steps in all, loss of the largest subnet) after each step."""

BETA1, BETA2, ADAM_EPSILON = 0.9, 0.999, 1e-8
"""Adam's constants (arXiv 1412.6980, Algorithm 1)."""

TINY = 1e-9
"""Keeps a gradient of zeros from being divided by zero."""


@dataclass(frozen=True)
class TrainingSettings:
    """How a supernet is trained.

    learning_rate: the highest; it rises over the first `warmup` of the steps and then falls to
        zero along a cosine. weight_decay: decoupled (AdamW, arXiv 1711.05101), on kernels only.
    random_subnets: trained at each step beside the largest and the smallest.
    distillation: share of the largest subnet's probabilities in what the others learn; the rest
        are the labels. class_weights: how much an example of each class counts; empty: all alike.
    """

    batch_size: int = 64
    learning_rate: float = 0.015
    weight_decay: float = 0.02
    random_subnets: int = 2
    distillation: float = 0.5
    warmup: float = 0.05
    class_weights: tuple[float, ...] = ()

    def weights(self, labels: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """How much each of `labels` (n,) counts, (n,)."""
        if not self.class_weights:
            return np.ones(len(labels), np.float32)
        weights: npt.NDArray[np.float32] = np.array(self.class_weights, np.float32)[labels]
        return weights

    def rate(self, step: float, steps: int) -> float:
        """The learning rate of step `step` (from 0) of `steps`; also between two steps."""
        warmup = max(1, round(self.warmup * steps))
        if step < warmup:
            return self.learning_rate * (step + 1) / warmup
        share = (step - warmup) / max(1, steps - warmup)
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * share))


@dataclass
class State:
    """Where a training stands: weights and Adam's two moments, flat tensors, and steps done.

    focus: what it goes on with, where that was found out.
    """

    weights: Any
    first: Any
    second: Any
    step: int = 0
    focus: Focus | None = None

    @staticmethod
    def fresh(weights: Array) -> State:
        tf = tensorflow()
        zeros = tf.zeros_like(weights)
        return State(tf.convert_to_tensor(weights), zeros, zeros)


def train_step(
    network: Network,
    state: State,
    genomes: list[Genome],
    images: npt.NDArray[Any],
    labels: npt.NDArray[Any],
    rate: float,
    settings: TrainingSettings,
) -> float:
    """One step in place on the gradients of `genomes`; returns the loss of the first of them.

    The first learns the labels; the others a mean of the labels and of its probabilities (in-place
    distillation, arXiv 1903.05134). Every gradient counts as a direction, with length 1: left as
    they are, a narrow subnet's is a hundredth of the largest's and goes under.
    """
    tf = tensorflow()
    gradient_of, update = gradient_function(network, genomes[0].data.kind), update_function(network)
    x = tf.convert_to_tensor(images, tf.float32)
    targets = tf.one_hot(labels, network.classes)
    counts = tf.convert_to_tensor(settings.weights(labels))
    first_loss: Any = None
    total: Any = None
    for genome in genomes:
        choice = network.choice(genome)
        loss, probabilities, gradient = gradient_of(
            state.weights, x, targets, counts, choice.depths, choice.kept, choice.head
        )
        total = gradient if total is None else total + gradient
        if first_loss is None:
            first_loss = loss
            share = settings.distillation
            targets = share * probabilities + (1 - share) * targets
    state.step += 1
    state.weights, state.first, state.second = update(
        state.weights,
        state.first,
        state.second,
        total / len(genomes),
        np.float32(state.step),
        np.float32(rate),
        np.float32(settings.weight_decay),
    )
    return float(first_loss)


@lru_cache(maxsize=8)
def gradient_function(network: Network, kind: str) -> Any:
    """Traced once for all subnets of `network` that see inputs of `kind`, of any size.

    (weights, images, targets (n, classes), how much each counts (n,), depths, kept, head) to loss,
    probabilities (n, classes), and the gradient's direction.
    """
    tf = tensorflow()
    channels = next(stem.channels for stem in network.stems if stem.kind == kind)
    signature = [
        tf.TensorSpec([network.size], tf.float32),
        tf.TensorSpec([None, None, None, channels], tf.float32),
        tf.TensorSpec([None, network.classes], tf.float32),
        tf.TensorSpec([None], tf.float32),
        tf.TensorSpec([len(network.largest.depths)], tf.int32),
        tf.TensorSpec([len(network.counts)], tf.int32),
        tf.TensorSpec([], tf.int32),
    ]

    def gradient(
        flat: Any, images: Any, targets: Any, counts: Any, depths: Any, kept: Any, head: Any
    ) -> tuple[Any, Any, Any]:
        logits = batch_logits(network, kind, flat, images, depths, kept, head)
        losses = tf.nn.softmax_cross_entropy_with_logits(targets, logits)
        loss = tf.reduce_mean(counts * losses)
        slope = tf.gradients(loss, flat)[0]
        return loss, tf.nn.softmax(logits), slope / (tf.norm(slope) + TINY)

    return traced(gradient, signature)


@lru_cache(maxsize=8)
def update_function(network: Network) -> Any:
    """(weights, first moment, second moment, gradient, step from 1, learning rate, weight decay)
    to the first three anew. Traced once.
    """
    tf = tensorflow()
    vector = tf.TensorSpec([network.size], tf.float32)
    scalar = tf.TensorSpec([], tf.float32)

    def update(
        flat: Any, first: Any, second: Any, slope: Any, step: Any, rate: Any, decay: Any
    ) -> tuple[Any, Any, Any]:
        first = BETA1 * first + (1 - BETA1) * slope
        second = BETA2 * second + (1 - BETA2) * slope * slope
        unbiased = first / (1 - tf.pow(BETA1, step))
        scale = tf.sqrt(second / (1 - tf.pow(BETA2, step))) + ADAM_EPSILON
        shrink = rate * decay * flat[: network.kernel_size]
        whole = tf.pad(shrink, [[0, network.size - network.kernel_size]])
        return flat - rate * unbiased / scale - whole, first, second

    return traced(update, [vector] * 4 + [scalar] * 3)


def batch_logits(
    network: Network, kind: str, flat: Any, images: Any, depths: Any, kept: Any, head: Any
) -> Any:
    """Logits (n, classes) of a subnet normalised by the statistics of this very batch."""
    tf = tensorflow()
    weights = network.cut_tensors(flat, kept, kind)

    def convolve(layer: Layer, x: Any) -> tuple[Any, tuple[Any, ...]]:
        gamma, beta = weights[f"{layer.name}_gamma"], weights[f"{layer.name}_beta"]
        x = convolution(layer, x, weights[layer.name])
        return activation(layer, normalised_by_batch(x, gamma, beta)), ()

    features, _ = network.features(images, depths, convolve)
    kernel = weights[HEAD][head, : tf.shape(features)[1]]
    return tf.matmul(features, kernel) + weights[f"{HEAD}_bias"][head]


def normalised_by_batch(x: Any, gamma: Any, beta: Any) -> Any:
    """Batch normalization in training mode."""
    return tensorflow().raw_ops.FusedBatchNormV3(
        x=x, scale=gamma, offset=beta, mean=[], variance=[], epsilon=EPSILON, is_training=True
    )[0]
