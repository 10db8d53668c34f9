"""Stretches of clips that read as well backwards, and those in which things travel."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import cv2
import made_clips
import numpy as np
import pytest

from ssrl_data.core import Record, Skip
from ssrl_data.gates.arrow import require_arrow, tracks
from ssrl_data.media.clip import Clip, Reel

COUNT = 25
Place = Callable[[float], float]


class Painted(Clip):
    """A clip whose reel is at hand."""

    __slots__ = ()

    def __init__(self, reel: Reel) -> None:
        super().__init__("")
        self._found = reel


def record(place: Place | None, camera: Place = lambda t: 0.0, things: int = 2) -> Record:
    """Round pieces of a photograph at `place` (0 to 1 across the picture) before another one that a camera pans."""
    wide = cv2.resize(made_clips.photograph("coffee.png"), (480, 240), interpolation=cv2.INTER_AREA)
    piece = cv2.resize(made_clips.photograph("china.jpg"), (60, 60), interpolation=cv2.INTER_AREA)
    mask = np.zeros((60, 60, 3), np.uint8)
    cv2.circle(mask, (30, 30), 29, (1, 1, 1), -1)
    frames: list[Any] = []
    for i in range(COUNT):
        t = i / (COUNT - 1)
        x = round(camera(t) * 80)
        frame = wide[:, x : x + 320].copy()
        if place:
            left = round(place(t) * 260)
            for top in (30, 140)[:things]:
                part = frame[top : top + 60, left : left + 60]
                part[:] = np.where(mask > 0, piece, part)
        frames.append(frame)
    return Record(
        "p", "p", "0" * 32, clip=Painted(Reel(np.array(frames), tuple(i / 12 for i in range(COUNT)), 2.0, (320, 240)))
    )


def reason(made: Record, first: int = 0, last: int = COUNT - 1) -> str:
    try:
        require_arrow(made, first, last)
    except Skip as skip:
        return skip.reason
    return ""


@pytest.mark.parametrize("camera", [lambda t: 0.0, lambda t: t, lambda t: 1 - t])
def test_what_travels_has_an_arrow_whatever_the_camera_does(camera: Place) -> None:
    assert reason(record(lambda t: 0.2 + 0.6 * t, camera)) == ""
    assert reason(record(lambda t: 0.8 - 0.6 * t, camera)) == ""


def test_a_still_scene_has_none_nor_has_a_pan() -> None:
    assert reason(record(None)) == "nothing travels"
    assert reason(record(None, lambda t: t)) == "nothing travels"
    assert reason(record(lambda t: 0.4 + 0.03 * t)) == "nothing travels"


@pytest.mark.parametrize(("far", "turns"), [(0.4, 2), (0.3, 4), (0.2, 8)])
def test_what_comes_back_has_none(far: float, turns: int) -> None:
    swing = record(lambda t: 0.5 - far * math.cos(turns * math.pi * t))
    assert reason(swing) in ("nothing travels", "may read as well backwards")
    assert reason(record(lambda t: 0.5 - 0.4 * math.cos(2 * math.pi * t))) in (
        "nothing travels",
        "may read as well backwards",
    )
    assert reason(record(lambda t: 0.5 - 0.3 * math.cos(4 * math.pi * t))) in (
        "nothing travels",
        "may read as well backwards",
    )


def test_what_travels_must_go_on_before_and_after() -> None:
    refused = ("nothing travels", "may read as well backwards")
    assert reason(record(lambda t: 0.05 + 0.9 * t), 8, 16) == ""
    there = record(lambda t: 0.1 + 0.8 * (1 - abs(2 * t - 1)))  # turns back half way
    assert reason(there, 0, COUNT // 2 - 4) in refused
    assert reason(there, COUNT // 2 + 4, COUNT - 1) in refused


def test_a_head_that_turns_once_has_none() -> None:
    assert reason(record(lambda t: 0.4 + 0.15 * min(1.0, max(0.0, 3 * t - 1))), 8, 16) == "nothing travels"


def test_a_corpus_may_declare_that_it_reads_both_ways() -> None:
    declared = dataclasses.replace(record(lambda t: 0.2 + 0.6 * t), facts={"reversible": True})
    with pytest.raises(Skip, match="declared reversible") as caught:
        require_arrow(declared, 0, COUNT - 1)
    assert caught.value.final


def test_tracks_are_in_shares_of_the_longest_side() -> None:
    clip = record(lambda t: 0.2 + 0.6 * t).clip
    assert clip is not None
    net, path = tracks(clip.reel, 0, COUNT - 1)
    assert (net <= path + 1e-9).all()
    assert net.max() == pytest.approx(0.6 * 260 / 320, rel=0.1)
    assert np.median(path) == 0
