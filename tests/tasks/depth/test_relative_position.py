"""Relative position: sides are those of space, and nothing but the scene tells the answer."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

import made_rows
import numpy as np
import pytest

from ssrl_data.core import Example, Record, Row, Skip
from ssrl_data.gates import regions
from ssrl_data.media import marks
from ssrl_data.media.camera import Camera
from ssrl_data.media.depth import DepthRule
from ssrl_data.rng import Rng
from ssrl_tasks.depth.relative_position import DIRECTIONS, HEADINGS, RELATIONS, RelativePosition, RelativePositionParams

SCENE = "scene 5"


def tries(params: RelativePositionParams, record: Record, count: int = 60) -> Iterator[Example]:
    task = RelativePosition(params)
    for k in range(count):
        try:
            yield from task.make([record], Rng(k), k % task.classes())
        except Skip:
            continue


@pytest.fixture(scope="module")
def good() -> tuple[Row, Record]:
    record = made_rows.record(SCENE)
    row = made_rows.row(
        RelativePosition(RelativePositionParams()), "easy", next(tries(RelativePositionParams(), record))
    )
    assert not list(RelativePosition.audit(row, [record]))
    return row, record


def messages(row: Row, records: list[Record]) -> str:
    return "; ".join(fault.message for fault in RelativePosition.audit(row, records))


# Seen from above, north being where the camera faces: who faces east has the north on the left.
COMPASS = {"north": (1, 0), "east": (0, 1), "south": (-1, 0), "west": (0, -1)}
FACED = dict(zip(HEADINGS, COMPASS.values(), strict=True))


@pytest.mark.parametrize("relations", RELATIONS)
def test_the_answer_is_what_one_sees_who_stands_there(relations: str) -> None:
    """By dot and cross products of the true places with the way faced, without any angle."""
    seen: Counter[tuple[str, int]] = Counter()
    for scene in (SCENE, "scene 0"):
        record = made_rows.record(scene)
        assert record.depth is not None
        metres = record.depth.distances
        for one in tries(RelativePositionParams(relations=relations, margin=7), record):
            box, heading = one.meta["box"], one.meta["heading"]
            places = []
            for x0, y0, x1, y1 in one.meta["regions"]:
                scale = (box[2] - box[0]) / 400
                x, y = box[0] + (x0 + x1) / 2 * scale, box[1] + (y0 + y1) / 2 * scale
                z = float(metres[int(y), int(x)])
                places.append((z, (x - 320) / 560 * z))
            north, east = np.subtract(places[1], places[0])
            faced = FACED[HEADINGS[heading]]
            ahead, right = north * faced[0] + east * faced[1], east * faced[0] - north * faced[1]
            words = [("front" if ahead > 0 else "back"), ("right" if right > 0 else "left")]
            right_answer = one.answer.value["answer"]
            if "-" in right_answer:
                assert right_answer == "-".join(words)
            else:
                assert right_answer == words[int(abs(right) > abs(ahead))]
            assert isinstance(one.prompt[1], str)
            assert HEADINGS[heading] in one.prompt[1]
            assert one.solution.endswith(f"So spot 2 is {right_answer}.")
            seen[right_answer, heading] += 1
    assert len(seen) > 2 * len(RELATIONS[relations])


def test_sides_are_those_of_space_where_pixels_mislead() -> None:
    """Some spot farther right in the picture lies farther left in space."""
    misled = 0
    for scene in (SCENE, "scene 0", "scene 6"):
        for one in tries(RelativePositionParams(relations="combined", margin=2), made_rows.record(scene)):
            first, second = one.meta["regions"]
            in_space = DIRECTIONS.index(one.answer.value["answer"]) + 2 * one.meta["heading"]
            misled += (second[0] > first[0]) != (in_space % 8 in (1, 3))
    assert misled > 0


def test_the_way_faced_says_nothing_of_the_answer() -> None:
    """In every view either all four directions can be asked for at every heading, or none."""
    record = made_rows.record("scene 2")
    for k in range(6):
        made = []
        for aim in range(4):
            try:
                made += list(RelativePosition(RelativePositionParams(relations="combined")).make([record], Rng(k), aim))
            except Skip:
                continue
        assert len(made) in (0, 4)
        assert len({one.meta["heading"] for one in made}) < 2


def test_headings_are_drawn_by_their_weights() -> None:
    record = made_rows.record(SCENE)
    params = RelativePositionParams(headings=(0, 3, 0, 1))
    seen = Counter(one.meta["heading"] for one in tries(params, record, 100))
    assert set(seen) == {1, 3}
    assert seen[1] > seen[3]


def test_the_middle_of_the_picture_is_where_the_camera_faces() -> None:
    for centre in ((320.0, 240.0), (300.0, 240.0), (330.5, 251.0)):
        record = dataclasses.replace(made_rows.record(SCENE), camera=Camera(560.0, centre))
        one = next(tries(RelativePositionParams(side=384), record))
        x0, y0, x1, y1 = one.meta["box"]
        assert (x0 + x1) / 2 == pytest.approx(centre[0], abs=1)
        assert (y0 + y1) / 2 == pytest.approx(centre[1], abs=1)
        assert (x1 - x0, y1 - y0) == (y1 - y0, 2 * int(min(centre[1], 480 - centre[1])))


def test_without_a_focal_length_the_answer_holds_for_all_reckoned_with() -> None:
    record = dataclasses.replace(made_rows.record(SCENE), camera=None)
    task = RelativePosition(RelativePositionParams())
    found = 0
    for one in tries(task.params, record):
        row = made_rows.row(task, "easy", one)
        for share in (*regions.FOCALS, 1.0):
            camera = Camera(share * 640, (320.0, 240.0))
            assert not list(RelativePosition.audit(row, [dataclasses.replace(record, camera=camera)]))
        assert not list(RelativePosition.audit(row, [record]))
        found += 1
    assert found > 5


def test_relative_depths_and_pictures_off_the_axis_are_skipped_for_good() -> None:
    record = made_rows.record(SCENE)
    assert record.depth is not None
    metres = record.depth.distances
    relative = made_rows.with_depth(record, metres, DepthRule("relative", scale=-1))
    aside = dataclasses.replace(record, camera=Camera(560.0, (10.0, 240.0)))
    above = dataclasses.replace(record, facts={"upright": False})
    for one, reason in ((relative, "distances are not measured"), (aside, "picture too small"), (above, "no way up")):
        with pytest.raises(Skip, match=reason) as caught:
            list(RelativePosition(RelativePositionParams()).make([one], Rng(0), 0))
        assert caught.value.final


def test_other_depths_and_headings_are_found(good: tuple[Row, Record]) -> None:
    row, record = good
    assert record.depth is not None
    metres = record.depth.distances
    assert "the depth map says" in messages(row, [made_rows.with_depth(record, 20 - 2 * metres)])
    holed = metres.copy()
    holed[::20, ::20] = np.nan
    assert "not known throughout" in messages(row, [made_rows.with_depth(record, holed)])
    made = dict(row.meta["make"])
    turned = dict(row.meta) | {"make": made | {"heading": (made["heading"] + 1) % 4}}
    assert "way faced" in messages(dataclasses.replace(row, meta=turned), [])
    near = dict(row.meta) | {"params": dict(row.meta["params"]) | {"margin": 44.9}}
    assert "degrees off its middle" in messages(dataclasses.replace(row, meta=near), [record])


def test_exchanged_marks_are_found(good: tuple[Row, Record]) -> None:
    row, record = good
    assert record.image is not None
    one, other = (tuple(spot) for spot in row.meta["make"]["regions"])
    bare = record.image.view(tuple(row.meta["make"]["box"]), (400, 400))
    exchanged = dataclasses.replace(row, images=(marks.draw(bare, [other, one]),))
    assert "the mark at spot 1 reads 2" in messages(exchanged, [])


@pytest.mark.parametrize(
    ("field", "value"),
    [("margin", 0.5), ("margin", math.nan), ("margin", 41), ("spread", 0.6), ("headings", (0, 0, 0, 0))],
)
def test_parameters_out_of_range_are_refused(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"^{field} is "):
        RelativePositionParams(**{field: value})
