"""Which way does the camera move? The motion that most of the picture shares, whatever a few things do in front.

Points of a grid are followed from frame to frame and back (Lucas and Kanade 1981, in Bouguet's pyramid); the similarity
that most of them agree on (RANSAC; Fischler and Bolles 1981) is what the camera did. A pan and a sideways move look the
same here, as do a zoom and a move ahead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from ssrl_data.core import Pixels
from ssrl_data.media.clip import Reel

Path: TypeAlias = "NDArray[np.float64]"
"""Where the camera is at each frame, from the first: count x 3, right, down and ahead.

Right and down are in short sides of the frame; ahead is the natural logarithm of the magnification over `ZOOM`.
"""

WAYS: dict[str, tuple[int, int, int]] = {
    "left": (-1, 0, 0),
    "right": (1, 0, 0),
    "up": (0, -1, 0),
    "down": (0, 1, 0),
    "still": (0, 0, 0),
    "in": (0, 0, 1),
    "out": (0, 0, -1),
}
"""What a camera does, and the direction of its path."""

ZOOM = 1.5
"""Logarithm of the magnification that counts as much as a pan by one side: what lies a third of a side from the middle,
as most does, then moves by half a side."""

THUMBNAIL = 160
"""Longest side at which points are followed."""

_SPACING = 1 / 12  # of the short side, between neighbouring points
_WINDOW, _LEVELS = (13, 13), 3
_TEXTURE = 5e-4  # least eigenvalue, as OpenCV scales it, below which a point does not show motion both ways
_RETURN = 0.7  # pixels by which a point followed there and back may miss its start
_MISFIT = 1.0  # pixels by which a point may miss what most agree on
_FEWEST = 12  # points that agree

FOUND = 0.3
"""Least share of the points that are found again."""

AGREED = 0.7
"""Least share of the points found that share one motion."""

ASIDE = 1 / 3
"""Most that a path goes along other axes than its own, as a share of its length."""

SHAKE = 1 / 8
"""Most that a still camera moves, as a share of the least motion asked for."""

BACK = 0.2
"""Least share of the mean step that each step goes along the path, but for one of them."""


@dataclass(frozen=True)
class Track:
    """The camera's motion between neighbouring frames.

    Attributes:
        steps: similarities that take pixels of the thumbnail of one frame to the next: (count - 1) x 3 x 3.
        found: share of the points that were found again, by step.
        agreed: share of the points found that the similarity explains, by step.
        size: width and height of the thumbnails.
    """

    steps: NDArray[np.float64]
    found: NDArray[np.float64]
    agreed: NDArray[np.float64]
    size: tuple[int, int]

    def path(self, indices: Sequence[int]) -> Path:
        """The path between frames, in the order given: rising."""
        width, height = self.size
        middle = np.array([(width - 1) / 2, (height - 1) / 2, 1.0])
        out, moved = [(0.0, 0.0, 0.0)], np.eye(3)
        for low, high in pairwise(indices):
            for step in self.steps[low:high]:
                moved = step @ moved
            x, y, _ = (middle - moved @ middle) / min(width, height)
            out.append((float(x), float(y), 0.5 * float(np.log(np.linalg.det(moved[:2, :2]))) / ZOOM))
        return np.array(out)

    def sure(self, low: int, high: int) -> bool:
        """Whether every step between two frames rests on enough points that agree."""
        return bool((self.found[low:high] >= FOUND).all() and (self.agreed[low:high] >= AGREED).all())


def track(frames: Sequence[Pixels]) -> Track:
    """Measure the motion between neighbouring frames.

    Args:
        frames: two or more, of one size.
    """
    height, width = frames[0].shape[:2]
    scale = min(1.0, THUMBNAIL / max(width, height))
    size = (round(width * scale), round(height * scale))
    small = [_grey(frame, size) for frame in frames]
    start = _grid(size)
    found = [_step(before, after, start) for before, after in pairwise(small)]
    steps, shares, agreed = zip(*found, strict=True)
    return Track(np.array(steps), np.array(shares), np.array(agreed), size)


@lru_cache(maxsize=1)  # rows of a clip are made one after the other
def track_of(reel: Reel) -> Track:
    """Measure the motion over a whole reel: about 1 ms a frame, once."""
    return track(list(reel.frames))


def way(path: Path, least: float) -> str | None:
    """What the camera does on a path: one of `WAYS`, or None where that is not clear.

    Args:
        path: two or more frames.
        least: shortest path that counts as a motion.
    """
    if np.abs(path).max() <= SHAKE * least:
        return "still"
    end = path[-1]
    axis = int(np.abs(end).argmax())
    sense = 1 if end[axis] > 0 else -1
    length = abs(float(end[axis]))
    if length < least or np.abs(np.delete(path, axis, 1)).max() > ASIDE * length:
        return None
    along = np.sort(np.diff(path[:, axis]) * sense)
    if len(along) > 2:
        along = along[1:]  # one step may falter
    if along[0] < BACK * length / (len(path) - 1):
        return None
    return next(name for name, direction in WAYS.items() if direction[axis] == sense)


def _step(before: Pixels, after: Pixels, start: NDArray[np.float32]) -> tuple[NDArray[np.float64], float, float]:
    """The similarity, the share of points found, the share of those that it explains."""
    follow = {"winSize": _WINDOW, "maxLevel": _LEVELS, "minEigThreshold": _TEXTURE}
    there, seen, _ = cv2.calcOpticalFlowPyrLK(before, after, start, None, **follow)  # type: ignore[call-overload]
    back, again, _ = cv2.calcOpticalFlowPyrLK(after, before, there, None, **follow)  # type: ignore[call-overload]
    kept = (seen & again).ravel().astype(bool) & (np.abs(back - start).max(axis=(1, 2)) < _RETURN)
    share = float(kept.mean())
    if kept.sum() >= _FEWEST:
        one, other = start[kept, 0], there[kept, 0]
        moved, within = cv2.estimateAffinePartial2D(one, other, method=cv2.RANSAC, ransacReprojThreshold=_MISFIT)
        if moved is not None and within.sum() >= _FEWEST:
            return np.vstack([moved, [0, 0, 1]]), share, float(within.mean())
    return np.eye(3), share, 0.0


def _grid(size: tuple[int, int]) -> NDArray[np.float32]:
    step = min(size) * _SPACING
    lines = [(np.arange(int(side / step)) + 0.5) * side / int(side / step) - 0.5 for side in size]
    return np.stack(np.meshgrid(*lines), axis=-1).reshape(-1, 1, 2).astype(np.float32)


def _grey(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
