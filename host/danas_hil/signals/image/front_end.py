"""How a board with a camera makes a network's input, and what that takes."""

from __future__ import annotations

from danas_hil.signals.image.genes import ImageConfig
from danas_hil.signals.interface import FrontEnd

FRAMES = (("QQVGA", 160, 120), ("QVGA", 320, 240), ("VGA", 640, 480))
"""(name, width, height) of what small camera modules give, as the OV7675 of Arduino's kit does."""

_SUM_BYTES = 2
"""Of each sum of a box of pixels: up to 257 values of a byte."""
_COUNTS = {"monochrome": (1, 0), "rgb": (3, 3)}
"""Of a colour: values of one pixel that are summed; operations that make them of the camera's
(greyscale: taken as they come; RGB565: three shifts with masks)."""


def front_end(data: ImageConfig) -> FrontEnd:
    """Of the smallest camera frame that holds `data`; of the largest where none does.

    Row by row as the camera gives them: the frame is cut to the aspect, boxes of pixels are
    averaged, and the mean, scaled, is the int8 value. No more than one row of the camera and one
    row of sums are held.
    """
    name, frame_width, frame_height = next(
        (frame for frame in FRAMES if frame[1] >= data.width and frame[2] >= data.height),
        FRAMES[-1],
    )
    scale = min(frame_width / data.width, frame_height / data.height)
    cut_width, cut_height = round(data.width * scale), round(data.height * scale)
    monochrome = data.colour == "monochrome"
    values, unpacking = _COUNTS[data.colour]
    pixel_bytes = 1 if monochrome else 2
    height, width, channels = data.shape
    outputs = height * width * channels
    return FrontEnd(
        steps=(
            f"{name} frame ({frame_width}x{frame_height}) in"
            f" {'greyscale' if monochrome else 'RGB565'}, row by row",
            f"cut to {cut_width}x{cut_height} around its centre",
            f"boxes averaged to {width}x{height}",
            "mean less 128 as int8",
        ),
        ram_bytes=frame_width * pixel_bytes + width * channels * _SUM_BYTES,
        operations=cut_width * cut_height * (values + unpacking) + 2 * outputs,
    )
