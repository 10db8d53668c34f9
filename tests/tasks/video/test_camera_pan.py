"""Camera motion: what each answer means in pixels, that nothing but the motion tells it, and what the audit catches."""

from __future__ import annotations

import dataclasses
from collections import Counter
from itertools import pairwise
from typing import Any

import cv2
import made_rows
import numpy as np
import pytest

from ssrl_data.core import Example, Pixels, Record, Row, Skip
from ssrl_data.gates import global_motion
from ssrl_data.media import blocks
from ssrl_data.media.image import Picture, encode
from ssrl_data.rng import Rng
from ssrl_tasks.video.camera_pan import CameraPan, CameraPanParams, _told

EASY, MEDIUM, HARD, REAL = (CameraPan(CameraPan.levels[level]) for level in ("easy", "medium", "hard", "real"))
ALL = CameraPan(CameraPanParams(6, 128, "all", "clips", 0.1))
WAYS = ("left", "right", "up", "down", "still", "in", "out")


def shown(one: Example) -> list[Pixels]:
    return [part for part in one.prompt if not isinstance(part, str)]


def spot(pixels: Pixels) -> tuple[float, float, float]:
    """Middle and width of the red spot."""
    red = (pixels[..., 0] > 180) & (pixels[..., 1] < 90)
    rows, columns = np.nonzero(red)
    return float(columns.mean()), float(rows.mean()), float(np.sqrt(red.sum()))


def spotted() -> Record:
    """A photograph with a red spot in its middle."""
    picture = made_rows.record("astronaut.png").image
    assert picture is not None
    pixels = picture.view((0, 0, 512, 512), (640, 640)).copy()
    pixels = (pixels // 2).astype(np.uint8)
    cv2.circle(pixels, (320, 320), 40, (255, 0, 0), -1)
    return Record("s", "s", "0" * 32, image=Picture(encode(pixels)))


def tries(task: CameraPan, records: list[Record], aim: int, count: int = 12) -> list[Example]:
    out = []
    for k in range(count):
        try:
            out += task.make(records, Rng("try", k), aim)
        except Skip:
            continue
    return out


@pytest.mark.parametrize("way", WAYS)
def test_what_each_answer_means(way: str) -> None:
    found = tries(MEDIUM, [spotted()], WAYS.index(way))
    assert found
    for one in found:
        assert one.answer.value["answer"] == way
        (x, y, wide), (u, v, broad) = spot(shown(one)[0]), spot(shown(one)[-1])
        least = 0.8 * 0.15 * 192
        assert {
            "left": u - x > least,
            "right": x - u > least,
            "up": v - y > least,
            "down": y - v > least,
            "still": max(abs(u - x), abs(v - y)) < 3 and abs(broad / wide - 1) < 0.04,
            "in": broad / wide > 1.15,
            "out": wide / broad > 1.15,
        }[way]


def test_left_and_right_differ_in_nothing_but_the_order_of_places() -> None:
    """What is drawn is drawn before it matters what the camera does: window, length, drift and shake."""
    record = made_rows.record("retina.jpg")
    for k in range(5):
        boxes = {}
        for aim, way in enumerate(WAYS):
            try:
                (one,) = MEDIUM.make([record], Rng("same", k), aim)
            except Skip:
                continue
            boxes[way] = np.array(one.meta["boxes"])
        middles = {way: (box[:, :2] + box[:, 2:]).mean(0) / 2 for way, box in boxes.items()}
        sides = {way: np.exp(np.log(box[:, 2] - box[:, 0]).mean()) for way, box in boxes.items()}
        for way in boxes:
            assert np.abs(middles[way] - middles["still"]).max() < 0.01 * sides["still"]
            assert abs(sides[way] / sides["still"] - 1) < 0.01


def test_no_two_frames_are_equal_though_the_camera_is_static() -> None:
    for one in tries(EASY, [made_rows.record("astronaut.png")], WAYS.index("still")):
        seen = shown(one)
        assert all((a != b).any() for a, b in pairwise(seen))


def test_the_piece_covers_less_than_a_quarter_and_goes_its_own_way() -> None:
    records = [made_rows.record("retina.jpg"), made_rows.record("coffee.png")]
    ways = []
    for aim in range(7):
        for one in tries(HARD, records, aim, 6):
            piece = one.meta["piece"]
            across, places = piece["across"], np.array(piece["places"])
            assert np.pi / 4 * across**2 < 192**2 / 4
            assert places.min() >= 0
            assert places.max() + across <= 192
            ways.append(places[-1] - places[0])
            assert np.hypot(*ways[-1]) > 0.19 * 192
    # Drawn apart from the answer: the same variants show the same pieces.
    assert len({tuple(way) for way in ways}) <= 6


def test_stripes_show_no_pan() -> None:
    y = np.arange(640)
    pixels = np.tile((127 + 60 * np.sin(y / 7) + 50 * np.sin(y / 23))[:, None, None], (1, 640, 3)).astype(np.uint8)
    record = Record("s", "s", "0" * 32, image=Picture(encode(pixels)))
    for aim in range(5):
        with pytest.raises(Skip, match="too little to follow"):
            next(EASY.make([record], Rng(0), aim))


@pytest.mark.parametrize(
    ("own", "shows"),
    [("right", {"left", "right"}), ("down", {"up", "down"}), ("in", {"in", "out"}), ("still", {"still"})],
)
def test_a_clip_shows_its_own_motion_and_the_opposite_one(own: str, shows: set[str]) -> None:
    record, turned = made_rows.record(f"camera {own}"), Counter[Any]()
    for aim, way in enumerate(WAYS):
        found = tries(ALL, [record], aim, 8 if way in shows else 1)
        assert bool(found) == (way in shows), way
        for one in found:
            meta = one.meta
            turned[way, meta["mirrored"], meta["backwards"]] += 1
            assert list(ALL.audit(row(ALL, one), [record])) == []
            opposite = way != own
            flips = {"right": meta["mirrored"] != meta["backwards"], "still": opposite}
            assert flips.get(own, meta["backwards"]) == opposite
    if own in ("right", "still"):
        # Neither mirroring nor playing backwards goes with an answer.
        for way in shows:
            assert len({key[1:] for key in turned if key[0] == way}) > 1


def row(task: CameraPan, one: Example) -> Row:
    return made_rows.row(task, "level", one)


def test_the_pictures_alone_betray_every_wrong_answer_and_another_order() -> None:
    for task in (EASY, MEDIUM, HARD, REAL):
        checked = 0
        for _, _, _, one in made_rows.made(task, 5):
            good = row(task, one)
            bare = dataclasses.replace(good, meta={k: v for k, v in good.meta.items() if k != "make"} | {"make": {}})
            if task is REAL:
                bare = dataclasses.replace(bare, meta=bare.meta | {"make": {"size": good.meta["make"]["size"]}})
            assert list(task.audit(bare, [])) == []
            for option in good.answer.value["options"]:
                if option != good.answer.value["answer"]:
                    answer = dataclasses.replace(good.answer, value=good.answer.value | {"answer": option})
                    assert [f.rule for f in task.audit(dataclasses.replace(bare, answer=answer), [])] == ["true"]
            if good.answer.value["answer"] != "still":
                turned = dataclasses.replace(bare, images=bare.images[::-1])
                assert [f.rule for f in task.audit(turned, [])] == ["true"]
                checked += 1
        assert checked


def test_frames_in_another_order_are_not_the_sources() -> None:
    for task, wanted in ((MEDIUM, "in"), (REAL, "still")):
        for name, _, aim, one in made_rows.made(task, 7):
            if task is MEDIUM and WAYS[aim] != wanted:
                continue
            good = row(task, one)
            other = dataclasses.replace(good, images=(good.images[-1], *good.images[1:-1], good.images[0]))
            found = list(task.audit(other, made_rows.records(name, task)))
            assert found or WAYS[aim] == "still"


def test_a_piece_that_is_not_the_donors_is_found() -> None:
    name, _, _, one = next(iter(made_rows.made(HARD, 1)))
    record, donor = made_rows.records(name, HARD)
    other = made_rows.record("retina.jpg" if donor.group != "retina.jpg" else "coffee.png")
    assert list(HARD.audit(row(HARD, one), [record, donor])) == []
    assert [fault.rule for fault in HARD.audit(row(HARD, one), [record, other])] == ["true"]


def test_flat_pictures_give_no_answer() -> None:
    _, _, _, one = next(iter(made_rows.made(EASY, 1)))
    good = row(EASY, one)
    flat = dataclasses.replace(good, images=tuple(np.full_like(image, 90) for image in good.images))
    assert [fault.rule for fault in EASY.audit(flat, [])] == ["one answer"]


def test_the_audits_measure_is_that_of_the_windows() -> None:
    for _, _, _, one in made_rows.made(MEDIUM, 7):
        path, boxes = blocks.camera_path(shown(one), 10), np.array(one.meta["boxes"], np.float64)
        assert path is not None
        side = boxes[-1, 2] - boxes[-1, 0]
        aside = ((boxes[-1] - boxes[0])[:2] + (boxes[-1] - boxes[0])[2:]) / 2 / side
        grown = np.log((boxes[0, 2] - boxes[0, 0]) / side)
        assert np.abs(path[-1] - [*aside, grown]).max() < 0.03


def test_blocks_that_repeat_are_not_counted() -> None:
    y, x = np.indices((128, 128))
    fence = (127 + 50 * np.sin(x * np.pi / 8) + 50 * np.sin(y * np.pi / 8)).astype(np.uint8)
    assert len(blocks._matched(fence, fence, 20)[0]) == 0


def test_what_a_path_is_called() -> None:
    def told(*end: float) -> str | None:
        return _told(np.linspace(0, 1, 5)[:, None] * np.array(end), 0.1)

    assert [told(-0.1, 0, 0), told(0, 0.1, 0), told(0, 0, 0.2), told(0, 0, -0.2)] == ["left", "down", "in", "out"]
    assert told(0.01, 0.01, 0) == "still"
    assert told(0.05, 0, 0) is None
    assert told(0.1, 0.08, 0) is None


def test_parameters_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^piece is "):
        CameraPanParams(material="clips", piece=True)
    for least in (0.0, 0.3, float("nan")):
        with pytest.raises(ValueError, match=r"^least is "):
            CameraPanParams(least=least)


def test_needs_follow_the_material() -> None:
    assert [task.needs for task in (EASY, HARD, REAL)] == [{"image"}, {"image"}, {"clip"}]


def test_a_clip_whose_camera_does_nothing_clear_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    task = CameraPan(CameraPan.levels["real"])
    monkeypatch.setattr(global_motion.Track, "sure", lambda *_: False)
    with pytest.raises(Skip, match="nothing clear of the camera") as caught:
        made_rows.example(task, "camera right", 0, 0)
    assert caught.value.final
