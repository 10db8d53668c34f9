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


def misfits(pixels: Pixels, grid: int, blank: int | None = None) -> Values:
    """How badly each tile would join in each place while all others stay where they are.

    Args:
        pixels: a square picture, its side a multiple of `grid`.
        grid: tiles a side, 2 or more.
        blank: a tile that is not shown: nothing joins it.

    Returns:
        grid**2 x grid**2, tiles by places, both in reading order: the mean mismatch over the borders between the tile
        and the tiles around the place, itself and the blank left out. On the diagonal, each tile at home.
    """
    count = grid**2
    beside, below = mismatches(pixels, grid)
    around = np.full((4, count, grid, grid), np.nan, np.float32)
    for table in (beside, below):
        np.fill_diagonal(table, np.nan)
        if blank is not None:
            table[blank] = table[:, blank] = np.nan
    around[0, :, :, 1:] = beside.T.reshape(count, grid, grid)[:, :, :-1]
    around[1, :, :, :-1] = beside.reshape(count, grid, grid)[:, :, 1:]
    around[2, :, 1:] = below.T.reshape(count, grid, grid)[:, :-1]
    around[3, :, :-1] = below.reshape(count, grid, grid)[:, 1:]
    shown = ~np.isnan(around)
    sums = np.where(shown, around, 0).sum(0)
    values: Values = (sums / np.maximum(shown.sum(0), 1)).reshape(count, count).astype(np.float32)
    return values


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
