"""How well do tiles join? Measured on the outermost line of pixels of each border, as a solver of jigsaws would.

All measures are mean absolute differences in grey levels (0 to 255) over the pixels and channels of two lines that
meet, or would meet. Neighbouring lines of a photograph differ little; lines from different places seldom do.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ssrl_data.core import Pixels

Values: TypeAlias = "NDArray[np.float32]"
Lines: TypeAlias = "NDArray[np.int16]"


def mismatches(pixels: Pixels, grid: int) -> tuple[Values, Values]:
    """How badly each tile of a picture joins each other tile, whichever places they have.

    Args:
        pixels: a square picture, its side a multiple of `grid`.
        grid: tiles a side.

    Returns:
        Two arrays of grid**2 x grid**2, tiles in reading order: the mismatch at [i, j] with tile j to the right of
        tile i, and with tile j below tile i.
    """
    left, right = _ends(pixels, grid)
    top, bottom = _ends(pixels.transpose(1, 0, 2), grid)
    top, bottom = top.swapaxes(0, 1), bottom.swapaxes(0, 1)
    beside, below = (
        _mismatch(a.reshape(grid**2, 1, -1, 3), b.reshape(1, grid**2, -1, 3)) for a, b in ((right, left), (bottom, top))
    )
    return beside, below


def rejoined(pixels: Pixels, grid: int, orders: NDArray[np.int64], blank: int | None = None) -> tuple[Values, Values]:
    """How well other orders of the tiles join: the joins that each breaks, and those that it makes instead.

    Args:
        pixels: a square picture, its side a multiple of `grid`.
        grid: tiles a side, 2 or more.
        orders: count x grid**2: the tile in each place, both in reading order. None is the picture's own.
        blank: a tile that is not shown: nothing joins it.

    Returns:
        For each order the mean mismatch over the borders of the picture that are not among the order's, and over those
        of the order that are not among the picture's; not a number where there are none.
    """
    beside, below = mismatches(pixels, grid)
    size = grid**2
    total, number = np.zeros((2, len(orders), 2))
    whole, borders = 0.0, 0
    places = np.arange(size).reshape(grid, grid)
    for table, one, other in (
        (beside, places[:, :-1].ravel(), places[:, 1:].ravel()),
        (below, places[:-1].ravel(), places[1:].ravel()),
    ):
        shown = np.ones((size, size), bool)
        if blank is not None:
            shown[blank] = shown[:, blank] = False
        own = np.zeros((size, size), bool)
        own[one, other] = True
        whole += float(table[own & shown].sum())
        borders += int((own & shown).sum())
        joined = orders[:, one], orders[:, other]
        for k, mask in enumerate((own & shown, ~own & shown)):  # kept, made
            total[:, k] += np.where(mask, table, 0)[joined].sum(1)
            number[:, k] += mask[joined].sum(1)
    with np.errstate(invalid="ignore"):
        broken = (whole - total[:, 0]) / (borders - number[:, 0])
        made = total[:, 1] / number[:, 1]
    return broken.astype(np.float32), made.astype(np.float32)


def flip_gains(pixels: Pixels, grid: int) -> Values:
    """How much better a picture would join if one of its tiles were flipped.

    Args:
        pixels: a square picture, its side a multiple of `grid`.
        grid: tiles a side, 2 or more.

    Returns:
        2 x grid x grid: for each tile, flipped left-right and upside-down, the fall of the mismatch, averaged over the
        tile's borders inside the picture. Negative where the tile joins better as it is.
    """
    swapped, reversed_ = _gains(pixels, grid)
    swapped_down, reversed_down = _gains(pixels.transpose(1, 0, 2), grid)
    borders = np.full(grid, 2, np.float32)
    borders[[0, -1]] = 1
    gains: Values = np.stack([swapped + reversed_down.T, reversed_ + swapped_down.T])
    gains /= borders[:, None] + borders
    return gains


def _gains(pixels: Pixels, grid: int) -> tuple[Values, Values]:
    """What flips gain at the borders between columns of tiles, summed for each tile.

    Returns:
        Two arrays of grid x grid: for the flip that swaps a tile's first and last column, and for the one that
        reverses both.
    """
    left, right = _ends(pixels, grid)
    near, far = (left[:, :-1], right[:, :-1]), (left[:, 1:], right[:, 1:])
    shown = _mismatch(near[1], far[0])
    swapped, reversed_ = np.zeros((2, grid, grid), np.float32)
    swapped[:, :-1] += shown - _mismatch(near[0], far[0])
    swapped[:, 1:] += shown - _mismatch(near[1], far[1])
    gain = shown - _mismatch(near[1][:, :, ::-1], far[0])
    reversed_[:, :-1] += gain
    reversed_[:, 1:] += gain
    return swapped, reversed_


def _ends(pixels: Pixels, grid: int) -> tuple[Lines, Lines]:
    """The first and the last column of pixels of each tile: grid x grid x size x 3."""
    size = len(pixels) // grid
    first, last = (
        pixels[:, start::size].reshape(grid, size, grid, 3).swapaxes(1, 2).astype(np.int16) for start in (0, size - 1)
    )
    return first, last


def _mismatch(these: Lines, those: Lines) -> Values:
    """Over the last two axes, pixels and channels."""
    values: Values = np.abs(these - those).mean((-1, -2), dtype=np.float32)
    return values
