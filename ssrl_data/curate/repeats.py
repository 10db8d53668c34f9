"""Which passages repeat an earlier one, exactly or nearly: one pass in order, a few hundred bytes of memory a passage.

Every passage is compared with earlier ones that were kept and agree with it in a band, at most `HEADS` for each band,
so time grows with the passages however often one repeats.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from ssrl_data.curate.sheets import Sheet
from ssrl_data.curate.sketch import BANDS, PERMUTATIONS

NEAR = 0.6
"""Least Jaccard similarity of the sets of three-word shingles of two passages that count as one. Of pairs of different
paragraphs of 12 words and more among 194,170 of a Debian documentation tree, all that were looked at above it are one
text with another name, version, address or typing in it; between 0.4 and 0.6 there are also paragraphs that speak of
two options in the same words."""

SLACK = 0.15
"""How far below `NEAR` the estimate of a pair may lie for its sets to be compared: three standard deviations of it."""

HEADS = 4
"""Kept passages that a later one is compared with for each of its bands."""


class Passages:
    """The sketches of all passages of a corpus, as they come in; shingles lie in a file, the rest in memory.

    Args:
        folder: where the file may lie; it has no name and goes with the object.
    """

    def __init__(self, folder: Path) -> None:
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115 (closed on leaving)
        self._arrays = {name: bytearray() for name in ("left", "exact", "sizes", "signatures", "bands")}
        self._starts: dict[int, tuple[int, int]] = {}
        self._count = 0

    def __enter__(self) -> Passages:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def add(self, number: int, sheet: Sheet) -> None:
        """The passages of one record, by its number in the listing."""
        self._starts[number] = (self._count, sheet.count)
        self._count += sheet.count
        for name, array in self._arrays.items():
            array += getattr(sheet, name)
        self._file.write(sheet.shingles)

    def ordered(self) -> Ordered:
        """All of them in the order of the listing."""
        self._file.flush()
        numbers = sorted(self._starts)
        counts = np.array([self._starts[number][1] for number in numbers], np.int64)
        starts = np.array([self._starts[number][0] for number in numbers], np.int64)
        within = np.arange(self._count) - np.repeat(np.cumsum(counts) - counts, counts)
        sizes = np.frombuffer(self._arrays["sizes"], np.int32)
        return Ordered(
            np.repeat(np.array(numbers, np.int64), counts),
            within,
            np.repeat(starts, counts) + within,
            np.frombuffer(self._arrays["left"], np.uint8),
            np.frombuffer(self._arrays["exact"], np.uint64),
            sizes,
            np.cumsum(sizes, dtype=np.int64) - sizes,
            np.frombuffer(self._arrays["signatures"], np.uint8).reshape(-1, PERMUTATIONS),
            np.frombuffer(self._arrays["bands"], np.uint32).reshape(-1, BANDS),
            self._file.fileno(),
        )


@dataclass(frozen=True, slots=True)
class Ordered:
    """Passages in order.

    Attributes:
        record: the number of the record that each is of.
        within: its number in the record.
        at: its place in the arrays that follow.
        left: as in `Sheet`.
        exact: as in `Sketches`, and so are `sizes`, `signatures` and `bands`.
        offsets: of the shingles in the file, in shingles.
        descriptor: of the file.
    """

    record: NDArray[np.int64]
    within: NDArray[np.int64]
    at: NDArray[np.int64]
    left: NDArray[np.uint8]
    exact: NDArray[np.uint64]
    sizes: NDArray[np.int32]
    offsets: NDArray[np.int64]
    signatures: NDArray[np.uint8]
    bands: NDArray[np.uint32]
    descriptor: int

    def similarity(self, one: int, other: int) -> float:
        """Jaccard similarity of the shingles at two places."""
        these, those = self._shingles(one), self._shingles(other)
        both = len(np.intersect1d(these, those, assume_unique=True))
        return both / (len(these) + len(those) - both)

    def _shingles(self, place: int) -> NDArray[np.uint32]:
        data = os.pread(self.descriptor, 4 * int(self.sizes[place]), 4 * int(self.offsets[place]))
        return np.frombuffer(data, np.uint32)


def first_shown(passages: Ordered, chosen: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """For each of some passages the earliest kept one that shows the same, itself if none does.

    Args:
        passages: all of them.
        chosen: the numbers of those that are looked at, ascending.

    Returns:
        For each chosen one the number of a chosen one, and whether it repeats it exactly. Kept are those that are
        their own first: each other one is an exact or near repeat of the kept one named, and no kept one was found to
        be a repeat of another.
    """
    _, first, same = np.unique(passages.exact[passages.at[chosen]], return_index=True, return_inverse=True)
    firsts = first[same]
    distinct = np.flatnonzero(firsts == np.arange(len(chosen)))
    near = np.arange(len(chosen))
    for later, earlier in _near(passages, passages.at[chosen[distinct]]):
        near[distinct[later]] = distinct[earlier]
    shown = near[firsts]
    return chosen[shown], (shown == firsts) & (firsts != np.arange(len(chosen)))


def _near(passages: Ordered, at: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Of distinct passages at some places, those that nearly repeat an earlier kept one, and that one."""
    buckets, count = _buckets(passages.bands, at)
    heads = np.full((count, HEADS), -1, np.int32)
    for number in np.flatnonzero((buckets >= 0).any(axis=1)).tolist():
        own = buckets[number][buckets[number] >= 0]
        rivals = np.unique(heads[own])
        earlier = _most_alike(passages, int(at[number]), at, rivals[rivals >= 0])
        if earlier is not None:
            yield number, earlier
            continue
        room = heads[own] < 0
        open_ = room.any(axis=1)
        heads[own[open_], room[open_].argmax(axis=1)] = number


def _most_alike(passages: Ordered, place: int, at: NDArray[np.int64], rivals: NDArray[np.int32]) -> int | None:
    """Of some earlier passages, the first that is near, the most alike by the estimate first."""
    if not len(rivals):
        return None
    estimates = (passages.signatures[at[rivals]] == passages.signatures[place]).mean(axis=1)
    for rank in np.argsort(-estimates, kind="stable").tolist():
        if estimates[rank] < NEAR - SLACK:
            return None
        rival = int(rivals[rank])
        if passages.similarity(place, int(at[rival])) >= NEAR:
            return rival
    return None


def _buckets(bands: NDArray[np.uint32], at: NDArray[np.int64]) -> tuple[NDArray[np.int32], int]:
    """Passages x BANDS: the bucket that each lies in with others, -1 where it lies alone; and how many there are."""
    out = np.full((len(at), BANDS), -1, np.int32)
    total = 0
    for band in range(BANDS):
        _, inverse, counts = np.unique(bands[at, band], return_inverse=True, return_counts=True)
        shared = counts > 1
        names = np.where(shared, np.cumsum(shared) - 1 + total, -1)
        out[:, band] = names[inverse]
        total += int(shared.sum())
    return out, total
