"""How much of what a row of a held-out record would show stands in the train split, word for word.

Records that differ as wholes share passages: of 16,834 windows of steps from set.mm, in the groups that `ssrl curate`
found, 59 pairs of different groups show nearly the same (half of all three-word shingles), and of 13,511 whole proofs
39 pairs. Nearly all of these pairs have statements in common. The statements of the train split are kept as hashes,
which are looked up for records of other groups alone; two splits that are both held out are not compared.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Known: TypeAlias = NDArray[np.uint64]
"""Hashes of the groups and the statements of the train split, ascending."""

MOST = 0.1
"""Share of the words shown that may stand in statements of the train split. With each group held out by itself it
refuses 42 of 100 windows and 54 of 100 whole proofs of set.mm, and leaves two of the 59 pairs and two of the 39."""

KEPT = 1 << 22
"""Hashes, 32 MiB of them, from which on no record is kept: the later ones count as held out."""


class Gathered:
    """Groups and statements of the train split, while they are gathered."""

    def __init__(self) -> None:
        self._hashes = array("Q")

    def add(self, group: str, statements: Iterable[str]) -> None:
        """Keep a record's group and all statements that some row could show of it."""
        if len(self._hashes) < KEPT:
            self._hashes.extend([_group(group), *map(_hash, statements)])

    def to_bytes(self) -> bytes:
        """What `known` reads."""
        return np.unique(np.array(self._hashes, np.uint64)).astype("<u8").tobytes()


def known(data: bytes) -> Known:
    """What `Gathered.to_bytes` wrote; of no bytes nothing is known."""
    return np.frombuffer(data, "<u8")


def fresh(known: Known, group: str, statements: Iterable[str]) -> bool:
    """Whether a row of a record of that group may show these statements: always where the group is of the train split.

    Otherwise where at most `MOST` of their words are in statements that stand in the train split as they are.
    """
    if not len(known) or _among(known, [_group(group)]).all():
        return True
    shown = sorted(set(statements))
    sizes = np.array([len(statement.split()) for statement in shown])
    return bool(sizes[_among(known, map(_hash, shown))].sum() <= MOST * sizes.sum())


def _among(known: Known, hashes: Iterable[int]) -> NDArray[np.bool_]:
    """Which hashes are known."""
    wanted = np.array(list(hashes), np.uint64)
    return np.asarray(known[np.minimum(np.searchsorted(known, wanted), len(known) - 1)] == wanted)


@lru_cache(1 << 12)
def _group(group: str) -> int:
    return _hash(f"group {group}")


@lru_cache(1 << 14)
def _hash(statement: str) -> int:
    return int.from_bytes(hashlib.blake2b(statement.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
