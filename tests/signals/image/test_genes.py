"""The genes of images: resolutions, square and not, and colours."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from danas_hil.base import DanasError
from danas_hil.signals import find_signal
from danas_hil.signals.image import ImageConfig, ImageSpace
from danas_hil.signals.image.genes import read_resolution
from strategies import image_configs

SIGNAL = find_signal("image")


def test_monochrome_has_one_channel_and_rgb_has_three() -> None:
    assert ImageConfig(96, "rgb").shape == (96, 96, 3)
    assert ImageConfig(96, "monochrome").shape == (96, 96, 1)


def test_a_shape_is_height_by_width_and_a_resolution_width_by_height() -> None:
    wide = ImageConfig(96, "rgb", 64)
    assert wide.shape == (64, 96, 3)
    assert (wide.resolution, wide.name, wide.short) == ("96x64", "96x64-rgb", "96x64-rgb")
    assert wide.to_json() == {"resolution": "96x64", "colour": "rgb"}
    assert ImageConfig(64, "monochrome").short == "64-mono"


def test_a_square_image_is_its_side_however_it_is_written() -> None:
    square = ImageConfig(96, "rgb")
    assert square == ImageConfig(96, "rgb", 96) == ImageConfig(96, "rgb", 0)
    assert square.resolution == 96
    for written in (96, "96", "96x96", " 96X96 "):
        assert SIGNAL.config({"resolution": written, "colour": "rgb"}) == square


def test_names_tell_data_configurations_apart() -> None:
    configs = [
        ImageConfig(96, "rgb"),
        ImageConfig(64, "rgb"),
        ImageConfig(96, "monochrome"),
        ImageConfig(96, "rgb", 64),
        ImageConfig(64, "rgb", 96),
    ]
    assert len({config.name for config in configs}) == len(configs)
    assert configs[0].name == "96-rgb"


@given(image_configs(300))
def test_a_resolution_is_read_as_it_is_written(data: ImageConfig) -> None:
    assert read_resolution(data.resolution) == (data.width, data.height)
    assert SIGNAL.config(data.to_json()) == data
    assert data.shape == (data.height, data.width, data.channels)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "big",
        "96x",
        "x64",
        "96x64x3",
        "96*64",
        "-96",
        "9.5",
        "9x-6",
        "96x0",
        "1e2",
        "²",
        "9 x 6",
    ],
)
def test_what_is_no_resolution_is_refused(written: str) -> None:
    with pytest.raises(DanasError, match="is no resolution") as told:
        read_resolution(written)
    assert "96x64" in told.value.hint


@pytest.mark.parametrize(
    ("genes", "told"),
    [
        ({"resolution": 8}, "resolution of 8 is too small"),
        ({"resolution": "96x8"}, "resolution of 96x8 is too small"),
        ({"resolution": "8x96"}, "resolution of 8x96 is too small"),
        ({"resolution": 4097}, "resolution of 4097 is too large"),
        ({"resolution": "64x5000"}, "resolution of 64x5000 is too large"),
        ({"resolution": 0}, "resolution of 0 is too small"),
        ({"resolution": "96x0"}, "'96x0' is no resolution"),
        ({"resolution": -64}, "-64 is no resolution"),
        ({"colour": "blue"}, "no colour 'blue'"),
        ({"colour": 3}, "no colour 3"),
    ],
)
def test_genes_out_of_range_are_named(genes: dict[str, Any], told: str) -> None:
    with pytest.raises(DanasError, match=told):
        SIGNAL.config({"resolution": 64, "colour": "rgb"} | genes)


@pytest.mark.parametrize("resolution", [64.0, 64.5, None, True, [64], float("inf")])
def test_a_resolution_of_another_type_is_refused(resolution: Any) -> None:
    with pytest.raises(TypeError):
        SIGNAL.config({"resolution": resolution, "colour": "rgb"})


def test_a_space_has_its_resolutions_by_area() -> None:
    space = SIGNAL.space({"resolution": [96, "96x64", "48x96", 64, "64x96"], "colour": "rgb"})
    assert space.genes["resolution"] == (64, "48x96", "64x96", "96x64", 96)
    near = space.neighbours(ImageConfig(64, "rgb", 96))
    assert near == [ImageConfig(48, "rgb", 96), ImageConfig(96, "rgb", 64)]
    assert space.finest == 96


def test_the_default_space_is_that_of_the_paper() -> None:
    assert SIGNAL.space({}) == ImageSpace()
    assert ImageSpace().resolution == (32, 64, 96, 128, 160, 192, 224)
    assert ImageSpace().colour == ("monochrome", "rgb")
    assert len(ImageSpace().configs) == 14


@pytest.mark.parametrize(
    ("genes", "told"),
    [
        ({"resolution": ["64x64", 64]}, "gives resolution a value twice"),
        ({"resolution": ["96x64", " 96X64"]}, "gives resolution a value twice"),
        ({"resolution": [32, "96by64"]}, "'96by64' is no resolution"),
        ({"resolution": ["96x8"]}, "96x8 is too small"),
        ({"resolution": [True]}, "gives resolution the values"),
        ({"resolution": [64.5]}, "gives resolution the values"),
        ({"colour": ["blue"]}, "no colour 'blue'"),
        ({"colour": [1]}, "gives colour the values"),
        ({"width": [64]}, "no gene 'width'"),
    ],
)
def test_a_space_that_makes_no_sense_is_refused(genes: dict[str, Any], told: str) -> None:
    with pytest.raises(DanasError, match=told):
        SIGNAL.space(genes)
