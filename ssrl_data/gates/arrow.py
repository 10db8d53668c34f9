"""Does a stretch of a clip read as well backwards? Only what travels tells forwards from backwards, if anything does.

Points of a grid are followed from frame to frame and back (Lucas and Kanade 1981, in Bouguet's pyramid); the camera's
own motion is the similarity that most of them share (RANSAC; Fischler and Bolles 1981). What a point does beside it
must carry it across the picture and go on for as many frames again: a swing, a nod, a face that talks comes back, a
head that turns or a body that rises stops, a pan of a still scene has nothing beside it.

What it cannot know: a thing that travels may do so either way. People, animals and vehicles go forwards, a ball rolls
both ways, and a corpus whose things do too has to declare it.

Measured on windows of five frames over 0.6 to 2 seconds in which one order alone runs smoothly. Of 227 windows of 15
real clips none passes: not heads that turn, actors, a rising figure, a parrot before the lens, nor pedestrians, too
small and slow to get so far, nor the one passing car, which fills the picture. Of 1,043 windows of 24 rendered clips
that pieces cross 431 do; two in five of those that travel far enough leave the picture, or come in, too soon to be
followed on.

The arrow of time as a question of learning: Misra et al. (ECCV 2016), Wei et al. (CVPR 2018).
"""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from ssrl_data.core import Record, Skip
from ssrl_data.gates import sampling
from ssrl_data.media.clip import Reel

THUMBNAIL = 128
"""Longest side at which points are followed."""

STEPS = 8
"""Most steps over which they are, in a window; twice as many with the frames before or after it."""

_SPACING = 6  # pixels between points
_WINDOW, _LEVELS = (9, 9), 3
_RETURN = 0.7  # pixels by which a point followed there and back may miss its start
_MISFIT = 1.0  # pixels by which a point may miss what most agree on
_FOUND = 0.2  # least share of points found again, for a step to say anything
_TRAVEL = 0.2  # of the longest side: least that a travelling point gets away
_STRAIGHT = 0.8  # least share of its path that it gets away
_TRAVELLERS = 4  # least number of points that travel
_RETURNING = 0.5  # most points that move as far and come back, for each that travels


def require_arrow(record: Record, first: int, last: int) -> None:
    """Check that things travel against the scene, and go on before and after, as far as the shot shows it.

    Args:
        record: carries the clip; `reversible: true` among its facts says that it reads as well backwards.
        first: number of the stretch's first frame in the reel.
        last: of its last.

    Raises:
        Skip: it may read as well backwards.
    """
    if record.facts.get("reversible"):
        raise Skip("declared reversible", final=True)
    if record.clip is None:
        raise Skip("no clip", final=True)
    reel, span = record.clip.reel, last - first
    _require_travel(*tracks(reel, first, last))
    shot = next(shot for shot in sampling.shots(reel) if first in shot)
    _require_travel(*tracks(reel, first, min(shot.stop - 1, last + span), 2 * STEPS))
    _require_travel(*tracks(reel, max(shot.start, first - span), last, 2 * STEPS))


def _require_travel(net: NDArray[np.float64], path: NDArray[np.float64]) -> None:
    far = path >= _TRAVEL
    gone = far & (net >= _TRAVEL) & (net >= _STRAIGHT * path)
    if gone.sum() < _TRAVELLERS:
        raise Skip("nothing travels")
    if (far & ~gone).sum() > _RETURNING * gone.sum():
        raise Skip("may read as well backwards")


def tracks(reel: Reel, first: int, last: int, steps: int = STEPS) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far points get beside the camera's own motion, and by how long a path, over half of the stretch or more.

    Args:
        reel: of the clip.
        first: number of the first frame in the reel.
        last: of the last.
        steps: most steps over which they are followed.

    Returns:
        Net displacement and length of the path of each point, in shares of the frame's longest side.
    """
    numbers = np.unique(np.linspace(first, last, min(steps, last - first) + 1).round().astype(int))
    height, width = reel.frames.shape[1:3]
    scale = THUMBNAIL / max(width, height)
    size = (round(width * scale), round(height * scale))
    greys = [
        cv2.resize(cv2.cvtColor(reel.frames[number], cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)
        for number in numbers
    ]
    nets, paths = [], []
    # From the first frame and from the middle one, since what enters later is not seen in the first.
    for start in (0, len(greys) // 2):
        net, path = _followed(greys[start:])
        nets.append(net)
        paths.append(path)
    return np.concatenate(nets) / THUMBNAIL, np.concatenate(paths) / THUMBNAIL


def _followed(greys: list[NDArray[np.uint8]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    height, width = greys[0].shape
    x, y = np.meshgrid(np.arange(_SPACING, width - 2, _SPACING), np.arange(_SPACING, height - 2, _SPACING))
    at = np.stack([x, y], axis=-1).reshape(-1, 1, 2).astype(np.float32)
    started = len(at)
    beside, path = np.zeros((started, 2)), np.zeros(started)
    for before, after in pairwise(greys):
        if len(at) < _FOUND * started:
            return np.zeros(0), np.zeros(0)
        there, found, _ = cv2.calcOpticalFlowPyrLK(before, after, at, None, winSize=_WINDOW, maxLevel=_LEVELS)  # type: ignore[call-overload]
        back, returned, _ = cv2.calcOpticalFlowPyrLK(after, before, there, None, winSize=_WINDOW, maxLevel=_LEVELS)  # type: ignore[call-overload]
        kept = (found & returned).ravel().astype(bool) & (np.abs(back - at).max(axis=(1, 2)) < _RETURN)
        at, there, beside, path = at[kept], there[kept], beside[kept], path[kept]
        if len(at) < _FOUND * started:
            return np.zeros(0), np.zeros(0)
        camera, _ = cv2.estimateAffinePartial2D(at, there, ransacReprojThreshold=_MISFIT)
        if camera is None:
            return np.zeros(0), np.zeros(0)
        left = there[:, 0] - (at[:, 0] @ camera[:, :2].T + camera[:, 2])
        left[np.hypot(*left.T) < _MISFIT] = 0  # what the camera explains
        beside, path, at = beside + left, path + np.hypot(*left.T), there
    net: NDArray[np.float64] = np.hypot(*beside.T)
    return net, path
