"""The int8 file of a genome's network with random weights."""

from __future__ import annotations

import numpy as np

from danas_hil.convert import to_tflite
from danas_hil.space import Genome


def converted(genome: Genome, seed: int = 1, *, clear_names: bool = True) -> bytes:
    """Biases and batch norm are random too: the converter leaves out biases of zero.

    Kernels come from `seed` like the rest: the converter stores equal constants once, and a kernel
    that sees one channel is nothing but signs, which may equal another's by chance.
    """
    from danas_hil.supernet.extract import build

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
    images = rng.uniform(-1, 1, (4, *genome.data.shape)).astype(np.float32)
    return to_tflite(model, images, clear_names=clear_names)
