import numpy as np
import pytest
from hypothesis import given

from danas_hil.estimate import paper
from danas_hil.estimate.paper import peak_live_bytes
from danas_hil.families import HEAD
from danas_hil.families.mobilenet_v2 import MobileNetV2
from danas_hil.signals.image import ImageConfig
from danas_hil.space import Genome, layers
from strategies import class_counts, genomes, genomes_of


def test_a_chain_needs_what_equation_2_says():
    data, outputs = 100, [40, 90, 10, 70]
    chain = [(-1,), (0,), (1,), (2,)]
    assert peak_live_bytes(data, outputs, chain) == max(100 + 40, 40 + 90, 90 + 10, 10 + 70)


def test_a_shortcut_counts_until_its_addition():
    #  0 makes the shortcut, 1 and 2 are the block, 3 adds
    assert peak_live_bytes(5, [10, 60, 10, 10], [(-1,), (0,), (1,), (0, 2)]) == 10 + 60 + 10


def test_full_mobilenet_v2_has_its_known_parameters_and_peak():
    genome = Genome(ImageConfig(224, "rgb"), MobileNetV2(3, 4, 3, 3, 1, 1.0))
    estimate = paper(genome, 2)
    # Keras counts 2,257,984 without the head: 2,189,760 weights and 4 x 17,056 of batch norm,
    # which folds into 17,056 biases. Then the head of two classes.
    assert estimate.flash_bytes == 2_189_760 + 17_056 + 1280 * 2 + 2
    # The depthwise convolution of block 1: 112 x 112 x 96 in, 56 x 56 x 96 out.
    assert estimate.ram_bytes == 96 * (112 * 112 + 56 * 56)


@given(genomes() | genomes_of("ds_cnn") | genomes_of("layers"), class_counts())
def test_every_genome_needs_room_for_each_operator_and_its_parameters(genome, classes):
    estimate = paper(genome, classes)
    table = layers(genome, classes)
    widest = max(np.prod(row.input_shape) + np.prod(row.output_shape) for row in table)
    assert estimate.ram_bytes >= widest
    residuals = any(row.kind == "add" for row in table)
    assert residuals or estimate.ram_bytes == widest
    assert estimate.flash_bytes == sum(row.weights + row.biases for row in table)


@given(genomes(), class_counts())
def test_a_class_more_takes_a_row_of_the_dense_layer_and_a_bias(genome, classes):
    one, more = paper(genome, classes), paper(genome, classes + 1)
    head = next(layer for layer in layers(genome, classes) if layer.name == HEAD)
    assert more.flash_bytes - one.flash_bytes == head.input_shape[2] + 1
    assert one.ram_bytes <= more.ram_bytes


@pytest.mark.parametrize("colour", ["monochrome", "rgb"])
def test_a_larger_image_takes_more_ram_and_the_same_flash(colour):
    arch = MobileNetV2(2, 2, 1, 1, 1, 0.5)
    small, large = (paper(Genome(ImageConfig(r, colour), arch), 2) for r in (64, 96))
    assert large.ram_bytes > small.ram_bytes
    assert large.flash_bytes == small.flash_bytes
