"""The square crop: inside the picture, large enough, uniform."""

from __future__ import annotations

import made_rows
import numpy as np
import pytest

from ssrl_data.core import Record, Skip
from ssrl_data.gates import crop
from ssrl_data.media.image import MARGIN, Picture, encode
from ssrl_data.rng import Rng


def test_every_crop_is_a_square_inside_and_shrinks_by_the_margin() -> None:
    record = made_rows.record("coffee.png")  # 600 x 400
    boxes = [crop.square(record, 224, Rng(k))[0] for k in range(300)]
    extents = []
    for x0, y0, x1, y1 in boxes:
        assert 0 <= x0 < x1 <= 600
        assert 0 <= y0 < y1 <= 400
        assert x1 - x0 == y1 - y0 >= MARGIN * 224
        extents.append(x1 - x0)
    assert min(extents) <= 265
    assert max(extents) >= 393
    assert abs(np.mean(extents) - (258 + 400) / 2) < 4 * np.std(extents) / np.sqrt(len(extents))


@pytest.mark.parametrize(
    ("side", "least", "most"), [(336, 774, 1080), (384, 886, 1080), (420, 968, 1080), (440, 648, 1013)]
)
def test_all_crops_of_a_picture_are_seen_at_one_scale(side: int, least: int, most: int) -> None:
    record = Record("a", "a", "0" * 32, image=Picture(encode(np.zeros((1080, 1920, 3), np.uint8))))
    assert record.image is not None
    extents = []
    for k in range(100):
        x0, _, x1, _ = crop.square(record, side, Rng(k))[0]
        extents.append(x1 - x0)
    assert len(record.image._decoded) == 1
    assert least <= min(extents) < least + 0.1 * (most - least)
    assert most >= max(extents) > most - 0.1 * (most - least)


def test_the_view_is_of_the_box() -> None:
    record = made_rows.record("china.jpg")
    box, pixels = crop.square(record, 96, Rng(1))
    assert record.image is not None
    assert pixels.shape == (96, 96, 3)
    assert (pixels == record.image.view(box, (96, 96))).all()


@pytest.mark.parametrize(("side", "fits"), [(86, True), (87, False)])
def test_the_smallest_picture_is_the_margin_times_the_side(side: int, fits: bool) -> None:
    record = Record("a", "a", "0" * 32, image=Picture(encode(np.zeros((100, 140, 3), np.uint8))))
    if fits:
        assert crop.square(record, side, Rng(0))[0][3] <= 100
    else:
        with pytest.raises(Skip, match="picture too small") as caught:
            crop.square(record, side, Rng(0))
        assert caught.value.final


def test_a_record_without_a_picture_is_skipped() -> None:
    with pytest.raises(Skip, match="no picture"):
        crop.square(Record("a", "a", "0" * 32, text="words"), 32, Rng(0))
