"""DS-CNN: the published network, and what may differ from it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danas_hil.base import DanasError
from danas_hil.estimate.paper import paper_flash_bytes, paper_ram_bytes
from danas_hil.families import find_family
from danas_hil.families.ds_cnn import DsCnn, DsCnnSpace
from strategies import SHAPES, class_counts

PUBLISHED = DsCnn(4, 0.5)
"""DS-CNN S of Hello Edge, which MLPerf Tiny has too: four blocks of 64 channels."""


def test_the_published_network_has_its_operations_and_its_memory() -> None:
    # arXiv 1711.07128, Table 5: DS-CNN S with 12 classes takes 5.4 M operations (two for each
    # multiplication) and 38.6 KB: its 8-bit weights and the two largest maps that follow in turn.
    table = PUBLISHED.layers((49, 10, 1), 12)
    assert 2 * sum(layer.macs for layer in table) == pytest.approx(5.4e6, rel=0.02)
    assert paper_flash_bytes(table) + paper_ram_bytes(table) == 38_604


def test_the_published_network_has_its_layers() -> None:
    stem, *middle, pool, flat, _, _ = PUBLISHED.layers((49, 10, 1), 12)
    assert (stem.kernel, stem.stride, stem.output_shape) == ((10, 4), (2, 2), (25, 5, 64))
    assert [layer.kind for layer in middle] == ["depthwise", "conv"] * 4
    assert [layer.kernel for layer in middle] == [(3, 3), (1, 1)] * 4
    assert {layer.output_shape for layer in middle} == {(25, 5, 64)}
    assert all(layer.relu6 for layer in (stem, *middle))
    assert (pool.kind, pool.kernel, flat.output_shape) == ("average_pool", (25, 5), (1, 1, 64))


@given(
    st.integers(1, 8),
    st.sampled_from((0.0625, 0.3, 1.0)),
    st.integers(1, 16),
    st.integers(1, 16),
    st.sampled_from(SHAPES),
    class_counts(),
)
def test_a_block_is_one_more_at_one_size(
    blocks: int, alpha: float, height: int, width: int, shape: tuple[int, int, int], classes: int
) -> None:
    table = DsCnn(blocks, alpha, height, width).layers(shape, classes)
    assert len(table) == 1 + 2 * blocks + 4
    channels = max(1, int(128 * alpha))
    size = (-(-shape[0] // 2), -(-shape[1] // 2), channels)
    assert {layer.output_shape for layer in table[: 1 + 2 * blocks]} == {size}
    assert table[0].kernel == (height, width)
    assert table[0].weights == height * width * shape[2] * channels


def test_its_width_is_alpha_whatever_it_sees() -> None:
    assert [DsCnn(2, 0.25).width(channels) for channels in (1, 3)] == [0.25, 0.25]


def test_names_tell_an_unusual_stem() -> None:
    assert (str(PUBLISHED), PUBLISHED.short) == ("ds_cnn blocks 4 alpha 0.5", "ds4 a0.5")
    unusual = DsCnn(4, 0.5, 3, 3)
    assert (str(unusual), unusual.short) == ("ds_cnn blocks 4 alpha 0.5 s3x3", "ds4 a0.5 s3x3")


@pytest.mark.parametrize(
    ("genes", "told"),
    [
        ((0, 0.5), "blocks = 0 .* 1 to 8"),
        ((9, 0.5), "blocks = 9 .* 1 to 8"),
        ((1, 0.0), "alpha = 0 "),
        ((1, 1.5), "alpha = 1.5"),
        ((1, float("nan")), "alpha = nan"),
        ((1, 0.5, 17), "stem_height = 17 .* 1 to 16"),
        ((1, 0.5, 10, 0), "stem_width = 0 .* 1 to 16"),
    ],
)
def test_a_gene_out_of_range_is_named(genes: tuple, told: str) -> None:
    with pytest.raises(DanasError, match=told):
        DsCnn(*genes)


@pytest.mark.parametrize(
    ("genes", "told"),
    [
        ({"blocks": [0, 2]}, "blocks = 0"),
        ({"blocks": [2, 9]}, "blocks = 9"),
        ({"alpha": [0.5, 1.5]}, "alpha = 1.5"),
        ({"alpha": [0, 0.5]}, "alpha = 0 "),
        ({"stem_height": [3, 10]}, "stem_height is one number, not a gene"),
        ({"stem_width": [17]}, "stem_width = 17"),
        ({"blocks": [2.5]}, "gives blocks the values"),
    ],
)
def test_a_space_that_makes_no_sense_is_refused(genes: dict, told: str) -> None:
    with pytest.raises(DanasError, match=told):
        find_family("ds_cnn").space(genes)


def test_a_space_may_have_another_stem() -> None:
    space = find_family("ds_cnn").space({"stem_height": 3, "stem_width": [5], "blocks": 2})
    assert isinstance(space, DsCnnSpace)
    assert {(arch.stem_height, arch.stem_width) for arch in space.all((32, 32, 3))} == {(3, 5)}
    assert space.genes.keys() == {"blocks", "alpha"}
    assert space.lacks(DsCnnSpace(blocks=(2,))) == "the stem_height 10 (it has 3)"
    assert not space.contains(DsCnn(2, 0.5), (32, 32, 3))
