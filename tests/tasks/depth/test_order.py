"""Depth order: wrong depths, marks and pictures are found, and nearer is nearer by any measure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import made_rows
import numpy as np
import pytest

from ssrl_data.core import Example, Record, Row, Skip
from ssrl_data.gates.regions import SIDE, flat
from ssrl_data.media import marks
from ssrl_data.media.camera import Camera
from ssrl_data.media.depth import DepthRule
from ssrl_data.rng import Rng
from ssrl_tasks.depth.order import Order, OrderParams, _apart

SCENE = "scene 5"


def distances(record: Record) -> Any:
    assert record.depth is not None
    return record.depth.distances


@pytest.fixture(scope="module")
def good() -> tuple[Row, Record]:
    task = Order(OrderParams())
    record = made_rows.record(SCENE)
    row = made_rows.row(task, "easy", next(_tries(task.params, record)))
    assert not list(Order.audit(row, [record]))
    return row, record


def messages(row: Row, records: list[Record]) -> str:
    return "; ".join(fault.message for fault in Order.audit(row, records))


def test_nearer_is_larger_in_disparities_and_by_default_in_relative_maps() -> None:
    """One scene told in four ways gives one order."""
    record = made_rows.record(SCENE)
    metres = distances(record)
    told = [
        record,
        made_rows.with_depth(record, (metres * 1000).astype(np.uint16), DepthRule(scale=0.001)),
        made_rows.with_depth(record, 100 / metres, DepthRule("disparity")),
        made_rows.with_depth(record, 1 / metres, DepthRule("relative")),
        made_rows.with_depth(record, metres, DepthRule("relative", scale=-1)),
    ]
    for one in told:
        made = next(_tries(OrderParams(gap=0.15, spread=0.05), one))
        order = made.answer.value["answer"]
        box, side = made.meta["box"], 400
        centres = []
        scale = (box[2] - box[0]) / side
        for x0, y0, x1, y1 in (made.meta["regions"][number - 1] for number in order):
            row, column = int(box[1] + (y0 + y1) / 2 * scale), int(box[0] + (x0 + x1) / 2 * scale)
            centres.append(float(metres[row, column]))
        assert centres == sorted(centres)


def _tries(params: OrderParams, record: Record) -> Iterator[Example]:
    for k in range(40):
        try:
            yield from Order(params).make([record], Rng(k), 0)
        except Skip:
            continue


def test_other_depths_are_found(good: tuple[Row, Record]) -> None:
    row, record = good
    assert "the depth map says" in messages(row, [made_rows.with_depth(record, 10 - distances(record))])
    assert "hardly apart" in messages(row, [made_rows.with_depth(record, 100 + distances(record))])
    holed = distances(record).copy()
    _, y0, x1, _ = row.meta["make"]["regions"][1]
    box = row.meta["make"]["box"]
    scale = (box[2] - box[0]) / 400
    holed[int(box[1] + (y0 + 3) * scale), int(box[0] + (x1 - 3) * scale)] = np.nan
    assert "not known throughout" in messages(row, [made_rows.with_depth(record, holed)])


def test_a_wrong_mark_is_found_without_the_source(good: tuple[Row, Record]) -> None:
    row, record = good
    assert record.image is not None
    made = dict(row.meta["make"])
    spots = [tuple(spot) for spot in made["regions"]]
    bare = record.image.view(tuple(made["box"]), (400, 400))
    exchanged = marks.draw(bare, [spots[1], spots[0], *spots[2:]])
    assert "the mark at spot 1 reads 2" in messages(dataclasses.replace(row, images=(exchanged,)), [])
    assert "reads None" in messages(dataclasses.replace(row, images=(bare,)), [])
    doubled = dict(row.meta) | {"make": made | {"regions": [spots[0], spots[0], *spots[2:]]}}
    assert "overlaps another" in messages(dataclasses.replace(row, meta=doubled), [])


def test_another_picture_under_the_marks_is_found(good: tuple[Row, Record]) -> None:
    row, record = good
    spots = [tuple(spot) for spot in row.meta["make"]["regions"]]
    other = made_rows.record("scene 3").image
    assert other is not None
    shown = marks.draw(other.view((0, 0, 480, 480), (400, 400)), spots)
    wrong = dataclasses.replace(row, images=(shown,))
    assert not messages(wrong, [])
    assert "not the source's" in messages(wrong, [record])


def test_spots_are_apart_along_rays_as_well() -> None:
    """A wall far to the side is farther from the lens than one in the middle that is deeper by a tenth."""
    values = np.full((480, 640), 2.2, np.float32)
    values[:, :100] = 2.0
    record = made_rows.with_depth(made_rows.record(SCENE), values)
    spots = flat(record, (0, 0, 400, 400), (400, 400), 0.01)
    side, middle = (int(np.nonzero((spots.corners == at).all(1))[0][0]) for at in ((0, 10), (200, 200)))
    tuples = np.array([[side, middle]])
    for focal, kept in ((4000.0, 1), (200.0, 0)):
        seen = dataclasses.replace(record, camera=Camera(focal, (214.0, 214.0)))
        assert len(_apart(tuples, spots, seen, (0, 0, 400, 400), OrderParams(gap=0.08))) == kept


def test_a_floor_alone_is_skipped() -> None:
    """There lower is nearer wherever the marks are."""
    record = made_rows.record(SCENE)
    rows = np.exp(-np.linspace(0, 1.2, 480, dtype=np.float32))[:, None].repeat(640, 1)
    with pytest.raises(Skip, match="depth follows the height in the picture"):
        list(Order(OrderParams()).make([made_rows.with_depth(record, rows)], Rng(0), 0))
    with pytest.raises(Skip, match="no flat spots apart in depth"):
        list(Order(OrderParams()).make([made_rows.with_depth(record, np.full((480, 640), 2.0))], Rng(0), 0))


def test_bands_are_thirds_of_the_range_shown() -> None:
    task, record = Order(Order.levels["spatial_ssrl"]), made_rows.record(SCENE)
    seen = 0
    for made in _tries(task.params, record):
        box = tuple(made.meta["box"])
        assert record.depth is not None
        nearest, farthest = record.depth.view(box, (400, 400))
        low, high = nearest.min(), farthest.max()
        shares = []
        for number in made.answer.value["answer"]:
            x0, y0, x1, y1 = made.meta["regions"][number - 1]
            assert (x1 - x0, y1 - y0) == (SIDE, SIDE)
            shares.append(float((np.median(nearest[y0:y1, x0:x1]) - low) / (high - low)))
        assert shares[0] < 0.35 <= shares[1] + 0.02
        assert shares[1] < 0.67 < shares[2]
        seen += 1
    assert seen > 5


def test_marks_say_the_painted_number_and_its_rank(good: tuple[Row, Record]) -> None:
    row, _ = good
    drawn = {mark["label"]: mark["box"] for mark in row.meta["marks"]}
    ranks = zip(row.answer.value["answer"], ("nearest", "2nd", "farthest"), strict=True)
    assert drawn == {f"{spot}: {rank}": row.meta["make"]["regions"][spot - 1] for spot, rank in ranks}
