"""Which files are images, and which images are built in."""

from __future__ import annotations

from danas_hil.data import FileKind, Source, SourceOptions, open_source
from danas_hil.signals.image.decode import reads_heif
from danas_hil.signals.image.signs import NAME as SIGNS
from danas_hil.signals.image.signs import SignsSource

MOST_BYTES = 256 * 1024 * 1024
"""Of an image file."""

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})

HEIF_SUFFIXES = frozenset({".heic", ".heif"})
"""Images where pillow-heif is installed."""


def image_files() -> FileKind:
    """Of this computer: what it can read depends on what is installed."""
    return FileKind(
        suffixes=SUFFIXES | HEIF_SUFFIXES if reads_heif() else SUFFIXES,
        most_bytes=MOST_BYTES,
        example="*.jpg",
        built_in={SIGNS: SignsSource},
        former={
            "faces": f"The built-in data set is {SIGNS} now: ten classes of pictures, drawn when"
            " asked."
        },
    )


def open_images(spec: str, options: SourceOptions | None = None) -> Source:
    """The images that `spec` names: see `danas_hil.data.open_source`."""
    return open_source(spec, image_files(), options)
