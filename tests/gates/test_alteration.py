from __future__ import annotations

from collections import Counter

import made_rows
import numpy as np
import pytest

from ssrl_data.core import Skip
from ssrl_data.gates.alteration import MOVING, ORDERS, PLAIN, STRENGTHS, _disordered, _order, _part, alter
from ssrl_data.gates.sampling import Window, window
from ssrl_data.rng import Rng

KINDS = [*MOVING, *PLAIN, *STRENGTHS, "swapped", "zoom in", "zoom out"]


@pytest.fixture(scope="module")
def view() -> Window:
    return window(made_rows.record("clip 2"), 10, (0.1, 0.3), 9216, Rng(0), square=True)


@pytest.mark.parametrize("kind", KINDS)
def test_every_frame_of_the_stretch_changes_and_no_other(kind: str, view: Window) -> None:
    plain = [frame.copy() for frame in view.frames()]
    shown, _ = alter(kind, view, range(3, 7), [made_rows.record("clip 3")], (0.1, 0.3), Rng(1))
    assert len(shown) == 10
    for number, (a, b) in enumerate(zip(plain, shown, strict=True)):
        assert a.shape == b.shape
        assert (a != b).any() == (3 <= number < 7)
    assert all((a == b).all() for a, b in zip(plain, view.frames(), strict=True)), "the view was written to"


@pytest.mark.parametrize("count", [4, 6, 8, 16])
def test_orders_leave_no_frame_in_its_place(count: int) -> None:
    stretch = range(5, 5 + count)
    for kind in ORDERS:
        for seed in range(50):
            order, _ = _order(kind, stretch, Rng(seed))
            assert len(order) == count
            assert all(source != number for source, number in zip(order, stretch, strict=True))


def test_a_stutter_holds_earlier_frames_in_whole_groups() -> None:
    holds = set()
    for seed in range(60):
        order, note = _order("stutter", range(5, 17), Rng(seed))
        groups = Counter(order)
        assert set(groups.values()) == {note["hold"]}
        assert order[0] == 4
        assert all(source < number for source, number in zip(order, range(5, 17), strict=True))
        holds.add(note["hold"])
    assert holds == {2, 3, 4}


def test_a_shuffle_is_no_reversal_and_no_slide() -> None:
    assert not _disordered([3, 2, 1, 0])
    assert not _disordered([0, 3, 1, 2])
    assert not _disordered([1, 2, 3, 0])
    assert _disordered([2, 3, 0, 1])
    seen = {tuple(_order("shuffled", range(5, 11), Rng(seed))[0]) for seed in range(300)}
    assert len(seen) > 50
    assert all(sorted(order) == list(range(5, 11)) for order in seen)


def test_the_frozen_part_lies_anywhere_on_whole_blocks() -> None:
    places = set()
    for seed in range(400):
        x0, y0, x1, y1 = _part((96, 64), Rng(seed))
        assert not any(side % 8 for side in (x0, y0, x1, y1))
        assert (x1 - x0, y1 - y0) == (48, 32)
        assert 0 <= x0 < x1 <= 96
        assert 0 <= y0 < y1 <= 64
        places.add((x0, y0))
    assert len(places) == 7 * 5


def test_zooming_in_is_sharper_than_enlarging_the_frame(view: Window) -> None:
    import cv2

    shown, note = alter("zoom in", view, range(3, 7), [], (0.1, 0.3), Rng(4))
    x0, _, x1, _ = note["zoomed"]
    share = (x1 - x0) / (view.box[2] - view.box[0])
    side = view.size[0]
    inner = round(side * share)
    cut = (side - inner) // 2
    small = view.frame(3)[cut : cut + inner, cut : cut + inner]
    enlarged = cv2.resize(small, view.size, interpolation=cv2.INTER_LINEAR)
    detail = [float(np.abs(np.diff(frame.astype(int), axis=1)).mean()) for frame in (shown[3], enlarged)]
    assert detail[0] > 1.1 * detail[1]


def test_a_donor_of_another_shape_fills_the_frame_unsqueezed() -> None:
    wide = window(made_rows.record("clip 2"), 10, (0.1, 0.3), 16_384, Rng(0))
    _, note = alter("swapped", wide, range(3, 7), [made_rows.record("bikes.mp4")], (0.1, 0.3), Rng(1))
    x0, y0, x1, y1 = note["donor"]["box"]
    assert (x1 - x0) / (y1 - y0) == pytest.approx(wide.size[0] / wide.size[1], rel=0.02)


def test_a_donor_that_is_too_short_ends_this_variant_alone() -> None:
    view = window(made_rows.record("clip 2"), 10, (0.1, 0.3), 9216, Rng(0))
    with pytest.raises(Skip, match="other clip does not fit") as caught:
        alter("swapped", view, range(3, 7), [made_rows.record("clip 3")], (30, 40), Rng(1))
    assert not caught.value.final
