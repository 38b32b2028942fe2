"""Stacks of convolutions: the networks of the earlier, layer-based search (arXiv 2304.01821)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, get_args

from danas_hil.base import DanasError

Activation = Literal["relu", "sigmoid"]

FILTERS = (2, 4, 8, 16, 32, 64, 128)
KERNELS = (3, 5)
ACTIVATIONS: tuple[Activation, ...] = get_args(Activation)
MAX_LAYERS = 10
DENSE_UNITS = 20
"""Of the dense layer between the flattened maps and the classes."""

NO_LAYER = "none"
"""What a gene says of a layer that is not there."""

CONV_GENES = tuple(f"conv{place}" for place in range(1, MAX_LAYERS + 1))

_TEXT = re.compile(r"(\d+) (\d+)x(\d+) (\w+)")


@dataclass(frozen=True, order=True)
class Conv:
    """A convolution with stride 1 and no padding, and what follows it."""

    filters: int
    kernel: int
    activation: Activation

    def __post_init__(self) -> None:
        for gene, values in (
            ("filters", FILTERS),
            ("kernel", KERNELS),
            ("activation", ACTIVATIONS),
        ):
            if getattr(self, gene) not in values:
                raise DanasError(
                    f"A convolution can't have {gene} = {getattr(self, gene)!r}.",
                    f"There are: {', '.join(map(str, values))}.",
                )

    def __str__(self) -> str:
        return f"{self.filters} {self.kernel}x{self.kernel} {self.activation}"

    @staticmethod
    def parse(text: str) -> Conv:
        """The inverse of `str`: `16 3x3 relu`. Raises DanasError for anything else."""
        match = _TEXT.fullmatch(text)
        if match is None or match[2] != match[3]:
            raise DanasError(f"{text!r} is no convolution.", "Write one so: 16 3x3 relu")
        return Conv(int(match[1]), int(match[2]), match[4])  # type: ignore[arg-type]  # checked there


@dataclass(frozen=True, order=True)
class LayerStack:
    """One to MAX_LAYERS convolutions; then flatten, a dense layer with ReLU, and the classes."""

    convs: tuple[Conv, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.convs) <= MAX_LAYERS:
            raise DanasError(
                f"A stack of {len(self.convs)} convolutions is out of range.",
                f"It has 1 to {MAX_LAYERS}.",
            )

    def __str__(self) -> str:
        return "conv " + ", ".join(map(str, self.convs))

    @property
    def short(self) -> str:
        """For a column of a table: `c16 c32k5 c8s` (5x5 is k5, a sigmoid s)."""
        return " ".join(
            f"c{conv.filters}{'k5' if conv.kernel == 5 else ''}"
            f"{'s' if conv.activation == 'sigmoid' else ''}"
            for conv in self.convs
        )

    @property
    def shrinkage(self) -> int:
        """Pixels by which the map's side is less than the image's."""
        return sum(conv.kernel - 1 for conv in self.convs)

    def to_json(self) -> dict[str, Any]:
        """A gene for each place: the convolution, or NO_LAYER."""
        texts = [*map(str, self.convs)] + [NO_LAYER] * (MAX_LAYERS - len(self.convs))
        return dict(zip(CONV_GENES, texts, strict=True))

    @staticmethod
    def from_genes(texts: list[str]) -> LayerStack:
        """From a gene for each place; places without a layer are skipped."""
        return LayerStack(tuple(Conv.parse(text) for text in texts if text != NO_LAYER))
