"""Order of frames: that it is the file's, that one order alone runs smoothly, and that nothing else tells it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import cv2
import made_clips
import made_rows
import numpy as np
import pytest

from ssrl_data.core import Example, Pixels, Record, Skip
from ssrl_data.media.clip import Clip, Reel
from ssrl_data.rng import Rng
from ssrl_tasks.video.order import Order, OrderParams

LEVELS = list(Order.levels)


class Painted(Clip):
    """A clip whose reel is at hand."""

    __slots__ = ()

    def __init__(self, reel: Reel) -> None:
        super().__init__("")
        self._found = reel


def record(frames: list[Any], rate: float = 12.0) -> Record:
    times = tuple(i / rate for i in range(len(frames)))
    return Record("p", "p", "0" * 32, clip=Painted(Reel(np.array(frames), times, len(frames) / rate, (320, 240))))


def bar(at: list[float]) -> Record:
    """A red bar at so many pixels from the left, before a photograph."""
    wall = cv2.resize(made_clips.photograph("coffee.png"), (320, 240), interpolation=cv2.INTER_AREA)
    frames = []
    for x in at:
        frame = wall.copy()
        frame[:, round(x) : round(x) + 60] = (220, 0, 0)
        frames.append(frame)
    return record(frames)


def left_edge(picture: Pixels) -> int:
    red = (picture[..., 0] > 170) & (picture[..., 1:].max(2) < 70)
    return int(np.flatnonzero(red.mean(0) > 0.9)[0])


def shown(one: Example) -> list[Pixels]:
    return [part for part in one.prompt if not isinstance(part, str)]


def tries(task: Order, made: Record, aim: int = 0, count: int = 20) -> Iterator[Example | Skip]:
    for k in range(count):
        try:
            yield next(task.make([made], Rng(k), aim))
        except Skip as skip:
            yield skip


@pytest.mark.parametrize("level", LEVELS)
def test_a_bar_that_travels_shows_the_answer(level: str) -> None:
    task = Order(Order.levels[level])
    # What travels has to get far where the direction of time is asked for.
    pace = 4 if level in ("direction", "sort") else 3
    travelling = bar([2 + pace * i for i in range(240 // pace)])
    made = 0
    for aim in range(task.classes()):
        for one in tries(task, travelling, aim, 20 if pace == 3 else 60):
            if not isinstance(one, Example):
                continue
            made += 1
            edges = [left_edge(picture) for picture in shown(one)]
            answer, form = one.answer.value["answer"], task.params.form
            rising = edges == sorted(edges)
            if form == "verify":
                assert (answer == "in order") == rising
                assert rising or edges != sorted(edges)[::-1]
            elif form == "direction":
                assert rising or edges == sorted(edges)[::-1]
                assert (answer == "forwards") == rising
            else:
                if form == "anchored":
                    assert min(edges) == edges[-1]
                    edges = edges[:-1]
                assert [edges[number - 1] for number in answer] == sorted(edges)
    assert made >= (10 if pace == 3 else 4)


def test_shuffled_frames_break_as_many_steps_as_asked_for() -> None:
    travelling = bar([2 + 3 * i for i in range(80)])
    for broken in (2, 3, 4, 5):
        task = Order(OrderParams("verify", 6, broken, (0.15, 0.3)))
        counts = set()
        for one in tries(task, travelling, 1):
            if isinstance(one, Example):
                places = np.argsort(np.argsort(one.meta["indices"]))
                counts.add(sum(abs(int(b) - int(a)) > 1 for a, b in pairwise(places)))
        assert counts == {broken}


def test_what_goes_to_and_fro_or_stands_still_has_no_order() -> None:
    swing = bar([130 + 120 * math.sin(i * 1.1) for i in range(80)])
    for level in ("easy", "medium", "hard"):
        reasons = {str(one) for one in tries(Order(Order.levels[level]), swing) if isinstance(one, Skip)}
        assert "another order runs as smoothly" in reasons
    still = bar([100.0] * 80)
    for level in LEVELS:
        assert {str(one) for one in tries(Order(Order.levels[level]), still)} == {"frames too alike"}


def test_time_has_to_have_an_arrow_only_where_it_is_asked_for() -> None:
    wide = cv2.resize(made_clips.photograph("coffee.png"), (640, 240), interpolation=cv2.INTER_AREA)
    pan = record([wide[:, 3 * i : 3 * i + 320].copy() for i in range(80)])
    for level in LEVELS:
        out = list(tries(Order(Order.levels[level]), pan))
        if level in ("direction", "sort"):
            assert not any(isinstance(one, Example) for one in out)
            assert "nothing travels" in {str(one) for one in out}
        else:
            assert any(isinstance(one, Example) for one in out)


def test_a_clip_with_a_clock_is_refused_for_good() -> None:
    frames = [frame.copy() for frame in made_clips.scene(1)]
    for i, frame in enumerate(frames):
        frame[5:40, 5:140] = 0
        cv2.putText(frame, f"{i + 317:05d}", (12, 32), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (255, 255, 255), 2, cv2.LINE_AA)
    for level in LEVELS:
        with pytest.raises(Skip, match="burned-in clock") as caught:
            next(Order(Order.levels[level]).make([record(frames, 24.0)], Rng(0), 0))
        assert caught.value.final


def test_the_same_clips_are_shown_in_order_and_shuffled() -> None:
    """What is drawn, and whether it is refused, does not hang on the answer."""
    task = Order(Order.levels["verify"])
    made = made_rows.record("clip 1")
    outcomes = [
        [sorted(one.meta["indices"]) if isinstance(one, Example) else str(one) for one in tries(task, made, aim)]
        for aim in (0, 1)
    ]
    assert outcomes[0] == outcomes[1]
    assert any(isinstance(one, list) for one in outcomes[0])


@pytest.mark.parametrize("level", LEVELS)
def test_frames_that_changed_places_are_found(level: str) -> None:
    task = Order(Order.levels[level])
    for name, _, _, one in made_rows.made(task, 4):
        row, source = made_rows.row(task, level, one), [made_rows.record(name)]
        images = list(row.images)
        images[0], images[2] = images[2], images[0]
        swapped = dataclasses.replace(row, images=tuple(images))
        assert [fault.rule for fault in task.audit(swapped, source)][-1:] == ["true"]
        twice = dataclasses.replace(row, images=(images[0], *images[:-1]))
        assert [fault.rule for fault in task.audit(twice, [])] == ["one answer"]


@pytest.mark.parametrize("level", ["medium", "sort", "hard"])
def test_the_pictures_alone_betray_a_wrong_order(level: str) -> None:
    task = Order(Order.levels[level])
    for _, _, _, one in made_rows.made(task, 4):
        row = made_rows.row(task, level, one)
        wrong = list(row.answer.value["answer"])
        wrong[0], wrong[2] = wrong[2], wrong[0]
        answer = dataclasses.replace(row.answer, value={"answer": wrong})
        assert [f.rule for f in task.audit(dataclasses.replace(row, answer=answer), [])] == ["one answer"]


def test_shuffled_frames_called_in_order_are_found_by_the_pictures_alone() -> None:
    task = Order(Order.levels["easy"])
    travelling = bar([2 + 3 * i for i in range(80)])
    one = next(one for one in tries(task, travelling, 1) if isinstance(one, Example))
    row = made_rows.row(task, "easy", one)
    answer = dataclasses.replace(row.answer, value=row.answer.value | {"answer": "in order"})
    assert [fault.rule for fault in task.audit(dataclasses.replace(row, answer=answer), [])] == ["one answer"]


def test_parameters_out_of_range_are_refused() -> None:
    for wrong in ((0.0, 1.0), (1.0, 0.5), (0.1, 20.0), (float("nan"), 1.0)):
        with pytest.raises(ValueError, match=r"^step is "):
            OrderParams(step=wrong)
    with pytest.raises(ValueError, match=r"^broken is "):
        OrderParams("verify", 5, 5)
    with pytest.raises(ValueError, match=r"^pixels is "):
        OrderParams(pixels=8191)
