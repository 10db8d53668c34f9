"""Places in which a thing is seen, and cut-outs that can be told apart."""

from __future__ import annotations

import cv2
import made_rows
import numpy as np
import pytest

from ssrl_data.core import Pixels
from ssrl_data.gates.placing import CONTRAST, HIDDEN, MARGIN, Board, alike
from ssrl_data.media.shapes import Colour, cover, outline
from ssrl_data.rng import Rng

RED: Colour = (220, 30, 40)


def grey(level: int = 90) -> Pixels:
    return np.full((120, 160, 3), level, np.uint8)


def photograph(name: str, x: int, y: int, side: int = 130) -> Pixels:
    picture = made_rows.record(name).image
    assert picture is not None
    return picture.view((x, y, x + side, y + side), (88, 88))


def test_nothing_is_placed_over_another_or_over_the_border() -> None:
    rng, board = Rng(0), Board(grey())
    masks = []
    for _ in range(400):
        around = outline(
            rng.choice(("circle", "star")), (rng.uniform(0, 160), rng.uniform(0, 120)), 30, rng.uniform(0, 90)
        )
        if board.place(around, 2, RED):
            masks.append(cover(around, 2, (120, 160)) > 0)
    assert board.count == len(masks) >= 5
    near = np.ones((2 * MARGIN + 1,) * 2, np.uint8)
    grown = [cv2.dilate(mask.astype(np.uint8), near) > 0 for mask in masks]
    for i, mask in enumerate(masks):
        assert not any((mask & other).any() for j, other in enumerate(grown) if j != i)
        ys, xs = mask.nonzero()
        assert min(xs.min(), ys.min(), 159 - xs.max(), 119 - ys.max()) >= MARGIN


def test_a_place_taken_is_not_taken_again() -> None:
    board, around = Board(grey()), outline("square", (80, 60), 30, 10)
    assert board.place(around, 2, RED)
    assert not board.place(around, 2, RED)
    assert board.count == 1


@pytest.mark.parametrize(("level", "seen"), [(90, True), (120, False), (130, False), (200, True)])
def test_a_grey_shape_needs_another_grey(level: int, seen: bool) -> None:
    """A grey that is nearly the same, and one far off."""
    found = Board(grey(level)).place(outline("circle", (80, 60), 30, 0), 2, (20, 20, 20) if seen else (125, 125, 125))
    assert found == seen


def test_contrast_is_that_of_cielab() -> None:
    def lightness(level: int) -> float:
        return float(cv2.cvtColor(np.full((1, 1, 3), level / 255, np.float32), cv2.COLOR_RGB2LAB)[0, 0, 0])

    around = outline("circle", (80, 60), 30, 0)
    for level in range(90, 256, 5):
        enough = lightness(level) - lightness(60) >= CONTRAST
        assert Board(grey(level)).place(around, 2, (60, 60, 60)) == enough, level


def test_a_shape_partly_before_its_own_colour_is_not_seen() -> None:
    around = outline("square", (80, 60), 40, 0)
    for share, seen in ((HIDDEN / 3, True), (3 * HIDDEN, False)):
        pixels = grey()
        pixels[:, : round(57 + share * 46)] = RED  # the square and its ring reach from 57 to 103
        assert Board(pixels).place(around, 4, RED) == seen, share


def test_a_piece_turned_or_moved_a_little_is_alike() -> None:
    whole = photograph("coffee.png", 150, 120)
    turned = cv2.warpAffine(
        whole, cv2.getRotationMatrix2D((43.5, 43.5), 40, 1), (88, 88), borderMode=cv2.BORDER_REFLECT
    )
    assert alike(whole, np.asarray(turned, np.uint8), 25)
    assert alike(whole, photograph("coffee.png", 190, 150), 25)


def test_pieces_of_other_pictures_are_not() -> None:
    assert not alike(photograph("coffee.png", 150, 120), photograph("china.jpg", 100, 60), 25)


def test_one_pattern_in_other_tones_is_alike_unless_the_tones_are_far_apart() -> None:
    pattern = photograph("astronaut.png", 180, 60)
    assert alike(pattern, np.clip(pattern.astype(int) + 12, 0, 255).astype(np.uint8), 25)
    assert not alike(pattern, 255 - pattern, 25)
