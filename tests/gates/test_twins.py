"""Which pictures may be one: crops, mirrored and drawn over, against different photographs."""

from __future__ import annotations

from itertools import combinations

import cv2
import made_rows
import numpy as np
import pytest

from ssrl_data.core import Pixels
from ssrl_data.gates import twins
from ssrl_data.media.image import MARGIN, Picture, encode

NAMES = ("astronaut.png", "ihc.png", "coffee.png", "flower.jpg", "china.jpg", "retina.jpg")


def pixels_of(name: str) -> Pixels:
    picture = made_rows.record(name).image
    assert picture is not None
    return picture.view((0, 0, *picture.size), picture.size)


def whole(pixels: Pixels) -> twins.Grey:
    picture = Picture(encode(pixels))
    return twins.overview(picture, min(picture.size), 224)


def drawn_over(pixels: Pixels) -> Pixels:
    out = pixels.copy()
    rng = np.random.default_rng(0)
    for _ in range(60):
        ends = rng.integers(0, min(out.shape[:2]), 4).tolist()
        cv2.line(out, ends[:2], ends[2:], rng.integers(0, 256, 3).tolist(), 1)
    return out


def test_different_photographs_have_few_points_in_common() -> None:
    wholes = [whole(pixels_of(name)) for name in NAMES]
    assert max(twins.common_points(one, other) for one, other in combinations(wholes, 2)) < 7


@pytest.mark.parametrize("name", ["astronaut.png", "coffee.png", "china.jpg"])
def test_a_crop_a_mirrored_one_and_a_drawing_are_found(name: str) -> None:
    pixels = pixels_of(name)
    height, width = pixels.shape[:2]
    crop = np.ascontiguousarray(pixels[height // 8 :, : width * 7 // 8])
    for changed in (crop, np.ascontiguousarray(crop[:, ::-1]), drawn_over(pixels), cv2.resize(crop, (500, 420))):
        assert twins.common_points(whole(pixels), whole(np.asarray(changed, np.uint8))) >= 12


def test_plain_pictures_have_nothing_to_compare() -> None:
    plain = np.full((300, 300, 3), 120, np.uint8)
    assert twins.common_points(whole(plain), whole(pixels_of("coffee.png"))) == 0
    assert twins.common_points(whole(plain), whole(plain)) == 0
    assert twins.best_fit(plain, (0, 0, 300, 300), Picture(encode(plain)), whole(plain)) == 0.0


def test_a_view_fits_its_own_picture_mirrored_too_and_hardly_another() -> None:
    picture = made_rows.record("coffee.png").image
    assert picture is not None
    box = (100, 40, 420, 360)
    view = picture.view(box, (224, 224))
    for turned in (view, np.ascontiguousarray(view[:, ::-1])):
        assert twins.best_fit(turned, box, picture, whole(pixels_of("coffee.png"))) > 0.95
    assert twins.best_fit(view, box, picture, whole(pixels_of("astronaut.png"))) < 0.8


@pytest.mark.parametrize("extent", [300, 600, 1200, 1411])
def test_an_overview_decodes_nothing_again(extent: int) -> None:
    record = made_rows.record("retina.jpg")
    assert record.image is not None
    picture = Picture(record.image.data)
    picture.view((0, 0, extent, extent), (224, 224))
    assert extent >= MARGIN * 224
    before = set(picture._decoded)
    small = twins.overview(picture, extent, 224)
    assert set(picture._decoded) == before
    assert min(small.shape) == twins.OVERVIEW
