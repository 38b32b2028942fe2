"""A Gaussian process over genomes: what it must know, and what it must not claim to know."""

from __future__ import annotations

from math import log2

import numpy as np
import pytest

from danas_hil.search.samplers.predictor import predict
from danas_hil.space import Genome, Space, layers
from strategies import layer_space, make_space

SPACES = [make_space(resolution=(32, 64, 96)), layer_space(resolution=(32, 64, 96))]


def genomes(space: Space, count: int, seed: int = 0) -> list[Genome]:
    rng = np.random.default_rng(seed)
    return list(dict.fromkeys(space.sample(rng) for _ in range(count)))


def values(rows: list[Genome]) -> np.ndarray:
    """(n, 2): what grows with the network and depends on the data; the logarithm of its size."""
    work = [log2(sum(layer.macs for layer in layers(genome, classes=2))) for genome in rows]
    size = [log2(sum(layer.weights for layer in layers(genome, classes=2))) for genome in rows]
    bonus = [1.0 if genome.data.name == "64-rgb" else 0.0 for genome in rows]
    return np.column_stack([np.tanh(np.array(work) / 20 - 0.8) + np.array(bonus), size])


@pytest.mark.parametrize("space", SPACES)
def test_genomes_that_were_not_seen_are_ranked_by_those_that_were(space: Space) -> None:
    known, unknown = genomes(space, 80), genomes(space, 80, seed=1)
    mean, _ = predict(known, values(known), unknown)
    errors = mean - values(unknown)
    spread = values(unknown).std(axis=0)
    assert (np.sqrt(np.mean(errors**2, axis=0)) < 0.35 * spread).all()


def test_what_was_seen_is_known_better_than_what_was_not() -> None:
    known, unknown = genomes(SPACES[0], 40), genomes(SPACES[0], 40, seed=1)
    new = [genome for genome in unknown if genome not in known]
    mean, deviation = predict(known, values(known), [*known, *new])
    assert mean[: len(known)] == pytest.approx(values(known), abs=0.3)
    assert deviation[: len(known), 0].max() < np.median(deviation[len(known) :, 0])


def test_data_that_was_never_seen_is_known_less() -> None:
    known = [genome for genome in genomes(SPACES[0], 90) if genome.data.resolution != 96]
    _, deviation = predict(known, values(known), genomes(SPACES[0], 60, seed=1))
    unseen = np.array([g.data.resolution == 96 for g in genomes(SPACES[0], 60, seed=1)])
    assert deviation[unseen, 0].mean() > 1.3 * deviation[~unseen, 0].mean()


def test_equal_values_are_predicted_as_they_are() -> None:
    known = genomes(SPACES[0], 5)
    mean, deviation = predict(known, np.ones((len(known), 1)), genomes(SPACES[0], 5, seed=1))
    assert mean == pytest.approx(np.ones_like(mean))
    assert not deviation.any()
