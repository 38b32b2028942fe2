"""Genomes whose network is a stack of convolutions."""

from __future__ import annotations

import itertools
import json
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danas_hil.base import DanasError
from danas_hil.space import Conv, DataConfig, Genome, LayerStack, layers
from strategies import genomes, stack_genomes, stacks

SMALL = Genome(DataConfig(16, "monochrome"), LayerStack((Conv(2, 3, "relu"),)))


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
    # Pinned: they name folders of runs made by earlier versions.
    assert SMALL.id == "da86c6e8"


def test_it_is_written_for_people_in_full_and_in_short() -> None:
    genome = Genome(DataConfig(32, "rgb"), _stack("16 3x3 relu", "8 5x5 sigmoid"))
    assert str(genome) == "32-rgb conv 16 3x3 relu, 8 5x5 sigmoid"
    assert genome.arch.short == "c16 c8k5s"


@pytest.mark.parametrize(
    "text", ["", "none", "16 3x5 relu", "16 3x3 tanh", "16 4x4 relu", "3 3x3 relu", "256 3x3 relu"]
)
def test_what_is_no_convolution_of_the_family_is_refused(text: str) -> None:
    with pytest.raises(DanasError):
        Conv.parse(text)


@given(stacks(), st.integers(16, 64))
def test_it_is_feasible_exactly_if_a_pixel_is_left(stack: LayerStack, resolution: int) -> None:
    genome = Genome(DataConfig(resolution, "rgb"), stack)
    left = resolution - sum(conv.kernel - 1 for conv in stack.convs)
    assert genome.feasible == (left > 0)
    if genome.feasible:
        maps = [layer for layer in layers(genome) if layer.kind == "conv"]
        assert maps[-1].output_shape[:2] == (left, left)
    else:
        with pytest.raises(DanasError, match="pixels off an image"):
            layers(genome)


@given(stack_genomes())
def test_its_table_is_a_chain_with_the_layers_of_the_genome(genome: Genome) -> None:
    assert isinstance(genome.arch, LayerStack)
    table = layers(genome)
    assert [layer.inputs for layer in table] == [(place - 1,) for place in range(len(table))]
    for before, after in itertools.pairwise(table):
        if after.kind == "reshape":
            assert prod(before.output_shape) == prod(after.output_shape)
        else:
            assert before.output_shape == after.input_shape
    convs = [layer for layer in table if layer.kind == "conv"]
    assert [(c.output_shape[2], c.kernel) for c in convs] == [
        (conv.filters, conv.kernel) for conv in genome.arch.convs
    ]
    sigmoids = sum(conv.activation == "sigmoid" for conv in genome.arch.convs)
    assert sum(layer.kind == "sigmoid" for layer in table) == sigmoids
    assert [layer.kind for layer in table[-4:]] == ["reshape", "dense", "dense", "softmax"]
    assert [layer.output_shape for layer in table[-3:]] == [(1, 1, 20), (1, 1, 2), (1, 1, 2)]


def test_its_channels_are_the_filters_whatever_the_colour() -> None:
    """The width factor of monochrome data is for subnets of MobileNetV2."""
    conv, *_ = layers(SMALL)
    assert conv.output_shape == (14, 14, 2)
    assert conv.weights == 9 * 2
    assert conv.macs == 14 * 14 * 18


def test_it_is_no_subnet() -> None:
    with pytest.raises(DanasError, match="no subnet of MobileNetV2"):
        _ = SMALL.subnet
