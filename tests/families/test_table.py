"""One operator of a layer table: what it makes of a map, its weights and its work."""

from __future__ import annotations

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danas_hil.families import HEAD, Layer, TableBuilder, kept_channels

SIDES = st.integers(1, 64)
WINDOWS = st.tuples(st.integers(1, 11), st.integers(1, 11))
STRIDES = st.tuples(st.integers(1, 3), st.integers(1, 3))


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


@pytest.mark.parametrize(
    ("kind", "weights"),
    [("conv", 9 * 4 * 6), ("depthwise", 9 * 6), ("dense", 9 * 24), ("add", 0), ("softmax", 0)],
)
def test_weights_and_operations_are_counted_by_kind(kind: str, weights: int) -> None:
    layer = Layer("one", kind, (-1,), (8, 8, 4), (5, 5, 6), 6, kernel=(3, 3))
    assert layer.weights == weights
    assert layer.biases == (6 if weights else 0)
    assert layer.macs == 25 * weights


def test_a_window_that_is_not_square_counts_height_by_width() -> None:
    layer = Layer("one", "conv", (-1,), (49, 10, 1), (25, 5, 64), 64, kernel=(10, 4))
    assert layer.weights == 10 * 4 * 64
    assert layer.macs == 25 * 5 * 10 * 4 * 64


@given(SIDES, SIDES, WINDOWS, STRIDES)
def test_same_padding_gives_the_input_divided_by_the_stride_on_each_side(
    height: int, width: int, kernel: tuple[int, int], stride: tuple[int, int]
) -> None:
    builder = TableBuilder((height, width, 3))
    builder.conv("one", 8, kernel, stride)
    wanted = (ceil(height / stride[0]), ceil(width / stride[1]))
    assert builder.shape == (*wanted, 8)
    builder.depthwise("two", kernel, stride)
    assert builder.shape == (ceil(wanted[0] / stride[0]), ceil(wanted[1] / stride[1]), 8)


@given(SIDES, SIDES, WINDOWS, STRIDES)
def test_valid_padding_gives_as_many_pixels_as_windows_fit_in(
    height: int, width: int, kernel: tuple[int, int], stride: tuple[int, int]
) -> None:
    builder = TableBuilder((height + kernel[0], width + kernel[1], 3))
    builder.conv("one", 8, kernel, stride, same=False)
    rows = range(0, height + 1, stride[0])
    columns = range(0, width + 1, stride[1])
    assert builder.shape == (len(rows), len(columns), 8)


def test_a_table_is_built_from_the_top_down_and_counts_channels_without_the_width() -> None:
    builder = TableBuilder((49, 10, 1), 0.5)
    builder.conv("stem", 64, (10, 4), (2, 2), activation="relu6")
    start = builder.last
    builder.depthwise("deep")
    builder.conv("point", 64)
    builder.add("sum", start)
    builder.sigmoid("bent")
    builder.pooled()
    *convs, addition, sigmoid, pool, flat, dense, softmax = builder.classified(12)
    assert [layer.output_shape for layer in convs] == [(25, 5, 32)] * 3
    assert [layer.full_channels for layer in convs] == [64] * 3
    assert [layer.relu6 for layer in convs] == [True, True, False]
    assert addition.inputs == (0, 2)
    assert (sigmoid.kind, sigmoid.inputs) == ("sigmoid", (3,))
    assert (pool.kernel, pool.output_shape) == ((25, 5), (1, 1, 32))
    assert flat.output_shape == (1, 1, 32)
    assert (dense.name, dense.weights, dense.biases) == (HEAD, 32 * 12, 12)
    assert (softmax.kind, softmax.output_shape) == ("softmax", (1, 1, 12))


def test_a_flattened_map_is_as_long_as_it_has_elements() -> None:
    builder = TableBuilder((5, 4, 3))
    builder.flattened()
    builder.dense("dense", 20)
    flat, dense, head, _ = builder.classified(7)
    assert flat.output_shape == (1, 1, 60)
    assert (dense.weights, dense.relu, dense.biases) == (60 * 20, True, 20)
    assert (head.weights, head.relu) == (20 * 7, False)
