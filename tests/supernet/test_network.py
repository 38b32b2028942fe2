from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from danas_hil.base import DanasError
from danas_hil.families import Layer, kept_channels
from danas_hil.families.mobilenet_v2 import MobileNetV2
from danas_hil.signals.image import ImageConfig
from danas_hil.space import DEFAULT_SPACE, Genome, layers
from danas_hil.supernet.backend import tensorflow
from danas_hil.supernet.network import HEAD, Network, activation, convolution
from danas_hil.supernet.training import gradient_function, normalised_by_batch
from strategies import genomes, make_space
from supernet.elastic import DATA, SPACE, SUBNETS, make_batch, shaken_supernet


@given(genomes())
def test_a_subnet_has_exactly_the_weights_of_its_layer_table(genome: Genome) -> None:
    network = Network.of(DEFAULT_SPACE, [ImageConfig(genome.data.resolution, genome.data.colour)])
    genome = replace(genome, data=replace(network.largest.data, resolution=64))
    weights = network.cut(np.zeros(network.size, np.float32), genome)
    for layer in layers(genome):
        if layer.weights:
            assert weights[layer.name].size == layer.weights
            biases = "classes_bias" if layer.name == HEAD else f"{layer.name}_beta"
            assert weights[biases].size == layer.biases


def test_colours_share_everything_but_the_stem() -> None:
    mono = ImageConfig(64, "monochrome")
    both = Network.of(DEFAULT_SPACE, [DATA, mono])
    assert both == Network.of(DEFAULT_SPACE, DEFAULT_SPACE.data_configs)
    flat = both.initial(np.random.default_rng(0))
    arch = MobileNetV2(1, 1, 0, 0, 0, 0.3)
    coloured, grey = (both.cut(flat, Genome(data, arch)) for data in (DATA, mono))
    assert coloured.keys() == grey.keys()
    for name, weights in grey.items():
        narrow = tuple(slice(side) for side in weights.shape)
        shared = np.shares_memory(weights, coloured[name])
        assert shared == (not name.startswith("stem")), name
        assert not shared or np.array_equal(weights, coloured[name][narrow])
    alone = Network.of(DEFAULT_SPACE, [mono])
    assert {name: weights.shape for name, weights in grey.items()} == {
        name: weights.shape
        for name, weights in alone.cut(np.zeros(alone.size, np.float32), Genome(mono, arch)).items()
    }


def test_weights_stand_in_the_flat_vector_without_gap_or_overlap() -> None:
    network = Network.of(DEFAULT_SPACE, [DATA, ImageConfig(32, "monochrome")])
    place = 0
    for parameter in network.parameters:
        assert parameter.start == place
        place += parameter.size
    assert place == network.size


def test_all_resolutions_of_a_colour_share_one_network_and_its_traces() -> None:
    small, large = (Network.of(SPACE, [ImageConfig(r, "rgb")]) for r in (32, 64))
    assert small == large
    assert gradient_function(small, 3) is gradient_function(large, 3)
    assert small != Network.of(SPACE, [ImageConfig(32, "monochrome")])


@pytest.mark.parametrize(
    "stranger",
    [
        Genome(DATA, MobileNetV2(3, 1, 1, 1, 1, 0.5)),
        Genome(DATA, MobileNetV2(2, 1, 1, 1, 1, 0.6)),
        Genome(DATA, MobileNetV2(0, 1, 0, 0, 0, 0.5)),
        Genome(ImageConfig(32, "monochrome"), MobileNetV2(1, 1, 1, 1, 1, 0.5)),
    ],
    ids=["too deep", "too wide", "infeasible", "other colour"],
)
def test_a_genome_that_the_network_cannot_hold_is_refused(stranger: Genome) -> None:
    with pytest.raises(DanasError, match="no subnet"):
        Network.of(SPACE, [DATA]).choice(stranger)


def test_a_space_with_no_choice_of_depth_has_a_network_too() -> None:
    fixed = make_space((32,), ("rgb",), (1,), (1,), (0,), (0,), (0,), (0.5,))
    network = Network.of(fixed, [DATA])
    assert network.choice(fixed.largest(DATA)).head == 2


@pytest.mark.parametrize("genome", SUBNETS, ids=str)
def test_masking_channels_gives_what_slicing_them_gives(genome: Genome) -> None:
    """The masked net runs at full width and depth; its mask follows each activation."""
    tf = tensorflow()
    supernet = shaken_supernet()
    network, flat = supernet.network, supernet.weights
    images, _ = make_batch(DATA, 0, 32)
    choice = network.choice(genome)
    width = genome.arch.alpha * DATA.width_factor
    kept = network.choice(network.largest).kept
    everything = network.cut_tensors(tf.constant(flat), kept, DATA.channels)

    def masked(layer: Layer, x: Any) -> tuple[Any, tuple[Any, ...]]:
        gamma, beta = everything[f"{layer.name}_gamma"], everything[f"{layer.name}_beta"]
        y = normalised_by_batch(convolution(layer, x, everything[layer.name]), gamma, beta)
        kept = np.arange(y.shape[-1]) < kept_channels(layer.full_channels, width)
        return activation(layer, y) * kept.astype(np.float32), ()

    features, _ = network.features(images, choice.depths, masked)
    head = everything[HEAD][choice.head, : features.shape[1]]
    logits = tf.matmul(features, head) + everything["classes_bias"][choice.head]

    gradient = gradient_function(network, 3)
    labels = np.full((32, 2), 0.5, np.float32)
    _, sliced, _ = gradient(flat, images, labels, choice.depths, choice.kept, choice.head)
    np.testing.assert_allclose(tf.nn.softmax(logits), sliced, atol=1e-5)
