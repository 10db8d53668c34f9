"""Is the picture large enough, and which square of it is shown?"""

from __future__ import annotations

import math

from ssrl_data.core import Pixels, Record, Skip
from ssrl_data.media.image import MARGIN, SCALES, Box, least_extent
from ssrl_data.rng import Rng

LEAST = 0.6
"""Smallest crop as a share of the picture's short side: smaller ones often show no whole object."""

NARROW = 0.9
"""Most that a crop may be confined to, as a share of the short side, for the sake of a faster decode."""


def square(record: Record, side: int, rng: Rng) -> tuple[Box, Pixels]:
    """A random square of the record's picture, placed as `placed` has it, and seen.

    Args:
        record: carries the picture.
        side: side in pixels at which the square is seen.
        rng: draws the square.

    Returns:
        x0, y0, x1, y1 in native pixels, and the view: side x side x 3.

    Raises:
        Skip: as in `placed`.
        Reject: the picture is broken.
    """
    box = placed(record, side, rng)
    if record.image is None:
        raise Skip("no picture", final=True)
    return box, record.image.view(box, (side, side))


def placed(record: Record, side: int, rng: Rng) -> Box:
    """Where a random square lies: its side uniform from `LEAST` to all of the picture's short side, then its place.

    All squares of a picture are seen at one scale of its JPEG, since decoding it twice costs more than all else: where
    the largest would be seen at a coarser scale than the smallest, sides are confined to those seen at the coarser one,
    or, when that leaves only sides above `NARROW`, to the others.

    Args:
        record: carries the picture.
        side: side in pixels at which the square is seen; the square is at least `MARGIN` times that.
        rng: draws the square's side, then x, then y.

    Returns:
        x0, y0, x1, y1 in native pixels.

    Raises:
        Skip: the record carries no picture, or its short side is below `MARGIN` times `side`; no other crop helps.
    """
    if record.image is None:
        raise Skip("no picture", final=True)
    width, height = record.image.size
    short, need = min(width, height), math.ceil(MARGIN * side)
    if short < need:
        raise Skip("picture too small", final=True)
    low, high = max(need, int(LEAST * short)), short
    coarse = next((least for scale in SCALES if (least := least_extent(side, scale)) <= short), low)
    if low < coarse <= NARROW * short:
        low = coarse
    elif low < coarse:
        high = coarse - 1
    extent = rng.integer(low, high)
    x, y = rng.integer(0, width - extent), rng.integer(0, height - extent)
    return x, y, x + extent, y + extent
