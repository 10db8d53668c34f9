"""Tiles that belong together join better than all others, and a flipped tile joins best when flipped back."""

from __future__ import annotations

import numpy as np
import pytest
from test_similarity import photograph

from ssrl_data.gates import seams

NAMES = ("ihc.png", "coffee.png", "astronaut.png")


@pytest.mark.parametrize("grid", [2, 3, 4])
def test_the_true_neighbour_joins_best(grid: int) -> None:
    hits = total = 0
    for name in NAMES:
        beside, below = seams.mismatches(photograph(name, 240), grid)
        np.fill_diagonal(beside, np.inf)
        np.fill_diagonal(below, np.inf)
        for tile in range(grid**2):
            if tile % grid < grid - 1:
                hits, total = hits + (beside[tile].argmin() == tile + 1), total + 1
            if tile < grid**2 - grid:
                hits, total = hits + (below[tile].argmin() == tile + grid), total + 1
    assert hits >= 0.9 * total


def test_a_mismatch_is_the_mean_difference_of_the_lines_that_meet() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (48, 48, 3), dtype=np.uint8)
    beside, below = seams.mismatches(pixels, 3)
    values = pixels.astype(int)
    # Tile 5 (middle row, right) with tile 3 (middle row, left) to its right, and with tile 1 below it.
    assert beside[5, 3] == pytest.approx(np.abs(values[16:32, 47] - values[16:32, 0]).mean())
    assert below[5, 1] == pytest.approx(np.abs(values[31, 32:48] - values[0, 16:32]).mean())


def test_another_order_breaks_some_joins_and_makes_others() -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (48, 48, 3), dtype=np.uint8)
    beside, below = seams.mismatches(pixels, 3)
    swap = [0, 1, 5, 3, 4, 2, 6, 7, 8]  # tiles 2 and 5, the right ones of the first two rows
    slide = [0, 1, 2, 3, 4, 5, 8, 6, 7]  # the bottom row by one, as if tile 8 were blank
    broken, made = seams.rejoined(pixels, 3, np.array([swap, slide]))
    assert broken[0] == pytest.approx((beside[1, 2] + beside[4, 5] + below[2, 5] + below[5, 8]) / 4)
    assert made[0] == pytest.approx((beside[1, 5] + beside[4, 2] + below[5, 2] + below[2, 8]) / 4)
    assert broken[1] == pytest.approx((beside[7, 8] + below[3, 6] + below[4, 7] + below[5, 8]) / 4)
    assert made[1] == pytest.approx((beside[8, 6] + below[3, 8] + below[4, 6] + below[5, 7]) / 4)
    broken, made = seams.rejoined(pixels, 3, np.array([slide]), 8)
    assert broken[0] == pytest.approx((below[3, 6] + below[4, 7]) / 2)
    assert made[0] == pytest.approx((below[4, 6] + below[5, 7]) / 2)


@pytest.mark.parametrize("grid", [2, 3, 4])
def test_gains_are_those_of_flipping_the_tile(grid: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (48, 48, 3), dtype=np.uint8)
    size = 48 // grid

    def rough(picture: np.ndarray) -> float:
        values = picture.astype(int)
        steps = [values[k] - values[k - 1] for k in range(size, 48, size)]
        steps += [values[:, k] - values[:, k - 1] for k in range(size, 48, size)]
        return float(np.abs(steps).sum()) / (3 * size)

    gains = seams.flip_gains(pixels, grid)
    for y in range(grid):
        for x in range(grid):
            borders = (y > 0) + (y < grid - 1) + (x > 0) + (x < grid - 1)
            for axis, flip in enumerate((np.fliplr, np.flipud)):
                other = pixels.copy()
                tile = other[y * size : (y + 1) * size, x * size : (x + 1) * size]
                tile[:] = flip(tile).copy()
                assert gains[axis, y, x] == pytest.approx((rough(pixels) - rough(other)) / borders, abs=1e-3)


def test_no_tile_of_a_photograph_gains_by_a_flip() -> None:
    for name in NAMES:
        assert seams.flip_gains(photograph(name, 240), 3).max() < 2, name
