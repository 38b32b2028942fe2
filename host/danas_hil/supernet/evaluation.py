"""Evaluation: batch-norm statistics anew, batch norm folded into the convolutions, then images."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from danas_hil.base import DanasError
from danas_hil.space import CLASSES, Genome, Layer
from danas_hil.supernet.backend import Precision, tensorflow, traced
from danas_hil.supernet.network import EPSILON, HEAD, Array, Network, activation, convolution

Statistics = dict[str, tuple[Array, Array]]
"""Mean and variance, each (c,), of what each convolution gives, by layer name."""

RECALIBRATION_PIXELS = 256 * 96 * 96
"""The most pixels in a batch of recalibration: 256 images of 96x96. A layer may hold 24 floats for
each pixel, and two layers live at once: 450 MB."""

PREDICTION_PIXELS = 250 * 64 * 64
"""The most pixels in a batch of predictions: a call costs 4 ms whatever its size, so smaller ones
are slower, and larger ones are no quicker (benchmarks/evaluation.py)."""


def recalibrated(
    network: Network, flat: Array, genome: Genome, images: npt.NDArray[Any]
) -> Statistics:
    """Batch-norm statistics of `genome` over `images` (n, height, width, channels).

    Batch by batch in training mode, and averaged over the batches: as large as memory bears, so
    that there are few. Images are float32 in [-1, 1], or uint8.
    """
    check_images(genome, images)
    gather = gather_function(network, genome.data.channels)
    choice = network.choice(genome)
    names = [layer.name for layer in network.convolutions]
    sums: list[Array] = []
    for share, batch in _batches(images, RECALIBRATION_PIXELS):
        parts = [share * part.numpy() for part in gather(flat, batch, choice.depths, choice.kept)]
        sums = [a + b for a, b in zip(sums, parts, strict=True)] if sums else parts
    pairs = zip(names, sums[::2], sums[1::2], strict=True)
    return {name: (mean, variance) for name, mean, variance in pairs if mean.size}


def probabilities(
    network: Network,
    flat: Array,
    genome: Genome,
    statistics: Statistics,
    images: npt.NDArray[Any],
    precision: Precision = "float32",
) -> Array:
    """Probabilities (n, 2) float32 that the subnet `genome` gives to `images`."""
    check_images(genome, images)
    predict = predict_function(network, genome.data.channels, precision)
    weights = network.cut(flat, genome)
    kernels, biases = [], []
    for layer in network.convolutions:
        if layer.name not in statistics:
            kernels.append(np.zeros((1, 1, 1, 1), np.float32))
            biases.append(np.zeros(1, np.float32))
            continue
        mean, variance = statistics[layer.name]
        scale = weights[f"{layer.name}_gamma"] / np.sqrt(variance + EPSILON)
        kernels.append(weights[layer.name] * _by_output(layer, scale))
        biases.append(weights[f"{layer.name}_beta"] - mean * scale)
    depths = network.choice(genome).depths
    tf = tensorflow()
    fixed = tf.nest.map_structure(
        tf.convert_to_tensor, (depths, kernels, biases, weights[HEAD], weights[f"{HEAD}_bias"])
    )
    parts = [predict(batch, *fixed).numpy() for _, batch in _batches(images, PREDICTION_PIXELS)]
    return np.concatenate(parts)


@lru_cache(maxsize=8)
def gather_function(network: Network, channels: int) -> Any:
    """(flat, images, depths, kept) to mean and variance of each convolution in turn, empty for
    dropped ones. Traced once for all subnets of `network` that see images of `channels`.
    """
    tf = tensorflow()
    signature = [
        tf.TensorSpec([network.size], tf.float32),
        tf.TensorSpec([None, None, None, channels], tf.float32),
        tf.TensorSpec([5], tf.int32),
        tf.TensorSpec([len(network.counts)], tf.int32),
    ]

    def gather(flat: Any, images: Any, depths: Any, kept: Any) -> tuple[Any, ...]:
        weights = network.cut_tensors(flat, kept, channels)

        def convolve(layer: Layer, x: Any) -> tuple[Any, tuple[Any, ...]]:
            kernel = weights[layer.name]
            widens = layer.kernel == 1 and layer.relu6
            bare = None if widens else convolution(layer, x, kernel)
            mean, variance = _widened_moments(x, kernel[0, 0]) if widens else _moments(bare)
            scale = weights[f"{layer.name}_gamma"] * tf.math.rsqrt(variance + EPSILON)
            bias = weights[f"{layer.name}_beta"] - mean * scale
            if not layer.relu6:
                return bare * scale + bias, (mean, variance)
            # Convolving again is quicker than three passes of scale, bias and ReLU6.
            return _folded(layer, x, kernel * _by_output(layer, scale), bias), (mean, variance)

        return network.features(images, depths, convolve)[1]

    return traced(gather, signature)


@lru_cache(maxsize=8)
def predict_function(network: Network, channels: int, precision: Precision) -> Any:
    """(images, depths, kernels, biases, head, head bias) to probabilities, with batch norm folded
    into kernels and biases, already cut to the subnet's size. Traced once, like `gather_function`.
    """
    tf = tensorflow()
    names = [layer.name for layer in network.convolutions]
    signature = [
        tf.TensorSpec([None, None, None, channels], tf.float32),
        tf.TensorSpec([5], tf.int32),
        [tf.TensorSpec([None, None, None, None], tf.float32)] * len(names),
        [tf.TensorSpec([None], tf.float32)] * len(names),
        tf.TensorSpec([None, len(CLASSES)], tf.float32),
        tf.TensorSpec([len(CLASSES)], tf.float32),
    ]

    def predict(
        images: Any, depths: Any, kernels: list[Any], biases: list[Any], head: Any, head_bias: Any
    ) -> Any:
        folded = dict(zip(names, zip(kernels, biases, strict=True), strict=True))

        def convolve(layer: Layer, x: Any) -> tuple[Any, tuple[Any, ...]]:
            kernel, bias = (tf.cast(part, precision) for part in folded[layer.name])
            return _folded(layer, x, kernel, bias), ()

        features, _ = network.features(tf.cast(images, precision), depths, convolve)
        return tf.nn.softmax(tf.matmul(tf.cast(features, tf.float32), head) + head_bias)

    return traced(predict, signature)


def _folded(layer: Layer, x: Any, kernel: Any, bias: Any) -> Any:
    """The convolution of `layer` with batch norm folded in: TensorFlow runs it as one operator."""
    return activation(layer, tensorflow().nn.bias_add(convolution(layer, x, kernel), bias))


def _by_output(layer: Layer, scale: Any) -> Any:
    """Factors (c,) of the output channels of `layer`, fit to be multiplied by its kernel."""
    return scale[:, None] if layer.kind == "depthwise" else scale


def _moments(x: Any) -> tuple[Any, Any]:
    """Mean and variance (c,) of x (n, h, w, c).

    Sums are products with ones, which are four times as quick as a reduction.
    """
    tf = tensorflow()
    rows, share = _rows(x)
    mean = tf.matmul(share, rows)[0]
    return mean, tf.nn.relu(tf.matmul(share, rows * rows)[0] - mean * mean)


def _widened_moments(x: Any, matrix: Any) -> tuple[Any, Any]:
    """Mean and variance (c,) of what the 1x1 convolution W = `matrix` makes of x, without it.

    They follow from the mean m and the covariance C of its input: W'm and the diagonal of W'CW.
    W makes six times as many channels as it takes, so C costs a sixth of the convolution.
    """
    tf = tensorflow()
    rows, share = _rows(x)
    mean = tf.matmul(share, rows)
    centred = rows - mean
    covariance = tf.matmul(centred, centred, transpose_a=True) * share[0, 0]
    variance = tf.reduce_sum(matrix * tf.matmul(covariance, matrix), 0)
    return tf.matmul(mean, matrix)[0], tf.nn.relu(variance)


def _rows(x: Any) -> tuple[Any, Any]:
    """x as a matrix (pixels, c), and the row that takes its mean when it comes before it."""
    tf = tensorflow()
    rows = tf.reshape(x, [-1, tf.shape(x)[3]])
    count = tf.shape(rows)[0]
    return rows, tf.fill([1, count], 1 / tf.cast(count, tf.float32))


def _as_tensor(images: npt.NDArray[Any]) -> Any:
    """A float32 tensor: uint8 images in [-1, 1], MobileNetV2's scale; float images as they are."""
    tf = tensorflow()
    tensor = tf.cast(tf.convert_to_tensor(images), tf.float32)
    return tensor / 127.5 - 1.0 if images.dtype == np.uint8 else tensor


def check_images(genome: Genome, images: npt.NDArray[Any]) -> None:
    """Raise DanasError unless `images` is (n, height, width, channels) as `genome` sees them."""
    if images.ndim != 4 or not len(images) or images.shape[1:] != genome.data.shape:
        raise DanasError(
            f"Images of shape {images.shape} are not what {genome} sees.",
            f"It takes (n, {', '.join(map(str, genome.data.shape))}) with n of 1 or more.",
        )


def _batches(images: npt.NDArray[Any], pixels: int) -> Iterator[tuple[float, Any]]:
    """Equal batches (up to one image) of about `pixels` at the most, and each one's share."""
    size = max(1, pixels // (images.shape[1] * images.shape[2]))
    count = -(-len(images) // size)
    for part in np.array_split(images, count):
        yield len(part) / len(images), _as_tensor(part)
