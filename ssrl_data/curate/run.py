"""A whole curation: every record opened once, duplicates joined, neighbours found, the table written."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from ssrl_data.curate.alike import Groups, near_records, neighbours
from ssrl_data.curate.hashing import Hashed, hash_records
from ssrl_data.curate.pdq import packed
from ssrl_data.curate.table import make_way, write_table
from ssrl_data.listing import Item, list_items
from ssrl_data.registry import source_at
from ssrl_data.sources.base import Source


@dataclass(frozen=True, slots=True)
class Findings:
    """What a curation found, in numbers.

    Attributes:
        records: in the corpora.
        groups: that no split may divide.
        joined: records that share a group with a duplicate of another group of the corpus's own.
        flat: pictures that hold too little for their hashes, compared by thumbnails; and clips with such frames.
        unreadable: records by reason.
    """

    records: int
    groups: int
    joined: int
    flat: int
    unreadable: Mapping[str, int]


def curate(addresses: Sequence[str], out: Path, workers: int, say: Callable[[str], None] = print) -> Findings:
    """Write the table of the corpora at some addresses.

    Args:
        addresses: as a build will name them, in the same order.
        out: the table's file.
        workers: processes; the bytes do not depend on their number.
        say: takes the lines of progress when standard error is no terminal.

    Raises:
        SsrlError: no such corpus, an empty one, the table cannot lie there, or `pdqhash` is not installed.
    """
    sources = [source_at(address) for address in addresses]
    items = list_items(sources)
    make_way(out)
    found = _opened(items, sources, workers, say)
    groups = Groups(item.entry.group for item in items)
    first: dict[str, str] = {}
    for item, record in zip(items, found, strict=True):
        if record.source_id:
            groups.join(item.entry.group, first.setdefault(record.source_id, item.entry.group))
    seen = {i: record.looks for i, record in enumerate(found) if record.looks}
    at, looks = list(seen), list(seen.values())
    for one, other, _ in near_records(looks, looks):
        groups.join(items[at[one]].entry.group, items[at[other]].entry.group)
    named = [groups.find(item.entry.group) for item in items]
    middle = {i: looks[len(looks) // 2] for i, looks in seen.items()}
    near: dict[int, list[str]] = {}
    for medium in sorted({item.entry.media for item in items}):
        # Flat pictures have no neighbours: what a thumbnail calls different may still differ by little.
        hashed = [i for i, look in middle.items() if items[i].entry.media == medium and not look.flat]
        nearest = neighbours(packed([middle[i].hashes for i in hashed]), [named[i] for i in hashed])
        near |= {hashed[i]: [items[hashed[j]].key for j in others] for i, others in enumerate(nearest)}
    rows = [
        {
            "key": item.key,
            "group": named[i],
            "neighbours": near.get(i, []),
            "quality": middle[i].quality if i in middle else None,
            "stamp": item.entry.stamp,
            "reason": found[i].reason,
        }
        for i, item in sorted(enumerate(items), key=lambda pair: pair[1].key)
    ]
    write_table(rows, out)
    own: dict[str, set[str]] = {}
    for item, name in zip(items, named, strict=True):
        own.setdefault(name, set()).add(item.entry.group)
    return Findings(
        records=len(items),
        groups=len(own),
        joined=sum(len(own[name]) > 1 for name in named),
        flat=sum(any(look.flat for look in record) for record in looks),
        unreadable=dict(sorted(Counter(record.reason for record in found if record.reason).items())),
    )


def _opened(items: Sequence[Item], sources: Sequence[Source], workers: int, say: Callable[[str], None]) -> list[Hashed]:
    """What every record is, in the order of the listing."""
    found = [Hashed()] * len(items)
    terminal = sys.stderr.isatty()
    with tqdm(total=len(items), unit="record", disable=not terminal, smoothing=0.1) as bar:
        for done, (i, record) in enumerate(hash_records(items, sources, workers), 1):
            found[i] = record
            bar.update()
            if not terminal and 10 * done // len(items) > 10 * (done - 1) // len(items):
                say(f"{done} of {len(items)} records")
    return found
