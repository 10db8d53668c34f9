"""What the camera did from frame to frame, by block matching: no gradients, no points, no random draws.

Blocks of a frame are searched for in the next one; they count when they correlate much there and nowhere else. The
camera's motion is what most blocks share.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from ssrl_data.core import Json, Pixels

Table: TypeAlias = "NDArray[np.float64]"

SHORT = 128
"""Short side in pixels at which frames are compared."""

_BLOCK = 16  # pixels a side
_CONTRAST, _PEAK, _ALONE, _BLOCKS = 4.0, 0.7, 0.05, 4
_SHARED = 0.01  # short sides by which blocks that share a motion may differ


def camera_path(images: Sequence[Pixels], reach: int, piece: Json = None) -> Table | None:
    """The camera's path over frames of one size.

    Args:
        images: the frames in the order of time.
        reach: how far blocks are searched for, in pixels at a short side of `SHORT`.
        piece: {"across": diameter, "places": [x, y] of its corner in each frame}, in pixels, of a round thing in front
            whose blocks are left out.

    Returns:
        count x 3 from the first frame on: right and down, in short sides, and the logarithm of the magnification; None
        where too few blocks are found again.
    """
    height, width = images[0].shape[:2]
    scale = SHORT / min(width, height)
    size = (round(width * scale), round(height * scale))
    greys = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in images]
    small = [np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8) for grey in greys]
    steps = [_matched(before, after, reach) for before, after in pairwise(small)]
    if piece is not None:
        radius = piece["across"] / 2
        middles = (np.array(piece["places"]) + radius) / width - 0.5
        off = [
            np.hypot(*(places - middle).T) > radius / width + _BLOCK / 2 / SHORT
            for (places, _), middle in zip(steps, middles, strict=False)
        ]
        steps = [(places[kept], shifts[kept]) for (places, shifts), kept in zip(steps, off, strict=True)]
    if not all(len(places) >= _BLOCKS for places, _ in steps):
        return None
    return np.cumsum([np.zeros(3), *(_fitted(*step) for step in steps)], axis=0)


def _matched(before: Pixels, after: Pixels, reach: int) -> tuple[Table, Table]:
    """Places (x, y) from the middle of blocks of one frame that lie at one place only of the next, and their shifts.

    Both in short sides, count x 2: normalised correlation at every place in reach, its peak between pixels by a
    parabola.
    """
    height, width = before.shape
    padded = cv2.copyMakeBorder(after, reach, reach, reach, reach, cv2.BORDER_REFLECT)
    places, shifts = [], []
    for y in range(0, height - _BLOCK + 1, _BLOCK):
        for x in range(0, width - _BLOCK + 1, _BLOCK):
            block = before[y : y + _BLOCK, x : x + _BLOCK]
            if block.std() < _CONTRAST:
                continue
            around = padded[y : y + _BLOCK + 2 * reach, x : x + _BLOCK + 2 * reach]
            found = cv2.matchTemplate(around, block, cv2.TM_CCOEFF_NORMED)
            row, column = (int(at) for at in np.unravel_index(found.argmax(), found.shape))
            peak = float(found[row, column])
            if peak < _PEAK or min(row, column) < 1 or max(row, column) > 2 * reach - 1:
                continue
            down = _between(*found[row - 1 : row + 2, column])
            right = _between(*found[row, column - 1 : column + 2])
            at = (column + right - reach, row + down - reach)
            found[max(0, row - 3) : row + 4, max(0, column - 3) : column + 4] = -1
            if found.max() < peak - _ALONE:
                places.append((x + (_BLOCK - width) / 2, y + (_BLOCK - height) / 2))
                shifts.append(at)
    where, how_far = (np.array(found, np.float64).reshape(-1, 2) / min(width, height) for found in (places, shifts))
    return where, how_far


def _between(before: float, peak: float, after: float) -> float:
    """Where a parabola through three neighbouring values is highest, from the middle one."""
    bend = 2 * float(peak) - float(before) - float(after)
    return (float(after) - float(before)) / (2 * bend) if bend > 0 else 0.0


def _fitted(places: Table, shifts: Table) -> Table:
    """What the camera did: the growth and shift, of those that any two blocks give, that most blocks share.

    All pairs are tried. Of the blocks that share it, the median growth over pairs (Theil 1950, Sen 1968), then the
    median of the shifts left.
    """
    growth, left = _growths(places, shifts)
    one, _ = np.triu_indices(len(places), 1)
    off = left - left[np.arange(len(one)), one][:, None]
    best = int((np.abs(off).max(2) < _SHARED).sum(1).argmax())
    kept = np.abs(off[best]).max(1) < _SHARED
    if kept.sum() > 2:
        places, shifts = places[kept], shifts[kept]
        growth, _ = _growths(places, shifts)
        grown = float(np.median(growth))
    else:
        grown = float(growth[best])
    x, y = np.median(shifts - grown * places, axis=0)
    return np.array([-x, -y, math.log(max(1 + grown, 0.1))])


def _growths(places: Table, shifts: Table) -> tuple[Table, Table]:
    """The growth that each pair of blocks gives, and what it leaves of all shifts: pairs, and pairs x count x 2."""
    one, other = np.triu_indices(len(places), 1)
    apart, spread = places[other] - places[one], shifts[other] - shifts[one]
    growth = (apart * spread).sum(1) / (apart**2).sum(1)
    return growth, shifts - growth[:, None, None] * places
