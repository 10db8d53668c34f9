"""Making one shard: records opened in turn, attempts made until the quotas are full, rows written as they come.

A shard is a pure function of its plan and of the records' content; memory holds a few records and one row group.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from ssrl_data.build.commit import file_digest, replace, replace_json
from ssrl_data.build.faults import reach
from ssrl_data.build.plan import DONOR_POOL, Cell, Shard
from ssrl_data.core import Example, Json, Record, Reject, Skip, Task
from ssrl_data.listing import Item
from ssrl_data.media.image import encode
from ssrl_data.recipe import rebuilt
from ssrl_data.registry import answer_kind
from ssrl_data.rng import Rng
from ssrl_data.row import canonical, content, digest, join_licenses, pack_answer, prompt_text, row_id, unpack_answer
from ssrl_data.sources.base import Source

ROW_GROUP = 50
TRIES = 4
"""Attempts in a row that may fail before a record's turn ends; each is a new variant and for the next open place."""
HEARTBEAT = 1.0
"""Seconds after which a worker says again that it lives; a turn may make thousands of rows."""
KEPT = 2 + DONOR_POOL
"""Opened records kept where records are lent: the borrower, those that had their turns before it, and one neighbour."""
GIVE_UP = 8
"""Turns in a row that may end so before the cell asks the record no more; this ends every shard."""


Lent: TypeAlias = tuple[Item, Record]


class Broken(Exception):
    """A row broke its own contract: a bug in the task, and the build stops."""


@dataclass
class _Work:
    """A cell while its shard is made.

    Attributes:
        places: the rows still wanted, each known by the answer class that it must show.
        ring: records to be asked, next one first.
        failed: records whose last turn failed; asked again once the ring is empty.
    """

    cell: Cell
    task: Task[Any]
    version: int
    places: deque[int]
    ring: deque[int]
    failed: list[int] = field(default_factory=list)
    rows: int = 0
    chances: list[float] = field(default_factory=list)
    failures: Counter[int] = field(default_factory=Counter)
    variants: Counter[int] = field(default_factory=Counter)
    skips: Counter[str] = field(default_factory=Counter)


def _work(shard: Shard, cell: Cell, prepared: Callable[[str, int], bytes]) -> _Work:
    cls, params = rebuilt({"task": cell.task, "params": cell.params})
    task = cls(params, prepared(cell.task, cls.version))
    rng = Rng(shard.seed, "aims", shard.name, cell.task, cell.level)
    classes = task.classes()
    spare = rng.sample(range(classes), cell.quota % classes)
    aims = rng.shuffled(list(range(classes)) * (cell.quota // classes) + spare)
    carrying = [i for i, item in enumerate(shard.items) if item.entry.media in task.needs]
    return _Work(cell, task, cls.version, deque(aims), deque(carrying))


class ShardMaker:
    """Makes the rows of one shard.

    Args:
        shard: what to make.
        sources: the corpora, by number.
        quarantined: keys of records that killed a worker twice; listed as rejects, never opened.
        announce: called with a record's key before it is opened, and with the number of rows so far.
        prepared: gives what a task, by name and version, found in the train split.
        unwanted: ids of rows not to make: a set of which every row is one is skipped.
    """

    def __init__(
        self,
        shard: Shard,
        sources: Sequence[Source],
        quarantined: frozenset[str],
        announce: Callable[[str, int], None],
        prepared: Callable[[str, int], bytes] = lambda task, version: b"",
        unwanted: frozenset[str] = frozenset(),
    ) -> None:
        self.shard = shard
        self.sources = sources
        self.quarantined = quarantined
        self.announce = announce
        self.unwanted = unwanted
        self.works = [_work(shard, cell, prepared) for cell in shard.cells]
        self.rejects: dict[str, str] = {}
        self.opened = 0
        self.made = 0
        self.licenses: Counter[str] = Counter()
        self.attributions: set[tuple[str, str, str, str]] = set()
        self._said = time.monotonic()
        self._turned: set[int] = set()
        self._seen: set[str] = set()
        self._kept: OrderedDict[str, Record | None] = OrderedDict()
        self._whole: set[str] = set()
        self._lending = any(work.task.donors() for work in self.works)

    def rows(self) -> Iterator[dict[str, Any]]:
        """The shard's rows, in an order that depends on the plan and the content alone.

        Raises:
            Broken: a task made a row that its own answer kind does not grade as it must.
        """
        while turns := self._deal():
            for index, jobs in turns.items():
                yield from self._serve(index, jobs)

    def _deal(self) -> dict[int, dict[int, int]]:
        """Record to cell to the number of rows to make, each cell walking round the records that may still serve it."""
        turns: dict[int, dict[int, int]] = {}
        for w, work in enumerate(self.works):
            if not work.ring:
                work.ring.extend(work.failed)
                work.failed.clear()
            for _ in work.places if work.ring else ():
                jobs = turns.setdefault(work.ring[0], {})
                jobs[w] = jobs.get(w, 0) + 1
                work.ring.rotate(-1)
        return turns

    def _serve(self, index: int, jobs: Mapping[int, int]) -> Iterator[dict[str, Any]]:
        """All that is asked of one record, which is opened once for it."""
        item = self.shard.items[index]
        self._say(item.key)
        record = self._opened(item)
        self.opened += index not in self._turned
        self._turned.add(index)
        for w, wanted in jobs.items():
            work = self.works[w]
            missing = record and record.lacks(work.task.needs)
            if missing:
                work.skips[missing] += 1
            if record is None or missing:
                work.ring.remove(index)
            else:
                yield from self._turn(work, index, wanted, record)

    def _turn(self, work: _Work, index: int, wanted: int, record: Record) -> Iterator[dict[str, Any]]:
        """A record's turn for one cell. A place that it fails goes to the end, so that another record may show it."""
        misses = 0
        while wanted > 0 and work.places:
            aim = work.places.popleft()
            if time.monotonic() - self._said > HEARTBEAT:
                self._say(self.shard.items[index].key)
            rows = self._attempt(work, index, record, aim)
            if rows:
                misses = work.failures[index] = 0
                wanted -= len(rows)
                for _ in range(min(len(rows) - 1, len(work.places))):
                    work.places.popleft()
                if {row["id"] for row in rows} <= self.unwanted:
                    # As if it were made, so that all others are; its place comes again after them.
                    work.skips["outside the band of pass rates"] += 1
                    work.places.extend([aim] * len(rows))
                    continue
                work.rows += len(rows)
                self.made += len(rows)
                yield from rows
                continue
            work.places.append(aim)
            misses += 1
            if rows is None:
                work.ring.remove(index)
                return
            if misses == TRIES:
                work.ring.remove(index)
                work.failures[index] += 1
                if work.failures[index] < GIVE_UP:
                    work.failed.append(index)
                return

    def _say(self, key: str) -> None:
        """Name the record at work: a worker that says nothing for long is taken for a hung one."""
        self._said = time.monotonic()
        self.announce(key, self.made)

    def _open(self, item: Item) -> Record | None:
        if item.key in self.quarantined:
            self.rejects[item.key] = "killed the worker twice"
        if item.key in self.rejects:
            return None
        reach("record-opened")
        try:
            return self.sources[item.source].open(item.entry)
        except Reject as reject:
            self.rejects[item.key] = reject.reason
            return None

    def _opened(self, item: Item) -> Record | None:
        """A record, from those kept where a task borrows."""
        if not self._lending:
            return self._open(item)
        if item.key not in self._kept:
            self._kept[item.key] = self._open(item)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(item.key)
        return None if item.key in self.rejects else self._kept[item.key]

    def _lend(self, work: _Work, index: int, k: int) -> list[Lent]:
        """The donors of a record's variant: a keyed choice of its neighbours, then of the other lenders."""
        wanted = work.task.donors()
        if not wanted:
            return []
        item = self.shard.items[index]
        rng = Rng(self.shard.seed, "donors", work.cell.task, work.cell.level, item.key, k)
        near = rng.shuffled(self.shard.neighbours.get(item.key, ()))
        others = rng.shuffled([donor for donor in self.shard.lenders(index) if donor not in near])
        out: list[Lent] = []
        for donor in (*near, *others):
            record = self._sound(donor, item)
            if record is not None and all(getattr(record, need) is not None for need in work.task.needs):
                out.append((donor, record))
            if len(out) == wanted:
                break
        return out

    def _sound(self, donor: Item, item: Item) -> Record | None:
        """A donor whose content was read once, so that what is broken in it is not blamed on the borrower."""
        if donor.key not in self._whole:
            self._say(donor.key)
        record = self._opened(donor)
        if donor.key not in self._whole:
            try:
                if record is not None and record.image is not None:
                    record.image.view((0, 0, *record.image.size), (1, 1))
                if record is not None and record.clip is not None:
                    _ = record.clip.reel
            except Reject as reject:
                self.rejects[donor.key] = reject.reason
                record = None
            self._whole.add(donor.key)
            self._say(item.key)
        return record

    def _attempt(self, work: _Work, index: int, record: Record, aim: int) -> list[dict[str, Any]] | None:
        """Rows for one place from the record's next variant: none when it gave none, None when no other will either."""
        item = self.shard.items[index]
        stem = (self.shard.seed, work.cell.task, work.version, canonical(work.cell.params), work.cell.level, item.key)
        k = work.variants[index]
        work.variants[index] += 1
        lent = [(item, record), *self._lend(work, index, k)]
        try:
            examples = list(work.task.make([record for _, record in lent], Rng(*stem, k), aim))
        except Skip as skip:
            work.skips[skip.reason] += 1
            return None if skip.final else []
        except Reject as reject:
            self.rejects[item.key] = reject.reason
            return None
        if self._lending:
            self._whole.add(item.key)
        rows = [self._row(work, lent, aim, k, example) for example in examples]
        ids = {row["id"] for row in rows}
        # By question, not by id: another level may ask the same at another chance, which its id holds too.
        asked = {_question(row) for row in rows}
        if not rows or len(asked) < len(rows) or asked & self._seen:
            work.skips["repeated row"] += 1
            return []
        self._seen |= asked
        if ids <= self.unwanted:
            return rows
        self.licenses.update(row["license"] for row in rows)
        self.attributions.update(
            (record.license, record.attribution, record.origin, source.key)
            for source, record in lent[: max(example.used for example in examples)]
        )
        work.chances += [row["chance"] for row in rows if row["chance"] is not None]
        return rows

    def _row(self, work: _Work, lent: Sequence[Lent], aim: int, k: int, example: Example) -> dict[str, Any]:
        answer, item = example.answer, lent[0][0]
        kind, packed = answer_kind(answer.kind), pack_answer(answer)
        problem = broken_contract(packed, judged=answer.chance is not None)
        if problem:
            raise Broken(f"{work.cell.task} at level {work.cell.level} on {item.key!r}, variant {k}: {problem}")
        tail = ("\n\n" if isinstance(example.prompt[-1], str) else "\n") + kind.ask(answer.value)
        parts = [part if isinstance(part, str) else encode(part) for part in (*example.prompt, tail)]
        body, pictures = content(parts)
        prompt = [{"role": "user", "content": body}]
        meta = {
            "params": work.cell.params,
            "sources": [
                {
                    "key": source.key,
                    "source_id": record.source_id,
                    "license": record.license,
                    "attribution": record.attribution,
                    "origin": record.origin,
                    **({"depth_by": record.depth.rule.by} if record.depth and record.depth.rule.by else {}),
                }
                for source, record in lent[: example.used]
            ],
            "variant": k,
            "aim": aim,
            "marks": [{"image": m.image, "box": list(m.box), "label": m.label} for m in example.marks],
            "make": dict(example.meta),
        }
        if example.solution:
            meta["solution"] = example.solution
        row = {
            "prompt": prompt,
            "answer": packed,
            "task": work.cell.task,
            "task_version": work.version,
            "level": work.cell.level,
            "chance": answer.chance,
            "id": row_id(work.cell.task, work.version, prompt_text(prompt), pictures, packed),
            "source_id": lent[0][1].source_id,
            "group_id": digest("group", item.entry.group),
            "set_id": digest("set", str(self.shard.seed), work.cell.task, work.cell.level, item.key, str(k)),
            "license": join_licenses(record.license for _, record in lent[: example.used]),
            "meta": canonical(meta),
        }
        if self.shard.pictures:
            row["images"] = [{"bytes": data, "path": None} for data in pictures]
        return row


def _question(row: Mapping[str, Any]) -> str:
    """A hash of what a row asks, whatever it takes for right."""
    return digest(prompt_text(row["prompt"]), *(picture["bytes"] for picture in row.get("images", ())))


@lru_cache(maxsize=4096)
def broken_contract(answer: str, judged: bool) -> str | None:
    """Why rows with this `answer` column must not be written; None when they may be.

    The gold answer must score 1 and every near miss less; where rows are not judged, nothing may be said of the gold
    answer. Remembered, since answers repeat and grading every near miss takes as long as encoding a picture.
    """
    kind, value, credit = unpack_answer(answer)
    gold = kind.grade(kind.gold(value), value, credit)
    if not judged:
        return None if gold.score is None else "an unlabelled row has a score"
    if gold.score != 1.0:
        return f"the gold answer scores {gold.score}"
    for response in kind.near_misses(value):
        score = kind.grade(response, value, credit).score
        if score is None or score >= 1.0:
            return f"the near miss {response[:60]!r} scores {score}"
    return None


def write_shard(
    maker: ShardMaker, out: Path, schema: pa.Schema, fingerprint: str, sidecar: Path, scratch: Path
) -> dict[str, Json]:
    """Make a shard's rows, write its file, then its sidecar, which alone says that the shard is done.

    Returns:
        The sidecar's content.

    Raises:
        OSError: the disk is full or refuses; nothing is left under a final name.
        Broken: see `ShardMaker.rows`.
    """
    path = out / maker.shard.file
    path.parent.mkdir(parents=True, exist_ok=True)

    def write(file: BinaryIO) -> None:
        with pq.ParquetWriter(
            file, schema, compression="zstd", use_dictionary=["task", "level", "license"], write_statistics=False
        ) as writer:
            group: list[dict[str, Any]] = []
            for row in maker.rows():
                group.append(row)
                if len(group) == ROW_GROUP:
                    writer.write_batch(pa.RecordBatch.from_pylist(group, schema=schema))
                    reach("rows-flushed")
                    group = []
            if group:
                writer.write_batch(pa.RecordBatch.from_pylist(group, schema=schema))

    replace(path, write, scratch, ("shard-written", "shard-synced", "shard-renamed"))
    side = {
        "fingerprint": fingerprint,
        "file": maker.shard.file,
        "rows": maker.made,
        "bytes": path.stat().st_size,
        "blake2b": file_digest(path),
        "counts": {
            f"{work.cell.task}/{work.cell.level}": {
                "rows": work.rows,
                "short": len(work.places),
                "chance": sum(work.chances) if work.chances else None,
                "skips": dict(work.skips),
            }
            for work in maker.works
        },
        "opened": maker.opened,
        "rejects": maker.rejects,
        "licenses": dict(maker.licenses),
        "attributions": sorted(maker.attributions),
    }
    sidecar.parent.mkdir(parents=True, exist_ok=True)
    replace_json(sidecar, side, scratch, ("sidecar-written", None, "sidecar-renamed"))
    return side
