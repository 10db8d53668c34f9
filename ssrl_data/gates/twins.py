"""May two pictures be one scene, or one picture twice? Measured on both as a whole, mirrored or not.

Hashes find copies; this finds crops, drawings over a photograph, and collages too, where there is a picture to compare
with. Points say most where there is texture, a correlation where there are only large shapes.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from ssrl_data.core import Pixels
from ssrl_data.media.image import SCALES, Box, Picture, least_extent

Grey: TypeAlias = "NDArray[np.uint8]"

OVERVIEW = 288
"""Short side in pixels at which pictures are compared by points. Of 26 photographs cut into two that share 18% of the
whole, 20 are found to be one scene; at 160 pixels 13."""

SMALL = 32
"""Short side in pixels at which one is searched for a view of the other."""

ZOOMS = (0.6, 0.8, 1.0, 1.25, 1.6)
"""Sizes at which a view is searched for, as factors of the size at which both pictures' short sides are as long."""

_POINTS, _BITS, _OFF, _ZOOM = 300, 50, 4.0, 5.0


def overview(picture: Picture, extent: int, side: int) -> Grey:
    """All of a picture in grey, its short side `OVERVIEW`, at little cost after a view of it.

    Args:
        picture: the picture.
        extent: shorter side, in native pixels, of what was viewed: the overview is taken from the same decoded pixels.
        side: pixels at which that was viewed.

    Raises:
        Reject: the content is broken.
    """
    scale = next((s for s in SCALES if extent >= least_extent(side, s)), 1)
    # Half of what is decoded: a mean over whole blocks, several times as fast as any other size.
    width, height = (length // (2 * scale) for length in picture.size)
    seen = picture.view((0, 0, 2 * scale * width, 2 * scale * height), (width, height))
    shrink = OVERVIEW / min(width, height)
    size = (round(width * shrink), round(height * shrink))
    small = cv2.resize(seen, size, interpolation=cv2.INTER_AREA if shrink < 1 else cv2.INTER_LINEAR)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)


def common_points(one: Grey, other: Grey) -> int:
    """Different points of a picture that another shows in one arrangement (ORB; Rublee et al., ICCV 2011).

    Args:
        one: overview of a picture.
        other: that of another.

    Returns:
        0 to 5 for 250 pairs of photographs with nothing in common, 7 or more for 20 crops of one picture, mirrored,
        resized and encoded again.
    """
    finder = cv2.ORB.create(_POINTS, edgeThreshold=15, fastThreshold=10)
    there, described = finder.detectAndCompute(other, None)
    best = 0
    for turned in (one, np.ascontiguousarray(one[:, ::-1])):
        here, sought = finder.detectAndCompute(turned, None)
        if not here or not there:
            continue
        pairs = cv2.BFMatcher(cv2.NORM_HAMMING, True).match(sought, described)
        close = [pair for pair in pairs if pair.distance < _BITS]
        if len(close) < 2:
            continue
        start = np.array([here[pair.queryIdx].pt for pair in close], np.float32)
        end = np.array([there[pair.trainIdx].pt for pair in close], np.float32)
        move, inside = cv2.estimateAffinePartial2D(start, end, method=cv2.RANSAC, ransacReprojThreshold=_OFF)
        # Two patterns that repeat shrink onto each other's points: such moves say nothing, nor do points hit twice.
        if move is not None and 1 / _ZOOM <= math.hypot(move[0, 0], move[1, 0]) <= _ZOOM:
            best = max(best, len(np.unique((end[inside.ravel() == 1] / _OFF).round(), axis=0)))
    return best


def best_fit(view: Pixels, box: Box, picture: Picture, other: Grey) -> float:
    """The correlation of a view with the place of another picture that it fits best, at the sizes of `ZOOMS`.

    Args:
        view: a view of a picture.
        box: what it shows, in native pixels of that picture.
        picture: that picture.
        other: overview of the other picture.

    Returns:
        0 to 1; 0 for a plain view.
    """
    shrink = SMALL / min(other.shape)
    size = (round(other.shape[1] * shrink), round(other.shape[0] * shrink))
    searched = cv2.resize(other, size, interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(view, cv2.COLOR_RGB2GRAY)
    best = 0.0
    for zoom in ZOOMS:
        w, h = (round((box[axis + 2] - box[axis]) * zoom * SMALL / min(picture.size)) for axis in (0, 1))
        if 2 <= w <= searched.shape[1] and 2 <= h <= searched.shape[0]:
            sought = cv2.resize(grey, (w, h), interpolation=cv2.INTER_AREA)
            for turned in (sought, np.ascontiguousarray(sought[:, ::-1])) if np.ptp(sought) else ():
                fits = cv2.matchTemplate(searched, turned, cv2.TM_CCOEFF_NORMED)
                best = max(best, float(fits[np.isfinite(fits)].max(initial=0.0)))
    return best
