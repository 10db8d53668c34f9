"""Numbered marks drawn into a picture, and read back out of it.

A mark is a white disc with a black rim and digit: legible on any ground, and the same on every one, so it tells nothing
but its number.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from ssrl_data.core import Pixels
from ssrl_data.media.image import Box

DIAMETER = 22
"""Of a mark, in pixels of the picture it is drawn into; its digit is 12 high."""

MOST = 9
"""Highest number that a mark can carry."""

FINER = 8
"""Times finer than shown is the grid on which a mark is drawn, before it is averaged."""

RIM = 1.75
STROKE = 1.75
HEIGHT = 4.6
"""Of the digit, in the units of OpenCV's fonts at `FINER`."""

LEGIBLE = 12.0
"""Largest mean difference, in grey levels, between a mark shown and as drawn. Measured on photographs: the encoder
makes up to 8, another digit 15 at least, no mark at all 99 at least."""


def draw(pixels: Pixels, boxes: list[Box]) -> Pixels:
    """The picture with marks 1, 2, ... in the middle of the boxes.

    Args:
        pixels: height x width x 3.
        boxes: x0, y0, x1, y1 in pixels, inside the picture, at least `DIAMETER` wide and high; up to `MOST`.
    """
    out = pixels.copy()
    for number, box in enumerate(boxes, 1):
        x, y = _corner(box)
        below = out[y : y + DIAMETER, x : x + DIAMETER]
        mark, cover = _mark(number)
        below[:] = np.rint(below * (1 - cover) + mark * cover)
    return out


def read(pixels: Pixels, box: Box) -> int | None:
    """The number of the mark in the middle of a box; None when none is drawn there."""
    x, y = _corner(box)
    shown = pixels[y : y + DIAMETER, x : x + DIAMETER]
    if x < 0 or y < 0 or shown.shape[:2] != (DIAMETER, DIAMETER):
        return None
    known = map(_mark, range(1, MOST + 1))
    misfits = [float((np.abs(shown - mark) * cover).sum() / (3 * cover.sum())) for mark, cover in known]
    best = int(np.argmin(misfits))
    return best + 1 if misfits[best] <= LEGIBLE else None


def difference(shown: Pixels, source: Pixels, boxes: Sequence[Sequence[int]]) -> float:
    """Mean absolute difference in grey levels of two pictures of one size, outside the boxes."""
    outside = np.ones(shown.shape[:2], bool)
    for x0, y0, x1, y1 in boxes:
        outside[y0:y1, x0:x1] = False
    return float(np.abs(shown.astype(np.int16) - source)[outside].mean())


def _corner(box: Box) -> tuple[int, int]:
    x0, y0, x1, y1 = box
    return (x0 + x1 - DIAMETER) // 2, (y0 + y1 - DIAMETER) // 2


@cache
def _mark(number: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A mark's colours and how much it covers, 0 to 1: each `DIAMETER` square."""
    side, middle = DIAMETER * FINER, DIAMETER * FINER // 2
    cover = cv2.circle(np.zeros((side, side), np.uint8), (middle, middle), middle - 1, 255, cv2.FILLED)
    ink = cv2.circle(np.zeros((side, side), np.uint8), (middle, middle), middle - 1, 255, round(2 * RIM * FINER))
    digit = np.zeros((2 * side, 2 * side), np.uint8)
    cv2.putText(digit, str(number), (middle, side), cv2.FONT_HERSHEY_SIMPLEX, HEIGHT, 255, round(STROKE * FINER))
    x, y, wide, high = cv2.boundingRect(digit)
    x, y = x + wide // 2 - middle, y + high // 2 - middle
    ink = cv2.max(ink, digit[y : y + side, x : x + side])
    whole, black = (
        cv2.resize(plane, (DIAMETER, DIAMETER), interpolation=cv2.INTER_AREA).astype(np.float32)[..., None]
        for plane in (cover, ink)
    )
    return 255 - black.repeat(3, 2), whole / np.float32(255)
