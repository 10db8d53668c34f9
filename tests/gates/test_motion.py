"""Views that show a move of the camera, and views that only look like it."""

from __future__ import annotations

import cv2
import made_rows
import numpy as np
import pytest
import rendered
from numpy.typing import NDArray

from ssrl_data.core import Pixels, Skip
from ssrl_data.gates.motion import followed, parallax, require_move

MIDDLE = (0.5, 0.5)
MOVES = [(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)]
SIDE = 336


def scene(number: int) -> tuple[Pixels, Pixels, tuple[int, int, int]]:
    """The middle of a rendered scene's two views, and its move."""
    record = rendered.record(number)
    assert record.image is not None
    assert record.pair is not None
    box = (80, 0, 560, 480)
    x, y, z = (int(np.sign(part)) for part in record.pair.move)
    return record.image.view(box, (SIDE, SIDE)), record.pair.image.view(box, (SIDE, SIDE)), (x, y, z)


def photograph(name: str = "coffee.png") -> Pixels:
    picture = made_rows.record(name).image
    assert picture is not None
    side = min(picture.size)
    return picture.view((0, 0, side, side), (SIDE, SIDE))


def warped(pixels: Pixels, matrix: NDArray[np.float64]) -> Pixels:
    return np.asarray(cv2.warpPerspective(pixels, matrix, pixels.shape[1::-1], borderMode=cv2.BORDER_REFLECT), np.uint8)


@pytest.mark.parametrize("number", range(6))
def test_of_six_moves_one_is_shown(number: int) -> None:
    first, second, true = scene(number)
    assert require_move(first, second, true, sorted(set(MOVES) - {true}), MIDDLE, 560 / 480, 0.02) > 0.02
    for move in set(MOVES) - {true}:
        with pytest.raises(Skip, match="views do not show the move"):
            require_move(first, second, move, [], MIDDLE, 560 / 480, 0.02)


def test_a_move_aside_seen_from_one_side_alone_could_be_one_ahead() -> None:
    """All that moves lies to the right of the point that the camera may head for."""
    number = next(n for n in range(9) if scene(n)[2] == (1, 0, 0))
    first, second, move = scene(number)
    far_left = (-1.0, 0.5)
    away: tuple[int, int, int] = (0, 0, -1)
    assert require_move(first, second, move, [(-1, 0, 0)], far_left, 560 / 480, 0.02) > 0.02
    with pytest.raises(Skip, match="another move looks the same"):
        require_move(first, second, move, [(-1, 0, 0), away], far_left, 560 / 480, 0.02)


@pytest.mark.parametrize("focal", [0.7, 1.0, 1.5])
@pytest.mark.parametrize("name", ["coffee.png", "astronaut.png", "china.jpg"])
def test_a_turning_camera_shows_no_move(name: str, focal: float) -> None:
    """The focal length is the true one and not what the gate is told."""
    pixels = photograph(name)
    lens = np.array([[focal * SIDE, 0, SIDE / 2], [0, focal * SIDE, SIDE / 2], [0, 0, 1]])
    turn, _ = cv2.Rodrigues(np.array([0.01, -0.06, 0.01]))
    with pytest.raises(Skip, match="a turn of the camera could have done it"):
        require_move(pixels, warped(pixels, lens @ turn @ np.linalg.inv(lens)), (1, 0, 0), [], MIDDLE, 1.0, 0.02)


@pytest.mark.parametrize("name", ["coffee.png", "astronaut.png", "china.jpg"])
def test_a_zooming_camera_shows_no_move(name: str) -> None:
    pixels = photograph(name)
    zoom = np.vstack([cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), 0, 1.1), [0, 0, 1]])
    with pytest.raises(Skip, match="a turn of the camera could have done it"):
        require_move(pixels, warped(pixels, zoom), (0, 0, 1), [], MIDDLE, 1.0, 0.02)


def test_a_still_camera_and_something_that_moves_show_no_move() -> None:
    before, after = photograph(), photograph()
    for place, pixels in ((100, before), (80, after)):
        pixels[100:220, place : place + 120] = photograph("astronaut.png")[:120, 100:220]
    with pytest.raises(Skip, match="views do not show the move"):
        require_move(before, after, (1, 0, 0), [], MIDDLE, 1.0, 0.02)


def test_a_wall_that_repeats_shows_no_move() -> None:
    tile = photograph("astronaut.png")[100:128, 100:128]
    wall = np.tile(tile, (13, 13, 1))
    for shift in (4, 14, 24):
        for move in ((1, 0, 0), (-1, 0, 0)):
            with pytest.raises(Skip):
                require_move(
                    wall[:SIDE, :SIDE].copy(), wall[:SIDE, shift : shift + SIDE].copy(), move, [], MIDDLE, 1.0, 0.02
                )


def test_other_pictures_show_no_move() -> None:
    with pytest.raises(Skip, match="views too different"):
        require_move(photograph(), photograph("astronaut.png"), (1, 0, 0), [], MIDDLE, 1.0, 0.02)


def test_shifts_are_shares_of_the_side_towards_where_things_went() -> None:
    pixels = photograph("astronaut.png")
    places, shifts = followed(pixels[:-20, :-30].copy(), pixels[20:, 30:].copy())
    assert len(places) > 50
    np.testing.assert_allclose(np.median(shifts, axis=0), [-30 / 306, -20 / 316], atol=0.003)
    assert ((places > 0) & (places < 1)).all()


def test_parallax_is_what_turns_and_zooms_leave() -> None:
    draw = np.random.default_rng(0)
    x, y = rays = draw.uniform(-0.5, 0.5, (2, 60))
    turned = 0.02 * np.stack([x * y, 1 + y * y]) - 0.03 * np.stack([1 + x * x, x * y]) + 0.05 * rays
    assert np.abs(parallax(rays.T, turned.T)).max() < 1e-9
    nearer = np.where(draw.random(60) < 0.5, 0.05, 0.0)
    moved = turned - np.stack([nearer, 0 * x])
    assert np.hypot(*parallax(rays.T, moved.T).T).mean() > 0.01
