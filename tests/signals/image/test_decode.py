import contextlib
import io
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from danas_hil.base import DanasError
from danas_hil.signals.image.decode import MAX_ASPECT, decode_image
from data.data_files import encoded, jpeg, photo


def saved(image: Image.Image, kind: str, **settings: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **settings)
    return buffer.getvalue()


@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 64))
def test_the_short_side_is_reduced_and_the_aspect_kept_up_to_its_limit(
    width: int, height: int, short_side: int
) -> None:
    pixels = np.zeros((height, width, 3), np.uint8)
    got_height, got_width, channels = decode_image(pixels, "x", short_side).shape
    short, long = sorted((got_width, got_height))
    aspect = min(MAX_ASPECT, max(width, height) / min(width, height))
    assert channels == 3
    assert short == min(short_side, width, height)
    assert abs(long - short * aspect) <= 0.5
    assert got_width == got_height or (got_width > got_height) == (width > height)


def test_a_small_image_comes_back_as_it_was() -> None:
    pixels = photo(0, 40, 30)
    assert np.array_equal(decode_image(encoded(pixels, "PNG"), "x", 64), pixels)


def test_a_long_image_is_cut_around_its_centre() -> None:
    pixels = np.zeros((10, 100, 3), np.uint8)
    pixels[:, 40:60] = 200
    assert (decode_image(pixels, "x", 10) == 200).all()


def test_a_large_jpeg_decodes_as_its_full_decoding_resized() -> None:
    content = jpeg(3, 640, 480)
    full = Image.open(io.BytesIO(content)).resize((64, 48), Image.Resampling.BILINEAR)
    difference = decode_image(content, "x", 48).astype(int) - np.asarray(full)
    assert np.abs(difference).mean() < 2


@pytest.mark.parametrize("turned", [1, 2, 3, 4, 5, 6, 7, 8])
def test_exif_orientation_is_applied(turned: int) -> None:
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    upright = Image.fromarray(photo(1))
    stored = upright.transpose(undo[turned]) if turned in undo else upright
    exif = Image.Exif()
    exif[0x0112] = turned
    got = decode_image(saved(stored, "JPEG", exif=exif, quality=95), "x", 64)
    assert got.shape == (30, 40, 3)
    assert np.abs(got.astype(int) - photo(1)).mean() < 4


def test_greyscale_pixels_and_files_turn_rgb() -> None:
    grey = photo(2)[..., 0]
    expected = np.repeat(grey[..., None], 3, axis=2)
    for image in (grey, grey[..., None], encoded(grey, "PNG")):
        assert np.array_equal(decode_image(image, "x", 64), expected)
    deep = Image.fromarray(grey.astype(np.uint16) * 257)
    assert np.array_equal(decode_image(saved(deep, "PNG"), "x", 64), expected)


def test_cmyk_and_palette_files_turn_rgb() -> None:
    red = Image.new("RGB", (20, 20), (250, 0, 0))
    for content in (
        saved(red.convert("CMYK"), "JPEG", quality=100),
        saved(red.convert("P", palette=Image.Palette.ADAPTIVE), "PNG"),
        saved(red.convert("P", palette=Image.Palette.ADAPTIVE), "GIF"),
    ):
        got = decode_image(content, "x", 20)
        assert got.shape == (20, 20, 3)
        assert np.abs(got.astype(int) - (250, 0, 0)).max() < 16


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "RGB"])
def test_transparent_pixels_turn_white(mode: str) -> None:
    settings = {}
    if mode in ("RGBA", "LA"):
        image = Image.new(mode, (8, 8), 0)
    else:
        image = Image.new("RGB", (8, 8), (0, 0, 0)).convert(mode)
        settings = {"transparency": (0, 0, 0) if mode == "RGB" else image.getpixel((0, 0))}
    assert (decode_image(saved(image, "PNG", **settings), "x", 8) == 255).all()


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"not an image",
        jpeg(0)[:300],
        encoded(photo(0), "PNG")[:200],
        np.zeros((4, 4), np.float32),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        saved(Image.new("F", (4, 4)), "TIFF"),
    ],
    ids=["empty", "text", "cut jpeg", "cut png", "float", "two channels", "no pixels", "mode F"],
)
def test_a_bad_image_is_told_by_its_key(bad: bytes | np.ndarray) -> None:
    with pytest.raises(DanasError, match="some/file:7 is not an image"):
        decode_image(bad, "some/file:7", 32)


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_greyscale_keeps_the_bits_that_are_used(bits: int, kind: str) -> None:
    ramp = np.linspace(0, 2**bits - 1, 256).round().astype(np.uint16).reshape(16, 16)
    pixels = decode_image(saved(Image.fromarray(ramp), kind), "x", 64)
    assert np.array_equal(pixels[..., 0], np.arange(256).reshape(16, 16))


def test_values_of_no_known_range_are_told() -> None:
    for wrong in (np.full((4, 4), 70_000, np.int32), np.ones((4, 4), np.float32)):
        with pytest.raises(
            DanasError, match=r"x is not an image .*(beyond 16 bits|no known range)"
        ):
            decode_image(saved(Image.fromarray(wrong), "TIFF"), "x", 4)


@given(st.binary(max_size=200), st.sampled_from(["JPEG", "PNG", "TIFF", "BMP", "WEBP"]))
def test_a_damaged_image_is_an_error_of_ours(damage: bytes, kind: str) -> None:
    content = encoded(photo(1, 8, 8), kind)
    half = len(content) // 2
    for wrong in (content[:half] + damage, content[:20] + damage + content[20:], damage):
        with contextlib.suppress(DanasError), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert decode_image(wrong, "x", 8).dtype == np.uint8
