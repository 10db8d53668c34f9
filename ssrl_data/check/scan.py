"""One pass over a shard: every row is decoded once, checked alone, and boiled down to facts for checks over many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ssrl_data.build.commit import file_digest
from ssrl_data.check.facts import Facts
from ssrl_data.check.judge import answer_faults, echo_score
from ssrl_data.check.pictures import MAX_PIXELS, Anatomy, anatomy
from ssrl_data.check.probe import features
from ssrl_data.check.report import Faults
from ssrl_data.check.rows import columns_fault, parse_row, row_faults
from ssrl_data.check.seen import looks_if_able
from ssrl_data.check.truth import Auditor
from ssrl_data.core import Json, Row
from ssrl_data.curate.alike import Look
from ssrl_data.row import digest
from ssrl_data.sources.base import Source

BATCH = 32
"""Rows decoded at a time."""


@dataclass(frozen=True, slots=True)
class Job:
    """One shard to scan.

    Attributes:
        directory: the dataset.
        split: the shard's split.
        stated: the shard's entry in the manifest.
        schema: the Arrow schema that it must have, serialised.
        recipe: task name to its entry in the manifest's recipe.
        sources: the corpora, when at hand.
    """

    directory: Path
    split: str
    stated: Mapping[str, Json]
    schema: bytes
    recipe: Mapping[str, Json]
    sources: tuple[Source, ...]


@dataclass
class Scan:
    """What one pass over one or more shards found."""

    faults: Faults = field(default_factory=Faults)
    rows: int = 0
    facts: list[Facts] = field(default_factory=list)
    unaudited: Counter[str] = field(default_factory=Counter)
    looks: dict[str, tuple[Look, ...]] = field(default_factory=dict)

    def extend(self, other: Scan) -> None:
        """Add another scan's findings after this one's."""
        self.faults.extend(other.faults)
        self.rows += other.rows
        self.facts += other.facts
        self.unaudited.update(other.unaudited)
        self.looks |= other.looks


def scan_shard(job: Job) -> Scan:
    """Read a shard once. Faults are counted, never raised: what cannot be read is a fault of the shard."""
    scan = Scan()
    file = job.stated["file"]
    path = job.directory / file

    def fault(rule: str, message: str) -> None:
        scan.faults.add("rows", rule, file, "", message)

    try:
        if path.stat().st_size != job.stated["bytes"] or file_digest(path) != job.stated["blake2b"]:
            fault("file hash", "the file is not the one that the manifest speaks of")
        with pq.ParquetFile(path) as shard:
            wrong = columns_fault(shard.schema_arrow, pa.ipc.read_schema(pa.py_buffer(job.schema)))
            if wrong:
                fault("columns", wrong)
                return scan
            auditor = Auditor(job.sources)
            for batch in shard.iter_batches(BATCH):
                for columns in batch.to_pylist():
                    scan.rows += 1
                    _scan_row(scan, job, auditor, columns)
    except FileNotFoundError:
        fault("missing file", "the manifest names this file and it is not there")
    except (OSError, pa.ArrowException) as error:
        fault("unreadable file", f"{type(error).__name__} after {scan.rows} rows")
    else:
        scan.looks |= auditor.looks
        if scan.rows != job.stated["rows"]:
            fault("row count", f"{scan.rows} rows, the manifest says {job.stated['rows']}")
    return scan


def _scan_row(scan: Scan, job: Job, auditor: Auditor, columns: Mapping[str, Any]) -> None:
    name = f"{columns['task']}/{columns['level']}"
    id = str(columns["id"])

    def fault(part: str, rule: str, message: str) -> None:
        scan.faults.add(part, rule, id, name, message)

    data = [p["bytes"] for p in columns.get("images") or () if p is not None and p["bytes"] is not None]
    parts = [anatomy(picture) for picture in data]
    for number, (found, picture) in enumerate(zip(parts, columns.get("images") or (), strict=False)):
        for rule, message in _leaks(found, picture):
            fault("leak", rule, f"picture {number}: {message}")
    if any(found is None or found.size[0] * found.size[1] > MAX_PIXELS for found in parts):
        fault("rows", "picture", f"a picture is no JPEG or PNG, or one of more than {MAX_PIXELS:,} pixels")
        return
    row, rule, message = parse_row(columns)
    if row is None:
        fault("rows", rule, message)
        return
    for rule, message in row_faults(columns, row, job.recipe):
        fault("rows", rule, message)
    for rule, message in answer_faults(columns["answer"]):
        fault("judge", rule, message)
    echo = echo_score(row.prompt, columns["answer"])
    if echo is not None and echo >= 1.0:
        fault("judge", "prompt repeated", "a response that repeats the prompt scores 1")
    found_faults, unaudited = auditor.audit(row)
    for found_fault in found_faults:
        fault("truth", found_fault.rule, found_fault.message)
    if unaudited:
        scan.unaudited[unaudited] += 1
    if not job.sources and row.images and row.source_id not in scan.looks:
        scan.looks[row.source_id] = looks_if_able(row.images[0])
    scan.facts.append(_facts(columns, row, job.split, name, data, [p for p in parts if p], echo))


def _leaks(found: Anatomy | None, picture: Mapping[str, Any]) -> list[tuple[str, str]]:
    out = [("metadata", extra) for extra in (found.extras if found else ())]
    if picture is not None and picture["path"] is not None:
        out.append(("file path", f"the path {picture['path']!r:.80} is stored beside it"))
    return out


def _facts(
    columns: Mapping[str, Any],
    row: Row,
    split: str,
    name: str,
    data: Sequence[bytes],
    parts: Sequence[Anatomy],
    echo: float | None,
) -> Facts:
    return Facts(
        id=row.id,
        name=name,
        split=split,
        answer=columns["answer"],
        chance=row.answer.chance,
        group_id=row.group_id,
        set_id=row.set_id,
        license=row.license,
        sources=tuple(source["source_id"] for source in row.meta["sources"]),
        prompt=digest(row.prompt),
        pictures=digest(*data) if data else "",
        sizes=tuple(part.size for part in parts),
        encodings=tuple(sorted({part.encoding for part in parts})),
        echo=echo,
        features=features(row, data),
        text="" if row.images else row.prompt,
    )
