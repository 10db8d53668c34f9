"""An altered tile is found on the picture alone, and only where it stands out."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from test_similarity import photograph

from ssrl_data.core import Pixels
from ssrl_data.gates import outlier


def noisy(tile: Pixels) -> Pixels:
    noise = np.random.default_rng(0).integers(-60, 60, tile.shape)
    return np.clip(tile + noise, 0, 255).astype(np.uint8)


ALTERATIONS: dict[str, Callable[[Pixels], Pixels]] = {
    "blank": lambda tile: np.full_like(tile, 128),
    "noise": noisy,
    "blur": lambda tile: np.asarray(cv2.GaussianBlur(tile, (0, 0), 5), np.uint8),
    "grey": lambda tile: np.repeat(tile.mean(2, keepdims=True), 3, 2).astype(np.uint8),
    "seam": lambda tile: np.asarray(255 - tile, np.uint8),
}


def altered(name: str, grid: int, tile: int, family: str) -> Pixels:
    pixels = photograph(name, 240).copy()
    size = 240 // grid
    y, x = tile // grid * size, tile % grid * size
    pixels[y : y + size, x : x + size] = ALTERATIONS[family](pixels[y : y + size, x : x + size])
    return pixels


@pytest.mark.parametrize("family", ALTERATIONS)
@pytest.mark.parametrize("grid", [2, 3, 4])
def test_the_altered_tile_is_singled_out(grid: int, family: str) -> None:
    found = 0
    for tile in range(grid**2):
        pixels = altered("coffee.png" if family == "grey" else "ihc.png", grid, tile, family)
        right = outlier.singled_out(pixels, grid, tile, family)
        wrong = [
            other for other in range(grid**2) if other != tile and outlier.singled_out(pixels, grid, other, family)
        ]
        assert not wrong
        found += right
    assert found >= 0.7 * grid**2


@pytest.mark.parametrize("family", ["noise", "blur", "seam", "blank"])
def test_no_tile_of_an_untouched_photograph_is_singled_out(family: str) -> None:
    for name in ("ihc.png", "coffee.png", "astronaut.png"):
        pixels = photograph(name, 240)
        assert not any(outlier.singled_out(pixels, 2, tile, family) for tile in range(4)), name


def test_grey_beside_grey_is_not_singled_out() -> None:
    pixels = altered("ihc.png", 2, 0, "grey")
    assert outlier.singled_out(pixels, 2, 0, "grey")
    pixels[:120, 120:] = ALTERATIONS["grey"](pixels[:120, 120:])
    assert not outlier.singled_out(pixels, 2, 0, "grey")


def test_blank_beside_mid_grey_is_not_singled_out() -> None:
    pixels = altered("coffee.png", 2, 3, "blank")
    assert outlier.singled_out(pixels, 2, 3, "blank")
    pixels[:120, :120] = 131
    assert not outlier.singled_out(pixels, 2, 3, "blank")


def test_a_blurred_piece_of_another_picture_is_no_plain_foreign_tile() -> None:
    pixels = photograph("ihc.png", 240).copy()
    other = photograph("coffee.png", 240)[:120, :120]
    pixels[:120, :120] = cv2.GaussianBlur(other, (0, 0), 6)
    assert not outlier.singled_out(pixels, 2, 0, "seam")


def test_an_unknown_family_is_refused() -> None:
    with pytest.raises(ValueError, match="no family 'flip'"):
        outlier.suspects(photograph("coffee.png"), 2, "flip")
