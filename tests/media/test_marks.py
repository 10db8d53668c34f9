"""Marks are read back as drawn, also after the encoder, and only where one is drawn."""

from __future__ import annotations

import made_rows
import numpy as np
import pytest

from ssrl_data.core import Pixels
from ssrl_data.media import marks
from ssrl_data.media.image import Box, decode, encode


@pytest.fixture(params=["motorcycle_left.png", "retina.jpg", "coffee.png"])
def photograph(request: pytest.FixtureRequest) -> Pixels:
    picture = made_rows.record(request.param).image
    assert picture is not None
    return picture.view((0, 0, *picture.size), (320, 240))


def boxes(number: int) -> list[Box]:
    """Of two sizes, side by side, the outermost at the picture's corner."""
    return [(35 * k, 8 * k, 35 * k + 28 - k % 2, 8 * k + 28 - k % 2) for k in range(number)]


def test_marks_are_read_back_after_the_encoder(photograph: Pixels) -> None:
    drawn = decode(encode(marks.draw(photograph, boxes(marks.MOST))))
    assert [marks.read(drawn, box) for box in boxes(marks.MOST)] == list(range(1, marks.MOST + 1))


def test_nothing_is_read_where_no_mark_is_drawn(photograph: Pixels) -> None:
    drawn = marks.draw(photograph, boxes(2))
    assert not any(marks.read(photograph, box) for box in boxes(2))
    assert marks.read(drawn, (100, 150, 128, 178)) is None
    assert marks.read(drawn, (6, 0, 34, 28)) is None  # beside the first
    for outside in ((-8, 0, 20, 28), (300, 0, 328, 28), (0, 220, 28, 248)):
        assert marks.read(drawn, outside) is None


def test_a_mark_stays_inside_its_diameter(photograph: Pixels) -> None:
    changed = (marks.draw(photograph, [(60, 40, 88, 68)]) != photograph).any(2)
    assert not changed[:43].any()
    assert not changed[65:].any()
    assert not changed[:, :63].any()
    assert not changed[:, 85:].any()
    assert changed[43:65, 63:85].mean() > 0.7


def test_a_digit_is_legible() -> None:
    """Black on white, and at least 11 pixels high."""
    for number in range(1, marks.MOST + 1):
        drawn = marks.draw(np.full((40, 40, 3), 128, np.uint8), [(0, 0, 40, 40)] * number)
        inner = drawn[12:28, 12:28, 0]
        dark = np.nonzero((inner < 128).any(1))[0]
        assert dark.max() - dark.min() >= 10
        assert inner.max() > 240
        assert inner.min() < 60
