from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from danas_hil.base import DanasError
from danas_hil.families import HEAD, Architecture, Layer, kept_channels
from danas_hil.families.ds_cnn import DsCnn
from danas_hil.families.mobilenet_v2 import MobileNetV2
from danas_hil.signals.image import ImageConfig
from danas_hil.space import DEFAULT_SPACE, Genome, Space, layers
from danas_hil.supernet import Subnets
from danas_hil.supernet.backend import tensorflow
from danas_hil.supernet.network import Network, activation, convolution
from danas_hil.supernet.training import gradient_function, normalised_by_batch
from features import Features
from strategies import class_counts, genomes, genomes_of, make_space
from supernet.elastic import (
    CASE_NAMES,
    CASES,
    DATA,
    FAMILY,
    SPACE,
    WIDE,
    make_batch,
    shaken_supernet,
)

DS_CNNS = make_space(family="ds_cnn")


@given(genomes() | genomes_of("mobilenet_v2") | genomes_of("ds_cnn"), class_counts())
def test_a_subnet_has_exactly_the_weights_of_its_layer_table(genome: Genome, classes: int) -> None:
    space = make_space(family=genome.family)
    network = Network.of(space, genome.family, [genome.data], classes)
    weights = network.cut(np.zeros(network.size, np.float32), genome)
    named = set()
    for layer in layers(genome, classes):
        if layer.weights:
            assert weights[layer.name].size == layer.weights
            biases = "classes_bias" if layer.name == HEAD else f"{layer.name}_beta"
            assert weights[biases].size == layer.biases
            named |= {layer.name, biases}
            if layer.name != HEAD:
                assert weights[layer.name].shape[:2] == layer.kernel
                named.add(f"{layer.name}_gamma")
    assert weights.keys() == named


@pytest.mark.parametrize(
    ("space", "arch"),
    [(DEFAULT_SPACE, MobileNetV2(1, 1, 0, 0, 0, 0.3)), (DS_CNNS, DsCnn(3, 0.375))],
    ids=["mobilenet_v2", "ds_cnn"],
)
def test_colours_share_everything_but_the_stem(space: Space, arch: Architecture) -> None:
    mono = ImageConfig(64, "monochrome")
    both = Network.of(space, arch.family, [DATA, mono], 2)
    assert both == Network.of(space, arch.family, space.data_configs, 2)
    flat = both.initial(np.random.default_rng(0))
    coloured, grey = (both.cut(flat, Genome(data, arch)) for data in (DATA, mono))
    assert coloured.keys() == grey.keys()
    for name, weights in grey.items():
        narrow = tuple(slice(side) for side in weights.shape)
        shared = np.shares_memory(weights, coloured[name])
        assert shared == (not name.startswith("stem")), name
        assert not shared or np.array_equal(weights, coloured[name][narrow])
    alone = Network.of(space, arch.family, [mono], 2)
    assert {name: weights.shape for name, weights in grey.items()} == {
        name: weights.shape
        for name, weights in alone.cut(np.zeros(alone.size, np.float32), Genome(mono, arch)).items()
    }


@pytest.mark.parametrize("space", [DEFAULT_SPACE, DS_CNNS], ids=lambda space: space.families[0])
def test_weights_stand_in_the_flat_vector_without_gap_or_overlap(space: Space) -> None:
    (family,) = space.families
    network = Network.of(space, family, [DATA, ImageConfig(32, "monochrome")], 10)
    place = 0
    for parameter in network.parameters:
        assert parameter.start == place
        place += parameter.size
    assert place == network.size


def test_all_resolutions_of_a_colour_share_one_network_and_its_traces() -> None:
    small, large, wide = (
        Network.of(SPACE, FAMILY, [data], 2) for data in (DATA, ImageConfig(64, "rgb"), WIDE)
    )
    assert small == large == wide
    assert gradient_function(small, "rgb") is gradient_function(large, "rgb")
    assert gradient_function(small, "rgb") is gradient_function(wide, "rgb")
    assert small != Network.of(SPACE, FAMILY, [ImageConfig(32, "monochrome")], 2)
    assert small != Network.of(SPACE, FAMILY, [DATA], 3)


def test_data_of_one_kind_with_other_channels_are_refused() -> None:
    odd = SimpleNamespace(kind="rgb", shape=(32, 32, 4))
    with pytest.raises(DanasError, match="different numbers of channels"):
        Network.of(SPACE, FAMILY, [DATA, odd], 2)  # type: ignore[list-item]


@pytest.mark.parametrize(
    "stranger",
    [
        Genome(DATA, MobileNetV2(3, 1, 1, 1, 1, 0.5)),
        Genome(DATA, MobileNetV2(2, 1, 1, 1, 1, 0.6)),
        Genome(DATA, MobileNetV2(0, 1, 0, 0, 0, 0.5)),
        Genome(ImageConfig(32, "monochrome"), MobileNetV2(1, 1, 1, 1, 1, 0.5)),
        Genome(DATA, DsCnn(1, 0.5)),
        Genome(Features(32, 32), MobileNetV2(1, 1, 1, 1, 1, 0.5)),
    ],
    ids=["too deep", "too wide", "infeasible", "other colour", "other family", "other signal"],
)
def test_a_genome_that_the_network_cannot_hold_is_refused(stranger: Genome) -> None:
    with pytest.raises(DanasError, match="no subnet"):
        Network.of(SPACE, FAMILY, [DATA], 2).choice(stranger)


def test_a_genome_with_another_stem_is_refused() -> None:
    network = Network.of(DS_CNNS, "ds_cnn", [DATA], 2)
    assert network.choice(Genome(DATA, DsCnn(2, 0.5))).head == 1
    with pytest.raises(DanasError, match="no subnet"):
        network.choice(Genome(DATA, DsCnn(2, 0.5, 3, 3)))


def test_a_space_with_no_choice_of_depth_has_a_network_too() -> None:
    depths = dict.fromkeys(("b3", "b4"), (1,)) | dict.fromkeys(("b5", "b6", "b7"), (0,))
    fixed = make_space((32,), ("rgb",), **depths, alpha=(0.5,))
    network = Network.of(fixed, FAMILY, [DATA], 2)
    assert network.choice(Genome(DATA, network.largest)).head == 2


@pytest.mark.parametrize(("of", "genome"), CASES, ids=CASE_NAMES)
def test_masking_channels_gives_what_slicing_them_gives(of: Subnets, genome: Genome) -> None:
    """The masked net runs at full width and depth; its mask follows each activation."""
    tf = tensorflow()
    supernet = shaken_supernet(of)
    network, flat = supernet.network, supernet.weights
    images, _ = make_batch(genome.data, 0, 32)
    choice = network.choice(genome)
    width = genome.arch.width(genome.data.shape[2])  # type: ignore[attr-defined]
    whole = network.choice(Genome(genome.data, network.largest))
    everything = network.cut_tensors(tf.constant(flat), whole.kept, genome.data.kind)

    def masked(layer: Layer, x: Any) -> tuple[Any, tuple[Any, ...]]:
        gamma, beta = everything[f"{layer.name}_gamma"], everything[f"{layer.name}_beta"]
        y = normalised_by_batch(convolution(layer, x, everything[layer.name]), gamma, beta)
        kept = np.arange(y.shape[-1]) < kept_channels(layer.full_channels, width)
        return activation(layer, y) * kept.astype(np.float32), ()

    features, _ = network.features(images, choice.depths, masked)
    head = everything[HEAD][choice.head, : features.shape[1]]
    logits = tf.matmul(features, head) + everything["classes_bias"][choice.head]

    gradient = gradient_function(network, genome.data.kind)
    targets = np.full((32, of.classes), 1 / of.classes, np.float32)
    counts = np.ones(32, np.float32)
    _, sliced, _ = gradient(flat, images, targets, counts, choice.depths, choice.kept, choice.head)
    np.testing.assert_allclose(tf.nn.softmax(logits), sliced, atol=1e-5)
