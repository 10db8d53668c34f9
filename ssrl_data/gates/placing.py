"""Is it seen? Where something may be drawn into a picture: whole, apart from the rest, and unlike what is behind it.

Placed by rejection on the rendered masks. In the published generator of counting problems (VideoSSR) a shape is drawn
anyway when no place was found: 56% of its samples hold one that is more than half covered, and 16% one within 25 grey
levels of its background.
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ssrl_data.core import Pixels
from ssrl_data.media.shapes import Colour, Outline, cover

MARGIN = 4
"""Pixels of the picture, at least, between two things drawn, and between one and the picture's border."""

CONTRAST = 30.0
"""Least difference of a colour from a pixel behind or around it (CIE 1976, in CIELAB), for the pixel to set it off."""

HIDDEN = 0.05
"""Largest share of the pixels behind and around a thing that do not set its colour off."""

DISC = 24
"""Side of the thumbnail that is turned to compare two cut-outs."""

UNLIKE = 28.0
"""Least difference of two cut-outs' middles, in grey levels, however they are turned."""

SHARED = 0.45
"""Largest share of their colours that two cut-outs may have in common."""

_RING = 3  # pixels around a mask that count as its background
_STEP = 10  # degrees


class Board:
    """A picture to be drawn into, and what is placed on it so far. Nothing is drawn here.

    Args:
        pixels: the untouched picture.
    """

    def __init__(self, pixels: Pixels) -> None:
        self._pixels = pixels
        self._taken = np.zeros(pixels.shape[:2], np.uint8)
        self.count = 0

    def place(self, around: Outline, width: int, colour: Colour) -> bool:
        """Take the place of an outline with its edge, if what is drawn there is seen.

        Args:
            around: the outline, in pixels.
            width: of its edge, half of which lies outside.
            colour: what must be set off from the picture behind and around it.

        Returns:
            Whether it lies inside the picture, `MARGIN` from its border and from all that is placed, and its colour
            is set off; otherwise nothing is taken.
        """
        low = [math.floor(at - width / 2) - MARGIN for at in around.min(0).tolist()]
        high = [math.ceil(at + width / 2) + MARGIN + 1 for at in around.max(0).tolist()]
        height, across = self._pixels.shape[:2]
        if min(low) < 0 or high[0] > across or high[1] > height:
            return False
        part = (slice(low[1], high[1]), slice(low[0], high[0]))
        mask = cover(around - low, width, (high[1] - low[1], high[0] - low[0]))
        taken = self._taken[part]
        if taken[_grown(mask, MARGIN)].any() or _unset(self._pixels[part], _grown(mask, _RING), colour) > HIDDEN:
            return False
        taken |= mask
        self.count += 1
        return True


def _unset(pixels: Pixels, mask: NDArray[np.bool_], colour: Colour) -> float:
    """The share of the pixels in a mask that do not set a colour off; every second row and column is looked at."""
    seen = np.concatenate([pixels[::2, ::2][mask[::2, ::2]], np.array([colour], np.uint8)])
    lab = np.asarray(cv2.cvtColor((seen / np.float32(255))[None], cv2.COLOR_RGB2LAB)[0])
    return float((np.square(lab[:-1] - lab[-1]).sum(1) < CONTRAST**2).mean())


def _grown(mask: NDArray[np.uint8], reach: int) -> NDArray[np.bool_]:
    return np.asarray(cv2.dilate(mask, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)), np.uint8) > 0


def alike(one: Pixels, other: Pixels, turn: float) -> bool:
    """Whether one of two cut-outs could be taken for the other.

    They are when their middles differ by less than `UNLIKE` grey levels at some angle, or when they share more than
    `SHARED` of their colours, as two pieces of one thing do (histogram intersection; Swain and Ballard 1991).

    Args:
        one: a square picture.
        other: another.
        turn: by how many degrees each may be turned at most, either way.
    """
    first, second = (
        np.asarray(cv2.resize(texture, (DISC, DISC), interpolation=cv2.INTER_AREA), np.uint8)
        for texture in (one, other)
    )
    if float(np.minimum(_colours(first), _colours(second)).sum()) > SHARED:
        return True
    middle = (DISC - 1) / 2
    y, x = np.mgrid[:DISC, :DISC] - middle
    inside = np.hypot(x, y) < DISC / 2 - 1.5
    for angle in np.arange(-2 * turn, 2 * turn + 1e-9, _STEP):
        matrix = cv2.getRotationMatrix2D((middle, middle), float(angle), 1.0)
        turned = cv2.warpAffine(second, matrix, (DISC, DISC), flags=cv2.INTER_LINEAR)
        if np.abs(turned.astype(np.int16) - first)[inside].mean() < UNLIKE:
            return True
    return False


def _colours(small: Pixels) -> NDArray[np.float32]:
    """Shares of colours: 8 x 8 x 8 bins, blurred, so that a small change of tone changes little."""
    found: NDArray[Any] = np.asarray(cv2.calcHist([small], [0, 1, 2], None, [8, 8, 8], [0, 256] * 3), np.float32)
    for axis in range(3):
        # The outermost bins keep what would leave.
        padded = np.pad(found, [(1, 1) if a == axis else (0, 0) for a in range(3)], mode="edge")
        low, middle, high = (np.take(padded, range(at, at + 8), axis=axis) for at in range(3))
        found = (low + 2 * middle + high) / 4
    return np.asarray(found / found.sum(), np.float32)
