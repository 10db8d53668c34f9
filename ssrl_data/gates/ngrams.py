"""What words a corpus has, which follow which, and which stand near which: counts in tables of fixed size.

Words are hashed (feature hashing; Weinberger et al., ICML 2009) into counts of one to three neighbours and into counts
of what stands near a fill (a count-min sketch of two rows; Cormode and Muthukrishnan 2005). Text of any size gives the
same 12 MB, and the same text the same bytes. A *fill* is what a question may hide: its words, folded, and its kind.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Hashes: TypeAlias = "NDArray[np.uint64]"

_Known: TypeAlias = "tuple[list[str], Hashes, Hashes, NDArray[np.float64], NDArray[np.float64]]"

NEAR = 12
"""Words on either side of a fill that stand near it."""

FILLS = 1000
"""Fills of each kind that are kept by name: the most frequent ones."""

_BITS = {"one": 18, "two": 20, "three": 21, "near": 21, "alone": 18, "context": 18, "spread": 18}
_TYPES = {"one": "<u4", "two": "<u2", "three": "u1", "near": "u1", "alone": "<u4", "context": "<u4", "spread": "<f4"}
_MIX_INT, _FOLD_INT, _FULL = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, (1 << 64) - 1
_MIX, _FOLD = np.uint64(_MIX_INT), np.uint64(_FOLD_INT)
_BATCH, _HELD, _BACK = 1 << 16, 100_000, 0.4
_COMMON = 400  # a word of more than one in so many is near everything
_LIFT, _TWICE = 4.0, 2
_ENOUGH = 8


@lru_cache(maxsize=1 << 16)
def hashed(word: str) -> int:
    """A word's hash, case folded; 64 bits, the same everywhere."""
    folded = word.casefold().encode("utf-8", "replace")
    return zlib.crc32(folded) << 32 | zlib.crc32(folded[::-1], 0x5BD1E995)


def hashes(words: Iterable[str]) -> Hashes:
    """The hashes of words, in order."""
    return np.array([hashed(word) for word in words], np.uint64)


def _joined(*parts: Hashes | np.uint64) -> Hashes:
    """One hash of several, in which the order counts; arrays by element."""
    out = np.zeros(1, np.uint64)
    for part in parts:
        out = (out ^ part) * _MIX
        out ^= out >> np.uint64(29)
    return out * _FOLD


def _cell(table: str, *parts: int) -> int:
    """The place of one hash of several; that of `_cells`."""
    out = 0
    for part in parts:
        out = (out ^ part) * _MIX_INT & _FULL
        out ^= out >> 29
    return (out * _FOLD_INT & _FULL) >> (64 - _BITS[table])


def _cells(table: str, *parts: Hashes | np.uint64) -> NDArray[np.int64]:
    return (_joined(*parts) >> np.uint64(64 - _BITS[table])).astype(np.int64)


def _rows(keys: Hashes | np.uint64, others: Hashes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The places of pairs in the two rows of the sketch: the upper and the lower bits of one hash."""
    both, bits = _joined(keys, others), np.uint64(_BITS["near"])
    low = (both >> np.uint64(8)) & ((np.uint64(1) << bits) - np.uint64(1))
    return (both >> (np.uint64(64) - bits)).astype(np.int64), low.astype(np.int64) + (1 << _BITS["near"])


class Counts:
    """Counts of a corpus, while they are gathered and when they are read.

    Attributes:
        fills: kind to the most frequent fills of that kind, the most frequent one first, with their counts.
        total: words counted.
        met: kind to the number of all fills of that kind.
        band: the entropies, in nats, below which half and four fifths of the fills stand that were met first.
    """

    def __init__(self) -> None:
        sizes = {name: (2 if name == "near" else 1) << bits for name, bits in _BITS.items()}
        self._table = {name: np.zeros(size, _TYPES[name]) for name, size in sizes.items()}
        self.total = 0
        self.band = (0.0, 0.0)
        self.fills: Mapping[str, Sequence[tuple[str, int]]] = {}
        self.met: dict[str, int] = defaultdict(int)
        self._tally: dict[str, Counter[str]] = defaultdict(Counter)
        self._stream: list[int] = []
        self._pairs: list[tuple[int, int]] = []
        self._before: list[tuple[int, int]] = []
        self._by_name: dict[str, Mapping[str, int]] = {}
        self._hashed: dict[str, _Known] = {}

    def add(self, words: Sequence[str], found: Iterable[tuple[int, int, str]]) -> None:
        """Count a paragraph.

        Args:
            words: its words, in order.
            found: its fills: the first word's number, the number behind the last one, the kind.
        """
        own = [hashed(word) for word in words]
        self._stream += [0, 0, *own]
        for first, end, kind in found:
            self._tally[kind][fill(words[first:end])] += 1
            self.met[kind] += 1
            key = hashed(fill(words[first:end]))
            near = {*own[max(0, first - NEAR) : first], *own[end : end + NEAR]}
            self._pairs += [(key, other) for other in sorted(near)]
            if len(self._before) < _HELD:
                self._before.append((own[first - 2] if first > 1 else 0, own[first - 1] if first else 0))
        if len(self._stream) >= _BATCH:
            self._count()
        for tally in self._tally.values():
            if len(tally) > _HELD:
                for name in [name for name, count in tally.items() if count == 1]:
                    del tally[name]

    def _count(self) -> None:
        """Enter what was gathered since the last time."""
        t = self._table
        words = np.array(self._stream, np.uint64)
        last, before, now = words[:-2], words[1:-1], words[2:]
        real = now != 0
        last, before, now = last[real], before[real], now[real]
        self.total += len(now)
        np.add.at(t["one"], _cells("one", now), 1)
        _raise(t["two"], _cells("two", before, now))
        contexts = np.concatenate([_cells("context", last, before), _cells("context", before)])
        followed = np.concatenate([_cells("three", last, before, now), _cells("two", before, now)])
        old = np.concatenate([t["three"][followed[: len(now)]], np.zeros(len(now), np.uint8)])
        _raise(t["three"], followed[: len(now)])
        # Sum of n log n over what followed a context, so that its entropy is log N - sum / N.
        for part, table in ((slice(0, len(now)), "three"), (slice(len(now), None), "two")):
            cells, at, times = np.unique(followed[part], return_index=True, return_counts=True)
            after = t[table][cells].astype(np.float64)
            was = old[part][at].astype(np.float64) if table == "three" else np.maximum(after - times, 0)
            full = after < np.iinfo(t[table].dtype).max  # a full count says no more
            gain = np.where(full, _nlogn(after) - _nlogn(was), 0.0)
            np.add.at(t["spread"], contexts[part][at], gain.astype(np.float32))
            known = np.repeat(full, times)
            order = np.argsort(followed[part], kind="stable")
            np.add.at(t["context"], contexts[part][order][known], 1)
        if self._pairs:
            keys, others = np.array(self._pairs, np.uint64).T
            np.add.at(t["alone"], _cells("alone", keys), 1)
            for cells in _rows(keys, others):
                _raise(t["near"], cells)
        self._stream, self._pairs = [], []

    def close(self) -> None:
        """Enter the rest, and keep of the fills the most frequent ones."""
        if self._stream:
            self._count()
        self.fills = {
            kind: sorted(tally.items(), key=lambda item: (-item[1], item[0]))[:FILLS]
            for kind, tally in sorted(self._tally.items())
        }
        if self._before:
            seen = np.sort([self._entropy(*pair) for pair in self._before])
            self.band = (float(seen[len(seen) // 2]), float(seen[4 * len(seen) // 5]))

    def to_bytes(self) -> bytes:
        """The counts as bytes: a line of JSON, then the tables."""
        head = {"total": self.total, "band": self.band, "met": self.met, "fills": self.fills}
        line = json.dumps(head, ensure_ascii=True, separators=(",", ":")).encode()
        return line + b"\n" + b"".join(self._table[name].tobytes() for name in _BITS)

    def count(self, word: str) -> int:
        """How often a word occurs, or a little more: words may share a count."""
        return int(self._table["one"][_cell("one", hashed(word))])

    def rarity(self, words: Sequence[str]) -> int:
        """The count of the rarest of the words."""
        return min(self.count(word) for word in words)

    def share(self, kind: str, name: str) -> float:
        """Which share of the fills of a kind this one is; 0 where it is none of the frequent ones."""
        return self._often(kind).get(name, 0) / max(1, self.met[kind])

    def entropy(self, before: Sequence[str]) -> float:
        """How open it is, in nats, which word follows these (the last two count; one where two were seldom met)."""
        last, now = ["", "", *before][-2:]
        return self._entropy(hashed(last) if last else 0, hashed(now) if now else 0)

    def _entropy(self, last: int, before: int) -> float:
        t = self._table
        for cell in (_cell("context", last, before), _cell("context", before)):
            n = int(t["context"][cell])
            if n >= _ENOUGH:
                return max(0.0, float(np.log(n) - t["spread"][cell] / n))
        return float(np.log(max(1, self.total)))

    def ties(self, words: Sequence[str], near: Sequence[str]) -> int:
        """How many of the words near a gap stand near this fill in other paragraphs too, more than by accident.

        Args:
            words: the fill.
            near: the words shown within `NEAR` words of the gap.

        Returns:
            The number of different words met near it twice or more, at least four times as often as anywhere, and not
            so common that they stand near everything.
        """
        t, key = self._table, hashed(fill(words))
        others = hashes(sorted({word.casefold() for word in near}))
        often = t["one"][_cells("one", others)].astype(np.float64)
        one, two = _rows(np.uint64(key), others)
        seen = np.minimum(t["near"][one], t["near"][two]).astype(np.float64)
        # Expected of as many places near the fill as were counted, were it a fill like any other.
        expected = float(t["alone"][_cell("alone", key)]) * often / max(1, self.total)
        return int(((seen >= _TWICE) & (seen >= _LIFT * expected) & (often * _COMMON < self.total)).sum())

    def guess(self, kind: str, before: Sequence[str], after: Sequence[str]) -> str | None:
        """The fill of a kind that the words before and after the gap make likeliest, or None where none is known.

        Stupid back-off (Brants et al., EMNLP 2007) on either side, from the fill's own frequency.
        """
        known = self._known(kind)
        if known is None:
            return None
        names, first, last, often, ends = known
        t = self._table
        a, b = (hashed(word) if word else 0 for word in ["", "", *before][-2:])
        score = often / self.total
        if b:
            pairs = t["two"][_cells("two", np.uint64(b), first)].astype(np.float64)
            alone = max(1.0, float(t["one"][_cell("one", b)]))
            score = np.where(pairs > 0, pairs / alone, _BACK * score)
        if a and b:
            triples = t["three"][_cells("three", np.uint64(a), np.uint64(b), first)].astype(np.float64)
            met = max(1.0, float(t["two"][_cell("two", a, b)]), triples.max())
            score = np.where(triples > 1, triples / met, _BACK * score)
        if after:
            c = hashed(after[0])
            there = t["two"][_cells("two", last, np.uint64(c))].astype(np.float64)
            base = max(1.0, float(t["one"][_cell("one", c)])) / self.total
            score = score * np.where(there > 0, there / ends, _BACK * base)
        return names[int(score.argmax())]

    def _often(self, kind: str) -> Mapping[str, int]:
        if kind not in self._by_name:
            self._by_name[kind] = dict(self.fills.get(kind, ()))
        return self._by_name[kind]

    def _known(self, kind: str) -> _Known | None:
        if kind not in self._hashed and self.fills.get(kind):
            names = [name for name, _ in self.fills[kind]]
            self._hashed[kind] = (
                names,
                hashes(name.split(" ")[0] for name in names),
                last := hashes(name.split(" ")[-1] for name in names),
                np.array([count for _, count in self.fills[kind]], np.float64),
                np.maximum(1.0, self._table["one"][_cells("one", last)].astype(np.float64)),
            )
        return self._hashed.get(kind)


def fill(words: Sequence[str]) -> str:
    """The name under which a fill is counted: its words, folded, joined by spaces."""
    return " ".join(words).casefold()


@lru_cache(maxsize=2)
def counts(prepared: bytes) -> Counts | None:
    """The counts that `Counts.to_bytes` wrote; None for no bytes."""
    if not prepared:
        return None
    head, _, body = prepared.partition(b"\n")
    found = json.loads(head)
    out = Counts()
    out.total, out.band = found["total"], (found["band"][0], found["band"][1])
    out.met.update(found["met"])
    out.fills = {kind: [(name, count) for name, count in tally] for kind, tally in found["fills"].items()}
    at = 0
    for name, table in out._table.items():
        out._table[name] = np.frombuffer(body, table.dtype, len(table), at)
        at += table.nbytes
    return out


def _raise(table: NDArray[Any], cells: NDArray[np.int64]) -> None:
    """Count the cells, up to what the table can hold."""
    where, times = np.unique(cells, return_counts=True)
    table[where] = np.minimum(np.iinfo(table.dtype).max, table[where] + times)


def _nlogn(n: NDArray[np.float64]) -> NDArray[np.float64]:
    return n * np.log(np.maximum(n, 1.0))
