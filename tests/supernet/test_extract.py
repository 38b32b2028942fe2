from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from danas_hil.estimate import paper
from danas_hil.space import Genome, layers
from danas_hil.supernet import Subnets, build
from strategies import class_counts, genomes, genomes_of
from supernet.elastic import CASE_NAMES, CASES, make_batch, shaken_supernet


@pytest.mark.parametrize(("of", "genome"), CASES, ids=CASE_NAMES)
def test_the_extracted_model_gives_what_the_subnet_gives(of: Subnets, genome: Genome) -> None:
    supernet = shaken_supernet(of)
    recalibration, _ = make_batch(genome.data, 0, 64)
    images, _ = make_batch(genome.data, 1, 40)
    model = supernet.extract(genome, recalibration)
    expected = supernet.evaluate(genome, recalibration, images)
    assert expected.shape == (40, of.classes)
    assert expected.std(axis=0).min() > 1e-4  # not the same answer for every image
    np.testing.assert_allclose(model(images, training=False), expected, atol=1e-5)


@pytest.mark.parametrize(("of", "genome"), CASES[::5], ids=CASE_NAMES[::5])
def test_the_model_has_the_layers_of_the_table_and_a_fixed_shape(
    of: Subnets, genome: Genome
) -> None:
    model = build(genome, of.classes)
    names = {layer.name for layer in model.layers}
    table = layers(genome, of.classes)
    assert {layer.name for layer in table} <= names
    assert model.input_shape == (None, *genome.data.shape)
    assert model.output_shape == (None, of.classes)
    for layer in table:
        shape = model.get_layer(layer.name).output.shape[1:]
        assert np.prod(shape) == np.prod(layer.output_shape)


@settings(max_examples=8)
@given(genomes(), class_counts())
def test_equations_1_and_2_hold_of_the_built_model(genome: Genome, classes: int) -> None:
    model = build(genome, classes)
    estimate = paper(genome, classes)
    assert estimate.flash_bytes == _parameters_after_folding(model)
    assert estimate.ram_bytes == _peak_bytes(model)


@settings(max_examples=4)
@given(genomes_of("ds_cnn"), class_counts())
def test_equations_1_and_2_hold_of_a_built_ds_cnn(genome: Genome, classes: int) -> None:
    model = build(genome, classes)
    estimate = paper(genome, classes)
    assert estimate.flash_bytes == _parameters_after_folding(model)
    assert estimate.ram_bytes == _peak_bytes(model)


def _parameters_after_folding(model: Any) -> int:
    """Parameters once each batch norm has become the bias of its convolution."""
    count = 0
    for layer in model.layers:
        if layer.name.endswith("_bn"):
            count += layer.gamma.shape[0]
        else:
            count += sum(int(np.prod(weight.shape)) for weight in layer.weights)
    return count


def _peak_bytes(model: Any) -> int:
    """The most bytes live at once, one for each element, running layer after layer.

    Batch norm and ReLU6 work in place: they are part of the convolution before them.
    """
    made_as: dict[int, int] = {}  # a Keras tensor to the buffer it lives in
    sizes: list[int] = []
    reads: list[list[int]] = []
    for layer in model.layers:
        inputs = layer.input if isinstance(layer.input, list) else [layer.input]
        if layer.name.endswith(("_bn", "_relu6")):
            made_as[id(layer.output)] = made_as[id(inputs[0])]
            continue
        is_input = layer.name == "images"
        reads.append([] if is_input else [made_as[id(tensor)] for tensor in inputs])
        made_as[id(layer.output)] = len(sizes)
        sizes.append(int(np.prod(layer.output.shape[1:])))
    last_read = {buffer: step for step, read in enumerate(reads) for buffer in read}
    last_read[len(sizes) - 1] = len(sizes)
    return max(
        sum(sizes[buffer] for buffer in range(step + 1) if last_read[buffer] >= step)
        for step in range(1, len(sizes))
    )
