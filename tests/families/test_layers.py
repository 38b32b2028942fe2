"""Stacks of convolutions, and their space: all in it is feasible, and all of it is reached."""

from __future__ import annotations

import itertools
import json
from math import prod

import numpy as np
import pytest
from hypothesis import given

from danas_hil.base import DanasError
from danas_hil.families.layers import NO_LAYER, Conv, LayerStack
from danas_hil.signals.image import ImageConfig
from danas_hil.space import DEFAULT_SPACE, Genome, Space, layers, space_from_json
from strategies import (
    class_counts,
    generators,
    genomes,
    image_configs,
    layer_space,
    layer_spaces,
    stack_genomes,
    stacks,
)

SMALL = Genome(ImageConfig(16, "monochrome"), LayerStack((Conv(2, 3, "relu"),)))
TINY = layer_space((16, 20), ("rgb",), (1, 2, 4), (2, 8), (3, 5), ("relu",))

# -- one stack -----------------------------------------------------------------------------------


def _stack(*texts: str) -> LayerStack:
    return LayerStack(tuple(map(Conv.parse, texts)))


@given(stack_genomes())
def test_a_genome_comes_back_from_json(genome: Genome) -> None:
    again = Genome.from_json(json.loads(json.dumps(genome.to_json())))
    assert again == genome
    assert again.id == genome.id


@given(stack_genomes(), stack_genomes(), genomes())
def test_two_genomes_have_one_id_exactly_if_they_are_equal(
    one: Genome, other: Genome, subnet: Genome
) -> None:
    assert (one.id == other.id) == (one == other)
    assert one.id != subnet.id


def test_ids_never_change() -> None:
    # Pinned: they name folders of runs.
    assert SMALL.id == "6dfb5437"


def test_it_is_written_for_people_in_full_and_in_short() -> None:
    genome = Genome(ImageConfig(32, "rgb"), _stack("16 3x3 relu", "8 5x5 sigmoid"))
    assert str(genome) == "32-rgb conv 16 3x3 relu, 8 5x5 sigmoid"
    assert genome.arch.short == "c16 c8k5s"


@pytest.mark.parametrize(
    "text", ["", "none", "16 3x5 relu", "16 3x3 tanh", "16 4x4 relu", "3 3x3 relu", "256 3x3 relu"]
)
def test_what_is_no_convolution_of_the_family_is_refused(text: str) -> None:
    with pytest.raises(DanasError):
        Conv.parse(text)


@given(stacks(), image_configs(64))
def test_it_is_feasible_exactly_if_a_pixel_is_left(stack: LayerStack, data: ImageConfig) -> None:
    genome = Genome(data, stack)
    taken = sum(conv.kernel - 1 for conv in stack.convs)
    left = (data.height - taken, data.width - taken)
    assert genome.feasible == (min(left) > 0)
    if genome.feasible:
        maps = [layer for layer in layers(genome, 2) if layer.kind == "conv"]
        assert maps[-1].output_shape[:2] == left
    else:
        told = f"takes {taken} off each side of an input of {data.width}x{data.height}"
        with pytest.raises(DanasError, match=told):
            layers(genome, 2)


@given(stack_genomes(), class_counts())
def test_its_table_is_a_chain_with_the_layers_of_the_genome(genome: Genome, classes: int) -> None:
    assert isinstance(genome.arch, LayerStack)
    table = layers(genome, classes)
    assert [layer.inputs for layer in table] == [(place - 1,) for place in range(len(table))]
    for before, after in itertools.pairwise(table):
        if after.kind == "reshape":
            assert prod(before.output_shape) == prod(after.output_shape)
        else:
            assert before.output_shape == after.input_shape
    convs = [layer for layer in table if layer.kind == "conv"]
    assert [(c.output_shape[2], c.kernel) for c in convs] == [
        (conv.filters, (conv.kernel, conv.kernel)) for conv in genome.arch.convs
    ]
    sigmoids = sum(conv.activation == "sigmoid" for conv in genome.arch.convs)
    assert sum(layer.kind == "sigmoid" for layer in table) == sigmoids
    assert [layer.kind for layer in table[-4:]] == ["reshape", "dense", "dense", "softmax"]
    assert [layer.output_shape for layer in table[-3:]] == [
        (1, 1, 20),
        (1, 1, classes),
        (1, 1, classes),
    ]


def test_its_channels_are_the_filters_whatever_the_colour() -> None:
    """The width factor of monochrome data is for subnets of MobileNetV2."""
    conv, *_ = layers(SMALL, 2)
    assert conv.output_shape == (14, 14, 2)
    assert conv.weights == 9 * 2
    assert conv.macs == 14 * 14 * 18


# -- the space -----------------------------------------------------------------------------------


@given(layer_spaces(), generators())
def test_what_is_drawn_bred_or_mutated_is_in_the_space(
    space: Space, rng: np.random.Generator
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
def test_a_mutation_changes_something(space: Space, rng: np.random.Generator) -> None:
    genome = space.sample(rng)
    if space.size == 1:
        with pytest.raises(DanasError, match="single genome"):
            space.mutate(genome, rng)
    else:
        assert space.mutate(genome, rng) != genome


@given(generators())
def test_a_child_has_layers_of_its_parents_in_their_places(rng: np.random.Generator) -> None:
    space = layer_space(resolution=(64,))  # large enough that nothing has to be repaired
    one, other = space.sample(rng), space.sample(rng)
    child = space.crossover(one, other, rng)
    pair = [genome.arch.convs for genome in (one, other)]
    assert min(map(len, pair)) <= len(child.arch.convs) <= max(map(len, pair))
    for place, conv in enumerate(child.arch.convs):
        assert conv in [convs[place] for convs in pair if place < len(convs)]


@given(layer_spaces())
def test_a_space_comes_back_from_json(space: Space) -> None:
    assert space_from_json(json.loads(json.dumps(space.to_json()))) == space


@given(layer_spaces(), generators())
def test_a_genome_comes_back_from_its_genes(space: Space, rng: np.random.Generator) -> None:
    genome = space.sample(rng)
    written = genome.to_json()
    genes = {gene: written[gene] for gene in space.genes}
    assert all(genes[gene] in values for gene, values in space.genes.items())
    assert space.genome(genes) == genome


def test_layers_behind_an_empty_place_move_up() -> None:
    genes = {"resolution": 32, "colour": "rgb", "conv1": NO_LAYER, "conv2": "4 3x3 relu"}
    assert layer_space().genome(genes).arch == LayerStack((Conv(4, 3, "relu"),))


def test_all_genomes_are_listed_once_and_counted() -> None:
    genomes = TINY.genomes()
    assert len(set(genomes)) == len(genomes) == TINY.size
    # 4 convolutions. 20 pixels bear all stacks of four; of 16 those of at most three 5x5 remain.
    assert TINY.size == 2 * (4 + 4**2) + 4**4 + (4**4 - 2**4)


def test_walks_reach_every_genome() -> None:
    space = layer_space((16, 20), ("rgb",), (1, 2, 4), (2,), (3, 5), ("relu",))
    rng = np.random.default_rng(0)
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
        drawn = [layer_space().sample(rng, ImageConfig(resolution, "rgb")) for _ in range(1000)]
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
        (
            {"layers": [10], "resolution": [16, 32]},
            "10 convolutions leave nothing of an input of 16x16",
        ),
    ],
)
def test_a_space_that_makes_no_sense_is_refused(genes: dict[str, object], message: str) -> None:
    with pytest.raises(DanasError, match=message):
        space_from_json({"family": "layers", **genes})


def test_a_subnet_of_mobilenet_is_not_in_it() -> None:
    subnet = DEFAULT_SPACE.sample(np.random.default_rng(0))
    assert subnet not in layer_space()
    with pytest.raises(DanasError, match="no networks of the family mobilenet_v2"):
        layer_space().mutate(subnet, np.random.default_rng(0))
