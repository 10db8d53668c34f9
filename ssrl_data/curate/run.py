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
from ssrl_data.curate.texts import MEDIA, Wanted, curate_texts
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
        looked: pictures and clips among the records.
        passages: `text` to the paragraphs of documents, `worked` to the worked records, `instruction` to instructions
            and their queries, and to those of them that are left out by reason.
    """

    records: int
    groups: int
    joined: int
    flat: int
    unreadable: Mapping[str, int]
    looked: int
    passages: Mapping[str, tuple[int, Mapping[str, int]]]


def curate(
    addresses: Sequence[str],
    out: Path,
    workers: int,
    say: Callable[[str], None] = print,
    wanted: Wanted = Wanted(),  # noqa: B008 (frozen)
) -> Findings:
    """Write the table of the corpora at some addresses.

    Args:
        addresses: as a build will name them, in the same order.
        out: the table's file.
        workers: processes; the bytes do not depend on their number.
        say: takes the lines of progress when standard error is no terminal.
        wanted: what to leave out of texts beside repeats.

    Raises:
        SsrlError: no such corpus, an empty one, the table cannot lie there, a benchmark cannot be used, or a library is
            not installed.
    """
    sources = [source_at(address) for address in addresses]
    items = list_items(sources)
    make_way(out)
    groups = Groups(item.entry.group for item in items)
    written = {i: item for i, item in enumerate(items) if item.entry.media in MEDIA}
    with _Progress(len(items), say) as progress:
        texts = curate_texts(written, sources, groups, wanted, workers, out.parent, progress.tick)
        found = _looked_at(items, sources, workers, progress.tick)
    reasons = texts.reasons | {i: record.reason for i, record in found.items() if record.reason is not None}
    first: dict[str, str] = {}
    for i, item in enumerate(items):
        source_id = found[i].source_id if i in found else texts.source_ids.get(i, "")
        if source_id:
            groups.join(item.entry.group, first.setdefault(source_id, item.entry.group))
    seen = {i: record.looks for i, record in found.items() if record.looks}
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
            "reason": reasons.get(i),
            "passages": texts.passages.get(i),
            "dropped": [number for number, _ in texts.dropped.get(i, ())],
            "why": [why for _, why in texts.dropped.get(i, ())],
        }
        for i, item in sorted(enumerate(items), key=lambda pair: pair[1].key)
    ]
    write_table(rows, out, texts.against if written else None)
    own: dict[str, set[str]] = {}
    for item, name in zip(items, named, strict=True):
        own.setdefault(name, set()).add(item.entry.group)
    return Findings(
        records=len(items),
        groups=len(own),
        joined=sum(len(own[name]) > 1 for name in named),
        flat=sum(any(look.flat for look in record) for record in looks),
        unreadable=dict(sorted(Counter(reasons.values()).items())),
        looked=len(found),
        passages=texts.counts,
    )


def _looked_at(
    items: Sequence[Item], sources: Sequence[Source], workers: int, tick: Callable[[], None]
) -> dict[int, Hashed]:
    """What the pictures and clips are, by their numbers."""
    numbers = [i for i, item in enumerate(items) if item.entry.media not in MEDIA]
    found = {}
    for place, record in hash_records([items[i] for i in numbers], sources, workers):
        found[numbers[place]] = record
        tick()
    return dict(sorted(found.items()))


class _Progress:
    """A bar on a terminal; elsewhere a line for each tenth."""

    def __init__(self, total: int, say: Callable[[str], None]) -> None:
        self._total, self._say, self._done = total, say, 0
        self._bar = tqdm(total=total, unit="record", disable=not sys.stderr.isatty(), smoothing=0.1)

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.close()

    def tick(self) -> None:
        """One record more was opened."""
        self._done += 1
        self._bar.update()
        if self._bar.disable and 10 * self._done // self._total > 10 * (self._done - 1) // self._total:
            self._say(f"{self._done} of {self._total} records")
