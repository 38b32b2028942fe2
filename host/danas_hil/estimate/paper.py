"""The memory model of arXiv 2502.12690 (Eq. 1 and Eq. 2), residuals counted in.

It sees parameters and activations alone, none of what TensorFlow Lite Micro allocates besides:
the byte-exact model stands beside it in this room.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from danas_hil.families import Layer
from danas_hil.space import Genome, layers

BYTES_PER_PARAMETER = 1
BYTES_PER_ACTIVATION = 1


@dataclass(frozen=True)
class PaperEstimate:
    """Eq. 2 and Eq. 1 for one network, with 8-bit data, activations and parameters."""

    ram_bytes: int
    flash_bytes: int


def paper(genome: Genome, classes: int) -> PaperEstimate:
    """Eq. 1 and Eq. 2 of `genome`, from its layer table. Raises DanasError if it is infeasible."""
    table = layers(genome, classes)
    return PaperEstimate(paper_ram_bytes(table), paper_flash_bytes(table))


def paper_flash_bytes(table: Sequence[Layer]) -> int:
    """Eq. 1: one byte for each weight and each bias, batch norm folded into the bias."""
    return BYTES_PER_PARAMETER * sum(layer.weights + layer.biases for layer in table)


def paper_ram_bytes(table: Sequence[Layer]) -> int:
    """Eq. 2: the most bytes of activations that are live while any one operator runs.

    For a chain that is max(d + out(l1), max_j(in(lj) + out(lj))); the shortcut around a block
    is held until its addition and counts with all operators inside the block.
    """
    sizes = [prod(layer.output_shape) * BYTES_PER_ACTIVATION for layer in table]
    return peak_live_bytes(
        prod(table[0].input_shape) * BYTES_PER_ACTIVATION,
        sizes,
        [layer.inputs for layer in table],
    )


def peak_live_bytes(data: int, outputs: Sequence[int], inputs: Sequence[tuple[int, ...]]) -> int:
    """The peak over operators, in order, of the bytes that are live while each runs.

    data: bytes of the network's input, known as tensor -1; outputs: bytes of each operator's
    output; inputs: the tensors that each operator reads, by the index of the operator that made
    them. A tensor lives from the operator that makes it to the last that reads it.
    """
    last_use = list(range(len(outputs)))
    last_data_use = 0
    for step, read in enumerate(inputs):
        for tensor in read:
            if tensor < 0:
                last_data_use = step
            else:
                last_use[tensor] = step
    return max(
        (data if step <= last_data_use else 0)
        + sum(size for tensor, size in enumerate(outputs[: step + 1]) if last_use[tensor] >= step)
        for step in range(len(outputs))
    )
