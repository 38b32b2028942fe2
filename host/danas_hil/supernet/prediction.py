"""What a subnet makes of images: batch-norm statistics anew, folded into convolutions, then run.

Segment by segment (families.Skeleton): what the first segments make of an image is the same for
all subnets of one width and the same depths there, so it can be kept from one subnet to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from itertools import pairwise, starmap
from typing import Any

import numpy as np
import numpy.typing as npt

from danas_hil.base import DanasError
from danas_hil.families import HEAD, Layer
from danas_hil.signals import DataConfig
from danas_hil.space import Genome
from danas_hil.supernet.backend import Precision, tensorflow, traced
from danas_hil.supernet.kept import Kept, Same
from danas_hil.supernet.network import (
    EPSILON,
    Array,
    Choice,
    Network,
    activation,
    convolution,
)

Statistics = dict[str, tuple[Array, Array]]
"""Mean and variance, each (c,), of what each convolution gives, by layer name."""

RECALIBRATION_PIXELS = 256 * 96 * 96
"""The most pixels in a batch of recalibration: 256 images of 96x96. A layer may hold 24 floats for
each pixel, and two layers live at once: 450 MB."""

PREDICTION_PIXELS = 250 * 64 * 64
"""The most pixels in a batch of predictions: a call costs 4 ms whatever its size, so smaller ones
are slower, and larger ones are no quicker (benchmarks/evaluation.py)."""


def recalibrated(
    network: Network,
    flat: Array,
    genome: Genome,
    images: npt.NDArray[Any],
    kept: Kept | None = None,
) -> Statistics:
    """Batch-norm statistics of `genome` over `images` (n, height, width, channels).

    Batch by batch in training mode, and averaged over the batches: as large as memory bears, so
    that there are few. Images are float32 in [-1, 1], or uint8.

    kept: what is taken from it and put into it for the next subnets. `flat` and `images` must not
    be changed in place from then on.
    """
    check_images(genome, images)
    choice = network.choice(genome)
    names = [layer.name for layer in network.convolutions]
    convert = tensorflow().convert_to_tensor
    weights, depths, channels = map(convert, (flat, choice.depths, choice.kept))

    def through(segment: int, x: Any) -> tuple[Any, tuple[Array, ...]]:
        gather = gather_function(network, segment, _kind(genome, segment))
        x, *statistics = gather(weights, x, depths, channels)
        return x, tuple(part.numpy() for part in statistics)

    sums: list[Array] = []
    for cut in _batches(images, RECALIBRATION_PIXELS):
        key = ("recalibration", cut.start, cut.stop, Same(flat), Same(images))
        found = _through_segments(
            network, choice, kept or Kept(0), key, genome.data, images[cut], through
        )[1]
        parts = [(cut.stop - cut.start) / len(images) * part for part in found]
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
    kept: Kept | None = None,
) -> Array:
    """Probabilities (n, classes) float32 that the subnet `genome` gives to `images`.

    kept: as for `recalibrated`; the statistics are then always those of the same images.
    """
    check_images(genome, images)
    weights = network.cut(flat, genome)
    choice = network.choice(genome)
    depths = choice.depths
    tf = tensorflow()

    @cache
    def folded(segment: int) -> tuple[list[Any], list[Any]]:
        """Kernels and biases with batch norm in them; one number for a layer that is dropped."""
        kernels, biases = [], []
        for layer in network.segment_layers(segment):
            if layer.name not in statistics:
                kernels.append(np.zeros((1, 1, 1, 1), np.float32))
                biases.append(np.zeros(1, np.float32))
                continue
            mean, variance = statistics[layer.name]
            scale = weights[f"{layer.name}_gamma"] / np.sqrt(variance + EPSILON)
            kernels.append(weights[layer.name] * _by_output(layer, scale))
            biases.append(weights[f"{layer.name}_beta"] - mean * scale)
        if segment == network.segments - 1:
            kernels.append(weights[HEAD])
            biases.append(weights[f"{HEAD}_bias"])
        converted: tuple[list[Any], list[Any]] = tf.nest.map_structure(
            tf.convert_to_tensor, (kernels, biases)
        )
        return converted

    def through(segment: int, x: Any) -> tuple[Any, tuple[Array, ...]]:
        predict = predict_function(network, segment, _kind(genome, segment), precision)
        return predict(x, depths, *folded(segment)), ()

    parts = []
    for cut in _batches(images, PREDICTION_PIXELS):
        key = (precision, cut.start, cut.stop, Same(flat), Same(images))
        x, _ = _through_segments(
            network, choice, kept or Kept(0), key, genome.data, images[cut], through
        )
        parts.append(x.numpy())
    return np.concatenate(parts)


def _through_segments(
    network: Network,
    choice: Choice,
    kept: Kept,
    key: tuple[Any, ...],
    data: DataConfig,
    batch: npt.NDArray[Any],
    through: Callable[[int, Any], tuple[Any, tuple[Array, ...]]],
) -> tuple[Any, tuple[Array, ...]]:
    """What all segments together make of a batch, and the statistics found on the way.

    From the last segment on whose outcome is kept under `key` and what the subnet `choice`, which
    sees `data`, is up to there.
    """
    last = network.segments - 1
    keys = [
        (*key, data, place, tuple(choice.kept), network.depths_up_to(place, choice.depths))
        for place in range(last)
    ]
    value: tuple[Any, tuple[Array, ...]] | None = None
    first = 0
    for segment in reversed(range(last)):
        if (value := kept.get(keys[segment])) is not None:
            first = segment + 1
            break
    x, statistics = (_as_tensor(batch), ()) if value is None else value
    for segment in range(first, network.segments):
        x, more = through(segment, x)
        statistics = (*statistics, *more)
        if segment < last:
            size = x.shape.num_elements() * x.dtype.size
            kept.put(keys[segment], (x, statistics), size)
    return x, statistics


def _kind(genome: Genome, segment: int) -> str:
    """The kind of inputs that `segment` sees; empty if it sees none."""
    return genome.data.kind if segment == 0 else ""


def _seen(network: Network, kind: str, precision: Any) -> Any:
    """The signature of what a segment takes: inputs of `kind`, or maps."""
    channels = next((stem.channels for stem in network.stems if stem.kind == kind), None)
    return tensorflow().TensorSpec([None, None, None, channels], precision)


@lru_cache(maxsize=16)
def gather_function(network: Network, segment: int, kind: str) -> Any:
    """(flat, x, depths, kept) to what a segment makes of x, and mean and variance of each of its
    convolutions in turn, empty for dropped ones.

    Traced once for all subnets of `network`; the first segment once for each kind of input.
    """
    tf = tensorflow()
    signature = [
        tf.TensorSpec([network.size], tf.float32),
        _seen(network, kind, tf.float32),
        tf.TensorSpec([len(network.largest.depths)], tf.int32),
        tf.TensorSpec([len(network.counts)], tf.int32),
    ]

    def gather(flat: Any, x: Any, depths: Any, kept: Any) -> tuple[Any, ...]:
        weights = network.cut_tensors(flat, kept, kind)

        def convolve(layer: Layer, x: Any) -> tuple[Any, tuple[Any, ...]]:
            kernel = weights[layer.name]
            activated = layer.relu6 or layer.relu
            widens = layer.kernel == (1, 1) and activated and _widens(layer)
            bare = None if widens else convolution(layer, x, kernel)
            mean, variance = _widened_moments(x, kernel[0, 0]) if widens else _moments(bare)
            scale = weights[f"{layer.name}_gamma"] * tf.math.rsqrt(variance + EPSILON)
            bias = weights[f"{layer.name}_beta"] - mean * scale
            if not activated:
                return bare * scale + bias, (mean, variance)
            # Convolving again is quicker than three passes of scale, bias and ReLU6.
            return _folded(layer, x, kernel * _by_output(layer, scale), bias), (mean, variance)

        x, statistics = network.segment(segment, x, depths, convolve)
        return (x, *statistics)

    return traced(gather, signature)


@lru_cache(maxsize=16)
def predict_function(network: Network, segment: int, kind: str, precision: Precision) -> Any:
    """(x, depths, kernels, biases) to what a segment makes of x, and the last one probabilities.

    Batch norm is folded into kernels and biases, which are already cut to the subnet's size; the
    last segment's end with the dense layer's. Traced once, like `gather_function`.
    """
    tf = tensorflow()
    names = [layer.name for layer in network.segment_layers(segment)]
    last = segment == network.segments - 1
    kernel, bias = (tf.TensorSpec([None] * rank, tf.float32) for rank in (4, 1))
    kernels, biases = [kernel] * len(names), [bias] * len(names)
    if last:
        kernels.append(tf.TensorSpec([None, network.classes], tf.float32))
        biases.append(tf.TensorSpec([network.classes], tf.float32))
    images = _seen(network, kind, tf.float32 if segment == 0 else precision)
    depths = tf.TensorSpec([len(network.largest.depths)], tf.int32)

    def predict(x: Any, depths: Any, kernels: list[Any], biases: list[Any]) -> Any:
        folded = dict(
            zip(names, zip(kernels, biases, strict=True), strict=False)
        )  # the head is left over

        def convolve(layer: Layer, x: Any) -> tuple[Any, tuple[Any, ...]]:
            kernel, bias = (tf.cast(part, precision) for part in folded[layer.name])
            return _folded(layer, x, kernel, bias), ()

        x, _ = network.segment(segment, tf.cast(x, precision), depths, convolve)
        if not last:
            return x
        return tf.nn.softmax(tf.matmul(tf.cast(x, tf.float32), kernels[-1]) + biases[-1])

    return traced(predict, [images, depths, kernels, biases])


def _widens(layer: Layer) -> bool:
    return layer.output_shape[2] > layer.input_shape[2]


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
    """A float32 tensor: uint8 in [-1, 1], Keras' scale for MobileNetV2; float as it is."""
    tf = tensorflow()
    tensor = tf.cast(tf.convert_to_tensor(images), tf.float32)
    return tensor / 127.5 - 1.0 if images.dtype == np.uint8 else tensor


def check_images(genome: Genome, images: npt.NDArray[Any]) -> None:
    """Raise DanasError unless `images` is (n, height, width, channels) as `genome` sees them."""
    if images.ndim != 4 or not len(images) or images.shape[1:] != genome.data.shape:
        raise DanasError(
            f"Examples of shape {images.shape} are not what {genome} sees.",
            f"It takes (n, {', '.join(map(str, genome.data.shape))}) with n of 1 or more.",
        )


def _batches(images: npt.NDArray[Any], pixels: int) -> Iterator[slice]:
    """Where to cut `images` into equal batches (up to one image) of about `pixels` at the most."""
    size = max(1, pixels // (images.shape[1] * images.shape[2]))
    ends = np.linspace(0, len(images), -(-len(images) // size) + 1).round().astype(int).tolist()
    return starmap(slice, pairwise(ends))
