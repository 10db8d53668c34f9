"""Inpaint: the four candidates are the same four for every truth, and what the audit must catch."""

from __future__ import annotations

import dataclasses
from collections import Counter

import cv2
import made_rows
import numpy as np
import pytest
from scipy.stats import chisquare

from ssrl_data.core import Example, Pixels, Record, Skip
from ssrl_data.media.image import Picture
from ssrl_data.rng import Rng
from ssrl_tasks.image.inpaint import LETTERS, MID, SOFTEN, Inpaint, InpaintParams


def record_of(pixels: Pixels) -> Record:
    _, data = cv2.imencode(".png", pixels[..., ::-1])
    return Record("p", "p", "0" * 32, image=Picture(data.tobytes()))


def smooth(side: int) -> Record:
    """Colours that change everywhere and repeat nowhere."""
    noise = np.random.default_rng(0).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    return record_of(np.asarray(cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC), np.uint8))


def pictures(one: Example) -> list[Pixels]:
    return [part for part in one.prompt if not isinstance(part, str)]


def made(params: InpaintParams, record: Record, count: int) -> list[Example]:
    out: list[Example] = []
    k = 0
    while len(out) < count:
        try:
            out += Inpaint(params).make([record], Rng(k), k % 4)
        except Skip:
            assert k < 20 * count
        k += 1
    return out


@pytest.mark.parametrize("level", Inpaint.levels)
def test_the_stated_candidate_fills_the_hole(level: str) -> None:
    params = Inpaint.levels[level]
    record = made_rows.record("retina.jpg")
    for one in made(params, record, 8):
        picture, *views = pictures(one)
        x, y = one.meta["hole"]
        filled = picture.copy()
        assert (filled[y : y + params.hole, x : x + params.hole] == MID).all()
        filled[y : y + params.hole, x : x + params.hole] = views[LETTERS.index(one.answer.value["answer"])]
        assert record.image is not None
        near = round(one.meta["zoom"] * params.side)
        source = record.image.view(tuple(one.meta["box"]), (near, near))
        if one.meta["far"]:
            source = np.asarray(cv2.resize(source, (params.side, params.side), interpolation=cv2.INTER_AREA), np.uint8)
        soft = cv2.GaussianBlur(source, (5, 5), SOFTEN)
        left, top = one.meta["corner"]
        cut = soft[top : top + params.side, left : left + params.side]
        assert (filled == np.rot90(cut, one.meta["turn"])).all()


@pytest.mark.parametrize(("zoom", "alike"), [(1.0, 3), (1.5, 1), (2.0, 1)])
def test_every_candidate_has_its_turned_twins_among_the_others(zoom: float, alike: int) -> None:
    for one in made(InpaintParams(96, 32, (zoom,)), smooth(400), 8):
        _, *views = pictures(one)
        for view in views:
            turned = [np.rot90(view, quarters) for quarters in (1, 2, 3)]
            assert sum(any((t == other).all() for t in turned) for other in views) == alike


@pytest.mark.parametrize("zoom", [1.5, 2.0])
def test_the_near_candidates_show_the_middle_of_the_far_ones(zoom: float) -> None:
    inner = round(48 / zoom)
    start = (48 - inner) // 2
    for one in made(InpaintParams(128, 48, (zoom,)), smooth(400), 8):
        _, *views = pictures(one)
        holds = np.zeros((4, 4), bool)
        for far, near in np.argwhere(~np.eye(4, dtype=bool)):
            middle = views[far][start : start + inner, start : start + inner]
            enlarged = cv2.resize(middle, (48, 48)).astype(int)
            holds[far, near] = min(np.abs(enlarged - np.rot90(views[near], turn)).mean() for turn in range(4)) < 4
        # Two of them hold the other two.
        assert sorted(holds.sum(0)) == sorted(holds.sum(1)) == [0, 0, 2, 2]


def test_each_candidate_is_the_truth_as_often_as_any_other() -> None:
    """Seen without picture 1: which scale and which turn is right is as good as a coin, whichever are on offer."""
    counts: Counter[tuple[bool, int]] = Counter()
    for one in made(InpaintParams(96, 32, (2.0,)), smooth(400), 400):
        counts[one.meta["far"], one.meta["turn"]] += 1
    assert len(counts) == 8
    assert chisquare(list(counts.values())).pvalue > 1e-3


def test_the_hole_shows_all_four_borders_and_lies_anywhere() -> None:
    places = Counter(tuple(one.meta["hole"]) for one in made(InpaintParams(96, 32, (2.0,)), smooth(400), 300))
    assert {x for x, _ in places} == {y for _, y in places} == set(range(16, 49, 8))


def test_a_border_that_tells_nothing_is_skipped() -> None:
    """Something stands in the middle of the hole, and round it all is plain."""
    pixels = np.full((200, 200, 3), 60, np.uint8)
    pixels[60:100, 60:140] = (250, 40, 20)
    pixels[100:140, 60:100] = (20, 200, 240)
    with pytest.raises(Skip, match="another candidate fits nearly as well"):
        list(Inpaint(InpaintParams(168, 136)).make([record_of(pixels)], Rng(0), 0))


def test_a_plain_picture_is_skipped() -> None:
    with pytest.raises(Skip, match="candidates too alike"):
        list(Inpaint(InpaintParams(168, 56)).make([record_of(np.full((200, 200, 3), 60, np.uint8))], Rng(0), 0))


def test_audit_finds_what_is_wrong() -> None:
    task = Inpaint(Inpaint.levels["medium"])
    records = [made_rows.record("retina.jpg")]
    row = made_rows.row(task, "medium", made(task.params, records[0], 1)[0])
    assert not list(Inpaint.audit(row, records))
    picture, *views = row.images
    x, y = row.meta["make"]["hole"]
    swapped = (picture, *views[1:], views[0])
    twins = (picture, views[0], views[1], views[2], views[2])
    filled = picture.copy()
    filled[y : y + 56, x : x + 56] = views[1]
    for images, expected in (
        (swapped, "fits the hole's border best"),
        (twins, "look the same"),
        ((filled, *views), "not grey"),
    ):
        wrong = dataclasses.replace(row, images=images)
        assert any(expected in fault.message for fault in Inpaint.audit(wrong, [])), expected
    elsewhere = dict(row.meta["make"]) | {"turn": (row.meta["make"]["turn"] + 1) % 4}
    wrong = dataclasses.replace(row, meta=dict(row.meta) | {"make": elsewhere})
    assert any("not the source's" in fault.message for fault in Inpaint.audit(wrong, records))
