"""The pictures of the built-in data set: road-sign-like, drawn by Pillow in a random scene.

A sign is a list of flat shapes in a plane of its own: x to the right, y downwards, its outline
within a circle of radius 1. The scene gives it place, size, turn and tilt; then come light, blur
and noise. Every sign is told from the others in its mirror image too, as training mirrors pictures.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from danas_hil.base import require

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

SIDE = 64
"""Pictures are 64x64 pixels, RGB."""

_OVERSAMPLED = 2
"""Shapes are drawn this much larger, so that edges come out smooth."""

Points = npt.NDArray[np.float64]
Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Shape:
    """points: (n, 2) in the plane of the sign. colour: a name of `PAINTS`.

    stroke: width of a line along the points, in the sign's radius; 0 fills the polygon.
    """

    points: Points
    colour: str
    stroke: float = 0.0


PAINTS: dict[str, Colour] = {
    "red": (204.0, 24.0, 36.0),
    "blue": (14.0, 82.0, 182.0),
    "green": (10.0, 108.0, 62.0),
    "brown": (128.0, 66.0, 28.0),
    "yellow": (240.0, 190.0, 30.0),
    "white": (238.0, 238.0, 234.0),
    "black": (26.0, 26.0, 28.0),
}

_LUMA = (0.299, 0.587, 0.114)
"""Of red, green and blue (ITU-R BT.601), as pictures are made monochrome."""

_FACE_LUMA = (56.0, 92.0)
"""Red, blue, green and brown are brought to a luma in this range: only colour tells them apart."""

_FACE_PAINTS = ("red", "blue", "green", "brown")


def _arc(x: float, y: float, across: float, down: float, start: float, end: float) -> Points:
    """Points on an ellipse with these half axes, degrees from the right and clockwise as seen."""
    count = max(3, round(abs(end - start) / 15) + 1)
    angles = np.radians(np.linspace(start, end, count))
    return np.stack([x + across * np.cos(angles), y + down * np.sin(angles)], axis=1)


def _polygon(corners: int, radius: float, first: float) -> Points:
    """A regular polygon; `first` is where its first corner is, in degrees as in `_arc`."""
    angles = np.radians(first + 360 / corners * np.arange(corners))
    return radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _disc(radius: float) -> Points:
    return _polygon(36, radius, 0)


def _points(*pairs: tuple[float, float]) -> Points:
    return np.array(pairs, np.float64)


_ARROW = _points(
    (0, -0.72), (0.46, -0.2), (0.46, 0.02), (0.14, -0.28), (0.14, 0.68),
    (-0.14, 0.68), (-0.14, -0.28), (-0.46, 0.02), (-0.46, -0.2),
)  # fmt: skip

_TENT = _points((0, -0.5), (0.66, 0.46), (0.22, 0.46), (0, 0.04), (-0.22, 0.46), (-0.66, 0.46))


def _disc_with_arrow(colour: str) -> tuple[Shape, ...]:
    face = (Shape(_disc(1), "white"), Shape(_disc(0.92), colour))
    return (*face, Shape(_ARROW, "white"))


def _square_with_tent(colour: str) -> tuple[Shape, ...]:
    face = (Shape(_polygon(4, 1.16, 45), "white"), Shape(_polygon(4, 1.05, 45), colour))
    return (*face, Shape(_TENT, "white"))


def _speed_limit(digit: tuple[Points, ...]) -> tuple[Shape, ...]:
    ring = (Shape(_disc(1), "red"), Shape(_disc(0.76), "white"))
    nought = _arc(0.31, 0, 0.18, 0.33, 0, 360)
    return (*ring, *(Shape(line, "black", 0.13) for line in (*digit, nought)))


_THREE = (_arc(-0.3, -0.17, 0.17, 0.17, -150, 90), _arc(-0.3, 0.17, 0.19, 0.17, -90, 150))
_EIGHT = (_arc(-0.3, -0.17, 0.17, 0.17, -270, 90), _arc(-0.3, 0.17, 0.19, 0.17, -90, 270))


def _warning(*pictogram: Points) -> tuple[Shape, ...]:
    up = (Shape(_polygon(3, 1.14, -90), "red"), Shape(_polygon(3, 0.74, -90), "white"))
    return (*up, *(Shape(part, "black") for part in pictogram))


_ROAD = _points((-0.42, 0.2), (0.42, 0.2), (0.42, 0.29), (-0.42, 0.29))
_ONE_BUMP = np.concatenate(
    [_arc(-0.19, 0.2, 0.17, 0.28, 180, 270), _arc(0.19, 0.2, 0.17, 0.28, 270, 360)]
)
_TWO_BUMPS = (_arc(-0.19, 0.2, 0.17, 0.34, 180, 360), _arc(0.19, 0.2, 0.17, 0.34, 180, 360))
"""As much black as in the one, and as wide: there is a gap in its middle, and that is all."""


SIGNS: dict[str, tuple[Shape, ...]] = {
    "blue-arrow": _disc_with_arrow("blue"),
    "red-arrow": _disc_with_arrow("red"),
    "brown-tent": _square_with_tent("brown"),
    "green-tent": _square_with_tent("green"),
    "speed-30": _speed_limit(_THREE),
    "speed-80": _speed_limit(_EIGHT),
    "one-bump": _warning(_ROAD, _ONE_BUMP),
    "two-bumps": _warning(_ROAD, *_TWO_BUMPS),
    "give-way": (Shape(_polygon(3, 1.14, 90), "red"), Shape(_polygon(3, 0.66, 90), "white")),
    "priority": (Shape(_polygon(4, 1.08, 0), "white"), Shape(_polygon(4, 0.82, 0), "yellow")),
}
"""The signs by class. The arrows and the tents differ by colour alone; the speeds and the bumps by
a detail of a few pixels."""


def draw(sign: str, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """A picture of `sign` (a key of `SIGNS`) in a scene drawn from `rng`: RGB (64, 64, 3)."""
    image_module, draw_module = require("PIL.Image", "search"), require("PIL.ImageDraw", "search")
    blurred = require("PIL.ImageFilter", "search").GaussianBlur
    large = SIDE * _OVERSAMPLED
    backdrop = image_module.fromarray(_backdrop(rng))
    canvas = backdrop.resize((large, large), image_module.Resampling.BICUBIC)
    pen = draw_module.Draw(canvas)
    _draw_clutter(pen, rng, large)
    _draw_sign(pen, SIGNS[sign], rng, large)
    small = canvas.reduce(_OVERSAMPLED)
    if (radius := rng.uniform(-0.4, 0.7)) > 0:
        small = small.filter(blurred(radius))
    return _lit(np.asarray(small), rng)


def _backdrop(rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """A few soft patches (6, 6, 3): sky above, earth or leaves or asphalt below."""
    skies = ((150, 185, 225), (190, 200, 210), (225, 215, 200), (120, 140, 170))
    grounds = ((96, 120, 70), (110, 105, 98), (140, 120, 90), (70, 90, 66))
    sky, ground = np.array(skies[rng.integers(4)]), np.array(grounds[rng.integers(4)])
    share = np.clip(np.linspace(-0.6, 1.6, 6) + rng.uniform(-0.5, 0.5), 0, 1)[:, None, None]
    patches = sky * (1 - share) + ground * share + rng.uniform(-28, 28, (6, 6, 1))
    return np.clip(patches + rng.uniform(-12, 12, (6, 6, 3)), 0, 255).astype(np.uint8)


def _draw_clutter(pen: ImageDraw, rng: np.random.Generator, side: int) -> None:
    """Houses and bushes from the horizon down, some of them painted as the signs are."""
    for _ in range(rng.integers(4, 9)):
        middle = side * rng.uniform((0, 0.3), (1, 1))
        size = side * rng.uniform(0.07, 0.22)
        if rng.random() < 0.5:
            outline = _polygon(4, size, 45) * rng.uniform(0.6, 1.5, 2)
        else:
            outline = _polygon(9, size, 0) * rng.uniform(0.85, 1.15, (9, 1))
        if rng.random() < 0.35:
            colour = _painted(_FACE_PAINTS[rng.integers(4)], rng)
        else:
            red, green, blue = (rng.uniform(50, 200) + rng.uniform(-22, 22, 3)).tolist()
            colour = red, green, blue
        _fill(pen, middle + outline, colour)


def _draw_sign(
    pen: ImageDraw, shapes: tuple[Shape, ...], rng: np.random.Generator, side: int
) -> None:
    radius = side * rng.uniform(0.30, 0.38)
    middle = side / 2 + rng.uniform(-1, 1, 2) * (side * 0.47 - radius)
    turn = math.radians(rng.normal(0, 5))
    turned = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    yaw, pitch = np.radians(rng.uniform((-35, -15), (35, 15)))
    names = {shape.colour for shape in shapes}
    paint = {name: _painted(name, rng) for name in sorted(names)}
    weight = radius * rng.uniform(0.75, 1.25)  # of lines, in pixels

    def placed(points: Points) -> Points:
        """As a camera four radii away sees the sign, turned about both axes."""
        x, y = (points @ turned.T).T
        depth = 4 + x * math.sin(yaw) + y * math.sin(pitch)
        flat = np.stack([x * math.cos(yaw), y * math.cos(pitch)], axis=1)
        seen: Points = middle + radius * flat * (4 / depth)[:, None]
        return seen

    grey = (rng.uniform(90, 170),) * 3
    _fill(pen, placed(_points((-0.07, 0), (0.07, 0), (0.07, 6), (-0.07, 6))), grey)
    for shape in shapes:
        points = placed(shape.points)
        if shape.stroke:
            width = max(1, round(shape.stroke * weight))
            pen.line(_flat(points), fill=_bytes(paint[shape.colour]), width=width, joint="curve")
        else:
            _fill(pen, points, paint[shape.colour])


def _painted(name: str, rng: np.random.Generator) -> Colour:
    """A paint as this sign has it: more or less faded, its colour a little off."""
    red, green, blue = PAINTS[name]
    colour = np.array((red, green, blue)) + rng.uniform(-10, 10, 3)
    if name == "black":
        colour += rng.uniform(0, 60)
    luma = rng.uniform(*_FACE_LUMA)
    scale = luma / float(colour @ _LUMA) if name in _FACE_PAINTS else rng.uniform(0.9, 1.05)
    red, green, blue = np.clip(colour * scale, 0, 255).tolist()
    return red, green, blue


def _lit(pixels: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Light of some strength and colour, perhaps with a shadow across, and a sensor's noise."""
    light = rng.uniform(0.65, 1.2) * rng.uniform(0.93, 1.07, 3)
    shone = np.asarray(pixels * light, np.float32)
    if rng.random() < 0.35:
        angle, place = rng.uniform(0, 2 * math.pi), rng.uniform(-0.3, 0.3) * SIDE
        y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
        behind = x * math.cos(angle) + y * math.sin(angle) > place
        shone[behind] *= rng.uniform(0.55, 0.85)
    noise = rng.standard_normal(shone.shape, np.float32)
    shone += noise * rng.uniform(2, 9)
    return np.clip(np.rint(shone), 0, 255).astype(np.uint8)


def _fill(pen: ImageDraw, points: Points, colour: Colour) -> None:
    pen.polygon(_flat(points), fill=_bytes(colour))


def _flat(points: Points) -> list[float]:
    return points.ravel().tolist()


def _bytes(colour: Colour) -> tuple[int, int, int]:
    red, green, blue = (round(min(max(value, 0), 255)) for value in colour)
    return red, green, blue
