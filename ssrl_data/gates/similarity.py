"""Is it ambiguous? Differences between tiles, and of a picture with itself turned, measured on thumbnails.

All differences are mean absolute differences in grey levels (0 to 255) over pixels and channels. Thumbnails are small
on purpose: what tells two tiles apart must be coarse enough to survive the resize and the patches of a vision model,
and a gate must cost well under a millisecond.
"""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from ssrl_data.core import Pixels

Thumbnail: TypeAlias = "NDArray[np.float32]"

TILE = 5
"""Side of a tile's thumbnail."""

DISC = 16
"""Side of the thumbnail that is turned."""

_SHIFTS = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]


def thumbnail(pixels: Pixels, side: int) -> Thumbnail:
    """The picture averaged down to side x side x 3; by halves first, which is several times as fast."""
    while not (pixels.shape[0] % 2 or pixels.shape[1] % 2) and min(pixels.shape[:2]) >= 4 * side:
        pixels = np.asarray(cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)
    small: Thumbnail = cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32)
    return small


def tile_thumbnails(pixels: Pixels, grid: int) -> Thumbnail:
    """Thumbnails of a picture's tiles in reading order: grid**2 x TILE x TILE x 3."""
    whole = thumbnail(pixels, TILE * grid)
    return whole.reshape(grid, TILE, grid, TILE, 3).swapaxes(1, 2).reshape(grid**2, TILE, TILE, 3)


def least_contrast(tiles: Thumbnail) -> float:
    """The contrast of the flattest tile: mean absolute deviation from its mean colour. 0 for a plain tile.

    Args:
        tiles: thumbnails, count x TILE x TILE x 3.
    """
    return float(np.abs(tiles - tiles.mean((1, 2), keepdims=True)).mean((1, 2, 3)).min())


def closest_pair(tiles: Thumbnail) -> float:
    """The difference of the two tiles most alike, each pair compared at its best shift by up to a fifth of a tile.

    The shifts matter where a pattern repeats: two pieces of one fence differ by its phase alone.

    Args:
        tiles: thumbnails of at least two tiles, count x TILE x TILE x 3.
    """
    count = len(tiles)
    best = np.full((count, count), np.inf, np.float32)
    still = tiles[:, 1:-1, 1:-1].reshape(count, 1, -1)
    for dy, dx in _SHIFTS:
        moved = tiles[:, 1 + dy : TILE - 1 + dy, 1 + dx : TILE - 1 + dx].reshape(1, count, -1)
        np.minimum(best, np.abs(still - moved).mean(2), out=best)
    return float(best[~np.eye(count, dtype=bool)].min())


def least_turn(pixels: Pixels, step: int) -> float:
    """How much the picture changes, at least, when turned by a multiple of `step` that is no full turn.

    Compared inside the inscribed disc, so corners that a turn moves out of sight do not count.

    Args:
        pixels: a square picture.
        step: degrees, a divisor of 360.

    Raises:
        ValueError: step does not divide 360 or is not below it.
    """
    if not 1 <= step < 360 or 360 % step:
        raise ValueError(f"step must divide 360 and be below it, got {step}")
    still = thumbnail(pixels, DISC)
    centre = (DISC - 1) / 2
    y, x = np.ogrid[:DISC, :DISC]
    inside = (x - centre) ** 2 + (y - centre) ** 2 <= (centre - 0.5) ** 2
    kept = still[inside]
    least = np.inf
    # Turning by a and by -a changes the picture by as much, so half of the circle says all.
    for angle in range(step, 181, step):
        matrix = cv2.getRotationMatrix2D((centre, centre), angle, 1.0)
        turned = cv2.warpAffine(still, matrix, (DISC, DISC), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        least = min(least, float(np.abs(turned[inside] - kept).mean()))
    return float(least)
