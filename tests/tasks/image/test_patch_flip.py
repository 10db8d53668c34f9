"""Patch flip: the wording, what cannot be seen or told, and what the audit must catch."""

from __future__ import annotations

import dataclasses

import made_rows
import numpy as np
import pytest

from ssrl_data.core import Pixels, Record, Row, Skip
from ssrl_data.media.image import Picture, encode
from ssrl_data.rng import Rng
from ssrl_tasks.image.patch_flip import PatchFlip, PatchFlipParams


def a_row(level: str, name: str = "ihc.png") -> Row:
    task = PatchFlip(PatchFlip.levels[level])
    for k in range(20):
        try:
            return made_rows.row(task, level, made_rows.example(task, name, k, k % task.classes()))
        except Skip:
            continue
    raise AssertionError(f"{name} shows no flip")


def of(pixels: Pixels) -> Record:
    return Record("p", "p", "0" * 32, image=Picture(encode(pixels)))


def test_the_easy_prompt_has_at_most_30_words() -> None:
    assert len(a_row("easy").prompt.replace("<image>", " ").split()) <= 30


def test_only_one_tile_changes_and_flipping_it_back_gives_the_source() -> None:
    task = PatchFlip(PatchFlip.levels["hard"])
    axes = set()
    for name, _, _, one in made_rows.made(task, 12):
        picture = made_rows.record(name).image
        assert picture is not None
        x0, y0, x1, y1 = one.meta["box"]
        source = picture.view((x0, y0, x1, y1), (384, 384))
        shown = np.array(one.prompt[0])
        y, x = one.meta["tile"] // 4 * 96, one.meta["tile"] % 4 * 96
        tile = shown[y : y + 96, x : x + 96]
        assert (shown != source).any()
        tile[:] = (tile[:, ::-1] if one.meta["axis"] == "left-right" else tile[::-1]).copy()
        assert (shown == source).all()
        axes.add(one.meta["axis"])
    assert axes == {"left-right", "upside-down"}


def test_a_flip_that_changes_nothing_is_skipped() -> None:
    slope = np.linspace(0, 255, 400)[:, None, None]
    pixels = np.broadcast_to(slope, (400, 400, 3)).astype(np.uint8)  # the same in every column
    with pytest.raises(Skip, match="flip invisible"):
        list(PatchFlip(PatchFlip.levels["easy"]).make([of(pixels)], Rng(0), 0))


def test_a_flip_that_the_borders_do_not_show_is_skipped() -> None:
    """Each tile differs from its flips inside, but its borders are plain."""
    tile = np.full((129, 129, 3), 90, np.uint8)
    tile[20:50, 20:60] = 230
    pixels = np.tile(tile, (2, 2, 1))  # 258 pixels, so that there is one crop only
    for aim in range(4):
        with pytest.raises(Skip, match="borders do not tell the flip"):
            list(PatchFlip(PatchFlipParams()).make([of(pixels)], Rng(0), aim))


def test_audit_finds_a_second_flipped_tile() -> None:
    """Always beside the source; without it where the second flip shows as clearly as the stated one."""
    task = PatchFlip(PatchFlip.levels["spatial_ssrl"])
    alone = total = 0
    for name, _, _, one in made_rows.made(task, 12):
        row = made_rows.row(task, "spatial_ssrl", one)
        pixels = row.images[0].copy()
        tile = 3 - one.meta["tile"]  # the opposite one, so no border joins the two
        y, x = tile // 2 * 168, tile % 2 * 168
        pixels[y : y + 168, x : x + 168] = pixels[y : y + 168, x : x + 168][:, ::-1].copy()
        two = dataclasses.replace(row, images=(pixels,))
        assert [fault.rule for fault in task.audit(two, [made_rows.record(name)])] == ["true"], name
        alone, total = alone + bool(list(task.audit(two, []))), total + 1
    assert alone >= total / 2


def test_audit_finds_a_tile_turned_rather_than_flipped() -> None:
    row = a_row("spatial_ssrl")
    make = row.meta["make"]
    pixels = row.images[0].copy()
    y, x = make["tile"] // 2 * 168, make["tile"] % 2 * 168
    patch = pixels[y : y + 168, x : x + 168]
    patch[:] = (patch[::-1] if make["axis"] == "left-right" else patch[:, ::-1]).copy()
    turned = dataclasses.replace(row, images=(pixels,))
    assert [f.rule for f in PatchFlip.audit(turned, [made_rows.record("ihc.png")])] == ["true"]


@pytest.mark.parametrize("level", ["easy", "medium", "hard"])
def test_audit_needs_no_source_to_find_a_wrong_tile(level: str) -> None:
    row = a_row(level)
    assert list(PatchFlip.audit(row, [])) == []
    value = row.answer.value["answer"]
    part = value[0]["value"] if level == "hard" else row.answer.value
    for option in part["options"]:
        if option == part["answer"]:
            continue
        wrong = part | {"answer": option}
        stated = {"answer": [value[0] | {"value": wrong}, value[1]]} if level == "hard" else wrong
        moved = dataclasses.replace(row, answer=dataclasses.replace(row.answer, value=stated))
        assert list(PatchFlip.audit(moved, [])), option


def test_the_axis_is_asked_only_where_there_are_two() -> None:
    with pytest.raises(ValueError, match=r"^name_axis is "):
        PatchFlipParams(axes=("left-right",), name_axis=True)
