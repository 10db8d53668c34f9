from __future__ import annotations

import numpy as np
import pytest

from ssrl_data.core import Pixels
from ssrl_data.media import altered
from ssrl_data.rng import Rng


@pytest.fixture
def frame() -> Pixels:
    return np.random.default_rng(0).integers(60, 190, (48, 64, 3), dtype=np.uint8)


def test_every_way_keeps_the_size_and_leaves_the_frame_alone(frame: Pixels) -> None:
    before = frame.copy()
    made = [
        altered.greyscale(frame),
        altered.inverted(frame),
        altered.channels_swapped(frame),
        altered.turned(frame, 2),
    ]
    made += [altered.mirrored(frame), altered.halves_swapped(frame), altered.blurred(frame, 2.0)]
    made += [altered.saturated(frame, 2.5), altered.noisy(frame, 40.0, Rng(0))]
    for other in made:
        assert other.shape == frame.shape
        assert other.dtype == np.uint8
        assert other.flags.c_contiguous
        assert (other != frame).any()
    assert (frame == before).all()


def test_turns_are_clockwise() -> None:
    square = np.zeros((8, 8, 3), np.uint8)
    square[0, 0] = 255  # the top left corner goes to the top right
    assert altered.turned(square, 1)[0, -1].all()
    assert altered.turned(square, 2)[-1, -1].all()
    assert altered.turned(square, 3)[-1, 0].all()


def test_a_quarter_turn_of_what_is_no_square_is_refused(frame: Pixels) -> None:
    with pytest.raises(ValueError, match="64 x 48"):
        altered.turned(frame, 1)


def test_twice_is_as_before(frame: Pixels) -> None:
    for way in (altered.inverted, altered.channels_swapped, altered.mirrored, altered.halves_swapped):
        assert (way(way(frame)) == frame).all()


def test_grey_has_no_colour_and_vivid_has_more(frame: Pixels) -> None:
    assert np.ptp(altered.greyscale(frame), axis=2).max() == 0
    assert np.ptp(altered.saturated(frame, 2.0), axis=2).mean() > 1.5 * np.ptp(frame, axis=2).mean()
    grey = altered.greyscale(frame)
    assert (altered.saturated(grey, 3.0) == grey).all()


def test_noise_is_as_strong_as_asked_for_and_depends_on_the_key() -> None:
    flat = np.full((100, 100, 3), 128, np.uint8)
    noise = altered.noisy(flat, 30.0, Rng(1)).astype(float) - 128
    assert abs(noise.mean()) < 1
    assert noise.std() == pytest.approx(30, rel=0.03)
    assert (altered.noisy(flat, 30.0, Rng(1)) - 128.0 == noise).all()
    assert (altered.noisy(flat, 30.0, Rng(2)) - 128.0 != noise).any()


def test_a_border_is_black_and_the_frame_in_its_middle(frame: Pixels) -> None:
    out = altered.bordered(frame, (80, 60))
    assert out.shape == (60, 80, 3)
    assert (out[6:54, 8:72] == frame).all()
    out[6:54, 8:72] = 0
    assert not out.any()
