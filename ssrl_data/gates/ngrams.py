"""What words a corpus has, which follow which, and which stand near which: counts in tables of fixed size.

Words are hashed into counts of one to three neighbours and into counts of what stands near a fill: count-min sketches
of two rows (Cormode and Muthukrishnan 2005), without which collisions make most guesses. Text of any size fills
the same 29 MB, 5 MB once compressed after two million words, and the same text gives the same bytes. A *fill* is what
a question may hide: its words and its kind.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Hashes: TypeAlias = "NDArray[np.uint64]"

_Known: TypeAlias = "tuple[list[str], Hashes, Hashes, NDArray[np.float64], NDArray[np.float64]]"

NEAR = 12
"""Words on either side of a fill that stand near it."""

FILLS = 1000
"""Fills of each kind that are kept by name: the most frequent ones."""

_BITS = {"one": 18, "two": 21, "three": 22, "near": 21, "alone": 18, "context": 18, "spread": 18, "frame": 20}
_SKETCHES = frozenset({"two", "three", "near"})
_TYPES = {"one": "<u4", "two": "<u2", "three": "u1", "near": "u1", "alone": "<u4", "context": "<u4", "spread": "<f4"}
_TYPES["frame"] = "<u4"
_MIX_INT, _FOLD_INT, _FULL = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, (1 << 64) - 1
_MIX, _FOLD = np.uint64(_MIX_INT), np.uint64(_FOLD_INT)
_BATCH, _HELD, _LOWER, _NOISE = 1 << 16, 100_000, 5.0, 4
_COMMON = 400  # a word of more than one in so many is near everything
_LIFT, _TWICE = 4.0, 2
_ENOUGH = 8
_FRAME, _FRAMED, _SEVERAL = 5, 6, 0xFFFF  # words on either side that frame a fill, and how many there must be in all


@lru_cache(maxsize=1 << 16)
def hashed(word: str) -> int:
    """A word's hash, of 64 bits, the same everywhere. Capitals count: WHERE and May are no `where` and `may`."""
    data = word.encode("utf-8", "replace")
    return zlib.crc32(data) << 32 | zlib.crc32(data[::-1], 0x5BD1E995)


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


def _frame(before: Sequence[int], after: Sequence[int]) -> tuple[int, int]:
    """The place of a frame in its table, and a mark of sixteen bits, never 0, that tells it from others there."""
    out = 0
    for part in (*before, len(before), *after):
        out = (out ^ part) * _MIX_INT & _FULL
        out ^= out >> 29
    out = out * _FOLD_INT & _FULL
    return out >> (64 - _BITS["frame"]), (out & 0xFFFF) or 1


def _cells(table: str, *parts: Hashes | np.uint64) -> NDArray[np.int64]:
    return (_joined(*parts) >> np.uint64(64 - _BITS[table])).astype(np.int64)


def _rows(table: str, joined: Hashes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The places of hashes in the two rows of a sketch: by their upper and their lower bits."""
    bits = np.uint64(_BITS[table])
    low = (joined >> np.uint64(8)) & ((np.uint64(1) << bits) - np.uint64(1))
    return (joined >> (np.uint64(64) - bits)).astype(np.int64), low.astype(np.int64) + (1 << _BITS[table])


class Counts:
    """Counts of a corpus, while they are gathered and when they are read.

    Attributes:
        fills: kind to the most frequent fills of that kind, the most frequent one first, with their counts.
        total: words counted.
        met: kind to the number of all fills of that kind.
        band: the entropies, in nats, below which half and four fifths of the fills stand that were met first.
    """

    def __init__(self) -> None:
        sizes = {name: (2 if name in _SKETCHES else 1) << bits for name, bits in _BITS.items()}
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
            self._enter(own[max(0, first - _FRAME) : first], own[end : end + _FRAME], key)
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

    def _enter(self, before: Sequence[int], after: Sequence[int], key: int) -> None:
        """Keep which fill stood in a frame, or that several did; a place that another frame holds stays with that."""
        if len(before) + len(after) >= _FRAMED:
            cell, mark = _frame(before, after)
            held, own = int(self._table["frame"][cell]), key % _SEVERAL
            if held == 0:
                self._table["frame"][cell] = mark << 16 | own
            elif held >> 16 == mark and held & _SEVERAL != own:
                self._table["frame"][cell] = mark << 16 | _SEVERAL

    def several(self, before: Sequence[str], after: Sequence[str]) -> bool:
        """Whether different fills stood between the same five words before and five behind."""
        sides = [hashed(word) for word in before[-_FRAME:]], [hashed(word) for word in after[:_FRAME]]
        if sum(map(len, sides)) < _FRAMED:
            return False
        cell, mark = _frame(*sides)
        return int(self._table["frame"][cell]) == mark << 16 | _SEVERAL

    def _count(self) -> None:
        """Enter what was gathered since the last time."""
        t = self._table
        words = np.array(self._stream, np.uint64)
        last, before, now = words[:-2], words[1:-1], words[2:]
        real = now != 0
        last, before, now = last[real], before[real], now[real]
        self.total += len(now)
        np.add.at(t["one"], _cells("one", now), 1)
        # Sum of n log n over what followed a context, so that its entropy is log N - sum / N.
        for table, context, followed in (
            ("two", _cells("context", before), _joined(before, now)),
            ("three", _cells("context", last, before), _joined(last, before, now)),
        ):
            found, at, times = np.unique(followed, return_index=True, return_counts=True)
            was = self._seen(table, found)
            self._raise(table, found, times)
            after = was + times
            fits = after < np.iinfo(t[table].dtype).max  # a full count says no more
            np.add.at(t["spread"], context[at[fits]], (_nlogn(after) - _nlogn(was))[fits].astype(np.float32))
            np.add.at(t["context"], context[at[fits]], times[fits].astype(np.uint32))
        if self._pairs:
            keys, others = np.array(self._pairs, np.uint64).T
            np.add.at(t["alone"], _cells("alone", keys), 1)
            self._raise("near", *np.unique(_joined(keys, others), return_counts=True))
        self._stream, self._pairs = [], []

    def _seen(self, table: str, joined: Hashes) -> NDArray[np.float64]:
        """How often these were counted in a sketch: the lesser of two counts, each of which others may have raised."""
        one, two = _rows(table, joined)
        counted = self._table[table]
        return np.minimum(counted[one], counted[two]).astype(np.float64)

    def _raise(self, table: str, joined: Hashes, times: NDArray[np.int64]) -> None:
        """Count hashes in a sketch, up to what it can hold."""
        counted = self._table[table]
        for cells in _rows(table, joined):
            where, place = np.unique(cells, return_inverse=True)
            more = counted[where] + np.bincount(place, times, len(where))
            counted[where] = np.minimum(np.iinfo(counted.dtype).max, more)

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
        """The counts as bytes: a line of JSON, then the tables, compressed."""
        head = {"total": self.total, "band": self.band, "met": self.met, "fills": self.fills}
        line = json.dumps(head, ensure_ascii=True, separators=(",", ":")).encode()
        return line + b"\n" + zlib.compress(b"".join(self._table[name].tobytes() for name in _BITS), 1)

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
        others = hashes(sorted(set(near)))
        often = t["one"][_cells("one", others)].astype(np.float64)
        seen = self._seen("near", _joined(np.uint64(key), others))
        # Expected of as many places near the fill as were counted, were it a fill like any other.
        expected = float(t["alone"][_cell("alone", key)]) * often / max(1, self.total)
        return int(((seen >= _TWICE) & (seen >= _LIFT * expected) & (often * _COMMON < self.total)).sum())

    def guess(self, kind: str, before: Sequence[str], after: Sequence[str]) -> str | None:
        """The fill of a kind that the words before and after the gap make likeliest, or None where none is known.

        On either side interpolated with what fewer words say, from the fill's own frequency on.
        """
        known = self._known(kind)
        if known is None:
            return None
        names, first, last, often, ends = known
        t = self._table
        a, b = (hashed(word) if word else 0 for word in ["", "", *before][-2:])
        score = often / self.total
        if b:
            score = _mixed(self._seen("two", _joined(np.uint64(b), first)), int(t["one"][_cell("one", b)]), score)
        if a and b:
            met = self._seen("two", _joined(np.uint64(a), np.array([b], np.uint64)))
            score = _mixed(self._seen("three", _joined(np.uint64(a), np.uint64(b), first)), met, score)
        if after:
            c = hashed(after[0])
            base = np.full(len(names), float(t["one"][_cell("one", c)]) / self.total)
            score = score * _mixed(self._seen("two", _joined(last, np.uint64(c))), ends, base)
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
    """The name under which a fill is counted: its words, joined by spaces."""
    return " ".join(words)


@lru_cache(maxsize=2)
def counts(prepared: bytes) -> Counts | None:
    """The counts that `Counts.to_bytes` wrote; None for no bytes."""
    if not prepared:
        return None
    head, _, body = prepared.partition(b"\n")
    found, body = json.loads(head), zlib.decompress(body)
    out = Counts()
    out.total, out.band = found["total"], (found["band"][0], found["band"][1])
    out.met.update(found["met"])
    out.fills = {kind: [(name, count) for name, count in tally] for kind, tally in found["fills"].items()}
    at = 0
    for name, table in out._table.items():
        out._table[name] = np.frombuffer(body, table.dtype, len(table), at)
        at += table.nbytes
    return out


def _mixed(
    seen: NDArray[np.float64], of: NDArray[np.float64] | float, lower: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Shares of what was seen, mixed with those that a shorter context gives."""
    out: NDArray[np.float64] = (np.where(seen > _NOISE, seen, 0) + _LOWER * lower) / (of + _LOWER)
    return out


def _nlogn(n: NDArray[np.float64]) -> NDArray[np.float64]:
    return n * np.log(np.maximum(n, 1.0))
