"""The operator graph of a genome, laid out as the TensorFlow converter would lay it out.

No network is built. Batch norm, ReLU and ReLU6 are part of the layer before them, the flattening
of a map of one pixel is part of the dense layer behind it; a plain Keras model of the layer table
comes out of the converter (TensorFlow 2.21) as the very same graph: a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import prod

from danas_hil.estimate.filesize import TensorEntry, file_bytes
from danas_hil.estimate.graph import Operator, OperatorGraph, Tensor, Window
from danas_hil.estimate.names import name_bytes
from danas_hil.families import Layer, Shape
from danas_hil.space import Genome, layers

_KINDS = {
    "conv": "CONV_2D",
    "depthwise": "DEPTHWISE_CONV_2D",
    "add": "ADD",
    "average_pool": "AVERAGE_POOL_2D",
    "dense": "FULLY_CONNECTED",
    "sigmoid": "LOGISTIC",
    "softmax": "SOFTMAX",
}


def lay_out(genome: Genome, classes: int, *, clear_names: bool = True) -> OperatorGraph:
    """The graph of the int8 file that `genome` converts to, with an output for each class.

    Its file_bytes are exact for a file with cleared names, else within 0.5 percent or 100 bytes:
    names depend on what else TensorFlow has named. Raises DanasError for an infeasible genome.
    """
    table = layers(genome, classes)
    graph = _Layout(genome.data.shape, table).graph()
    if clear_names:
        return graph
    squeezed = [layer for layer in table if layer.kind == "add" and _looks_like_bias(layer)]
    return replace(graph, file_bytes=graph.file_bytes + name_bytes(genome, table, squeezed))


@dataclass
class _Layout:
    """Tensors in the converter's order: input, shapes, dense layer, convolutions from the last to
    the first (bias, weights), then what the operators write, in the order in which they run."""

    shape: Shape
    table: tuple[Layer, ...]
    shapes: dict[tuple[int, ...], int] = field(default_factory=dict)  # what is reshaped to
    weights: list[tuple[str, TensorEntry, TensorEntry]] = field(default_factory=list)
    written: list[TensorEntry] = field(default_factory=list)
    operators: list[tuple[Operator, bool]] = field(default_factory=list)  # and whether it activates

    def graph(self) -> OperatorGraph:
        table = self.table
        for layer in table:
            if (shape := _reshaped(layer)) is not None:
                self.shapes.setdefault(shape, 1 + len(self.shapes))
            if layer.weights:
                self.weights.append((layer.name, *_weights(layer)))
        constants = [entry for _, *pair in reversed(self.weights) for entry in pair]
        first_weight = 1 + len(self.shapes)
        first_written = first_weight + len(constants)
        place = {
            name: first_weight + 2 * number
            for number, (name, *_) in enumerate(reversed(self.weights))
        }
        results = {-1: 0}  # of layers, by index: the tensor that holds the result
        for number, layer in enumerate(table):
            inputs = [results[index] for index in layer.inputs]
            shape = _reshaped(layer)
            if shape is not None:
                flat = self._run(
                    f"{layer.name}_shape", "RESHAPE", [inputs[-1], self.shapes[shape]], shape
                )
                inputs[-1] = first_written + flat
            if layer.kind == "reshape":
                results[number] = inputs[0]
                continue
            if layer.weights:
                bias = place[layer.name]
                inputs += [bias + 1, bias]
            vector = layer.kind in ("dense", "softmax")
            output = (1, layer.output_shape[2]) if vector else (1, *layer.output_shape)
            activated = layer.relu6 or layer.relu
            written = self._run(
                layer.name, _KINDS[layer.kind], inputs, output, _window(layer), activated
            )
            results[number] = first_written + written
        for operator, activated in self.operators:
            written = operator.outputs[0]
            self.operators[written] = (
                Operator(
                    operator.kind, operator.inputs, (first_written + written,), operator.window
                ),
                activated,
            )
        entries = [
            TensorEntry((1, *self.shape), "int8", scales=1, name="image"),
            *(TensorEntry((len(s),), "int32", data_bytes=4 * len(s)) for s in self.shapes),
            *constants,
            *self.written,
        ]
        return OperatorGraph(
            tensors=tuple(
                Tensor(e.name or f"tensor {index}", e.shape, e.type, e.data_bytes, e.scales)
                for index, e in enumerate(entries)
            ),
            operators=tuple(operator for operator, _ in self.operators),
            inputs=(0,),
            outputs=(len(entries) - 1,),
            file_bytes=file_bytes(entries, self.operators),
        )

    def _run(
        self,
        name: str,
        kind: str,
        inputs: list[int],
        shape: tuple[int, ...],
        window: Window | None = None,
        activated: bool = False,
    ) -> int:
        """Append an operator; its output, counted among what operators write."""
        written = len(self.written)
        self.operators.append((Operator(kind, tuple(inputs), (written,), window), activated))
        self.written.append(TensorEntry(shape, "int8", scales=1, name=name))
        return written


def _reshaped(layer: Layer) -> tuple[int, ...] | None:
    """To what shape a RESHAPE brings the layer's last input; None where there is none."""
    if layer.kind == "add" and _looks_like_bias(layer):
        return layer.output_shape[2:]
    if layer.kind == "reshape" and layer.input_shape[:2] != (1, 1):
        return (1, layer.output_shape[2])
    return None


def _looks_like_bias(layer: Layer) -> bool:
    """Keras adds such a map of one pixel as a bias, and so squeezes it to a vector first.

    (`add` in keras/src/backend/tensorflow/numpy.py: one dimension that is not 1.)
    """
    height, width, channels = layer.output_shape
    return height == width == 1 and channels > 1


def _weights(layer: Layer) -> tuple[TensorEntry, TensorEntry]:
    """Bias and weights: a scale for each channel, but one alone for a dense layer."""
    channels_in, channels = layer.input_shape[2], layer.output_shape[2]
    shape: tuple[int, ...]
    if layer.kind == "dense":
        shape = (channels, channels_in)
    elif layer.kind == "depthwise":
        shape = (1, *layer.kernel, channels)
    else:
        shape = (channels, *layer.kernel, channels_in)
    scales = 1 if layer.kind == "dense" else channels
    axis = 3 if layer.kind == "depthwise" else 0
    return (
        TensorEntry((channels,), "int32", data_bytes=4 * channels, scales=scales),
        TensorEntry(shape, "int8", data_bytes=prod(shape), scales=scales, scaled_axis=axis),
    )


def _window(layer: Layer) -> Window | None:
    if layer.kind in ("conv", "depthwise"):
        return Window(stride=layer.stride, same=layer.same)
    if layer.kind == "average_pool":
        return Window(stride=layer.kernel, size=layer.kernel)
    return None
