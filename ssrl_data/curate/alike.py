"""From hashes to groups and neighbours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ssrl_data.curate.pdq import NEAR, distances

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ssrl_data.curate.pdq import Bits

NEIGHBOURS = 8
"""Neighbours kept of each picture."""

CLEAR = 90
"""Least number of differing bits of a neighbour. Of 4,000 pairs of unrelated photographs one in a thousand was below
94, of crops of one picture a tenth were below 86: what lies between `NEAR` and this is neither a duplicate nor safely
another picture, and is left out."""


def near_pairs(bits: Bits) -> Iterator[tuple[int, int]]:
    """Pairs of different pictures within `NEAR` bits, in order."""
    for start, begin, block in distances(bits, bits):
        for i, j in np.argwhere(block <= NEAR).tolist():
            if start + i != begin + j:
                yield start + i, begin + j


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
