"""Not seen: no row twice, no record, group or picture on both sides of a split, also not nearly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from ssrl_data.core import Pixels
from ssrl_data.curate.pdq import NEAR, QUALITY, Hash, distances, hash_and_quality, packed

if TYPE_CHECKING:
    from ssrl_data.check.facts import Facts


def picture_hash(pixels: Pixels) -> Hash | None:
    """PDQ hashes of a picture and its turns and mirrors; None for one too flat, or without `pdqhash` installed."""
    if find_spec("pdqhash") is None:
        return None
    hashes, quality = hash_and_quality(pixels)
    return hashes if quality >= QUALITY else None


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
    """
    out = []
    for one, other in combinations(sorted(hashes, key=lambda split: len(hashes[split])), 2):
        names, others = sorted(hashes[one]), sorted(hashes[other])
        these, those = (packed([hashes[s][name] for name in ns]) for s, ns in ((one, names), (other, others)))
        for start, begin, block in distances(these, those):
            for i, j in np.argwhere(block <= NEAR).tolist():
                # One record on both sides is an overlap, and found as that.
                if names[start + i] != others[begin + j]:
                    out.append(Pair(one, names[start + i], other, others[begin + j], int(block[i, j])))
    return out


def by_split(rows: Iterable[Facts], hashes: Mapping[str, Hash | None]) -> dict[str, dict[str, Hash]]:
    """The hashes of all sources, by the split that their rows are in."""
    out: dict[str, dict[str, Hash]] = defaultdict(dict)
    for row in rows:
        for name in row.sources or (row.id,):
            found = hashes.get(name)
            if found is not None:
                out[row.split][name] = found
    return dict(out)
