"""From how pictures and clips look to groups and neighbours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssrl_data.core import Pixels, Record
from ssrl_data.curate.pdq import NEAR, QUALITY, Hash, distances, hash_and_quality, packed, whole
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


MOMENTS = 64
"""Frames of a clip that others are looked for among."""

PROBES = 8
"""Those of them that are looked for in other clips, under every turn and mirror."""

SHARE = 0.375
"""Least share of one clip's probes that must be found in another one for the two to count as one. Measured on 18 real
clips of 0.6 to 80 seconds, each saved again at a low rate, at half size in VP8, mirrored, with every second frame
alone, and its middle half alone, and on 24 rendered ones of seven photographs: of 276 pairs of copies the least share
was 0.375, of 8,502 other pairs the largest was 0.125. With half the moments, 4 pairs of quick clips were missed."""


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


def looks_of(record: Record) -> tuple[Look, ...]:
    """What a record is compared by: its picture, or frames spread evenly over its clip; nothing where it has neither.

    Raises:
        Reject: the content is broken.
        SsrlError: `pdqhash` or `decord` is not installed.
    """
    if record.image is not None:
        return (look_at(whole(record.image)),)
    if record.clip is not None:
        frames = record.clip.reel.frames
        return tuple(look_at(frames[i]) for i in _spread(len(frames), MOMENTS))
    return ()


def near_records(these: Sequence[Sequence[Look]], those: Sequence[Sequence[Look]]) -> Iterator[tuple[int, int, str]]:
    """Pairs of records that show the same: both places, and how far in words.

    Two pictures do as in `near_pairs`. Of two clips, or of a picture and a clip, `SHARE` of the probes of one are found
    somewhere in the other: so a clip is known again that was trimmed, mirrored, sped up or saved at another size.
    """
    best = _shares(these, those)
    if those is not these:
        # Two pictures have been compared; what is not found in a clip may hold it.
        clips = [looks if len(looks) > 1 else () for looks in these]
        for (j, i), share in _shares(those, clips).items():
            best[i, j] = max(best.get((i, j), share), share)
    yield from ((i, j, words) for (i, j), (share, words) in sorted(best.items()) if share >= SHARE)


def _shares(
    these: Sequence[Sequence[Look]], those: Sequence[Sequence[Look]]
) -> dict[tuple[int, int], tuple[float, str]]:
    """For pairs of records with anything in common, which share of the one's probes is in the other; and in words."""
    probes = [(i, k) for i, looks in enumerate(these) for k in _spread(len(looks), PROBES)]
    moments = [(j, k) for j, looks in enumerate(those) for k in range(len(looks))]
    found: dict[tuple[int, int], dict[int, str]] = {}
    for one, other, words in near_pairs([these[i][k] for i, k in probes], [those[j][k] for j, k in moments]):
        (i, k), (j, _) = probes[one], moments[other]
        found.setdefault((i, j), {})[k] = words
    out = {}
    for (i, j), words_of in found.items():
        count = min(len(these[i]), PROBES)
        words = next(iter(words_of.values())) if count == 1 else f"{count - len(words_of)} of {count} moments"
        out[i, j] = len(words_of) / count, words
    return out


def _spread(count: int, most: int) -> list[int]:
    """At most so many of a number of places, evenly."""
    return [i * count // most + count // (2 * most) for i in range(most)] if count > most else list(range(count))


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
