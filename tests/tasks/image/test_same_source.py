"""Same source: both classes are drawn alike, a no is true, and the audit finds a row that is not what it says."""

from __future__ import annotations

import dataclasses
from typing import Any

import cv2
import made_rows
import numpy as np
import pytest

from ssrl_data.core import Example, Pixels, Record, Row, Skip
from ssrl_data.media.image import Picture, encode
from ssrl_data.rng import Rng
from ssrl_data.row import digest
from ssrl_tasks.image import same_source
from ssrl_tasks.image.same_source import SameSource

LEVELS = tuple(SameSource.levels)


def pair(one: str = "coffee.png", other: str = "astronaut.png") -> list[Record]:
    return [made_rows.record(one), made_rows.record(other)]


def record(name: str, pixels: Pixels) -> Record:
    data = encode(pixels)
    return Record(name, name, digest(data), image=Picture(data))


def whole(record: Record) -> Pixels:
    assert record.image is not None
    return record.image.view((0, 0, *record.image.size), record.image.size)


def attempt(level: str, records: list[Record], k: int, aim: int) -> Example | str:
    try:
        (one,) = SameSource(SameSource.levels[level]).make(records, Rng("same", k), aim)
    except Skip as skip:
        return skip.reason
    return one


def a_row(level: str, aim: int, records: list[Record]) -> Row:
    for k in range(100):
        one = attempt(level, records, k, aim)
        if isinstance(one, Example):
            return made_rows.row(SameSource(SameSource.levels[level]), level, one)
    raise AssertionError("no row in 100 variants")


@pytest.mark.parametrize("level", LEVELS)
def test_both_classes_are_drawn_alike(level: str) -> None:
    """With one key, yes and no show one picture in common, changed alike, and skip for the same reasons."""
    agreed = 0
    for k in range(40):
        yes, no = (attempt(level, pair(), k, aim) for aim in (0, 1))
        if isinstance(yes, str) or isinstance(no, str):
            assert yes == no or no == "the pictures may be one"
            continue
        agreed += 1
        for ours, theirs in zip(yes.meta["views"], no.meta["views"], strict=True):
            assert (ours["blur"], ours["flip"]) == (theirs["blur"], theirs["flip"])
            if theirs["of"] == 0:
                assert ours == theirs
            else:
                share = [np.prod(np.subtract(view["box"][2:], view["box"][:2])) for view in (ours, theirs)]
                areas = [600 * 400, 512 * 512]
                assert share[0] / areas[0] == pytest.approx(share[1] / areas[1], rel=0.01)
    assert agreed >= 10


def test_which_view_comes_first_says_nothing() -> None:
    first = [attempt("easy", pair(), k, 1) for k in range(60)]
    homes = [one.meta["views"][0]["of"] for one in first if isinstance(one, Example)]
    assert 0.25 < sum(homes) / len(homes) < 0.75


@pytest.mark.parametrize("level", LEVELS)
def test_views_of_one_picture_share_what_is_stated(level: str) -> None:
    params = SameSource.levels[level]
    seen = 0
    for k in range(40):
        one = attempt(level, pair(), k, 0)
        if not isinstance(one, Example):
            continue
        masks = np.zeros((2, 400, 600), bool)
        for mask, view in zip(masks, one.meta["views"], strict=True):
            x0, y0, x1, y1 = view["box"]
            mask[y0:y1, x0:x1] = True
        shared = (masks[0] & masks[1]).sum()
        assert shared >= params.overlap * masks.sum((1, 2)).min()
        assert shared >= same_source.EACH * masks.sum((1, 2)).max()
        seen += 1
    assert seen >= 10


def test_the_same_picture_in_other_clothes_is_never_the_other_picture() -> None:
    """A crop of it, mirrored, resized, brighter and encoded once more: no row says no of the two."""
    photograph = pair()[0]
    pixels = whole(photograph)[20:390, 30:580, :]
    pixels = cv2.resize(np.ascontiguousarray(pixels[:, ::-1]), (640, 430))
    copy = record("copy", np.clip(pixels.astype(int) + 12, 0, 255).astype(np.uint8))
    outcomes = [attempt("easy", [photograph, copy], k, 1) for k in range(30)]
    refused = outcomes.count("the pictures may be one")
    assert refused >= 0.9 * (refused + sum(isinstance(one, Example) for one in outcomes))


def test_the_group_and_the_content_of_the_other_picture_count() -> None:
    one, other = pair()
    twins = {
        "the other picture is of the same group": dataclasses.replace(other, group=one.group),
        "the other picture is the same": dataclasses.replace(other, source_id=one.source_id),
    }
    for reason, twin in twins.items():
        assert {attempt("easy", [one, twin], 0, aim) for aim in (0, 1)} == {reason}


def test_a_picture_without_colour_meets_its_like_alone() -> None:
    one, other = pair()
    grey = cv2.cvtColor(cv2.cvtColor(whole(other), cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    assert attempt("easy", [one, record("grey", np.asarray(grey, np.uint8))], 0, 0) == "only one picture has colour"


def test_a_much_coarser_picture_is_no_partner() -> None:
    one = record("fine", cv2.resize(whole(pair()[0]), (1500, 1000)).astype(np.uint8))
    assert attempt("easy", [one, pair()[1]], 0, 1) == "one picture is much finer"


def changed(row: Row, **fields: Any) -> Row:
    views = [
        view | {key: value[i] for key, value in fields.items()} for i, view in enumerate(row.meta["make"]["views"])
    ]
    return dataclasses.replace(row, meta=dict(row.meta) | {"make": {"views": views}})


def messages(row: Row, records: list[Record]) -> str:
    return "; ".join(fault.message for fault in SameSource.audit(row, records))


def test_audit_finds_views_that_share_too_little() -> None:
    records = pair()
    row = a_row("ssl4rl", 0, records)
    strict = dataclasses.replace(row, meta=dict(row.meta) | {"params": dict(row.meta["params"]) | {"overlap": 1.1}})
    assert not messages(row, records)
    assert "share less" in messages(strict, records)


def test_audit_finds_a_view_of_another_place_or_with_other_colours() -> None:
    records = pair()
    row = a_row("easy", 0, records)
    views = row.meta["make"]["views"]
    assert "recorded place" in messages(changed(row, flip=[True, True]), records)
    assert "recorded place" in messages(changed(row, box=[view["box"] for view in views[::-1]]), records)
    assert "recorded place" in messages(changed(row, matrix=[np.eye(3, 4).tolist()] * 2), records)


def test_audit_finds_one_picture_called_two() -> None:
    """A re-encoded copy under another name and group, with the gates of the maker switched off."""
    photograph = pair()[0]
    copy = record("copy", whole(photograph))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(same_source, "FOUND", 2.0)
        patch.setattr(same_source, "POINTS", 10**6)
        rows = [a_row(level, 1, [photograph, copy]) for level in LEVELS]
    found = [messages(row, [photograph, copy]) for row in rows]
    assert all("found in the other picture" in message for message in found), found
    assert "one source" in messages(rows[0], [photograph, dataclasses.replace(copy, group=photograph.group)])


def test_audit_finds_nothing_shared_to_be_seen() -> None:
    """The second picture of a yes is replaced by noise: its place is right and its pixels show something else."""
    records = pair()
    row = a_row("easy", 0, records)
    noise = np.random.default_rng(0).integers(0, 256, row.images[1].shape, dtype=np.uint8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(same_source, "SAME", 999.0)
        assert "looks different" in messages(dataclasses.replace(row, images=(row.images[0], noise)), records)
