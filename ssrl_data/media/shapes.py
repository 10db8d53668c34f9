"""Shapes and cut-outs drawn into pictures: smooth at any place, size and angle, with an edge that sets them off."""

from __future__ import annotations

import math
from functools import cache
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from ssrl_data.core import Pixels

Outline: TypeAlias = "NDArray[np.float64]"
"""Corners of a polygon, x and y in pixels: n x 2."""

Colour: TypeAlias = tuple[int, int, int]

SHAPES = ("circle", "square", "triangle", "star", "cross", "oval", "bar", "tile")
"""Star: five points; cross: plus sign; oval: twice as long as wide; bar: 2.5 times; tile: square, round corners."""

EDGE: Colour = (255, 255, 255)
"""Colour of the edge."""

_BITS = 4  # of a fraction of a pixel, in OpenCV's drawing
_ROUND = 72  # corners of a circle: off by 0.1% of its radius


@cache
def _unit(shape: str) -> Outline:
    """The outline around the origin, with the area of a disc of diameter 1."""
    turns = np.arange(_ROUND) * (2 * math.pi / _ROUND)
    round_ = np.stack([np.sin(turns), -np.cos(turns)], axis=1)
    if shape == "circle":
        corners = round_
    elif shape == "oval":
        corners = round_ * (2, 1)
    elif shape == "tile":
        corners = np.sign(round_) * np.sqrt(np.sqrt(np.abs(round_)))
    elif shape in ("square", "bar"):
        corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * (2.5 if shape == "bar" else 1, 1)
    elif shape == "triangle":
        corners = round_[:: _ROUND // 3]
    elif shape == "star":
        corners = np.stack([np.sin(t := np.arange(10) * math.pi / 5), -np.cos(t)], axis=1)
        corners[1::2] *= 0.45
    elif shape == "cross":
        arm = [(-1, -3), (1, -3), (1, -1), (3, -1), (3, 1), (1, 1), (1, 3), (-1, 3), (-1, 1), (-3, 1), (-3, -1)]
        corners = np.array([*arm, (-1, -1)], np.float64)
    else:
        raise ValueError(f"shape {shape!r} is unknown: use one of {', '.join(SHAPES)}")
    x, y = corners.T
    area = abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2
    out: Outline = corners * math.sqrt(math.pi / 4 / area)
    return out


def outline(shape: str, centre: tuple[float, float], size: float, angle: float) -> Outline:
    """The outline of a shape, without its edge.

    Args:
        shape: one of `SHAPES`.
        centre: x and y in pixels, where the middle of the first pixel is 0, 0.
        size: diameter in pixels of the disc of its area, so that size tells no shape.
        angle: by which it is turned clockwise, in degrees.
    """
    return _unit(shape) * size @ _turn(angle).T + centre


def edge(size: float) -> int:
    """Width in pixels of the edge around a shape or cut-out of a size; half of it lies outside."""
    return max(2, round(size / 16))


def cover(around: Outline, width: int, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """How much of each pixel the outline with its edge covers: height x width, 0 to 255.

    Args:
        around: the outline.
        width: of the edge.
        shape: height and width of the picture.
    """
    out = np.zeros(shape, np.uint8)
    cv2.fillPoly(out, [_fixed(around)], 255, cv2.LINE_AA, _BITS)
    cv2.polylines(out, [_fixed(around)], True, 255, width, cv2.LINE_AA, _BITS)
    return out


def draw(pixels: Pixels, around: Outline, colour: Colour, width: int) -> None:
    """Fill an outline with a colour, and draw its edge; changes the picture."""
    cv2.fillPoly(pixels, [_fixed(around)], colour, cv2.LINE_AA, _BITS)
    cv2.polylines(pixels, [_fixed(around)], True, EDGE, width, cv2.LINE_AA, _BITS)


def paste(pixels: Pixels, texture: Pixels, shape: str, centre: tuple[float, float], size: float, angle: float) -> None:
    """Lay a cut-out of a texture into a picture, with its edge; changes the picture.

    Args:
        pixels: the picture.
        texture: a square picture; what of it lies inside the outline is shown.
        shape: of the outline.
        centre: of the cut-out, in pixels of the picture.
        size: of the cut-out; it should not be larger than the texture.
        angle: by which it is turned clockwise, in degrees.
    """
    around = outline(shape, centre, size, angle)
    # The texture's square is the upright outline's: shrunk to its size first, so that nothing aliases.
    extent = float(np.ptp(_unit(shape)[:, 0])) * size
    side = max(1, math.ceil(extent))
    small = cv2.resize(texture, (side, side), interpolation=cv2.INTER_AREA)
    low = np.maximum(np.floor(around.min(0)).astype(int) - 1, 0)
    high = np.minimum(np.ceil(around.max(0)).astype(int) + 2, pixels.shape[1::-1])
    part = pixels[low[1] : high[1], low[0] : high[0]]
    turn = _turn(angle) * (extent / side)
    shift = np.array(centre) - low - turn @ np.full(2, (side - 1) / 2)
    matrix = np.column_stack([turn, shift])
    laid = cv2.warpAffine(small, matrix, part.shape[1::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    mask = cover(around - low, 1, part.shape[:2])[:, :, None] / 255.0
    part[:] = np.rint(part * (1 - mask) + laid * mask)
    cv2.polylines(pixels, [_fixed(around)], True, EDGE, edge(size), cv2.LINE_AA, _BITS)


def _turn(angle: float) -> NDArray[np.float64]:
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    return np.array([[c, -s], [s, c]])


def _fixed(around: Outline) -> NDArray[np.int32]:
    """As OpenCV's drawing takes it: fixed-point fractions."""
    return np.asarray(np.rint(around * (1 << _BITS)), np.int32)
