"""Passages boiled down to what repeats are found by: an exact hash, sets of shingles, MinHash signatures and bands.

MinHash after Broder (1997), banded for lookup as in Leskovec, Rajaraman and Ullman's Mining of Massive Datasets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from ssrl_data.core import SsrlError
from ssrl_data.curate.words import Hashes, mixed, runs

SHINGLE = 3
"""Words of a shingle; a shorter passage is one shingle."""

BANDS, ROWS = 24, 4
"""Bands of a signature and values in each: two passages are compared when all values of some band agree, which passages
of Jaccard similarity J do with probability 1 - (1 - J**4)**24: 0.999 at 0.7, 0.79 at 0.5, 0.18 at 0.3."""

PERMUTATIONS = BANDS * ROWS
_SEED = 1
_LOW = np.uint64(0xFFFFFFFF)


@dataclass(frozen=True, slots=True)
class Sketches:
    """Sketches of some passages.

    Attributes:
        exact: hash of all words, for each passage.
        sizes: distinct shingles of each.
        shingles: the shingles' hashes, ascending, one passage's behind another's.
        signatures: passages x PERMUTATIONS, the low byte of each value.
        bands: passages x BANDS.
    """

    exact: Hashes
    sizes: NDArray[np.int32]
    shingles: NDArray[np.uint32]
    signatures: NDArray[np.uint8]
    bands: NDArray[np.uint32]


def sketch(passages: Sequence[Hashes], exact: Sequence[bytes], lengths: int | Sequence[int] = SHINGLE) -> Sketches:
    """Sketches of passages.

    Args:
        passages: hashes of the words of each, at least one word.
        exact: what exact repeats agree in, for each.
        lengths: words of a shingle, the same for all or of each.

    Raises:
        SsrlError: `rensa` is not installed.
    """
    shingles, sizes = shingled(passages, lengths)
    signatures, bands = signed(shingles, sizes)
    return Sketches(
        np.array([int.from_bytes(blake2b(e, digest_size=8).digest(), "little") for e in exact], np.uint64),
        sizes,
        shingles,
        signatures,
        bands,
    )


def signed(shingles: NDArray[np.uint32], sizes: NDArray[np.int32]) -> tuple[NDArray[np.uint8], NDArray[np.uint32]]:
    """Signatures and bands, as in `Sketches`, of passages whose shingles stand one's behind another's.

    Raises:
        SsrlError: `rensa` is not installed.
    """
    values = _digests(shingles, sizes)
    grouped = values.reshape(-1, BANDS, ROWS).astype(np.uint64)
    joined = np.zeros(grouped.shape[:2], np.uint64)
    for row in range(ROWS):
        joined = mixed(joined + grouped[:, :, row])
    return values.astype(np.uint8), (joined & _LOW).astype(np.uint32)


def shingled(
    passages: Sequence[Hashes], lengths: int | Sequence[int] = SHINGLE
) -> tuple[NDArray[np.uint32], NDArray[np.int32]]:
    """The distinct shingles of passages, ascending in each, one passage's behind another's; and how many each has."""
    wanted = np.broadcast_to(np.asarray(lengths, np.int64), len(passages))
    counts = np.array([len(passage) for passage in passages], np.int64)
    flat = np.concatenate(passages) if passages else np.zeros(0, np.uint64)
    ends = np.cumsum(counts)
    owner = np.repeat(np.arange(len(passages), dtype=np.uint64), counts)
    keys = []
    for length in np.unique(wanted).tolist():
        # A run must end where its passage does.
        inside = (np.arange(len(flat)) + length <= np.repeat(ends, counts)) & np.repeat(wanted == length, counts)
        found = runs(flat, length)
        keep = inside[: len(found)]
        keys.append((owner[: len(found)][keep] << np.uint64(32)) | (found[keep] & _LOW))
    for number in np.flatnonzero(counts < wanted).tolist():
        whole = runs(passages[number], len(passages[number])) & _LOW
        keys.append((np.uint64(number) << np.uint64(32)) | whole)
    distinct = np.unique(np.concatenate(keys))
    sizes = np.bincount((distinct >> np.uint64(32)).astype(np.int64), minlength=len(passages))
    return (distinct & _LOW).astype(np.uint32), sizes.astype(np.int32)


def _digests(shingles: NDArray[np.uint32], sizes: NDArray[np.int32]) -> NDArray[np.uint32]:
    """Passages x PERMUTATIONS."""
    try:
        from rensa import RMinHash
    except ImportError as error:
        raise SsrlError('texts are compared with rensa, which is missing: pip install "ssrl[text]"') from error
    offsets = np.concatenate([np.zeros(1, np.uint64), np.cumsum(sizes).astype(np.uint64)])
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(shingles.astype(np.uint64), offsets, PERMUTATIONS, _SEED)
    return np.array(matrix.to_rows(), np.uint32).reshape(len(sizes), PERMUTATIONS)
