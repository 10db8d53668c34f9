"""Counting: what is drawn is seen and counted, no count is rarer than another, and what the audit must catch."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator
from typing import Any

import cv2
import made_rows
import numpy as np
import pytest
from scipy.stats import chi2_contingency, chisquare

from ssrl_data.core import Example, Pixels, Record, Row, Skip
from ssrl_data.gates.placing import CONTRAST, HIDDEN
from ssrl_data.media import shapes
from ssrl_data.rng import Rng
from ssrl_tasks.video.count import ASKED, CROWD, OTHERS, REFERENCE, TURN, Count, CountParams

CLIP = "clip 3"
LEVELS = list(Count.levels)


def examples(level: str, count: int, name: str = CLIP) -> Iterator[Example]:
    task = Count(Count.levels[level])
    for k in range(8 * count):
        try:
            yield made_rows.example(task, name, k, 0)
        except Skip:
            continue
        count -= 1
        if not count:
            return
    pytest.fail("too few rows")


def pictures(one: Example) -> list[Pixels]:
    return [part for part in one.prompt if not isinstance(part, str)]


def row_of(level: str, one: Example) -> Row:
    return made_rows.row(Count(Count.levels[level]), level, one)


def records(level: str) -> list[Record]:
    return made_rows.records(CLIP, Count(Count.levels[level]))


def faults(row: Row, used: list[Record]) -> list[str]:
    return [fault.message for fault in Count.audit(row, used)]


def untouched(one: Example, number: int) -> Pixels:
    clip = made_rows.record(CLIP).clip
    assert clip is not None
    return clip.view(one.meta["indices"][number], tuple(one.meta["box"]), tuple(one.meta["size"]))


@pytest.mark.parametrize("level", LEVELS)
def test_everything_drawn_is_whole_apart_and_in_the_frame(level: str) -> None:
    for one in examples(level, 3):
        width, height = one.meta["size"]
        shown = pictures(one)[-Count.levels[level].frames :]
        for number, frame in enumerate(shown):
            here = [drawn for drawn in one.meta["shapes"] if drawn["frame"] == number]
            total = np.zeros((height, width), np.int64)
            for drawn in here:
                around = shapes.outline(drawn["shape"], drawn["centre"], drawn["size"], drawn["angle"])
                mask = shapes.cover(around, shapes.edge(drawn["size"]), (height, width)) > 0
                assert not any(line.any() for line in (mask[0], mask[-1], mask[:, 0], mask[:, -1]))
                total += mask
            assert total.max(initial=0) <= 1
            assert len(here) <= CROWD
            # What is not covered by a mask is the clip's, to the pixel.
            assert ((frame != untouched(one, number)).any(2) <= (total > 0)).all()


@pytest.mark.parametrize("level", ["easy", "hard"])
def test_the_colour_is_unlike_what_lies_behind(level: str) -> None:
    def lab(pixels: Any) -> Any:
        return cv2.cvtColor(np.asarray(pixels, np.float32) / 255, cv2.COLOR_RGB2LAB)

    for one in examples(level, 3):
        for drawn in one.meta["shapes"]:
            behind = untouched(one, drawn["frame"])
            around = shapes.outline(drawn["shape"], drawn["centre"], drawn["size"], drawn["angle"])
            mask = shapes.cover(around, shapes.edge(drawn["size"]), behind.shape[:2]) > 0
            off = np.linalg.norm(lab(behind) - lab([[drawn["colour"]]]), axis=2)[mask]
            # The gate looks at every second pixel, and at a ring around, too.
            assert (off < CONTRAST).mean() < 2 * HIDDEN


@pytest.mark.parametrize("level", LEVELS)
def test_the_answer_counts_what_is_listed_and_marked(level: str) -> None:
    p = Count.levels[level]
    for one in examples(level, 3):
        value = one.answer.value
        listed = Counter(drawn["kind"] for drawn in one.meta["shapes"])
        assert value["answer"] == [listed[name] for name in value["names"]]
        assert Counter(mark.label for mark in one.marks) == {n: listed[n] for n in value["names"] if listed[n]}
        others = set(listed) - set(value["names"])
        assert not others or p.distractors
        assert others <= {*OTHERS, *ASKED, "another object"}
        for mark in one.marks:
            x0, y0, x1, y1 = mark.box
            frame = mark.image - (p.asked if p.form == "cutouts" else 0)
            assert any(
                drawn["frame"] == frame and x0 < drawn["centre"][0] < x1 and y0 < drawn["centre"][1] < y1
                for drawn in one.meta["shapes"]
                if drawn["kind"] == mark.label
            )


def test_counts_are_uniform_and_independent_of_each_other() -> None:
    seen = [tuple(one.answer.value["answer"]) for one in examples("easy", 400)]
    for place in range(2):
        count = Counter(pair[place] for pair in seen)
        assert chisquare([count[n] for n in range(5)]).pvalue > 1e-4
    table = [[seen.count((a, b)) + 1 for b in range(5)] for a in range(5)]
    assert chi2_contingency(table).pvalue > 1e-4


def test_whether_a_row_is_made_does_not_depend_on_its_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Places for the most that there may be are found before the counts are drawn."""
    order: list[str] = []
    monkeypatch.setattr("ssrl_data.gates.placing.Board.place", lambda *_: order.append("place") or True)
    params = CountParams(frames=8, asked=3, high=5)
    (one,) = Count(params).make([made_rows.record(CLIP)], Rng(0), 0)
    assert len(order) == 15
    assert len(one.meta["shapes"]) == sum(one.answer.value["answer"]) < 15


def test_a_clip_that_hides_everything_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ssrl_data.gates.placing.CONTRAST", 400.0)
    with pytest.raises(Skip, match="no room to be seen in"):
        list(Count(CountParams()).make([made_rows.record(CLIP)], Rng(0), 0))


def test_objects_are_those_of_the_references() -> None:
    """The middle of each object, turned back, is that of its picture, and not that of the other."""
    for one in examples("cutouts", 3):
        shown = pictures(one)
        references, frames = shown[:2], shown[2:]
        assert all(picture.shape == (REFERENCE, REFERENCE, 3) for picture in references)
        for drawn in one.meta["shapes"]:
            assert abs(drawn["angle"]) <= TURN
            x, y = drawn["centre"]
            matrix = cv2.getRotationMatrix2D((x, y), drawn["angle"], 40 / drawn["size"])
            matrix[:, 2] += (9.5 - x, 9.5 - y)
            middle = cv2.warpAffine(frames[drawn["frame"]], matrix, (20, 20), flags=cv2.INTER_AREA).astype(int)
            off = [
                float(np.abs(cv2.resize(picture, (51, 51), interpolation=cv2.INTER_AREA)[16:36, 16:36] - middle).mean())
                for picture in references
            ]
            alike = [drawn["kind"] == name for name in ("object a", "object b")]
            assert [value < 25 for value in off] == alike, off


def test_objects_need_another_clip() -> None:
    with pytest.raises(Skip, match="no other clip") as caught:
        list(Count(Count.levels["cutouts"]).make([made_rows.record(CLIP)], Rng(0), 0))
    assert caught.value.final


def test_one_donor_is_enough_where_it_shows_much() -> None:
    used = [made_rows.record(CLIP), made_rows.record("bikes.mp4")]
    task = Count(Count.levels["cutouts"])
    for k in range(40):
        try:
            (one,) = task.make(used, Rng(k), 0)
        except Skip:
            continue
        assert one.used == 2
        return
    pytest.fail("no row")


def test_a_donor_alike_throughout_is_skipped() -> None:
    flat = np.full((120, 160, 3), 90, np.uint8)
    used = [made_rows.record(CLIP), made_rows.record("carphone_pristine.mp4")]
    assert used[1].clip is not None
    reel = used[1].clip.reel
    grey = dataclasses.replace(reel, frames=np.stack([flat] * len(reel.times)))
    clip = type(used[1].clip)("grey")
    clip._found = grey
    with pytest.raises(Skip, match="objects too alike or too flat"):
        list(Count(Count.levels["cutouts"]).make([used[0], dataclasses.replace(used[1], clip=clip)], Rng(0), 0))


@pytest.mark.parametrize("level", LEVELS)
def test_audit_finds_a_shape_that_was_painted_out(level: str) -> None:
    for one in examples(level, 2):
        row = row_of(level, one)
        before = len(row.images) - Count.levels[level].frames
        for drawn in one.meta["shapes"][:3]:
            images = list(row.images)
            images[before + drawn["frame"]] = untouched(one, drawn["frame"])
            without = dataclasses.replace(row, images=tuple(images))
            assert faults(without, records(level))
            # An object that does not count leaves nothing to look for.
            assert faults(without, []) or drawn["kind"] == "another object"


@pytest.mark.parametrize("level", ["easy", "hard"])
def test_audit_finds_a_shape_that_is_not_listed(level: str) -> None:
    """With the record; a row alone does not tell a shape from what the clip shows."""
    (one,) = examples(level, 1)
    row = row_of(level, one)
    images = [image.copy() for image in row.images]
    number = next(n for n in range(len(images)) if not any(drawn["frame"] == n for drawn in one.meta["shapes"]))
    width, height = one.meta["size"]
    shapes.draw(images[number], shapes.outline("circle", (width / 2, height / 2), 40, 0), (250, 0, 250), 3)
    assert faults(dataclasses.replace(row, images=tuple(images)), records(level))


def test_audit_finds_a_shape_of_another_kind() -> None:
    for one in examples("medium", 4):
        row = row_of("medium", one)
        for drawn in one.meta["shapes"][:2]:
            images = list(row.images)
            images[drawn["frame"]] = frame = untouched(one, drawn["frame"]).copy()
            for other in one.meta["shapes"]:
                if other["frame"] == drawn["frame"]:
                    kind = ASKED[ASKED.index(other["kind"]) - 1] if other is drawn else other["kind"]
                    around = shapes.outline(kind, other["centre"], other["size"], other["angle"])
                    shapes.draw(frame, around, tuple(other["colour"]), shapes.edge(other["size"]))
            changed = dataclasses.replace(row, images=tuple(images))
            assert faults(changed, records("medium"))
            assert faults(changed, [])


def test_audit_finds_references_in_each_others_place() -> None:
    for one in examples("cutouts", 3):
        row = row_of("cutouts", one)
        a, b, *frames = row.images
        if sum(one.answer.value["answer"]):
            swapped = dataclasses.replace(row, images=(b, a, *frames))
            assert faults(swapped, records("cutouts"))
            assert faults(swapped, [])


def test_audit_finds_a_listing_that_agrees_with_a_wrong_answer() -> None:
    """The counts are taken from the pictures, not from what the maker says."""
    one = next(one for one in examples("medium", 6) if sum(one.answer.value["answer"]) > 1)
    drawn = one.meta["shapes"]
    kept = drawn[1:]
    names = one.answer.value["names"]
    counts = [sum(d["kind"] == name for d in kept) for name in names]
    marks = tuple(mark for mark, d in zip(one.marks, drawn, strict=True) if d in kept)
    lie = dataclasses.replace(
        one,
        marks=marks,
        meta=dict(one.meta) | {"shapes": kept},
        answer=dataclasses.replace(one.answer, value=one.answer.value | {"answer": counts}),
    )
    assert faults(row_of("medium", lie), records("medium"))


def test_the_prompt_says_what_counts() -> None:
    for level in LEVELS:
        (one,) = examples(level, 1)
        text = "".join(part for part in one.prompt if isinstance(part, str))
        assert "white edge" in text
        assert "None is covered" in text
        assert ("that do not count" in text) == Count.levels[level].distractors
        assert all(name in text for name in one.answer.value["names"])


def test_the_solution_adds_up() -> None:
    (one,) = examples("cutouts", 1)
    assert one.solution.endswith(".")
    counts = dict(zip(one.answer.value["names"], one.answer.value["answer"], strict=True))
    total = one.solution.rpartition("In all: ")[2]
    for name, count in counts.items():
        said = "once" if count == 1 else "twice" if count == 2 else f"{count} times"
        assert f"{name} {said}" in total


def test_more_than_finds_room_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^high is 9: it must lie in 1\.\.5"):
        CountParams(frames=8, asked=3, high=9)
