"""The space of stacks of convolutions: everything in it is feasible, and all of it is reached."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from danas_hil.base import DanasError
from danas_hil.space import (
    DEFAULT_SPACE,
    Conv,
    DataConfig,
    LayerSpace,
    LayerStack,
    space_from_json,
)
from danas_hil.space.stack import NO_LAYER
from strategies import generators, layer_spaces

TINY = LayerSpace((16, 20), ("rgb",), (1, 2, 4), (2, 8), (3, 5), ("relu",))


@given(layer_spaces(), generators())
def test_what_is_drawn_bred_or_mutated_is_in_the_space(
    space: LayerSpace, rng: np.random.Generator
) -> None:
    one, other = space.sample(rng), space.sample(rng)
    assert one in space
    assert space.crossover(one, other, rng) in space
    if space.size > 1:
        assert space.mutate(one, rng) in space
    for data in space.data_configs:
        assert space.sample(rng, data).data == data
        assert all(genome in space for genome in space.leanest(data))


@given(layer_spaces(), generators())
def test_a_mutation_changes_something(space: LayerSpace, rng: np.random.Generator) -> None:
    genome = space.sample(rng)
    if space.size == 1:
        with pytest.raises(DanasError, match="single genome"):
            space.mutate(genome, rng)
    else:
        assert space.mutate(genome, rng) != genome


@given(generators())
def test_a_child_has_layers_of_its_parents_in_their_places(rng: np.random.Generator) -> None:
    space = LayerSpace(resolution=(64,))  # large enough that nothing has to be repaired
    one, other = space.sample(rng), space.sample(rng)
    child = space.crossover(one, other, rng)
    pair = [genome.arch.convs for genome in (one, other)]
    assert min(map(len, pair)) <= len(child.arch.convs) <= max(map(len, pair))
    for place, conv in enumerate(child.arch.convs):
        assert conv in [convs[place] for convs in pair if place < len(convs)]


@given(layer_spaces())
def test_a_space_comes_back_from_json(space: LayerSpace) -> None:
    assert space_from_json(json.loads(json.dumps(space.to_json()))) == space


@given(layer_spaces(), generators())
def test_a_genome_comes_back_from_its_genes(space: LayerSpace, rng: np.random.Generator) -> None:
    genome = space.sample(rng)
    written = genome.to_json()
    genes = {gene: written[gene] for gene in space.genes}
    assert all(genes[gene] in values for gene, values in space.genes.items())
    assert space.genome(genes) == genome


def test_layers_behind_an_empty_place_move_up() -> None:
    genes = {"resolution": 32, "colour": "rgb", "conv1": NO_LAYER, "conv2": "4 3x3 relu"}
    assert LayerSpace().genome(genes).arch == LayerStack((Conv(4, 3, "relu"),))


def test_all_genomes_are_listed_once_and_counted() -> None:
    genomes = TINY.genomes()
    assert len(set(genomes)) == len(genomes) == TINY.size
    # 4 convolutions. 20 pixels bear all stacks of four; of 16 those of at most three 5x5 remain.
    assert TINY.size == 2 * (4 + 4**2) + 4**4 + (4**4 - 2**4)


def test_walks_reach_every_genome() -> None:
    space, rng = replace(TINY, filters=(2,)), np.random.default_rng(0)
    genome = space.sample(rng)
    seen = {genome}
    for _ in range(2000):
        genome = space.mutate(genome, rng)
        seen.add(genome)
    assert len(seen) == space.size == 2 * (2 + 2**2) + 2**4 + (2**4 - 1)


def test_deep_stacks_are_as_frequent_on_small_images_as_on_large_ones() -> None:
    """32 pixels bear ten convolutions, if their kernels are small: none is dropped."""
    for resolution in (32, 224):
        rng = np.random.default_rng(0)
        drawn = [LayerSpace().sample(rng, DataConfig(resolution, "rgb")) for _ in range(1000)]
        depths = [len(genome.arch.convs) for genome in drawn]
        assert np.mean(depths) == pytest.approx(5.5, abs=0.3)
        assert depths.count(10) > 70


@pytest.mark.parametrize(
    ("genes", "message"),
    [
        ({"layers": [11]}, "outside 1 to 10"),
        ({"layers": []}, "no values"),
        ({"filters": [3]}, "filters = 3"),
        ({"filters": [4, 4]}, "twice"),
        ({"kernel": [7]}, "kernel = 7"),
        ({"activation": ["tanh"]}, "'tanh'"),
        ({"filters": ["many"]}, "values"),
        ({"alpha": [0.1]}, "no gene 'alpha'"),
        ({"layers": [10], "resolution": [16, 32]}, "leave nothing of 16-monochrome"),
    ],
)
def test_a_space_that_makes_no_sense_is_refused(genes: dict[str, object], message: str) -> None:
    with pytest.raises(DanasError, match=message):
        space_from_json({"family": "layers", **genes})


def test_a_subnet_of_mobilenet_is_not_in_it() -> None:
    subnet = DEFAULT_SPACE.sample(np.random.default_rng(0))
    assert subnet not in LayerSpace()
    with pytest.raises(DanasError, match="no stack of layers"):
        LayerSpace().mutate(subnet, np.random.default_rng(0))
