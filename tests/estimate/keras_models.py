"""A plain Keras model of a genome's layer table, with random weights, and its int8 file."""

from __future__ import annotations

from typing import Any

import numpy as np

from danas_hil.convert import to_tflite
from danas_hil.space import Genome, layers


def keras_model(genome: Genome, seed: int = 0) -> Any:
    import keras

    keras.utils.set_random_seed(seed)
    made: dict[int, Any] = {-1: keras.Input(genome.data.shape)}
    for number, layer in enumerate(layers(genome)):
        read = [made[index] for index in layer.inputs]
        common = {"strides": layer.stride, "padding": "same", "use_bias": False}
        if layer.kind == "conv":
            step = keras.layers.Conv2D(layer.output_shape[2], layer.kernel, **common)(read[0])
        elif layer.kind == "depthwise":
            step = keras.layers.DepthwiseConv2D(layer.kernel, **common)(read[0])
        elif layer.kind == "add":
            step = keras.layers.Add()(read)
        elif layer.kind == "average_pool":
            step = keras.layers.AveragePooling2D(layer.kernel)(read[0])
        elif layer.kind == "reshape":
            step = keras.layers.Flatten()(read[0])
        elif layer.kind == "dense":
            dense = keras.layers.Dense(layer.output_shape[2], bias_initializer="random_normal")
            step = dense(read[0])
        else:
            step = keras.layers.Softmax()(read[0])
        if layer.kind in ("conv", "depthwise"):
            step = keras.layers.BatchNormalization(
                beta_initializer=keras.initializers.RandomUniform(-1, 1, seed + number)
            )(step)
            step = keras.layers.ReLU(6.0)(step) if layer.relu6 else step
        made[number] = step
    return keras.Model(made[-1], made[len(made) - 2])


def converted(genome: Genome, seed: int = 0, *, clear_names: bool = True) -> bytes:
    images = np.random.default_rng(seed).uniform(-1, 1, (4, *genome.data.shape))
    return to_tflite(keras_model(genome, seed), images.astype(np.float32), clear_names=clear_names)
