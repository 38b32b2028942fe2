"""What genomes will score, from those that have been scored: a Gaussian process over genomes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import log2

import numpy as np

from danas_hil.search.pareto import Array
from danas_hil.space import Genome, layers

_CLASSES = 2
"""Of the networks whose features are compared: more would move all of them alike."""

LENGTH = 4.0
"""Length scale of the kernel, in standard deviations of the features."""
APART = 2.0
"""How far apart two data configurations are besides their features: what a supernet makes of one
says little of another, still less where each has its own."""
NOISE = 0.01
"""Variance of what the features don't tell, as a share of all variance. These three were chosen
once, on 2,163 evaluations of a search; nothing is fitted while searching but the process itself."""


def predict(
    known: Sequence[Genome], values: Array, unknown: Sequence[Genome]
) -> tuple[Array, Array]:
    """Means and standard deviations, (m, k) each, of k values of the genomes `unknown`.

    values: (n, k) of the genomes `known`, n at least 2. Gaussian process regression with a Matern
    kernel (5/2) and a constant mean (Rasmussen and Williams, 2006, Eq. 2.25, 2.26, 4.17). Time and
    memory grow with n squared, for n of hundreds.
    """
    inputs, asked = _inputs(known, unknown)
    kernel = _matern(inputs, inputs) + NOISE * np.eye(len(inputs))
    cross = _matern(inputs, asked)
    shift, scale = values.mean(axis=0), values.std(axis=0)
    targets = (values - shift) / np.where(scale > 0, scale, 1)
    solved = np.linalg.solve(kernel, np.hstack([targets, cross]))
    weights, reduced = solved[:, : values.shape[1]], solved[:, values.shape[1] :]
    left = np.sqrt(np.maximum(1 - np.sum(cross * reduced, axis=0), 0))
    return cross.T @ weights * scale + shift, np.outer(left, scale)


def _inputs(known: Sequence[Genome], unknown: Sequence[Genome]) -> tuple[Array, Array]:
    """Rows in units of the length scale: features standardised by the known, data marked."""
    genomes = [*known, *unknown]
    rows = _rows(genomes)
    shift, scale = rows[: len(known)].mean(axis=0), rows[: len(known)].std(axis=0)
    rows = (rows - shift) / np.where(scale > 0, scale, 1)
    configs = list(dict.fromkeys(genome.data for genome in genomes))
    marks = np.array([[genome.data == data for data in configs] for genome in genomes])
    whole = np.hstack([rows, marks * (APART / 2**0.5)]) / LENGTH
    return whole[: len(known)], whole[len(known) :]


def _rows(genomes: Sequence[Genome]) -> Array:
    """Features of each genome (n, features): of families that it is not of, zeros."""
    families = sorted({genome.family: len(genome.arch.features) for genome in genomes}.items())
    rows = []
    for genome in genomes:
        row = [*_common(genome)]
        for family, count in families:
            own = genome.family == family
            row += [float(own), *(genome.arch.features if own else [0.0] * count)]
        rows.append(row)
    return np.array(rows)


@lru_cache(maxsize=100_000)
def _common(genome: Genome) -> tuple[float, ...]:
    """What the accuracy and the memory of any network go by."""
    table = layers(genome, _CLASSES)
    return (
        *genome.data.features,
        log2(sum(layer.macs for layer in table)),
        log2(sum(layer.weights for layer in table)),
    )


def _matern(one: Array, other: Array) -> Array:
    """Correlations (n, m) of rows (n, features) and (m, features) in units of the length scale."""
    squares = np.sum(one**2, axis=1)[:, None] + np.sum(other**2, axis=1) - 2 * one @ other.T
    distance = np.sqrt(5 * np.maximum(squares, 0))
    correlation: Array = (1 + distance + distance**2 / 3) * np.exp(-distance)
    return correlation
