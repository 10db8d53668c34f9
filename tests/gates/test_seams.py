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


def test_misfits_are_those_of_the_borders_around_a_place() -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (48, 48, 3), dtype=np.uint8)
    beside, below = seams.mismatches(pixels, 3)
    whole, holed = seams.misfits(pixels, 3), seams.misfits(pixels, 3, 4)
    # Tile 8 in place 1 (top, middle), between tiles 0 and 2, above tile 4.
    assert whole[8, 1] == pytest.approx((beside[0, 8] + beside[8, 2] + below[8, 4]) / 3)
    assert holed[8, 1] == pytest.approx((beside[0, 8] + beside[8, 2]) / 2)
    # Tile 5 in place 4: between tiles 1, 3 and 7, and not itself, whichever tile is blanked there.
    around = (below[1, 5] + beside[3, 5] + below[5, 7]) / 3
    assert whole[5, 4] == pytest.approx(around)
    assert holed[5, 4] == pytest.approx(around)
    # At home.
    assert whole[0, 0] == pytest.approx((beside[0, 1] + below[0, 3]) / 2)


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
