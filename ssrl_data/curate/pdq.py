"""PDQ hashes (Facebook, 2019) of pictures over their eight turns and mirrors, and distances between many of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from ssrl_data.core import Pixels, SsrlError
from ssrl_data.media.image import Picture

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bits: TypeAlias = NDArray[np.uint8]
    """Packed hashes: pictures x 8 x 32."""

NEAR = 31
"""Largest number of differing bits, of 256, at which two hashes count as one picture (the hash's own proposal)."""

QUALITY = 50
"""Least PDQ quality, of 100: flatter pictures hash alike without being alike."""

HASHED = 512
"""Longest side in pixels of the view that hashes are taken from."""

ROWS, COLUMNS = 512, 4096
"""Pictures compared at a time: 512 in their eight positions with 4,096 as they stand, 64 MiB of products."""

Hash: TypeAlias = tuple[bytes, ...]
"""The 8 dihedral PDQ hashes of a picture, 32 bytes each, the picture as it stands first."""


def hash_and_quality(pixels: Pixels) -> tuple[Hash, int]:
    """PDQ hashes of a picture and its turns and mirrors, and its quality, 0 (flat) to 100.

    Raises:
        SsrlError: `pdqhash` is not installed.
    """
    try:
        import pdqhash
    except ImportError as error:
        raise SsrlError('pictures are compared with pdqhash, which is missing: pip install "ssrl[check]"') from error
    bits, quality = pdqhash.compute_dihedral(pixels)
    return tuple(np.packbits(b.astype(bool)).tobytes() for b in bits), int(quality)


def whole(picture: Picture) -> Pixels:
    """All of a picture, at most `HASHED` pixels a side.

    Raises:
        Reject: the content is broken.
    """
    width, height = picture.size
    shrink = max(1.0, max(width, height) / HASHED)
    size = (max(1, round(width / shrink)), max(1, round(height / shrink)))
    return picture.view((0, 0, width, height), size)


def packed(hashes: Sequence[Hash]) -> Bits:
    """Hashes as one array."""
    return np.frombuffer(b"".join(turn for hash in hashes for turn in hash), np.uint8).reshape(len(hashes), 8, 32)


def distances(these: Bits, those: Bits) -> Iterator[tuple[int, int, NDArray[np.int16]]]:
    """Differing bits of each picture with each other one, at the best turn or mirror, block by block.

    Distances are products of sign vectors, so 10,000 pictures against 10,000 take seconds; memory is that of a block.

    Yields:
        The first picture of each side, and the block: rows x columns.
    """
    for start in range(0, len(these), ROWS):
        turned = _signs(these[start : start + ROWS].reshape(-1, 32))
        for begin in range(0, len(those), COLUMNS):
            agree = turned @ _signs(those[begin : begin + COLUMNS, 0]).T
            best = agree.reshape(-1, 8, agree.shape[1]).max(1)
            yield start, begin, ((256 - best) / 2).astype(np.int16)


def _signs(hashes: Bits) -> NDArray[np.float32]:
    """Hashes as vectors of 256 signs, so that a dot product is 256 minus twice the distance."""
    return np.unpackbits(hashes, axis=1).astype(np.float32) * 2 - 1
