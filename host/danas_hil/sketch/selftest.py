"""A small int8 convolution whose answer is known, to prove a board without any library."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from danas_hil.base import tree_folder
from danas_hil.board import Board
from danas_hil.sketch.render import Sketch, render

SPARE_RAM_BYTES = 16 * 1024  # for stack, core and wire, next to the block that is tested
_LARGEST_BLOCK = 3 * 1024 * 1024

Int8 = npt.NDArray[np.int8]


@dataclass(frozen=True)
class SelfTest:
    """A 3x3 convolution with ReLU over `side` x `side` x `inputs`, and its quantisation.

    weights: outputs x 3 x 3 x inputs, flat. multiplier and shift: the output is
    accumulator * multiplier / 2^31 / 2^shift, as TensorFlow Lite's quantisation has it.
    """

    side: int
    inputs: int
    outputs: int
    weights: tuple[int, ...]
    bias: tuple[int, ...]
    multiplier: int
    shift: int
    input_zero: int
    output_zero: int

    @staticmethod
    def make(seed: int = 0) -> SelfTest:
        """10 x 10 x 3 to 8 x 8 x 4, with weights that no mistake of order leaves unseen."""
        random = np.random.default_rng(seed)
        weights = random.integers(-127, 128, 4 * 9 * 3)
        bias = random.integers(-20_000, 20_000, 4)
        return SelfTest(
            side=10,
            inputs=3,
            outputs=4,
            weights=tuple(map(int, weights)),
            bias=tuple(map(int, bias)),
            multiplier=1_518_500_250,
            shift=8,
            input_zero=-3,
            output_zero=-17,
        )

    def answer(self, image: Int8) -> Int8:
        """The output for an image of (side, side, inputs): (side - 2, side - 2, outputs)."""
        windows = np.lib.stride_tricks.sliding_window_view(
            image.astype(np.int64) - self.input_zero, (3, 3), axis=(0, 1)
        )  # side - 2, side - 2, inputs, 3, 3
        kernel = np.array(self.weights, np.int64).reshape(self.outputs, 3, 3, self.inputs)
        sums = np.einsum("yxirc,orci->yxo", windows, kernel) + np.array(self.bias)
        # Ties go away from zero, in both steps.
        high = np.trunc((sums * self.multiplier + np.where(sums >= 0, 2**30, 1 - 2**30)) / 2**31)
        scaled = np.sign(high) * np.floor(np.abs(high) / 2**self.shift + 0.5)
        output: Int8 = np.clip(scaled + self.output_zero, self.output_zero, 127).astype(np.int8)
        return output

    def image(self, seed: int) -> Int8:
        """Any image: (side, side, inputs)."""
        shape = (self.side, self.side, self.inputs)
        return np.random.default_rng(seed).integers(-128, 128, shape, np.int8)


def render_selftest(board: Board, test: SelfTest) -> Sketch:
    """The self-test's project, with a block of memory that fills most of what the board has."""
    room = min((board.ram_bytes or 0) - SPARE_RAM_BYTES - 4096, _LARGEST_BLOCK)
    values = {"test": test, "name": "selftest", "memory_words": max(room // 8 * 6, 1024) // 4}
    return render(board, tree_folder("templates") / "selftest", values)
