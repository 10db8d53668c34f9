"""Orders of segments: what shows one, and what does not."""

from __future__ import annotations

from itertools import pairwise, permutations
from typing import Any

import numpy as np
import pytest

from ssrl_data.core import Skip
from ssrl_data.gates.segments import CHANGE, _lead, _other_orders, _raised, require_order

TOO_STILL, ALIKE, ANOTHER = "too little change", "segments too alike", "another order joins nearly as well"


def picture(x: float, y: float = 96.0) -> Any:
    """A thumbnail of something light on a grey ground, at a place in 256ths of the width."""
    down, right = np.mgrid[4:192:8, 4:256:8]
    light = 60 + 190 * np.exp(-((right - x) ** 2 + (down - y) ** 2) / 2 / 36**2)
    return light[:, :, None].repeat(3, 2).astype(np.float32)


def reason(*stretches: Any) -> str | None:
    """Why segments of discs at these places have no order; None when they have."""
    try:
        require_order(np.array([[picture(x) for x in stretch] for stretch in stretches]))
    except Skip as skip:
        return skip.reason
    return None


def test_steady_motion_has_one_order() -> None:
    assert reason([10, 30, 50, 70], [90, 110, 130, 150], [170, 190, 210, 230]) is None
    # Frames left out between segments, and the way back.
    assert reason([230, 215, 200, 185], [155, 140, 125, 110], [80, 65, 50, 35]) is None


def test_the_ways_that_a_clip_tells_no_order() -> None:
    assert reason([100, 100, 100, 100], [120, 140, 160, 180], [190, 200, 210, 220]) == TOO_STILL
    # To and fro: the third passes is the first again.
    assert reason([10, 40, 70, 100], [130, 100, 70, 40], [11, 41, 71, 101]) == ALIKE
    # A ring of three: it ends where it began, and any of them may come first.
    ring = [(128 + 80 * np.cos(t), 96 + 60 * np.sin(t)) for t in np.arange(12) * 2 * np.pi / 12]
    with pytest.raises(Skip, match=ANOTHER):
        require_order(np.array([[picture(*at) for at in ring[k : k + 4]] for k in (0, 4, 8)]))
    # Each segment another thing, which has nothing to do with the last.
    draw = np.random.default_rng(0).uniform(0, 255, (3, 4, 24, 32, 3)).astype(np.float32)
    with pytest.raises(Skip, match=ANOTHER):
        require_order(draw)


def test_segments_that_play_backwards_do_not_pass_for_the_same_clip() -> None:
    """The arrow of time: what passes forward must not pass with every segment turned round in the same order."""
    forward = [[10, 30, 50, 70], [90, 110, 130, 150], [170, 190, 210, 230]]
    assert reason(*forward) is None
    assert reason(*[stretch[::-1] for stretch in forward]) == ANOTHER
    assert reason(*[stretch[::-1] for stretch in forward[::-1]]) is None


def test_a_little_change_is_not_enough() -> None:
    seen = np.array([[picture(x + 4 * step) for step in range(4)] for x in (20, 120, 200)])
    grey = seen.mean()
    change = np.sqrt(((seen[:, 0] - seen[:, -1]) ** 2).mean((1, 2, 3))).min()
    for share, still in ((1.2, False), (0.8, True)):
        faint = (grey + (seen - grey) * share * CHANGE / change).astype(np.float32)
        with pytest.raises(Skip) as caught:
            require_order(faint)
        assert (caught.value.reason == TOO_STILL) == still


@pytest.mark.parametrize("count", [2, 3, 5])
def test_the_lead_is_that_over_the_best_of_all_other_orders(count: int) -> None:
    joints = np.random.default_rng(count).uniform(1, 50, (count, count))
    costs = {order: sum(joints[a, b] for a, b in pairwise(order)) for order in permutations(range(count))}
    right = costs.pop(tuple(range(count)))
    assert _lead(joints) == pytest.approx(min(costs.values()) - right)
    assert _other_orders(count).shape == (count - 1, len(costs))


def test_raised_joints_compare_what_is_broken_with_what_is_made() -> None:
    """An order leads the raised joints where it makes joints that differ less than so many times those it breaks."""
    joints = np.random.default_rng(7).uniform(1, 50, (4, 4))
    np.fill_diagonal(joints[:, 1:], 5.0)
    worst = np.inf
    for order in list(permutations(range(4)))[1:]:
        pairs = set(pairwise(order))
        rights = {(0, 1), (1, 2), (2, 3)}
        worst = min(worst, sum(joints[p] for p in pairs - rights) / sum(joints[p] for p in rights - pairs))
    assert _lead(_raised(joints, worst - 1e-6)) > 0
    assert _lead(_raised(joints, worst + 1e-6)) < 0
