"""Does one tile of a picture, and only it, look altered? Measured on the altered picture alone, as a solver sees it.

Each family of alterations has one statistic of tiles, and the altered tile must be the only one beyond a margin:

    blank    mean absolute distance to mid-grey
    noise    mean absolute Laplacian, high
    blur     mean absolute Laplacian, low
    grey     mean spread of the three channels
    seam     the smallest jump over any of the tile's borders inside the picture: the altered tile is the only one
             whose borders are all broken, while each neighbour keeps a whole one
"""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from ssrl_data.core import Pixels

Values: TypeAlias = "NDArray[np.float32]"

MID = 128

_BLANK = 16.0  # grey levels from mid-grey that an untouched tile must keep
_CHROMA = 16.0  # mean spread of channels that an untouched tile must have
_RATIO = 2.0  # of Laplacians, between the altered tile and the next one
_SEAM = 12.0  # grey levels by which every border of the altered tile jumps
_SEAM_RATIO = 1.6  # of jumps, between the altered tile and the next one


def singled_out(pixels: Pixels, grid: int, tile: int, family: str) -> bool:
    """Whether the tile alone looks altered, and by this family alone.

    A broken border goes with most alterations, so a tile of the family `seam` must not look noisy, blurred, blank or
    greyer than the rest as well (a piece of another, blurred picture would).
    """
    if suspects(pixels, grid, family) != {tile}:
        return False
    if family != "seam":
        return True
    if any(suspects(pixels, grid, other) == {tile} for other in ("blank", "noise", "blur")):
        return False
    grey = suspects(pixels, grid, "grey")
    return tile not in grey or len(grey) == grid**2


def suspects(pixels: Pixels, grid: int, family: str) -> set[int]:
    """The tiles that could pass for the altered one; one tile when there is no doubt.

    Args:
        pixels: the altered picture, its side a multiple of `grid`.
        grid: tiles a side.
        family: `blank`, `noise`, `blur`, `grey` or `seam`.

    Returns:
        Tile indices in reading order. Empty when not even one tile stands out enough.

    Raises:
        ValueError: no such family.
    """
    if family == "blank":
        return _at(_tile_means(cv2.absdiff(pixels, np.full_like(pixels, MID)), grid).mean(2) < _BLANK)
    if family == "grey":
        return _at(chroma(pixels, grid) < _CHROMA)
    if family == "noise":
        return _alone(detail(pixels, grid), _RATIO)
    if family == "blur":
        return _alone(1 / np.maximum(detail(pixels, grid), np.float32(1e-3)), _RATIO)
    if family == "seam":
        values = _broken(pixels, grid)
        return _alone(values, _SEAM_RATIO) if values.max() >= _SEAM else set()
    raise ValueError(f"no family {family!r}: expected blank, noise, blur, grey or seam")


def detail(pixels: Pixels, grid: int) -> Values:
    """Mean absolute Laplacian of the luminance of each tile, grid x grid; the tiles' own borders left out."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    edges = np.abs(cv2.Laplacian(grey, cv2.CV_16S))
    side = len(edges) // grid
    inner = edges.reshape(grid, side, grid, side)[:, 1:-1, :, 1:-1]
    means: Values = inner.mean((1, 3), dtype=np.float32)
    return means


def chroma(pixels: Pixels, grid: int) -> Values:
    """Mean difference between the largest and the smallest channel of each tile, grid x grid."""
    red, green, blue = cv2.split(pixels)
    return _tile_means(cv2.max(cv2.max(red, green), blue) - cv2.min(cv2.min(red, green), blue), grid)


def _tile_means(values: cv2.typing.MatLike, grid: int) -> Values:
    return np.asarray(cv2.resize(values, (grid, grid), interpolation=cv2.INTER_AREA), np.float32)


def _broken(pixels: Pixels, grid: int) -> Values:
    """For each tile the smallest jump over its inner borders, grid x grid.

    A jump is the mean absolute difference between the two lines that meet at the border, less what lines just beside
    it differ by: texture and slopes differ there too.
    """
    down = _jumps(pixels, grid)
    right = _jumps(pixels.transpose(1, 0, 2), grid).T
    out = np.full((grid, grid), np.inf, np.float32)
    np.minimum(out[:-1], down, out=out[:-1])
    np.minimum(out[1:], down, out=out[1:])
    np.minimum(out[:, :-1], right, out=out[:, :-1])
    np.minimum(out[:, 1:], right, out=out[:, 1:])
    return out


def _jumps(pixels: Pixels, grid: int) -> Values:
    """Jumps over the borders between rows of tiles: (grid - 1) x grid."""
    side = len(pixels) // grid
    lines = np.stack([pixels[side + k : len(pixels) - side + k + 1 : side] for k in (-2, -1, 0, 1)]).astype(np.int16)
    steps = np.abs(np.diff(lines, axis=0)).reshape(3, grid - 1, grid, side, 3).mean((3, 4), dtype=np.float32)
    jumps: Values = np.maximum(steps[1] - (steps[0] + steps[2]) / 2, 0)
    return jumps


def _alone(values: NDArray[np.floating], ratio: float) -> set[int]:
    """The largest value's tile and all tiles that come within `ratio` of it."""
    return _at(values * ratio > values.max())


def _at(mask: NDArray[np.bool_]) -> set[int]:
    return {int(i) for i in np.flatnonzero(mask)}
