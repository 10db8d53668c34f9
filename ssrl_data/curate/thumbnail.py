"""Thumbnails, by which pictures too flat for PDQ are compared: dark ones, skies, plain walls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np

from ssrl_data.core import Pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Thumbnails: TypeAlias = NDArray[np.uint8]
    """Pictures x SIDE x SIDE x 3."""

SIDE = 16
"""Side of a thumbnail in pixels, whatever the shape of its picture."""

LEAST, MOST = 1.0, 3.0
"""Root mean square difference, in levels of 255, at which two thumbnails count as one picture: half the contrast of
the plainer one, at least `LEAST` and at most `MOST`. Measured on what is too flat for PDQ among 315 photographs,
wallpapers and drawings, crops of them (skies, walls, shade), and the same darkened; copies were JPEGs of quality 30
to 90, WebP and GIF, and shrunk to as little as a fifth, turned, mirrored and saved as JPEG. Missed were 0 of 77
copies of 7 wallpapers, and where 64 pixels a side are left, 14 of 1,337 copies of crops and 12 of 1,936 of what was
darkened to 15 %. Joined were none of 5,000 pairs of different wallpapers and crops and none of 4,800 of what was
darkened to 15 %. Of photographs darkened to 6 %, of which little but noise is left, one copy in 18 is missed and 12
of 14,800 pairs are joined; with `MOST` alone these would be 769."""

ROWS, COLUMNS = 512, 4096
"""Pictures compared at a time: 512 in their eight positions with 4,096 as they stand, 64 MiB of products."""


def thumbnail(pixels: Pixels) -> bytes:
    """All of a picture as SIDE x SIDE colours."""
    return cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA).tobytes()


def alike(these: Sequence[bytes], those: Sequence[bytes]) -> Iterator[tuple[int, int, float]]:
    """Pairs that count as one picture at the best turn or mirror, and their difference in levels of 255.

    Differences are products of vectors, as for hashes; memory is that of a block. The products are whole numbers that
    single precision holds exactly, so the pairs do not depend on the order in which a processor adds.
    """
    for start in range(0, len(these), ROWS):
        some = _stacked(these[start : start + ROWS])
        turned, bounds = _vectors(_turned(some)), _bounds(some)
        for begin in range(0, len(those), COLUMNS):
            others = _stacked(those[begin : begin + COLUMNS])
            vectors = _vectors(others)
            product = (turned @ vectors.T).reshape(-1, 8, len(others)).max(1)
            squares = _squares(turned[::8])[:, None] + _squares(vectors) - 2 * product.astype(np.int64)
            error = np.sqrt(squares / vectors.shape[1])
            for i, j in np.argwhere(error <= np.minimum(bounds[:, None], _bounds(others))).tolist():
                yield start + i, begin + j, float(error[i, j])


def _stacked(thumbnails: Sequence[bytes]) -> Thumbnails:
    """Thumbnails as one array."""
    return np.frombuffer(b"".join(thumbnails), np.uint8).reshape(len(thumbnails), SIDE, SIDE, 3)


def _turned(thumbnails: Thumbnails) -> Thumbnails:
    """The eight turns and mirrors of each thumbnail, one picture's after another's."""
    mirrored = (thumbnails, thumbnails[:, :, ::-1])
    eight = [np.rot90(side, quarters, (1, 2)) for side in mirrored for quarters in range(4)]
    return np.stack(eight, 1).reshape(-1, SIDE, SIDE, 3)


def _vectors(thumbnails: Thumbnails) -> NDArray[np.float32]:
    """Thumbnails as vectors about mid-grey, whose products stay below 2 to the 24th."""
    return thumbnails.reshape(len(thumbnails), SIDE * SIDE * 3).astype(np.float32) - 128


def _squares(vectors: NDArray[np.float32]) -> NDArray[np.int64]:
    squares: NDArray[np.float64] = np.square(vectors, dtype=np.float64).sum(1)
    return squares.astype(np.int64)


def _bounds(thumbnails: Thumbnails) -> NDArray[np.float64]:
    """The largest difference at which each counts as one with a picture of no less contrast."""
    contrast = thumbnails.reshape(len(thumbnails), SIDE * SIDE, 3).std(1, dtype=np.float64).max(1)
    bounds: NDArray[np.float64] = np.clip(contrast / 2, LEAST, MOST)
    return bounds
