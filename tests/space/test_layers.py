from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danas_hil.base import DanasError
from danas_hil.space import (
    CLASSES,
    ArchConfig,
    DataConfig,
    Genome,
    Layer,
    kept_channels,
    layers,
)
from strategies import genomes

FULL_DEPTH = ArchConfig(3, 4, 3, 3, 1, 1.0)
MOBILENET_V2 = layers(Genome(DataConfig(224, "rgb"), FULL_DEPTH))


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
    downsampling = [layer.name for layer in MOBILENET_V2 if layer.stride == 2]
    assert downsampling == [
        "stem",
        *(f"stage{stage}_block1_depthwise" for stage in (2, 3, 4, 6)),
    ]


def test_projections_and_additions_are_linear_and_all_else_ends_in_relu6() -> None:
    for layer in MOBILENET_V2:
        linear = layer.name.endswith("_project") or layer.kind not in ("conv", "depthwise")
        assert layer.relu6 is not linear


@given(genomes())
def test_each_operator_reads_what_an_earlier_one_wrote(genome: Genome) -> None:
    table = layers(genome)
    assert table[0].inputs == (-1,)
    assert table[0].input_shape == genome.data.shape
    for index, layer in enumerate(table[1:], 1):
        assert all(0 <= source < index for source in layer.inputs)
        assert layer.input_shape == table[layer.inputs[0]].output_shape
    read = {source for layer in table for source in layer.inputs}
    assert read == set(range(-1, len(table) - 1))  # nothing is computed in vain


@given(genomes())
def test_shapes_follow_from_kind_stride_and_same_padding(genome: Genome) -> None:
    for layer in layers(genome):
        height, width, channels = layer.input_shape
        if layer.kind in ("conv", "depthwise"):
            assert layer.output_shape[:2] == (ceil(height / layer.stride),) * 2
        if layer.kind in ("depthwise", "add", "average_pool", "reshape", "softmax"):
            assert layer.output_shape[2] == channels
        if layer.kind == "average_pool":
            assert layer.kernel == height == width
        assert min(layer.output_shape) >= 1


@given(genomes())
def test_additions_join_equal_shapes_around_every_block_after_the_first(genome: Genome) -> None:
    table = layers(genome)
    additions = [layer for layer in table if layer.kind == "add"]
    assert len(additions) == 1 + sum(max(0, blocks - 1) for blocks in genome.arch.depths)
    for addition in additions:
        shortcut, block = (table[source] for source in addition.inputs)
        assert shortcut.output_shape == block.output_shape == addition.output_shape
        assert block.name == addition.name.replace("_add", "_project")


@given(genomes())
def test_every_width_is_kept_of_the_full_width_by_one_law(genome: Genome) -> None:
    width = genome.arch.alpha * genome.data.width_factor
    for layer in _features(layers(genome)):
        exact = layer.full_channels * width
        # Apart from binary fractions, which may fall short of a whole number by a hair.
        assert layer.output_shape[2] == max(1, floor(exact + 1e-9))


@pytest.mark.parametrize(
    ("channels", "width", "kept"),
    [(32, 1.0, 32), (32, 0.1, 3), (16, 0.033, 1), (10, 0.7, 7), (1280, 0.29, 371), (24, 0.5, 12)],
)
def test_kept_channels_are_rounded_down_and_never_none(
    channels: int, width: float, kept: int
) -> None:
    assert kept_channels(channels, width) == kept


@given(st.integers(1, 2000), st.integers(1, 100), st.integers(1, 100))
def test_kept_channels_of_hundredths_are_those_of_whole_numbers(
    channels: int, alpha: int, factor: int
) -> None:
    width = (alpha / 100) * (factor / 100)
    assert kept_channels(channels, width) == max(1, channels * alpha * factor // 10_000)


@given(genomes())
def test_names_are_unique_and_mean_the_same_weights_in_every_subnet(genome: Genome) -> None:
    full = {layer.name: layer for layer in layers(Genome(genome.data, FULL_DEPTH))}
    table = layers(genome)
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
    names = [layer.name for layer in layers(genome)]
    depths = (1, 2, *genome.arch.depths)
    for stage, blocks in enumerate(depths, 1):
        found = [n for n in names if n.startswith(f"stage{stage}_") and n.endswith("_project")]
        assert found == [f"stage{stage}_block{block + 1}_project" for block in range(blocks)]
    assert ("top" in names) == (genome.arch.b7 > 0)


@given(genomes())
def test_the_head_follows_the_last_stage_left(genome: Genome) -> None:
    *features, pool, _, dense, softmax = layers(genome)
    assert pool.input_shape == features[-1].output_shape
    assert dense.weights == features[-1].output_shape[2] * len(CLASSES)
    assert dense.biases == len(CLASSES)
    assert softmax.output_shape == (1, 1, len(CLASSES))


@pytest.mark.parametrize(
    ("kind", "weights"), [("conv", 9 * 4 * 6), ("depthwise", 9 * 6), ("dense", 9 * 24), ("add", 0)]
)
def test_weights_and_operations_are_counted_by_kind(kind: str, weights: int) -> None:
    layer = Layer("one", kind, (-1,), (8, 8, 4), (5, 5, 6), 6, kernel=3)
    assert layer.weights == weights
    assert layer.biases == (6 if weights else 0)
    assert layer.macs == 25 * weights


def test_an_infeasible_genome_has_no_layers() -> None:
    with pytest.raises(DanasError, match="behind an empty stage"):
        layers(Genome(DataConfig(64, "rgb"), ArchConfig(0, 1, 0, 0, 0, 1.0)))
