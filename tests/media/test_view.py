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


@pytest.mark.parametrize("factor", [1.0, 1.15, 1.9, 2.0, 2.25, 4.0, 8.0])
def test_no_scaled_decode_leaves_less_than_the_margin(rocket: bytes, factor: float) -> None:
    side = 400
    size = (int(side / factor), int(side / factor))
    box = (120, 10, 120 + side, 10 + side)
    seen = Picture(rocket).view(box, size)
    full = by_area(decode(rocket), box, size)
    scales = [s for s in (8, 4, 2, 1) if s == 1 or (side - s) / size[0] >= s * MARGIN]
    if scales[0] == 1:
        assert np.array_equal(seen, full)
        return
    # A fraction of the JPEG was decoded: near the truth, though not equal to what full size gives.
    assert not np.array_equal(seen, full)
    assert np.abs(seen.astype(int) - full).mean() < 3
    fraction = cv2.imdecode(
        np.frombuffer(rocket, np.uint8),
        {2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4, 8: cv2.IMREAD_REDUCED_COLOR_8}[scales[0]],
    )
    assert fraction is not None
    rounded = [int(value / scales[0] + 0.5) for value in box]
    expected = by_area(
        np.asarray(fraction[:, :, ::-1], np.uint8), (rounded[0], rounded[1], rounded[2], rounded[3]), size
    )
    assert np.abs(seen.astype(int) - expected).mean() < 0.5


def test_a_lossless_picture_is_cut_exactly() -> None:
    data = (bad_pictures.photographs() / "coffee.png").read_bytes()
    full = np.asarray(Image.open(io.BytesIO(data)))
    box = (33, 57, 433, 357)
    assert np.array_equal(Picture(data).view(box, (400, 300)), full[57:357, 33:433])
    assert np.array_equal(Picture(data).view(box, (130, 99)), by_area(full, box, (130, 99)))


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
