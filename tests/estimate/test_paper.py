import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from danas_hil.estimate import paper
from danas_hil.estimate.paper import peak_live_bytes
from danas_hil.space import DEFAULT_SPACE, ArchConfig, DataConfig, Genome, layers


def test_a_chain_needs_what_equation_2_says():
    data, outputs = 100, [40, 90, 10, 70]
    chain = [(-1,), (0,), (1,), (2,)]
    assert peak_live_bytes(data, outputs, chain) == max(100 + 40, 40 + 90, 90 + 10, 10 + 70)


def test_a_shortcut_counts_until_its_addition():
    #  0 makes the shortcut, 1 and 2 are the block, 3 adds
    assert peak_live_bytes(5, [10, 60, 10, 10], [(-1,), (0,), (1,), (0, 2)]) == 10 + 60 + 10


def test_full_mobilenet_v2_has_its_known_parameters_and_peak():
    genome = Genome(DataConfig(224, "rgb"), ArchConfig(3, 4, 3, 3, 1, 1.0))
    estimate = paper(genome)
    # Keras counts 2,257,984 without the head: 2,189,760 weights and 4 x 17,056 of batch norm,
    # which folds into 17,056 biases. Then the head of two classes.
    assert estimate.flash_bytes == 2_189_760 + 17_056 + 1280 * 2 + 2
    # The depthwise convolution of block 1: 112 x 112 x 96 in, 56 x 56 x 96 out.
    assert estimate.ram_bytes == 96 * (112 * 112 + 56 * 56)


@given(st.integers(0, 2**32 - 1))
def test_every_genome_needs_room_for_each_operator_and_its_parameters(seed):
    genome = DEFAULT_SPACE.sample(np.random.default_rng(seed))
    estimate = paper(genome)
    table = layers(genome)
    widest = max(np.prod(row.input_shape) + np.prod(row.output_shape) for row in table)
    assert estimate.ram_bytes >= widest
    residuals = any(row.kind == "add" for row in table)
    assert residuals or estimate.ram_bytes == widest
    assert estimate.flash_bytes == sum(row.weights + row.biases for row in table)


@pytest.mark.parametrize("colour", ["monochrome", "rgb"])
def test_a_larger_image_takes_more_ram_and_the_same_flash(colour):
    arch = ArchConfig(2, 2, 1, 1, 1, 0.5)
    small, large = (paper(Genome(DataConfig(r, colour), arch)) for r in (64, 96))
    assert large.ram_bytes > small.ram_bytes
    assert large.flash_bytes == small.flash_bytes
