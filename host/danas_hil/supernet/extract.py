"""One network as a plain Keras model, made from the layer table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from danas_hil.base import DanasError, check_file, first_line
from danas_hil.families import HEAD, find_family
from danas_hil.run import anew
from danas_hil.space import Genome, layers
from danas_hil.supernet.backend import keras
from danas_hil.supernet.network import EPSILON, Array, Network
from danas_hil.supernet.prediction import Statistics

MOMENTUM = 0.99
"""Of the running statistics when a built model is trained on its own. Keras' MobileNetV2 has
0.999, which would need thousands of steps to forget the initial ones."""


def build(genome: Genome, classes: int) -> Any:
    """A freshly initialised functional keras.Model of `genome`: images to probabilities.

    Input (batch, height, width, channels) float32 in [-1, 1]; output (batch, classes). Layers have
    the names of the layer table; the batch norm of NAME is NAME_bn, its ReLU6 NAME_relu6, its ReLU
    NAME_relu. Convolutions have batch norm, or a bias where the family says so.
    """
    make = keras().layers
    normalised = find_family(genome.family).normalised
    images = keras().Input(genome.data.shape, name="images")
    outputs: list[Any] = []
    for layer in layers(genome, classes):
        x, *others = (outputs[i] if i >= 0 else images for i in layer.inputs)
        name = layer.name
        window = {
            "strides": layer.stride,
            "padding": "same" if layer.same else "valid",
            "use_bias": not normalised,
        }
        if layer.kind == "conv":
            x = make.Conv2D(layer.output_shape[2], layer.kernel, name=name, **window)(x)
        elif layer.kind == "depthwise":
            x = make.DepthwiseConv2D(layer.kernel, name=name, **window)(x)
        elif layer.kind == "add":
            x = make.Add(name=name)([x, *others])
        elif layer.kind == "average_pool":
            x = make.AveragePooling2D(layer.kernel, name=name)(x)
        elif layer.kind == "reshape":
            x = make.Flatten(name=name)(x)
        elif layer.kind == "dense":
            x = make.Dense(layer.output_shape[2], name=name)(x)
        elif layer.kind == "sigmoid":
            x = make.Activation("sigmoid", name=name)(x)
        else:
            x = make.Softmax(name=name)(x)
        if normalised and layer.kind in ("conv", "depthwise"):
            x = make.BatchNormalization(momentum=MOMENTUM, epsilon=EPSILON, name=f"{name}_bn")(x)
        if layer.relu6:
            x = make.ReLU(max_value=6.0, name=f"{name}_relu6")(x)
        if layer.relu:
            x = make.ReLU(name=f"{name}_relu")(x)
        outputs.append(x)
    return keras().Model(images, outputs[-1], name=f"genome_{genome.id}")


def load(path: Path) -> Any:
    """The keras.Model saved in `path`, for predictions. Raises DanasError naming a damaged file."""
    check_file(path, anew(path))
    try:
        return keras().models.load_model(path, compile=False)
    except Exception as error:  # of a damaged file Keras raises whatever it meets
        raise DanasError(f"{path} can't be read: {first_line(error)}.", anew(path)) from error


def extract(network: Network, flat: Array, genome: Genome, statistics: Statistics) -> Any:
    """`genome` cut out of the shared weights `flat`, as `build` lays it out."""
    model = build(genome, network.classes)
    weights = network.cut(flat, genome)
    for name, (mean, variance) in statistics.items():
        model.get_layer(name).set_weights([weights[name]])
        scale, offset = weights[f"{name}_gamma"], weights[f"{name}_beta"]
        model.get_layer(f"{name}_bn").set_weights([scale, offset, mean, variance])
    model.get_layer(HEAD).set_weights([weights[HEAD], weights[f"{HEAD}_bias"]])
    return model
