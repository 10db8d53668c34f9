"""Not seen: no row twice, no record, group or picture on both sides of a split, also not nearly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from ssrl_data.core import Pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ssrl_data.check.facts import Facts

NEAR = 31
"""Largest number of differing bits, of 256, at which two PDQ hashes count as one picture (the hash's own proposal)."""

QUALITY = 50
"""Least PDQ quality, of 100: flatter pictures hash alike without being alike."""

_BLOCK = 4096

Hash = tuple[bytes, ...]
"""The 8 dihedral PDQ hashes of a picture, 32 bytes each, the picture as it stands first."""


def picture_hash(pixels: Pixels) -> Hash | None:
    """PDQ hashes of a picture and its turns and mirrors; None for one too flat, or without `pdqhash` installed."""
    try:
        import pdqhash
    except ImportError:
        return None
    bits, quality = pdqhash.compute_dihedral(pixels)
    return tuple(np.packbits(b.astype(bool)).tobytes() for b in bits) if quality >= QUALITY else None


def duplicates(rows: Sequence[Facts]) -> Iterator[tuple[str, Facts, str]]:
    """Rows that repeat another, or contradict it, as (rule, row, message)."""
    ids: dict[str, Facts] = {}
    asked: dict[tuple[str, str], Facts] = {}
    for row in rows:
        first = ids.setdefault(row.id, row)
        same = asked.setdefault((row.prompt, row.pictures), row)
        if first is not row:
            yield "duplicate row", row, "another row has the same id"
        elif same is not row and same.answer == row.answer:
            yield "duplicate row", row, f"row {same.id} asks the same of the same pictures"
        elif same is not row:
            yield "two answers", row, f"row {same.id} asks the same of the same pictures and has another answer"


def overlaps(rows: Iterable[Facts]) -> Iterator[tuple[str, Facts, str]]:
    """Rows that share with another split what no two splits may share."""
    home: dict[tuple[str, str], str] = {}
    for row in rows:
        held = [("group", row.group_id), ("set", row.set_id), *(("record", source) for source in row.sources)]
        if row.pictures:
            held.append(("pictures", row.pictures))
        for what, name in held:
            split = home.setdefault((what, name), row.split)
            if split != row.split:
                yield "split overlap", row, f"its {what} {name} is in {split} too"
                break


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pictures of different splits that look alike; names are source ids, or row ids without the corpus."""

    split: str
    name: str
    other_split: str
    other: str
    distance: int


def near_pairs(hashes: Mapping[str, Mapping[str, Hash]]) -> list[Pair]:
    """Pictures of different splits within `NEAR` bits under some turn or mirror.

    Args:
        hashes: split to picture name to hashes.

    Distances are products of sign vectors, in blocks, so 10,000 pictures against 2,000 take seconds, and memory does
    not grow with their number.
    """
    out = []
    for one, other in combinations(sorted(hashes, key=lambda split: len(hashes[split])), 2):
        names, others = sorted(hashes[one]), sorted(hashes[other])
        upright = _signs([hashes[other][name][0] for name in others])
        for start in range(0, len(names), _BLOCK // 8):
            block = names[start : start + _BLOCK // 8]
            turned = _signs([turn for name in block for turn in hashes[one][name]])
            for begin in range(0, len(others), _BLOCK):
                agree = turned @ upright[begin : begin + _BLOCK].T
                distance = ((256 - agree.reshape(len(block), -1, agree.shape[1]).max(1)) / 2).astype(int)
                for i, j in np.argwhere(distance <= NEAR):
                    # One record on both sides is an overlap, and found as that.
                    if block[i] != others[begin + j]:
                        out.append(Pair(one, block[i], other, others[begin + j], int(distance[i, j])))
    return out


def _signs(hashes: Sequence[bytes]) -> NDArray[np.float32]:
    """Hashes as vectors of 256 signs, so that a dot product is 256 minus twice the distance."""
    if not hashes:
        return np.zeros((0, 256), np.float32)
    bits = np.unpackbits(np.frombuffer(b"".join(hashes), np.uint8).reshape(len(hashes), 32), axis=1)
    return bits.astype(np.float32) * 2 - 1


def by_split(rows: Iterable[Facts], hashes: Mapping[str, Hash | None]) -> dict[str, dict[str, Hash]]:
    """The hashes of all sources, by the split that their rows are in."""
    out: dict[str, dict[str, Hash]] = defaultdict(dict)
    for row in rows:
        for name in row.sources or (row.id,):
            found = hashes.get(name)
            if found is not None:
                out[row.split][name] = found
    return dict(out)
