"""Where in a view may a spot be marked so that its distance is beyond doubt, and which spots go together?

A spot is a square of the view, large enough to hold its mark. Its distance is not one number but the interval from the
nearest to the farthest value of the depth map behind the whole square, widened by three times the map's stated error:
what is asked must hold for every distance in it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from ssrl_data.core import Record, Skip
from ssrl_data.media.image import Box
from ssrl_data.rng import Rng

Values: TypeAlias = "NDArray[np.float32]"
Indices: TypeAlias = "NDArray[np.int64]"
Flags: TypeAlias = "NDArray[np.bool_]"

SIDE = 28
"""Side of a spot in pixels of the view: its mark and three pixels of its surface all around."""

STEP = 2
"""Corners of spots lie at every so many pixels of the view: a quarter of the work for places that look alike."""

DRAWS = 4096
"""Tuples of spots drawn before any is looked at."""

SIGMAS = 3

FOCALS = (0.6, 1.7)
"""Focal lengths, in long sides of the picture, reckoned with where the camera's is not known: 80 to 33 degrees of view,
from the widest main cameras of phones to short portrait lenses."""

LAYERS = 64

TILT = 50.0
"""Strongest tilt: enough for one order against a hundred."""

HALVINGS = 30


@dataclass(frozen=True, slots=True)
class Spots:
    """All squares of a view, at every `STEP` pixels, that are flat and known throughout.

    Attributes:
        corners: n x 2: x and y of the upper left pixel.
        nearest: n: least distance behind the square, less the error.
        farthest: n: greatest distance behind the square, plus the error.
        measured: whether distances are known up to a factor; else they lie in 0..1 and only their order means anything.
    """

    corners: Indices
    nearest: Values
    farthest: Values
    measured: bool

    def beyond(self, near: Indices, far: Indices, gap: float) -> Flags:
        """Whether all of the far spots is farther than all of the near ones, by a share `gap` of their distance.

        By `gap` itself on a relative map, whose distances span 0 to 1.
        """
        return self.nearest[far] > self.farthest[near] * (1 + gap * self.measured) + gap * (not self.measured)


def flat(record: Record, box: Box, size: tuple[int, int], spread: float) -> Spots:
    """Every square of `SIDE` view pixels, at every `STEP` pixels, that is known throughout and flat.

    Args:
        record: carries the depth map.
        box: x0, y0, x1, y1 in pixels of the picture.
        size: width and height of the view, multiples of `STEP`.
        spread: greatest distance over least, less 1; on a relative map, greatest less least.

    Raises:
        Skip: the record carries no depth map.
        Reject: its depth map is broken.
    """
    depth = record.depth
    if depth is None:
        raise Skip("no depth", final=True)
    least, most = depth.view(box, (size[0] // STEP, size[1] // STEP))
    # What is unknown is infinitely near, and that spreads over every square it lies in.
    least = np.where(np.isnan(least), np.float32(-np.inf), least)
    window = np.ones((SIDE // STEP, SIDE // STEP), np.uint8)
    inside = slice(1 - SIDE // STEP)
    nearest: Values = np.asarray(cv2.erode(least, window, anchor=(0, 0)), np.float32)[inside, inside]
    farthest: Values = np.asarray(cv2.dilate(most, window, anchor=(0, 0)), np.float32)[inside, inside]
    even = farthest - nearest <= spread * nearest if depth.measured else farthest - nearest <= spread
    y, x = np.nonzero(even & (nearest > -np.inf))
    nearest, farthest = nearest[y, x], farthest[y, x]
    error = SIGMAS * depth.rule.error
    low, high = (nearest * error, farthest * error) if depth.measured else (error, error)
    return Spots(STEP * np.stack([x, y], 1), nearest - low, farthest + high, depth.measured)


def draw(spots: Spots, pools: list[Indices], rng: Rng) -> Indices:
    """Random tuples of spots, one from each pool, that do not overlap.

    Each spot's depth is uniform over those its pool has (in `LAYERS` layers, of equal ratio where distances are
    measured), its place uniform within the layer: spots uniform over the picture would mostly lie on its largest
    surface.

    Returns:
        m x len(pools) indices into `spots`; m is 0 when a pool is empty.
    """
    if not all(len(pool) for pool in pools):
        return np.zeros((0, len(pools)), np.int64)
    words = np.frombuffer(rng.bytes(4 * DRAWS * len(pools)), "<u4").reshape(len(pools), DRAWS).astype(np.int64)
    depths = np.log(spots.farthest) if spots.measured else spots.farthest
    layers = {key: _layers(depths[pool]) for key, pool in {id(pool): pool for pool in pools}.items()}
    drawn = []
    for pool, word in zip(pools, words, strict=True):
        order, start, count = layers[id(pool)]
        # What a word leaves over once it has picked a layer picks the place: their product is far below 2**32.
        word = word * len(start)
        picked, rest = word >> 32, word & 0xFFFFFFFF
        drawn.append(pool[order[start[picked] + (rest * count[picked] >> 32)]])
    corners = spots.corners.astype(np.int32)
    places = [corners.take(chosen, 0) for chosen in drawn]
    clear = np.ones(DRAWS, bool)
    for one, other in combinations(places, 2):
        off = np.abs(one - other)
        clear &= np.maximum(off[:, 0], off[:, 1]) >= SIDE
    return np.stack([chosen[clear] for chosen in drawn], 1)


def _layers(depths: Values) -> tuple[Indices, Indices, Indices]:
    """The spots of a pool layer by layer: their order, and where each layer that is not empty starts, and its count."""
    low, high = float(depths.min()), float(depths.max())
    layer = np.minimum((depths - low) * (LAYERS / max(high - low, 1e-6)), LAYERS - 1).astype(np.int8)
    count = np.bincount(layer, minlength=LAYERS)
    filled = np.nonzero(count)[0]
    return layer.argsort(kind="stable"), (count.cumsum() - count)[filled], count[filled]


def unbiased(rows: Indices, rng: Rng) -> int | None:
    """One of the tuples, drawn so that of two spots the lower one is the nearer as often as the farther.

    In most scenes what lies lower in the picture is nearer, so an order could be told from the marks' heights alone.
    Tuples are therefore drawn from among those that span about the same height, else a long way up would still mean
    far: the span at which the scene offers most orders of height. Within it these orders are drawn equally often, but
    for an exponential tilt towards those that go against depth (or with it), just as much as makes the mean of
    Kendall's tau 0.

    Args:
        rows: m x k: where the spots of each tuple lie, from the nearest spot to the farthest.
        rng: draws the span among the best, the order of height, then the tuple.

    Returns:
        An index below m; None where at every span all orders of height go with depth, or all against it.
    """
    one, other = np.triu_indices(rows.shape[1], 1)
    heights = rows.argsort(1, kind="stable").argsort(1, kind="stable")  # no two alike
    below = heights[:, one] > heights[:, other]
    codes = below @ (1 << np.arange(len(one)))
    spans = np.ptp(rows, axis=1) // SIDE
    found: list[tuple[NDArray[np.float64], Indices, Indices]] = []
    for span in rng.shuffled(np.unique(spans).tolist()):
        like = np.nonzero(spans == span)[0]
        orders, first = np.unique(codes[like], return_index=True)
        tau = 2 * below[like[first]].mean(1) - 1
        if (tau > 0).any() == (tau < 0).any():
            found.append((tau, like, orders))
    if not found:
        return None
    tau, like, orders = max(found, key=lambda offer: len(offer[0]))
    return int(rng.choice(like[codes[like] == orders[_tilted(tau, rng)]].tolist()))


def _tilted(values: NDArray[np.float64], rng: Rng) -> int:
    """One of the values' places, equally likely but for an exponential tilt that makes their mean 0."""
    low, high = -TILT, TILT
    for _ in range(HALVINGS):
        tilt = (low + high) / 2
        low, high = (low, tilt) if np.exp(tilt * values) @ values > 0 else (tilt, high)
    shares = np.exp(tilt * values).cumsum()
    return int(np.searchsorted(shares, rng.uniform() * shares[-1], side="right"))


def principal_point(record: Record) -> tuple[float, float]:
    """Where the camera's axis meets the picture, in its pixels: the centre unless the corpus says otherwise."""
    if record.camera is not None and record.camera.centre is not None:
        return record.camera.centre
    if record.image is None:
        raise Skip("no picture", final=True)
    width, height = record.image.size
    return width / 2, height / 2


def focal_lengths(record: Record) -> tuple[float, float]:
    """The shortest and the longest focal length to reckon with, in pixels of the picture."""
    if record.camera is not None and record.camera.focal is not None:
        return record.camera.focal, record.camera.focal
    if record.image is None:
        raise Skip("no picture", final=True)
    long = max(record.image.size)
    return FOCALS[0] * long, FOCALS[1] * long


def seen_at(corners: Indices, box: Box, size: tuple[int, int], centre: tuple[float, float]) -> tuple[Values, Values]:
    """Where squares lie as seen from the principal point, in pixels of the picture, x to the right and y down.

    Args:
        corners: ... x 2: of squares in the view.
        box: x0, y0, x1, y1 of the view in pixels of the picture.
        size: width and height of the view.
        centre: the principal point.

    Returns:
        ... x 2 least and ... x 2 greatest x and y over each square.
    """
    x0, y0, x1, y1 = box
    scale = np.array([(x1 - x0) / size[0], (y1 - y0) / size[1]])
    low = corners * scale + np.subtract((x0, y0), centre)
    return low.astype(np.float32), (low + SIDE * scale).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Where the second spot of each pair lies in space, seen from the first: the bounds over both squares.

    Attributes:
        away: m x 2: least and greatest difference in depth, positive away from the camera.
        right: m x 2: least and greatest difference to the camera's right, times the focal length.
        focals: the shortest and the longest focal length to reckon with.
    """

    away: Values
    right: Values
    focals: tuple[float, float]

    def in_sector(self, middle: float, half: float) -> Flags:
        """Whether the second spot lies in a sector around the first, wherever in its square either is.

        A sector is where two half-planes meet, and what is linear is least at the ends of an interval: of the
        difference in depth, of that to the side, and of 1 / focal length.

        Args:
            middle: of the sector, in degrees from straight away from the camera, clockwise as seen from above.
            half: of its opening, in degrees, below 90.
        """
        out = np.ones(len(self.away), bool)
        for normal in (middle + 90 - half, middle - 90 + half):
            z, x = math.cos(math.radians(normal)), math.sin(math.radians(normal))
            for focal in self.focals:
                out &= z * self.away[:, int(z < 0)] + x / focal * self.right[:, int(x < 0)] > 0
        return out


def in_space(record: Record, box: Box, size: tuple[int, int], spots: Spots, pairs: Indices) -> Pairs:
    """The second spot of each pair as seen from the first; spots lie (x - cx) Z / focal right of the camera's axis."""
    low, high = (edge[..., 0] for edge in seen_at(spots.corners[pairs], box, size, principal_point(record)))
    nearest, farthest = spots.nearest[pairs], spots.farthest[pairs]
    least, greatest = np.minimum(low * nearest, low * farthest), np.maximum(high * nearest, high * farthest)
    away = np.stack([nearest[:, 1] - farthest[:, 0], farthest[:, 1] - nearest[:, 0]], 1)
    right = np.stack([least[:, 1] - greatest[:, 0], greatest[:, 1] - least[:, 0]], 1)
    return Pairs(away, right, focal_lengths(record))
