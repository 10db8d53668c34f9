"""Can segments of a clip be put back in order by what they show? Measured on thumbnails, over all orders.

A segment is joined to the next one in time by how like its last picture is to the other's first; how the pictures
change there must not speak for another order either. A clip that comes back to where it was, stands still, or moves so
fast that no two pictures are alike has no order that people could find.
"""

from __future__ import annotations

from functools import cache
from itertools import permutations
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ssrl_data.core import Skip

Table: TypeAlias = "NDArray[np.float64]"

MOST = 8
"""Most segments: all their orders are tried, 40,320 of them in a few milliseconds."""

APART = 4.0
"""Least difference, in grey levels, of two segments, laid over each other as they fit best."""

CHANGE = 3.0
"""Least difference of the first and last pictures of a segment: with less, nothing shows which way time runs in it."""

POOL = 4
"""Pixels of a thumbnail, either way, that are averaged before joints are compared: what has moved by less is then still
near where it was, so differences grow steadily with time."""

AWAY = 1.35, 4.0
"""The joints of any other order differ by at least this many times as much as those that it breaks, and so many grey
levels more in all. Of 15 rows at 1.3 and above, eight of them the nearest to it, 14 were put in order by eye; where all
that moves is a talking head, rows at 1.3 took long, and one of eight segments that led by 3.2 was not solved."""

AS_WELL = 1.1
"""The same factor where the thumbnails are not averaged, and where the change from picture to picture is compared
beside them: noisier, so these only have to agree."""


def require_order(seen: NDArray[np.float32]) -> None:
    """Check that the order of segments shows, and no other order nearly as well.

    Differences are root mean squares over pixels and channels, so that something small that moves counts.

    Args:
        seen: thumbnails of the segments in the order of time, segments x pictures x height x width x 3; 2 to `MOST`
            segments of at least 2 pictures.

    Raises:
        Skip: `too little change`, `segments too alike`, `another order joins nearly as well`.
    """
    count, length = seen.shape[:2]
    flat = seen.reshape(count * length, -1).astype(np.float64)
    apart = _apart(flat, flat)
    first = np.arange(0, count * length, length)
    last = first + length - 1
    if apart[first, last].min() < CHANGE:
        raise Skip("too little change")
    if _closest(apart, count, length) < APART:
        raise Skip("segments too alike")
    start, second, before, end = (_pooled(seen[:, at]) for at in (0, 1, -2, -1))
    joints = _apart(end, start)
    changes = _apart(end - before, second - start)
    if (
        _lead(joints) < AWAY[1]
        or _lead(_raised(joints, AWAY[0])) < 0
        or _lead(_raised(apart[np.ix_(last, first)], AS_WELL)) < 0
        or _lead(_raised(np.hypot(joints, changes), AS_WELL)) < 0
    ):
        raise Skip("another order joins nearly as well")


def _pooled(pictures: NDArray[np.float32]) -> Table:
    """Each picture averaged down further, as a row of numbers."""
    count, height, width, _ = pictures.shape
    blocks = pictures.reshape(count, height // POOL, POOL, width // POOL, POOL, 3)
    out: Table = blocks.mean((2, 4), dtype=np.float64).reshape(count, -1)
    return out


def _apart(these: Table, those: Table) -> Table:
    """Root mean square differences of each with each; by products of matrices, which is many times as fast."""
    size = these.shape[1]
    squares = (these**2).sum(1)[:, None] + (those**2).sum(1) - 2 * these @ those.T
    out: Table = np.sqrt(np.maximum(squares, 0) / size)
    return out


def _closest(apart: Table, count: int, length: int) -> float:
    """The difference of the two segments most alike, one shifted in time by up to half of its length."""
    blocks = apart.reshape(count, length, count, length).transpose(0, 2, 1, 3)
    shifts = range(-(length // 2), length // 2 + 1)
    best = np.min([np.diagonal(blocks, shift, 2, 3).mean(2) for shift in shifts], axis=0)
    return float(best[~np.eye(count, dtype=bool)].min())


def _raised(joints: Table, factor: float) -> Table:
    """The differences, those of the right joints so many times as large: what other orders break has to be that bad."""
    right = np.eye(len(joints), k=1)
    out: Table = joints * (1 + (factor - 1) * right)
    return out


def _lead(joints: Table) -> float:
    """By how much the joints of the best other order differ more, in all, than those of the right one.

    `joints` holds the difference of each segment's end, in rows, from the start of each.
    """
    return float(joints.ravel()[_other_orders(len(joints))].sum(0).min() - np.diagonal(joints, 1).sum())


@cache
def _other_orders(count: int) -> NDArray[np.intp]:
    """All orders but the right one, in columns: for each of their joints, its place in a flat table of joints."""
    orders = np.array(list(permutations(range(count))), np.intp)[1:].T
    return orders[:-1] * count + orders[1:]
