"""A view is a pure function of bytes, box and size; the encoder writes pixels and nothing else."""

from __future__ import annotations

import io
from itertools import permutations

import bad_pictures
import cv2
import numpy as np
import pytest
from PIL import Image

from ssrl_data.core import Pixels, Reject
from ssrl_data.media.image import MARGIN, Box, Picture, decode, encode

REQUESTS: list[tuple[Box, tuple[int, int]]] = [
    ((0, 0, 640, 427), (64, 43)),
    ((0, 0, 640, 427), (128, 85)),
    ((31, 17, 431, 417), (100, 100)),
    ((31, 17, 431, 417), (348, 348)),
    ((5, 5, 6, 6), (1, 1)),
]


@pytest.fixture(scope="module")
def rocket() -> bytes:
    return (bad_pictures.photographs() / "rocket.jpg").read_bytes()


def by_area(pixels: Pixels, box: Box, size: tuple[int, int]) -> Pixels:
    x0, y0, x1, y1 = box
    return np.asarray(cv2.resize(pixels[y0:y1, x0:x1], size, interpolation=cv2.INTER_AREA), np.uint8)


def test_a_view_does_not_depend_on_earlier_views(rocket: bytes) -> None:
    alone = [Picture(rocket).view(*request) for request in REQUESTS]
    for order in list(permutations(range(len(REQUESTS))))[::7]:
        picture = Picture(rocket)
        for i in order:
            assert np.array_equal(picture.view(*REQUESTS[i]), alone[i])


def test_a_view_is_the_callers_own(rocket: bytes) -> None:
    picture = Picture(rocket)
    box, size = (0, 0, 640, 427), (640, 427)
    first = picture.view(box, size)
    kept = first.copy()
    first[:] = 0
    assert np.array_equal(picture.view(box, size), kept)


@pytest.mark.parametrize("factor", [1.0, 1.15, 1.9, 2.0, 2.25, 2.4, 4.0, 4.8, 8.0, 10.0])
def test_no_scaled_decode_leaves_less_than_the_margin(rocket: bytes, factor: float) -> None:
    side = 400
    size = (int(side / factor), int(side / factor))
    x0, y0 = 120, 10
    seen = Picture(rocket).view((x0, y0, x0 + side, y0 + side), size).astype(int)
    scale = next(s for s in (8, 4, 2, 1) if s == 1 or (side - s) / size[0] >= s * MARGIN)
    decoded = {
        1: cv2.IMREAD_COLOR,
        2: cv2.IMREAD_REDUCED_COLOR_2,
        4: cv2.IMREAD_REDUCED_COLOR_4,
        8: cv2.IMREAD_REDUCED_COLOR_8,
    }
    # Pixels of each fraction, by another decoder: the view is cut from the right one, and from no other.
    errors = {}
    for s, flag in decoded.items():
        fraction = cv2.imdecode(np.frombuffer(rocket, np.uint8), flag)
        assert fraction is not None
        left, top, extent = (int(value / s + 0.5) for value in (x0, y0, side))
        crop = np.ascontiguousarray(fraction[top : top + extent, left : left + extent, ::-1])
        png = bad_pictures.encoded(Image.fromarray(crop), "PNG")
        errors[s] = np.abs(Picture(png).view((0, 0, *crop.shape[1::-1]), size) - seen).mean()
    assert errors[scale] < 0.1
    assert min(error for s, error in errors.items() if s != scale) > 2 * errors[scale]


@pytest.mark.parametrize("size", [(347, 260), (266, 200), (210, 157), (160, 120), (130, 97), (61, 45), (13, 9)])
def test_resampling_is_as_free_of_aliasing_as_area(size: tuple[int, int]) -> None:
    data = (bad_pictures.photographs() / "coffee.png").read_bytes()
    full = np.asarray(Image.open(io.BytesIO(data)))
    box = (33, 57, 433, 357)
    error = Picture(data).view(box, size).astype(int) - by_area(full, box, size)
    assert np.sqrt((error**2).mean()) < 4
    assert abs(error.mean()) < 0.3  # no shift of brightness
    stripes = np.zeros((300, 400, 3), np.uint8)
    stripes[:, ::2] = 255
    contrast = Picture(bad_pictures.encoded(Image.fromarray(stripes), "PNG")).view((0, 0, 400, 300), size).std()
    assert contrast < {347: 80, 266: 80}.get(size[0], 40)  # by nearest pixel: 127


def test_a_lossless_picture_is_cut_exactly() -> None:
    data = (bad_pictures.photographs() / "coffee.png").read_bytes()
    full = np.asarray(Image.open(io.BytesIO(data)))
    box = (33, 57, 433, 357)
    assert np.array_equal(Picture(data).view(box, (400, 300)), full[57:357, 33:433])
    for part in (2, 4, 5):
        size = (400 // part, 300 // part)
        assert np.array_equal(Picture(data).view(box, size), by_area(full, box, size))


@pytest.mark.parametrize("box", [(0, 0, 641, 427), (-1, 0, 5, 5), (5, 5, 5, 9), (9, 5, 5, 9)])
def test_a_box_outside_is_an_error(rocket: bytes, box: Box) -> None:
    with pytest.raises(ValueError, match=r"640 x 427"):
        Picture(rocket).view(box, (4, 4))


def test_a_size_of_nothing_is_an_error(rocket: bytes) -> None:
    with pytest.raises(ValueError, match="at least 1 x 1"):
        Picture(rocket).view((0, 0, 9, 9), (0, 4))


def test_the_encoder_writes_pixels_and_nothing_else() -> None:
    pixels = np.asarray(bad_pictures.photograph())
    data = encode(pixels)
    markers, at = [], 2
    while data[at + 1] != 0xDA:
        markers.append(data[at + 1])
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    assert set(markers) == {0xE0, 0xDB, 0xC0, 0xC4}  # JFIF, tables, baseline frame, codes: no EXIF, ICC or comment
    with Image.open(io.BytesIO(data)) as picture:
        assert [layer[1:3] for layer in picture.layer] == [(1, 1)] * 3  # type: ignore[attr-defined]
        reference = Image.open(io.BytesIO(bad_pictures.encoded(picture, "JPEG", quality=95, subsampling=0)))
        assert picture.quantization == reference.quantization  # type: ignore[attr-defined]
    assert np.abs(decode(data).astype(int) - pixels).mean() < 3
    assert encode(pixels) == data
    assert encode(np.asfortranarray(pixels)) == data


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 4)])
def test_the_encoder_takes_colour_only(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="height x width x 3"):
        encode(np.zeros(shape, np.uint8))
    with pytest.raises(ValueError, match="float64"):
        encode(np.zeros((8, 8, 3)))  # type: ignore[arg-type]


def test_decoding_half_a_picture_is_a_reject() -> None:
    data = encode(np.asarray(bad_pictures.photograph()))
    for broken in (data[: len(data) // 2], b"", b"words"):
        with pytest.raises(Reject):
            decode(broken)
