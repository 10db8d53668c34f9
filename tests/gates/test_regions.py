"""Spots are known and flat throughout, tuples of them do not overlap, and heights do not tell their order."""

from __future__ import annotations

import dataclasses
import io
import time
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from ssrl_data.core import Record, Skip
from ssrl_data.gates import regions
from ssrl_data.gates.regions import SIDE, STEP, Spots, draw, flat, in_space, unbiased
from ssrl_data.media.camera import Camera
from ssrl_data.media.depth import Depth, DepthRule
from ssrl_data.rng import Rng


def record(values: NDArray[np.float32], rule: DepthRule | None = None) -> Record:
    """A record without a picture, as large as its depth map."""
    file = io.BytesIO()
    np.save(file, values)
    size = (values.shape[1], values.shape[0])
    return Record("d", "d", "0" * 32, depth=Depth(file.getvalue(), rule or DepthRule(), size))


def hills(side: int, seed: int = 0) -> NDArray[np.float32]:
    """Flat steps and slopes from 1 to 6 metres, with holes."""
    draws = np.random.default_rng(seed)
    y, x = np.mgrid[0:side, 0:side] / side
    out = 2 + 1.5 * np.floor(3 * x) + 0.8 * y
    for _ in range(8):
        top, left = draws.integers(0, side * 3 // 4, 2)
        out[top : top + side // 4, left : left + side // 4] = draws.uniform(1, 6)
    out[draws.integers(0, side, 20), draws.integers(0, side, 20)] = np.nan
    return np.asarray(out, np.float32)


@pytest.mark.parametrize("kind", ["metric", "relative"])
def test_spots_are_those_a_search_square_by_square_finds(kind: str) -> None:
    one = record(hills(160), DepthRule(kind, scale=-1 if kind == "relative" else 1))
    assert one.depth is not None
    values, box = one.depth.distances, (16, 8, 144, 136)
    spots = flat(one, box, (128, 128), 0.1)
    found = {}
    for y in range(0, 128 - SIDE + 1, STEP):
        for x in range(0, 128 - SIDE + 1, STEP):
            square = values[8 + y : 8 + y + SIDE, 16 + x : 16 + x + SIDE]
            low, high = square.min(), square.max()
            if high - low <= np.float32(0.1) * (low if kind == "metric" else 1):
                found[x, y] = (low, high)
    assert found
    corners = [tuple(corner) for corner in spots.corners.tolist()]
    assert dict(zip(corners, zip(spots.nearest, spots.farthest, strict=True), strict=True)) == found


def test_intervals_grow_by_the_stated_error() -> None:
    values = np.full((64, 64), 2, np.float32)
    spots = flat(record(values, DepthRule(error=0.05)), (0, 0, 64, 64), (64, 64), 0.1)
    assert spots.nearest == pytest.approx(2 * 0.85)
    assert spots.farthest == pytest.approx(2 * 1.15)
    with pytest.raises(Skip, match="no depth"):
        flat(Record("d", "d", "0" * 32), (0, 0, 64, 64), (64, 64), 0.1)


def test_beyond_is_a_share_of_a_distance_and_a_step_on_a_relative_map() -> None:
    near, far = np.array([0]), np.array([1])
    for measured, farther, right in ((True, 2.3, False), (True, 2.5, True), (False, 2.1, False), (False, 2.3, True)):
        low, high = np.array([1.9, farther], np.float32), np.array([2, farther + 0.1], np.float32)
        spots = Spots(np.zeros((2, 2), np.int64), low, high, measured)
        assert spots.beyond(near, far, 0.2).tolist() == [right]
        assert spots.beyond(far, near, 0.2).tolist() == [False]


def test_tuples_come_from_their_pools_and_do_not_overlap() -> None:
    spots = flat(record(hills(200)), (0, 0, 200, 200), (200, 200), 0.1)
    near = np.nonzero(spots.farthest < 2.5)[0]
    far = np.nonzero(spots.nearest > 3)[0]
    tuples = draw(spots, [near, far, near], Rng(0))
    assert len(tuples) > 100
    assert np.isin(tuples[:, [0, 2]], near).all()
    assert np.isin(tuples[:, 1], far).all()
    corners = spots.corners[tuples]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert np.abs(corners[:, one] - corners[:, other]).max(1).min() >= SIDE
    assert not len(draw(spots, [near, far[:0]], Rng(0)))


def test_every_depth_is_drawn_as_often_however_small_its_surface() -> None:
    values = np.full((300, 300), 8, np.float32)
    values[:60, :60] = 2
    spots = flat(record(values), (0, 0, 300, 300), (300, 300), 0.1)
    tuples = draw(spots, [np.arange(len(spots.nearest))], Rng(0))
    assert 0.45 < (spots.nearest[tuples] == 2).mean() < 0.55


def test_heights_tell_nothing_of_the_order() -> None:
    """Of tuples of which nine in ten have the nearer spot lower, as many are drawn either way, at like spans."""
    draws = np.random.default_rng(0)
    rows = draws.random((4000, 300)).argsort(1)[:, :3]  # no two alike
    rows[:3600] = -np.sort(-rows[:3600], axis=1)
    assert (rows[:, 0] > rows[:, 2]).mean() > 0.9
    picked = np.array([rows[unbiased(rows, Rng(k))] for k in range(1500)])
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert (picked[:, one] > picked[:, other]).mean() == pytest.approx(0.5, abs=0.05)
    lowest = np.bincount(picked.argmax(1), minlength=3) / len(picked)
    assert lowest == pytest.approx([1 / 3] * 3, abs=0.05)
    span = picked[:, 0] - picked[:, 2]
    assert np.abs(span[span > 0]).mean() == pytest.approx(np.abs(span[span < 0]).mean(), rel=0.2)


def test_orders_that_a_scene_lacks_are_made_up_for() -> None:
    """One order against depth among three that go with it is drawn often enough to weigh them up."""
    rows = np.array([[9, 5, 1]] * 50 + [[9, 1, 5]] * 50 + [[5, 9, 1]] * 50 + [[1, 9, 5]])
    taus = {(9, 5, 1): 1, (9, 1, 5): 1 / 3, (5, 9, 1): 1 / 3, (1, 9, 5): -1 / 3}
    picked = [taus[tuple(rows[unbiased(rows, Rng(k))].tolist())] for k in range(2000)]
    assert np.mean(picked) == pytest.approx(0, abs=0.04)
    assert len(set(picked)) > 2


def test_a_scene_where_lower_is_always_nearer_has_no_tuple() -> None:
    rows = np.array([[9, 5, 1], [8, 5, 2], [9, 1, 5]])
    assert unbiased(rows, Rng(0)) is None
    assert unbiased(-rows, Rng(0)) is None
    assert unbiased(rows[:0], Rng(0)) is None


def test_a_megapixel_is_searched_in_milliseconds() -> None:
    one = record(hills(1000))
    assert one.depth is not None
    assert one.depth.distances.shape == (1000, 1000)
    taken = []
    for k in range(5):
        start = time.process_time()
        spots = flat(one, (0, 0, 1000, 1000), (400, 400), 0.1)
        tuples = draw(spots, [np.arange(len(spots.nearest))] * 4, Rng(k))
        unbiased(spots.corners[tuples[:, :3], 1], Rng(k))
        taken.append(time.process_time() - start)
    assert min(taken) < 0.040


def test_spots_are_seen_from_the_principal_point() -> None:
    corners = np.array([[0, 0], [72, 36]])
    low, high = regions.seen_at(corners, (100, 50, 300, 150), (100, 50), (200.0, 100.0))
    assert low.tolist() == [[-100, -50], [44, 22]]
    assert (high - low == 2 * SIDE).all()


def test_a_sector_holds_for_all_of_both_squares() -> None:
    """No depth or place inside either square, at either focal length, leads out of it."""
    draws = np.random.default_rng(0)
    count, size = 400, (464, 464)
    corners = draws.integers(0, 464 - SIDE, (count, 2))
    nearest = draws.uniform(1, 5, count).astype(np.float32)
    spots = Spots(corners, nearest, nearest * np.float32(1.1), True)
    pairs = draws.integers(0, count, (3000, 2))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    one = Record("d", "d", "0" * 32, camera=Camera(500.0, (200.0, 0.0)))
    placed = dataclasses.replace(in_space(one, (0, 0, *size), size, spots, pairs), focals=(300.0, 700.0))
    for middle in range(0, 360, 45):
        inside = placed.in_sector(middle, 25)
        worst = np.zeros(len(pairs))
        for near, far, left, right in product((False, True), repeat=4):
            z = [(spots.farthest if end else spots.nearest)[pairs[:, i]] for i, end in enumerate((near, far))]
            x = [(corners[pairs[:, i], 0] - 200 + SIDE * end) * z[i] for i, end in enumerate((left, right))]
            for focal in (300, 700):
                angle = np.degrees(np.arctan2((x[1] - x[0]) / focal, z[1] - z[0]))
                worst = np.maximum(worst, np.abs((angle - middle + 180) % 360 - 180))
        assert inside.sum() > 30
        assert (worst[inside] < 25).all()
        # The bounds take a spot's depth and its place aside apart, so they are stricter.
        assert inside.sum() > 0.5 * (worst < 25).sum()
