"""Clocks and counters painted into clips, and what is none."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import made_clips
import made_rows
import numpy as np
import pytest

from ssrl_data.gates.clock import has_clock
from ssrl_data.media.clip import Clip, Reel

RATE = 24.0


def reel(number: int, count: int = 96) -> Reel:
    frames = np.array(list(made_clips.scene(number, count)))
    return Reel(frames, tuple(i / RATE for i in range(count)), count / RATE, (320, 240))


def painted(plain: Reel, text: Callable[[int], str], boxed: bool = True, at: tuple[int, int] = (20, 30)) -> Reel:
    frames = plain.frames.copy()
    for i, frame in enumerate(frames):
        if boxed:
            frame[8:38, 10:200] = 0
        else:
            cv2.putText(frame, text(i), at, cv2.FONT_HERSHEY_SIMPLEX, 0.8, (0, 0, 0), 5, cv2.LINE_AA)
        cv2.putText(frame, text(i), at, cv2.FONT_HERSHEY_SIMPLEX, 0.8, (255, 255, 255), 2, cv2.LINE_AA)
    return Reel(frames, plain.times, plain.duration, plain.size)


def seconds(i: int) -> str:
    return f"12:03:{21 + int(i / RATE + 0.3):02d}"


TEXTS: dict[str, Callable[[int], str]] = {"seconds": seconds, "count": lambda i: f"{i + 317:05d}"}


@pytest.mark.parametrize("boxed", [True, False])
@pytest.mark.parametrize("text", list(TEXTS))
@pytest.mark.parametrize("number", [0, 1, 4])
def test_a_clock_and_a_counter_are_found(number: int, text: str, boxed: bool) -> None:
    assert has_clock(painted(reel(number), TEXTS[text], boxed))


@pytest.mark.parametrize("number", range(6))
def test_scenes_logos_and_captions_are_no_clocks(number: int) -> None:
    plain = reel(number)
    assert not has_clock(plain)
    assert not has_clock(painted(plain, lambda _: "12:03:21"))
    assert not has_clock(painted(plain, lambda i: ("HELLO", "WORLD")[i > 40]))


@pytest.mark.parametrize("name", ["carphone_pristine.mp4", "bikes.mp4"])
def test_cameras_show_none(name: str) -> None:
    assert not has_clock(Clip(made_rows.clip(name)).reel)


def test_every_third_frame_and_one_every_half_second_are_enough() -> None:
    long = reel(2, 250)
    assert has_clock(painted(long, seconds))
    slow = Reel(long.frames[:60], tuple(i / 2 for i in range(60)), 30.0, long.size)
    assert has_clock(painted(slow, lambda i: f"12:03:{i // 2:02d}"))


def test_too_few_frames_show_none() -> None:
    assert not has_clock(painted(reel(0, 8), TEXTS["count"]))
    assert not has_clock(reel(0, 1))
