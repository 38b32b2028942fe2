"""The tensor names that the converter writes, for files that keep them.

They tell of every Keras layer that went into an operator. The shapes of the names are those of
TensorFlow 2.21 for the model that `supernet.build` makes (layers named as in the layer table, the
batch norm of NAME NAME_bn, its ReLU6 NAME_relu6, its ReLU NAME_relu, the model genome_ID), with
trained weights.
"""

from __future__ import annotations

from collections.abc import Sequence

from danas_hil.families import Layer, find_family
from danas_hil.space import Genome


def name_bytes(genome: Genome, table: Sequence[Layer], squeezed: Sequence[Layer]) -> int:
    """Bytes that names add to the file of `genome`, to a few hundredths of a percent of it.

    squeezed: the additions before which the converter puts a RESHAPE; one shape tensor is shared
    by those with the same number of channels.
    """
    names = ["images", "Identity"]
    lengths = {layer.output_shape[2]: layer for layer in reversed(squeezed)}
    names += [_scoped(genome, f"{layer.name}_1/Squeeze") for layer in lengths.values()]
    names += [_scoped(genome, f"{layer.name}_1/Squeeze1") for layer in squeezed]
    normalised = find_family(genome.family).normalised
    for layer in table:
        names += [
            ";".join(_scoped(genome, part) for part in parts)
            for parts in _parts(layer, layer in squeezed, normalised)
        ]
        if layer.kind == "reshape" and layer.input_shape[:2] != (1, 1):
            names += ["arith.constant", _scoped(genome, f"{layer.name}_1/Reshape")]
    return sum(-(-(len(name) + 1 + 4) // 4) * 4 for name in names)


def _scoped(genome: Genome, part: str) -> str:
    return f"genome_{genome.id}_1/{part}"


def _parts(layer: Layer, squeezed: bool, normalised: bool) -> list[list[str]]:
    """The parts of each name that a layer brings: weights, bias, output."""
    name = layer.name
    norm = f"{name}_bn_1"
    relu6 = [f"{name}_relu6_1/Relu6"] if layer.relu6 else []
    relu = [f"{name}_relu_1/Relu"] if layer.relu else []
    offset = f"{norm}/batchnorm/sub"
    match layer.kind:
        case "conv" if not normalised:
            weights = [f"{name}_1/convolution"]
            bias = [*relu, f"{name}_1/BiasAdd", *weights, f"{name}_1/Squeeze"]
            return [weights, bias, [*bias[:-1], f"{name}_1/Squeeze1"]]
        case "conv":
            weights = [f"{name}_1/convolution"]
        case "depthwise":
            weights = [f"{norm}/batchnorm/mul_1", f"{name}_1/depthwise", f"{norm}/batchnorm/mul"]
        case "dense":
            weights, bias = [f"{name}_1/MatMul"], [*relu, f"{name}_1/BiasAdd"]
            return [weights, bias, weights + bias]
        case "add":
            return [[f"{name}_1/{'BiasAdd' if squeezed else 'Add'}"]]
        case "sigmoid":
            return [[f"{name}_1/Sigmoid"]]
        case "average_pool":
            return [[f"{name}_1/AvgPool"]]
        case _:
            return []
    bias = [*relu6, f"{norm}/batchnorm/add_1", *weights, offset]
    return [weights, bias, [*bias[:-1], offset + "1"]]
