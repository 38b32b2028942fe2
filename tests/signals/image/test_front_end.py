"""How a board with a camera makes a network's input, and what that takes."""

from __future__ import annotations

import pytest
from hypothesis import given

from danas_hil.signals.image import ImageConfig
from danas_hil.signals.image.front_end import FRAMES, front_end
from strategies import image_configs


def test_a_square_image_is_cut_out_of_the_middle_of_the_smallest_frame_that_holds_it() -> None:
    found = front_end(ImageConfig(96, "monochrome"))
    assert found.steps == (
        "QQVGA frame (160x120) in greyscale, row by row",
        "cut to 120x120 around its centre",
        "boxes averaged to 96x96",
        "mean less 128 as int8",
    )
    assert found.ram_bytes == 160 + 96 * 2
    assert found.operations == 120 * 120 + 2 * 96 * 96


def test_colour_takes_two_bytes_a_pixel_and_has_to_be_unpacked() -> None:
    found = front_end(ImageConfig(96, "rgb"))
    assert found.steps[0] == "QQVGA frame (160x120) in RGB565, row by row"
    assert found.ram_bytes == 160 * 2 + 96 * 3 * 2
    assert found.operations == 120 * 120 * (3 + 3) + 2 * 96 * 96 * 3


@pytest.mark.parametrize(
    ("data", "frame", "cut"),
    [
        (ImageConfig(96, "rgb", 64), "QQVGA", "cut to 160x107"),
        (ImageConfig(64, "rgb", 96), "QQVGA", "cut to 80x120"),
        (ImageConfig(160, "rgb", 120), "QQVGA", "cut to 160x120"),
        (ImageConfig(160, "rgb"), "QVGA", "cut to 240x240"),
        (ImageConfig(224, "rgb"), "QVGA", "cut to 240x240"),
        (ImageConfig(320, "rgb", 64), "QVGA", "cut to 320x64"),
        (ImageConfig(480, "rgb"), "VGA", "cut to 480x480"),
    ],
    ids=str,
)
def test_the_aspect_is_kept_and_nothing_is_made_larger(
    data: ImageConfig, frame: str, cut: str
) -> None:
    steps = front_end(data).steps
    assert steps[0].startswith(frame + " ")
    assert steps[1].startswith(cut + " ")
    assert steps[2] == f"boxes averaged to {data.width}x{data.height}"


@given(image_configs(480))
def test_a_cut_lies_within_the_frame_and_has_the_images_aspect(data: ImageConfig) -> None:
    found = front_end(data)
    frame_width, frame_height = next(
        (width, height)
        for _, width, height in FRAMES
        if width >= data.width and height >= data.height
    )
    width, height = map(int, found.steps[1].split()[2].split("x"))
    assert data.width <= width <= frame_width
    assert data.height <= height <= frame_height
    assert width == frame_width or height == frame_height
    assert width / data.width == pytest.approx(height / data.height, abs=1 / 16)
