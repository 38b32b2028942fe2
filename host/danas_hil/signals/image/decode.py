"""From an encoded image of any kind to small RGB pixels."""

from __future__ import annotations

import importlib
import importlib.util
import io
import struct
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from danas_hil.base import DanasError, first_line, require

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_ASPECT = 2.0
"""Longer images are cut to this aspect around their centre. Crops for training have aspects of 3/4
to 4/3 and 0.6 of the area or more, so that more than 2.2 could not be used anyway."""

_DRAFT = 2
"""JPEG images are decoded at no less than this times the size they will have."""


def decode_image(
    image: bytes | npt.NDArray[np.uint8] | DanasError, key: str, short_side: int
) -> npt.NDArray[np.uint8]:
    """RGB pixels (h, w, 3), the short side `short_side` or, in a smaller image, what it was.

    The aspect is kept up to `MAX_ASPECT`. EXIF orientation is applied, transparent pixels turn
    white, 16-bit greyscale keeps the 8 bits that matter. Raises DanasError naming `key` for what is
    no image.
    """
    if isinstance(image, DanasError):
        raise image
    pil = require("PIL.Image", "search")
    _open_heif()
    bad = (
        *(OSError, ValueError, SyntaxError, EOFError, struct.error, pil.DecompressionBombError),
        *(TypeError, LookupError, ArithmeticError, RuntimeError),  # of decoders, for damaged files
    )
    try:
        with _from_pixels(image) if isinstance(image, np.ndarray) else _open(image) as opened:
            return _small_rgb(opened, short_side)
    except bad as error:
        unknown = isinstance(error, pil.UnidentifiedImageError)
        reason = "its format is none that is known" if unknown else first_line(error)
        raise DanasError(
            f"{key} is not an image that can be read: {reason}.", "Mend or remove it."
        ) from error


def _open(encoded: bytes) -> Image:
    from PIL import Image

    if not encoded:
        raise ValueError("it is empty")
    return Image.open(io.BytesIO(encoded))


def _from_pixels(pixels: npt.NDArray[np.uint8]) -> Image:
    from PIL import Image

    grey = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
    if (
        pixels.dtype != np.uint8
        or not pixels.size
        or not (grey.ndim == 2 or grey.shape[2:] == (3,))
    ):
        raise ValueError(f"its pixels are {pixels.dtype} of shape {pixels.shape}")
    return Image.fromarray(grey)


def _small_rgb(image: Image, short_side: int) -> npt.NDArray[np.uint8]:
    from PIL import Image, ImageOps

    least = _DRAFT * short_side
    scale = least / min(image.size)
    if scale < 1:
        image.draft(None, (round(image.width * scale), round(image.height * scale)))
    upright = _to_rgb(ImageOps.exif_transpose(image))
    width, height = upright.size
    short = min(width, height)
    kept_width, kept_height = (min(side, short * MAX_ASPECT) for side in upright.size)
    left, top = (width - kept_width) / 2, (height - kept_height) / 2
    box = (left, top, left + kept_width, top + kept_height)
    scale = min(1.0, short_side / short)
    size = (round(kept_width * scale), round(kept_height * scale))
    if size != upright.size:
        upright = upright.resize(size, Image.Resampling.BILINEAR, box=box)
    return np.asarray(upright)


def _to_rgb(image: Image) -> Image:
    from PIL import Image

    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode == "I" or image.mode.startswith("I;16"):
        return Image.fromarray(_eight_bits(np.asarray(image).astype(np.int64))).convert("RGB")
    if image.mode == "F":
        raise ValueError("its pixels are fractions of no known range")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")


def _eight_bits(values: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    """The upper 8 of the bits that are used, an even number: cameras fill 10, 12 or 14 of 16."""
    largest = int(values.max())
    if values.min() < 0 or largest >= 1 << 16:
        raise ValueError(f"its values go from {values.min()} to {largest}, beyond 16 bits")
    used = max(8, largest.bit_length() + largest.bit_length() % 2)
    return (values >> (used - 8)).astype(np.uint8)


HEIF_PACKAGE = "pillow_heif"


@cache
def reads_heif() -> bool:
    """Whether the package is there with which Pillow reads HEIC files."""
    return importlib.util.find_spec(HEIF_PACKAGE) is not None


@cache
def _open_heif() -> None:
    if reads_heif():
        importlib.import_module(HEIF_PACKAGE).register_heif_opener()
