"""The measures behind the ambiguity gates, on photographs whose answer is known."""

from __future__ import annotations

import made_rows
import numpy as np
import pytest

from ssrl_data.core import Pixels
from ssrl_data.gates import similarity


def photograph(name: str, side: int = 256) -> Pixels:
    picture = made_rows.record(name).image
    assert picture is not None
    width, height = picture.size
    short = min(width, height)
    x, y = (width - short) // 2, (height - short) // 2
    return picture.view((x, y, x + short, y + short), (side, side))


def tiles(pixels: Pixels, grid: int) -> list[Pixels]:
    size = len(pixels) // grid
    return [
        pixels[y : y + size, x : x + size] for y in range(0, len(pixels), size) for x in range(0, len(pixels), size)
    ]


def thumbnails(cut: list[Pixels]) -> similarity.Thumbnail:
    return np.stack([similarity.thumbnail(tile, similarity.TILE) for tile in cut])


def test_thumbnails_of_tiles_are_those_of_each_tile_alone() -> None:
    for grid, side in ((2, 224), (3, 336), (4, 384)):
        pixels = photograph("astronaut.png", side)
        apart = similarity.tile_thumbnails(pixels, grid) - thumbnails(tiles(pixels, grid))
        assert np.abs(apart).max() <= 2, grid  # halving rounds
    exact = photograph("astronaut.png", 320).reshape(10, 32, 10, 32, 3).mean((1, 3))
    assert np.abs(similarity.thumbnail(photograph("astronaut.png", 320), 10) - exact).max() <= 2


def test_two_equal_tiles_are_found_among_many() -> None:
    cut = tiles(photograph("astronaut.png"), 4)
    apart = similarity.closest_pair(thumbnails(cut))
    assert apart > 4
    assert similarity.closest_pair(thumbnails([*cut[:15], cut[3]])) == 0
    # The encoder's error does not hide it.
    again = np.clip(cut[3].astype(int) + np.random.default_rng(0).integers(-3, 4, cut[3].shape), 0, 255)
    assert similarity.closest_pair(thumbnails([*cut[:15], again.astype(np.uint8)])) < 1


def test_a_shifted_pattern_counts_as_alike() -> None:
    x = np.arange(100)
    fence = np.repeat(np.repeat(((x // 20) % 2 * 200).astype(np.uint8)[None, :, None], 100, 0), 3, 2)
    moved = np.roll(fence, 20, axis=1)
    assert np.abs(fence.astype(int) - moved).mean() > 150
    assert similarity.closest_pair(thumbnails([fence, moved])) < 1


def test_contrast_is_that_of_the_flattest_tile() -> None:
    cut = tiles(photograph("coffee.png"), 2)
    assert similarity.least_contrast(thumbnails(cut)) > 10
    assert similarity.least_contrast(thumbnails([*cut, np.full_like(cut[0], 77)])) == 0


@pytest.mark.parametrize("step", [15, 30, 45, 90])
def test_a_photograph_changes_under_every_turn(step: int) -> None:
    assert similarity.least_turn(photograph("astronaut.png"), step) > 20


def test_what_a_turn_leaves_alone_is_found() -> None:
    y, x = np.mgrid[-1:1:256j, -1:1:256j]
    rings = np.repeat((127 + 120 * np.sin(12 * np.hypot(x, y)))[..., None], 3, 2).astype(np.uint8)
    for step in (15, 30, 45, 90):
        assert similarity.least_turn(rings, step) < 3
    # Alike after a half turn only.
    saddle = np.repeat((127 + 120 * (x * y + 0.5 * (x**2 - y**2)))[..., None], 3, 2).clip(0, 255).astype(np.uint8)
    assert similarity.least_turn(saddle, 90) < 3
    wave = np.repeat((127 + 120 * np.sin(3 * x + 1))[..., None], 3, 2).astype(np.uint8)
    assert similarity.least_turn(wave, 90) > 20


def test_turns_of_a_step_that_does_not_divide_the_circle_are_refused() -> None:
    with pytest.raises(ValueError, match="divide 360"):
        similarity.least_turn(photograph("astronaut.png"), 50)
