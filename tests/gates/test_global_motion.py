"""The camera's motion: found where it is known, and not made up where there is none to be seen."""

from __future__ import annotations

import math

import made_rows
import numpy as np
import pytest

from ssrl_data.core import Pixels
from ssrl_data.gates.global_motion import WAYS, ZOOM, track, way

FRAMES = 6
SIDE = 192


def frames(direction: tuple[float, float, float], length: float = 0.2, name: str = "astronaut.png") -> list[Pixels]:
    """Windows of a photograph along a straight path, or growing or shrinking."""
    picture = made_rows.record(name).image
    assert picture is not None
    out = []
    for number in range(FRAMES):
        at = np.array(direction) * length * (number / (FRAMES - 1) - 0.5)
        side = round(280 * math.exp(-ZOOM * at[2]))
        x, y = (round(256 + 280 * at[i] - side / 2) for i in (0, 1))
        out.append(picture.view((x, y, x + side, y + side), (SIDE, SIDE)))
    return out


@pytest.mark.parametrize("name", WAYS)
def test_the_path_is_the_one_that_the_frames_were_cut_along(name: str) -> None:
    found = track(frames(WAYS[name]))
    assert found.sure(0, FRAMES - 1)
    path = found.path(range(FRAMES))
    assert path.shape == (FRAMES, 3)
    assert np.abs(path[-1] - 0.2 * np.array(WAYS[name])).max() < 0.02
    assert way(path, 0.15) == name


@pytest.mark.parametrize("name", ["left", "still", "in"])
def test_a_thing_in_front_that_goes_its_own_way_changes_nothing(name: str) -> None:
    seen = frames(WAYS[name])
    piece = frames((0, 0, 0), name="coffee.png")[0][:72, :72]
    for number, frame in enumerate(seen):
        frame[60:132, 10 + 18 * number : 82 + 18 * number] = piece
    path = track(seen).path(range(FRAMES))
    assert np.abs(path[-1] - 0.2 * np.array(WAYS[name])).max() < 0.02


def test_stripes_do_not_show_a_motion_along_them() -> None:
    stripes = np.tile((127 + 90 * np.sin(np.arange(SIDE) / 5)).astype(np.uint8)[:, None, None], (1, SIDE, 3))
    assert not track([stripes] * 3).sure(0, 2)


def test_a_scene_without_texture_shows_nothing() -> None:
    assert not track([np.full((SIDE, SIDE, 3), 90, np.uint8)] * 3).sure(0, 2)


def test_noise_that_changes_shows_nothing() -> None:
    draw = np.random.default_rng(0)
    assert not track(list(draw.integers(0, 256, (3, SIDE, SIDE, 3), dtype=np.uint8))).sure(0, 2)


def line(*end: float) -> np.ndarray:
    return np.linspace(0, 1, 8)[:, None] * np.array(end)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (line(0.2, 0.05, 0), "right"),
        (line(0.2, 0.1, 0), None),  # askew
        (line(-0.09, 0, 0), None),  # too short, and not still
        (line(0.01, 0.01, 0), "still"),
        (line(0, 0.02, 0), None),
        (line(0, 0.05, -0.2), "out"),
        (np.concatenate([line(0, -0.2, 0)[:4], line(0, -0.2, 0)[3::-1]]), None),  # there and back
        (np.array([[0, 0, 0]] * 4 + [[0.2, 0, 0]] * 4), None),  # a jump
    ],
)
def test_what_a_path_is_called(path: np.ndarray, said: str | None) -> None:
    assert way(path, 0.1) == said


def test_a_path_may_skip_frames_and_begin_late() -> None:
    found = track(frames(WAYS["down"]))
    whole, part = found.path(range(FRAMES)), found.path((1, 3, 5))
    assert np.allclose(part - part[0], whole[[1, 3, 5]] - whole[1], atol=0.005)
