"""From how pictures look to groups and neighbours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssrl_data.core import Pixels
from ssrl_data.curate.pdq import NEAR, QUALITY, Hash, distances, hash_and_quality, packed
from ssrl_data.curate.thumbnail import alike, thumbnail

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ssrl_data.curate.pdq import Bits

NEIGHBOURS = 8
"""Neighbours kept of each picture."""

CLEAR = 90
"""Least number of differing bits of a neighbour. Of 4,000 pairs of unrelated photographs one in a thousand was below
94, of crops of one picture a tenth were below 86: what lies between `NEAR` and this is neither a duplicate nor safely
another picture, and is left out."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a picture is compared by.

    Attributes:
        hashes: of its turns and mirrors.
        quality: of the hashes, 0 (flat) to 100.
        thumbnail: its colours.
    """

    hashes: Hash
    quality: int
    thumbnail: bytes

    @property
    def flat(self) -> bool:
        """Whether the picture holds too little for its hashes, and is compared by its thumbnail."""
        return self.quality < QUALITY


def look_at(pixels: Pixels) -> Look:
    """What a picture is compared by.

    Raises:
        SsrlError: `pdqhash` is not installed.
    """
    return Look(*hash_and_quality(pixels), thumbnail(pixels))


def near_pairs(these: Sequence[Look], those: Sequence[Look]) -> Iterator[tuple[int, int, str]]:
    """Pairs that are one picture saved again under some turn or mirror: both places, and how they differ in words.

    Two pictures are compared by their hashes, by their thumbnails when one of them is flat: so every one is compared
    with every other one, also one that was just flat with a copy that is not.
    """
    (flat, full), (flats, fulls) = _parted(these), _parted(those)
    bits, others = (packed([looks[i].hashes for i in at]) for looks, at in ((these, full), (those, fulls)))
    for start, begin, block in distances(bits, others):
        for i, j in np.argwhere(block <= NEAR).tolist():
            yield full[start + i], fulls[begin + j], f"{block[i, j]} of 256 bits"
    for at, to in ((flat, range(len(those))), (full, flats)):
        if not to:
            continue
        for i, j, error in alike([these[i].thumbnail for i in at], [those[j].thumbnail for j in to]):
            yield at[i], to[j], f"{error:.1f} of 255 levels"


def _parted(looks: Sequence[Look]) -> tuple[list[int], list[int]]:
    """Places of the flat ones, and of the others."""
    return [i for i, look in enumerate(looks) if look.flat], [i for i, look in enumerate(looks) if not look.flat]


class Groups:
    """Names that are joined: sets of groups with one name each, the least of their members' (union-find)."""

    def __init__(self, names: Iterable[str]) -> None:
        self._parent = {name: name for name in names}

    def find(self, name: str) -> str:
        """The name of the set that a group is in."""
        root = name
        while self._parent[root] != root:
            root = self._parent[root]
        while self._parent[name] != root:
            self._parent[name], name = root, self._parent[name]
        return root

    def join(self, one: str, other: str) -> None:
        """Make one set of two."""
        low, high = sorted((self.find(one), self.find(other)))
        self._parent[high] = low


def neighbours(bits: Bits, groups: Sequence[str]) -> list[list[int]]:
    """For each picture the nearest clearly different ones, at most `NEIGHBOURS`, nearest first; ties by order.

    Args:
        bits: hashes of the pictures.
        groups: their groups; a neighbour is of another one.
    """
    number = {name: i for i, name in enumerate(dict.fromkeys(groups))}
    group = np.array([number[name] for name in groups], np.int64)
    count = len(groups)
    # Distance and place in one number, so that the least ones are the nearest, and of equally near ones the first.
    far = np.int64(512) * count
    best: NDArray[np.int64] = np.full((count, NEIGHBOURS), far, np.int64)
    for start, begin, block in distances(bits, bits):
        rows, columns = block.shape
        ranked = block.astype(np.int64) * count + np.arange(begin, begin + columns)
        ranked[block < CLEAR] = far
        ranked[group[start : start + rows, None] == group[None, begin : begin + columns]] = far
        if columns > NEIGHBOURS:
            ranked = np.partition(ranked, NEIGHBOURS - 1, axis=1)[:, :NEIGHBOURS]
        both = np.concatenate([best[start : start + rows], ranked], axis=1)
        best[start : start + rows] = np.sort(both, axis=1)[:, :NEIGHBOURS]
    return [[int(value % count) for value in row if value < far] for row in best]
