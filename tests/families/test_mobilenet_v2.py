"""MobileNetV2: the published net, its subnets, and the repair of their depths."""

from __future__ import annotations

import itertools
from collections import Counter
from math import ceil, floor

import numpy as np
import pytest
from hypothesis import given, settings

from danas_hil.base import DanasError
from danas_hil.families import Layer
from danas_hil.families.mobilenet_v2 import MobileNetV2, MobileNetV2Space
from danas_hil.signals.image import ImageConfig
from danas_hil.space import DEFAULT_SPACE, Genome, Space, layers
from strategies import (
    DEPTH_GENES,
    class_counts,
    gapless_spaces,
    genomes,
    genomes_of,
    skippable_spaces,
    spaces,
)

Depths = tuple[int, ...]

FULL_DEPTH = MobileNetV2(3, 4, 3, 3, 1, 1.0)
MOBILENET_V2 = layers(Genome(ImageConfig(224, "rgb"), FULL_DEPTH), 2)

# For tests that go through all depths of a space in each example.
few = settings(max_examples=settings.default.max_examples // 4)


# -- the layer table -----------------------------------------------------------------------------


def _features(table: tuple[Layer, ...]) -> list[Layer]:
    return [layer for layer in table if layer.kind in ("conv", "depthwise")]


def test_the_full_net_has_the_parameters_of_mobilenet_v2() -> None:
    # Keras' summary of MobileNetV2(include_top=False, alpha=1, 3 channels): 2,257,984 parameters,
    # of them 34,112 not trainable. Those are the moving mean and variance of batch norm, which
    # has 4 parameters for each channel; the rest are kernels, as the convolutions have no bias.
    parameters, not_trainable = 2_257_984, 34_112
    channels = not_trainable // 2
    features = _features(MOBILENET_V2)
    assert sum(layer.biases for layer in features) == channels
    assert sum(layer.weights for layer in features) == parameters - 4 * channels


def test_the_full_net_has_the_operations_of_mobilenet_v2() -> None:
    # arXiv 1801.04381, Table 4: 300 M multiply-adds, with a head of 1,000 classes.
    macs = sum(layer.macs for layer in _features(MOBILENET_V2)) + 1280 * 1000
    assert macs == pytest.approx(300e6, rel=0.005)


def test_the_full_net_has_the_operators_of_mobilenet_v2() -> None:
    kinds = [layer.kind for layer in MOBILENET_V2]
    assert kinds.count("depthwise") == 17
    assert kinds.count("conv") == 1 + 16 + 17 + 1  # stem, expansions, projections, top
    assert kinds.count("add") == 10
    assert kinds[-4:] == ["average_pool", "reshape", "dense", "softmax"]
    downsampling = [layer.name for layer in MOBILENET_V2 if layer.stride == (2, 2)]
    assert downsampling == [
        "stem",
        *(f"stage{stage}_block1_depthwise" for stage in (2, 3, 4, 6)),
    ]


def test_projections_and_additions_are_linear_and_all_else_ends_in_relu6() -> None:
    for layer in MOBILENET_V2:
        linear = layer.name.endswith("_project") or layer.kind not in ("conv", "depthwise")
        assert layer.relu6 is not linear


@given(genomes() | genomes_of("mobilenet_v2"), class_counts())
def test_shapes_follow_from_kind_stride_and_same_padding(genome: Genome, classes: int) -> None:
    for layer in layers(genome, classes):
        height, width, channels = layer.input_shape
        if layer.kind in ("conv", "depthwise"):
            down, across = layer.stride
            assert down == across
            assert layer.output_shape[:2] == (ceil(height / down), ceil(width / across))
        if layer.kind in ("depthwise", "add", "average_pool", "reshape", "softmax"):
            assert layer.output_shape[2] == channels
        if layer.kind == "average_pool":
            assert layer.kernel == (height, width)
        assert min(layer.output_shape) >= 1


@given(genomes())
def test_additions_join_equal_shapes_around_every_block_after_the_first(genome: Genome) -> None:
    table = layers(genome, 2)
    additions = [layer for layer in table if layer.kind == "add"]
    assert len(additions) == 1 + sum(max(0, blocks - 1) for blocks in genome.arch.depths)
    for addition in additions:
        shortcut, block = (table[source] for source in addition.inputs)
        assert shortcut.output_shape == block.output_shape == addition.output_shape
        assert block.name == addition.name.replace("_add", "_project")


@given(genomes())
def test_every_width_is_kept_of_the_full_width_by_one_law(genome: Genome) -> None:
    width = genome.arch.alpha * (0.33 if genome.data.colour == "monochrome" else 1)
    for layer in _features(layers(genome, 2)):
        exact = layer.full_channels * width
        # Apart from binary fractions, which may fall short of a whole number by a hair.
        assert layer.output_shape[2] == max(1, floor(exact + 1e-9))


@given(genomes())
def test_names_are_unique_and_mean_the_same_weights_in_every_subnet(genome: Genome) -> None:
    full = {layer.name: layer for layer in layers(Genome(genome.data, FULL_DEPTH), 2)}
    table = layers(genome, 2)
    assert len({layer.name for layer in table}) == len(table)
    for layer in table:
        same = full[layer.name]
        assert (layer.kind, layer.kernel == same.kernel or layer.kind == "average_pool") == (
            same.kind,
            True,
        )
        if layer.kind in ("conv", "depthwise"):
            assert (layer.full_channels, layer.stride) == (same.full_channels, same.stride)


@given(genomes())
def test_the_depths_are_the_blocks_of_stages_3_to_7(genome: Genome) -> None:
    names = [layer.name for layer in layers(genome, 2)]
    depths = (1, 2, *genome.arch.depths)
    for stage, blocks in enumerate(depths, 1):
        found = [n for n in names if n.startswith(f"stage{stage}_") and n.endswith("_project")]
        assert found == [f"stage{stage}_block{block + 1}_project" for block in range(blocks)]
    assert ("top" in names) == (genome.arch.b7 > 0)


@given(genomes(), class_counts())
def test_the_head_follows_the_last_stage_left(genome: Genome, classes: int) -> None:
    *features, pool, _, dense, softmax = layers(genome, classes)
    assert pool.input_shape == features[-1].output_shape
    assert dense.weights == features[-1].output_shape[2] * classes
    assert dense.biases == classes
    assert softmax.output_shape == (1, 1, classes)
    assert layers(genome, 2)[:-2] == layers(genome, classes)[:-2]


def test_an_infeasible_genome_has_no_layers() -> None:
    with pytest.raises(DanasError, match="behind an empty stage"):
        layers(Genome(ImageConfig(64, "rgb"), MobileNetV2(0, 1, 0, 0, 0, 1.0)), 2)


def test_monochrome_has_a_third_of_the_width_unless_set_otherwise() -> None:
    arch = MobileNetV2(1, 0, 0, 0, 0, 0.5)
    assert arch.width(3) == 0.5
    assert arch.width(1) == 0.5 * 0.33
    assert MobileNetV2(1, 0, 0, 0, 0, 0.5, 0.5).width(1) == 0.25
    grey, narrow, coloured = (
        layers(Genome(ImageConfig(64, colour), MobileNetV2(1, 0, 0, 0, 0, 1.0, width)), 2)[0]
        for colour, width in (("monochrome", 0.33), ("monochrome", 0.25), ("rgb", 0.25))
    )
    assert grey.output_shape == (32, 32, 10)
    assert narrow.output_shape == (32, 32, 8)
    assert coloured.output_shape == (32, 32, 32)


def test_names_tell_an_unusual_width_of_monochrome_networks() -> None:
    usual, unusual = MobileNetV2(1, 0, 0, 0, 0, 0.5), MobileNetV2(1, 0, 0, 0, 0, 0.5, 0.25)
    assert (str(usual), usual.short) == ("depth 10000 alpha 0.5", "d10000 a0.5")
    assert (str(unusual), unusual.short) == ("depth 10000 alpha 0.5 w0.25", "d10000 a0.5 w0.25")


@pytest.mark.parametrize(
    ("genes", "told"),
    [
        ((4, 0, 0, 0, 0, 0.5), "b3 = 4 .* 0 to 3"),
        ((0, 0, 0, 0, 2, 0.5), "b7 = 2 .* 0 to 1"),
        ((0, -1, 0, 0, 0, 0.5), "b4 = -1 .* 0 to 4"),
        ((0, 0, 0, 0, 0, 0.0), "alpha = 0"),
        ((0, 0, 0, 0, 0, 1.5), "alpha = 1.5"),
        ((0, 0, 0, 0, 0, 0.5, -1.0), "monochrome_width = -1"),
        ((0, 0, 0, 0, 0, 0.5, 1.5), "monochrome_width = 1.5"),
    ],
)
def test_a_gene_out_of_range_is_named(genes: tuple, told: str) -> None:
    with pytest.raises(DanasError, match=told):
        MobileNetV2(*genes)


# -- repair --------------------------------------------------------------------------------------


def _subnets(space: Space) -> MobileNetV2Space:
    subnets = space.of("mobilenet_v2")
    assert isinstance(subnets, MobileNetV2Space)
    return subnets


def _drawn(space: Space) -> list[Depths]:
    """Every combination of depths that can be drawn, feasible or not."""
    return list(itertools.product(*(space.genes[gene] for gene in DEPTH_GENES)))


def _feasible(depths: Depths) -> bool:
    return all(not later or earlier for earlier, later in itertools.pairwise(depths))


@few
@given(spaces())
def test_repair_leaves_feasible_depths_alone_and_makes_all_others_feasible(
    space: Space,
) -> None:
    for depths in _drawn(space):
        repaired = _subnets(space).repair(list(depths))
        assert _feasible(repaired)
        assert all(
            value in space.genes[gene] for gene, value in zip(DEPTH_GENES, repaired, strict=True)
        )
        if _feasible(depths):
            assert repaired == depths


@few
@given(spaces())
def test_repair_changes_the_number_of_blocks_as_little_as_the_space_permits(
    space: Space,
) -> None:
    totals = {sum(depths) for depths in _drawn(space) if _feasible(depths)}
    for depths in _drawn(space):
        nearest = min(abs(total - sum(depths)) for total in totals)
        assert abs(sum(_subnets(space).repair(list(depths))) - sum(depths)) == nearest


def _totals(space: Space) -> tuple[Counter[int], Counter[int]]:
    """How often each number of blocks is drawn, and how often it is there after the repair."""
    drawn = _drawn(space)
    return Counter(map(sum, drawn)), Counter(sum(_subnets(space).repair(list(d))) for d in drawn)


def test_the_default_space_has_nets_of_each_depth_as_often_after_repair_as_before() -> None:
    before, after = _totals(DEFAULT_SPACE)
    assert sum(not _feasible(depths) for depths in _drawn(DEFAULT_SPACE)) > 300
    assert after == before


@few
@given(gapless_spaces())
def test_narrow_spaces_have_nets_of_each_depth_as_often_after_repair_as_before(
    space: Space,
) -> None:
    # Exact, as some feasible depths have each number of blocks that can be drawn.
    before, after = _totals(space)
    assert after == before


@few
@given(skippable_spaces())
def test_in_spaces_with_gaps_the_mean_depth_stays_within_half_a_block(space: Space) -> None:
    # Here not every number of blocks is possible, so single nets round to the nearest one. Over
    # all 5,145 such spaces the mean moves by less than half a block; cutting blocks off behind
    # empty stages would take more than two blocks off the mean of the default space.
    before, after = _totals(space)
    mean_before, mean_after = (
        sum(total * times for total, times in counts.items()) / counts.total()
        for counts in (before, after)
    )
    assert abs(mean_after - mean_before) < 0.5
    assert max(after) == max(before)


def test_samples_are_as_deep_on_average_as_their_genes() -> None:
    rng = np.random.default_rng(0)
    count = 3000
    depths = np.array([sum(DEFAULT_SPACE.sample(rng).arch.depths) for _ in range(count)])
    mean = sum(float(np.mean(DEFAULT_SPACE.genes[gene])) for gene in DEPTH_GENES)
    assert mean == 7.0
    assert depths.mean() == pytest.approx(mean, abs=4 * depths.std() / count**0.5)
