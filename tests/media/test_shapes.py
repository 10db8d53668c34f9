"""Shapes and cut-outs: of the area, place and angle asked for, smooth at fractions of a pixel."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from ssrl_data.core import Pixels
from ssrl_data.media.shapes import EDGE, SHAPES, cover, draw, edge, outline, paste


def blank(side: int = 200) -> Pixels:
    return np.full((side, side, 3), 90, np.uint8)


@pytest.mark.parametrize("shape", SHAPES)
def test_all_shapes_of_a_size_have_one_area(shape: str) -> None:
    around = outline(shape, (0, 0), 40, 33)
    assert cv2.contourArea(around.astype(np.float32)) == pytest.approx(math.pi * 400, rel=1e-3)
    assert np.abs(outline(shape, (7, -3), 40, 33) - around - (7, -3)).max() < 1e-9


def test_an_angle_turns_clockwise() -> None:
    """The top of a triangle goes to the right."""
    top = outline("triangle", (0, 0), 10, 0)[0]
    right = outline("triangle", (0, 0), 10, 90)[0]
    assert top[1] < -5
    assert abs(top[0]) < 1e-9
    assert right[0] == pytest.approx(-top[1])


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_drawn_covers_what_the_cover_says(shape: str) -> None:
    around = outline(shape, (100.3, 99.8), 60, 20)
    pixels = blank()
    draw(pixels, around, (200, 30, 40), edge(60))
    mask = cover(around, edge(60), (200, 200))
    assert ((np.abs(pixels.astype(int) - blank()).max(2) > 0) == (mask > 0)).mean() > 0.999
    assert pixels[100, 100].tolist() == [200, 30, 40]
    x, y = np.rint(around[0] * 0.999 + np.array([100.3, 99.8]) * 0.001).astype(int)
    assert np.abs(pixels[y - 1 : y + 2, x - 1 : x + 2].astype(int) - EDGE).max(2).min() < 40


def test_a_fraction_of_a_pixel_counts() -> None:
    whole, half = blank(), blank()
    draw(whole, outline("square", (100, 100), 40, 0), (0, 0, 0), 2)
    draw(half, outline("square", (100.5, 100), 40, 0), (0, 0, 0), 2)
    assert (whole != half).any()


def test_an_unknown_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="shape 'blob' is unknown"):
        outline("blob", (0, 0), 10, 0)


@pytest.mark.parametrize("angle", [0.0, 20.0, 90.0])
@pytest.mark.parametrize("shape", ["circle", "tile"])
def test_a_cut_out_shows_its_texture_turned_with_its_outline(shape: str, angle: float) -> None:
    """The texture is red above, blue below: turned clockwise by 90 degrees the red is on the right."""
    texture = np.zeros((88, 88, 3), np.uint8)
    texture[:44, :, 0] = texture[44:, :, 2] = 255
    pixels = blank()
    paste(pixels, texture, shape, (90.0, 110.0), 60, angle)
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    red, blue = ((round(110 - 15 * c * way), round(90 + 15 * s * way)) for way in (1, -1))
    assert pixels[red].tolist() == [255, 0, 0]
    assert pixels[blue].tolist() == [0, 0, 255]
    outside = cover(outline(shape, (90.0, 110.0), 60, angle), edge(60), (200, 200)) == 0
    assert (pixels[outside] == 90).all()


def test_a_cut_out_half_outside_is_cut_off() -> None:
    pixels = blank(60)
    paste(pixels, np.zeros((88, 88, 3), np.uint8), "circle", (0.0, 30.0), 40, 10)
    assert (pixels[30, :15] == 0).all()
    assert (pixels[:, 30:] == 90).all()
