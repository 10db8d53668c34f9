"""Do two views show that the camera moved, and which way? Measured on thumbnails, as a solver sees them.

Points of a grid are followed from one view to the other and back (Lucas and Kanade 1981, in Bouguet's pyramid), and
what they do is held against the pattern of a move: sideways all shift one way, ahead all spread from the middle. What
a still camera's turn or zoom does to a picture is the same for near and far, so it explains a move away only where
nothing is nearer than the rest.

Measured (upper quartile over the median shift): turns of four flat photographs, also by a camera of 0.7 to 1.5 times
the assumed focal length, leave at most 0.1 unexplained, zooms of them 0.17; scenes with things near and far 0.22 to
1.4, but for one view in thirty.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from ssrl_data.core import Pixels, Skip

Points: TypeAlias = "NDArray[np.float64]"
Move: TypeAlias = tuple[int, int, int]
"""Right, down and forward: one of them 1 or -1, the others 0."""

THUMBNAIL = 96
"""Side at which points are followed: shifts that count are pixels wide there."""

GRID = 10
"""Points a side."""

_WINDOW, _LEVELS = (11, 11), 3
_RETURN = 0.5  # pixels of a thumbnail by which a point followed there and back may miss its start
_FOUND = 0.35  # least share of points found again
_STILL = 0.008  # of the side: below it a shift has no direction
_AGREE, _COSINE = 0.9, 0.85  # least share of moving points that shift within 32 degrees of the pattern
_RIVAL = 0.6  # largest share that does so of any other move's, as where all that moves lies on one side
_PARALLAX = 0.2  # least upper quartile of what no turn or zoom explains, over the median shift


def followed(first: Pixels, second: Pixels) -> tuple[Points, Points]:
    """Points of the first view that are found in the second, and by how much they shift.

    Args:
        first: a square picture.
        second: another one as large.

    Returns:
        Places (x, y) and shifts as shares of the side, each count x 2; at most `GRID` squared points.
    """
    before, after = _grey(first), _grey(second)
    line = (np.arange(GRID, dtype=np.float32) + 0.5) * (THUMBNAIL / GRID) - 0.5
    start = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 1, 2)
    # OpenCV's annotations miss that the points to find may be None.
    there, found, _ = cv2.calcOpticalFlowPyrLK(before, after, start, None, winSize=_WINDOW, maxLevel=_LEVELS)  # type: ignore[call-overload]
    back, returned, _ = cv2.calcOpticalFlowPyrLK(after, before, there, None, winSize=_WINDOW, maxLevel=_LEVELS)  # type: ignore[call-overload]
    kept = (found & returned).ravel().astype(bool) & (np.abs(back - start).max(axis=(1, 2)) < _RETURN)
    places = (start[kept, 0].astype(np.float64) + 0.5) / THUMBNAIL
    return places, (there[kept, 0] - start[kept, 0]).astype(np.float64) / THUMBNAIL


def parallax(rays: Points, shifts: Points) -> Points:
    """What of the shifts no turn and no zoom of a still camera explains: what a least-squares fit leaves.

    The flow of a turn about each axis is that of Longuet-Higgins and Prazdny (1980).

    Args:
        rays: places from the principal point, over the focal length: count x 2.
        shifts: over the focal length too: count x 2.
    """
    x, y = rays.T
    across = np.stack([x * y, -(1 + x * x), y, x], axis=1)
    down = np.stack([1 + y * y, -x * y, -x, y], axis=1)
    model, flow = np.concatenate([across, down]), shifts.T.ravel()
    weight = np.ones_like(flow)
    for _ in range(3):  # reweighted, so that a few points gone astray do not pass for parallax
        fit, *_ = np.linalg.lstsq(model * weight[:, None], flow * weight, rcond=None)
        left: Points = (flow - model @ fit).reshape(2, -1).T
        size = np.hypot(*left.T)
        weight = np.tile(1 / np.sqrt(np.maximum(size, np.median(size) + 1e-9)), 2)
    return left


def require_move(
    first: Pixels,
    second: Pixels,
    move: Move,
    rivals: Sequence[Move],
    centre: tuple[float, float],
    focal: float,
    least: float,
) -> float:
    """Check that from the first view to the second the camera moved as stated.

    Args:
        first: a square picture.
        second: another one as large, of the same scene by a camera that looks the same way.
        move: the camera's move.
        rivals: other moves that it must not be taken for.
        centre: the principal point, in shares of the side.
        focal: the focal length, in shares of the side; a rough guess will do.
        least: the median shift that is asked for, in shares of the side.

    Returns:
        The shift that one point in ten exceeds, in shares of the side.

    Raises:
        Skip: the views do not show it.
    """
    places, shifts = followed(first, second)
    if len(places) < _FOUND * GRID**2:
        raise Skip("views too different")
    rays = (places - centre) / focal
    size = np.hypot(*shifts.T)
    typical = float(np.median(size))
    if typical < least:
        raise Skip("views do not show the move")
    moving = size > _STILL
    towards = shifts[moving] / size[moving, None]
    if _agreement(rays[moving], towards, move) < _AGREE:
        raise Skip("views do not show the move")
    if any(_agreement(rays[moving], towards, rival) > _RIVAL for rival in rivals):
        raise Skip("another move looks the same")
    left = np.hypot(*parallax(rays, shifts / focal).T) * focal
    if np.quantile(left, 0.75) < _PARALLAX * typical:
        raise Skip("a turn of the camera could have done it")
    return float(np.quantile(size, 0.9))


def _agreement(rays: Points, towards: Points, move: Move) -> float:
    """The share of points that shift as a move has it: against it, and away from what the camera heads for.

    Args:
        rays: as in `parallax`.
        towards: directions of the shifts, of length 1.
        move: the camera's move.
    """
    pattern = rays * move[2] - np.array(move[:2], np.float64)
    pattern /= np.maximum(np.hypot(*pattern.T), 1e-9)[:, None]
    return float(((towards * pattern).sum(1) > _COSINE).mean())


def _grey(pixels: Pixels) -> NDArray[np.uint8]:
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA), np.uint8)
