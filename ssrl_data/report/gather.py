"""What the report shows of the rows: how the answers are distributed, and a few rows of each level.

Two passes: the small columns of every row, then only the row groups that hold a chosen row.
"""

from __future__ import annotations

import heapq
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ssrl_data.core import Json, SsrlError
from ssrl_data.row import digest, unpack_answer

BARS = 24
"""Most bars of a distribution; more values are binned when numbers, else the rest is one bar."""


@dataclass
class Level:
    """The rows of one task at one level.

    Attributes:
        answers: class of the answer to rows: the answer itself, or its first element when it has several.
        first_only: whether any answer had several elements.
        chosen: (file, row index) of the rows to show, none twice from one record while others are left.
    """

    answers: Counter[Json] = field(default_factory=Counter)
    first_only: bool = False
    chosen: list[tuple[str, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a distribution."""

    label: str
    rows: int


def shards(manifest: Mapping[str, Json]) -> list[tuple[str, str]]:
    """Split and file of every shard of a manifest."""
    return [
        (split, shard["file"])
        for _, splits in sorted(manifest["modalities"].items())
        for split, body in sorted(splits.items())
        for shard in body["shards"]
    ]


def survey(directory: Path, manifest: Mapping[str, Json], per_level: int) -> dict[str, Level]:
    """Distributions of all rows and a choice of rows, by `task/level`.

    The choice is by hash, so that it shows neither the first records nor the best ones.

    Raises:
        SsrlError: a shard is missing or damaged.
    """
    levels: defaultdict[str, Level] = defaultdict(Level)
    heaps: defaultdict[str, list[tuple[int, str, int, str]]] = defaultdict(list)
    columns = ["id", "task", "level", "answer", "source_id"]
    for _, file in shards(manifest):
        index = 0
        for batch in _batches(directory / file, columns):
            for id, task, level, answer, source in zip(*(batch[name].to_pylist() for name in columns), strict=True):
                found = levels[f"{task}/{level}"]
                value, several = answer_class(answer)
                found.answers[value] += 1
                found.first_only |= several
                # A heap of the smallest hashes; a few more than shown, so that records need not repeat.
                heap, key = heaps[f"{task}/{level}"], -int(digest("report", str(id)), 16)
                heapq.heappush(heap, (key, file, index, source))
                if len(heap) > 8 * per_level:
                    heapq.heappop(heap)
                index += 1
    for name, heap in heaps.items():
        levels[name].chosen = _spread(sorted(heap, reverse=True), per_level)
    return dict(levels)


def _batches(path: Path, columns: list[str]) -> Iterator[Any]:
    try:
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches(columns=columns)
    except (OSError, pa.ArrowException) as error:
        raise SsrlError(f"{path} cannot be read: build the dataset again") from error


def _spread(candidates: list[tuple[int, str, int, str]], count: int) -> list[tuple[str, int]]:
    """The first candidates of each record, then the second ones, and so on."""
    turn: Counter[str] = Counter()
    ranked = []
    for place, (_, file, index, source) in enumerate(candidates):
        ranked.append((turn[source], place, file, index))
        turn[source] += 1
    return [(file, index) for *_, file, index in sorted(ranked)[:count]]


def read_rows(directory: Path, places: list[tuple[str, int]]) -> dict[tuple[str, int], dict[str, Any]]:
    """The stored columns of the rows at some places; each row group is read once."""
    wanted: defaultdict[str, list[int]] = defaultdict(list)
    for file, index in places:
        wanted[file].append(index)
    out = {}
    for file, indexes in wanted.items():
        with pq.ParquetFile(directory / file) as shard:
            start = 0
            for group in range(shard.num_row_groups):
                stop = start + shard.metadata.row_group(group).num_rows
                inside = [index for index in indexes if start <= index < stop]
                if inside:
                    table = shard.read_row_group(group)
                    for index in inside:
                        out[file, index] = table.slice(index - start, 1).to_pylist()[0]
                start = stop
    return out


def answer_class(answer: str | None) -> tuple[Json, bool]:
    """What an `answer` column is counted under, and whether it had more than this one element."""
    try:
        kind, value, _ = unpack_answer(answer or "")
    except ValueError:
        return "unreadable", False
    if kind.whole:  # counted by what is asked
        return kind.label(value), True
    several = False
    while isinstance(value, (dict, list)):
        if isinstance(value, list):
            several |= len(value) > 1
            value = value[0] if value else None
        else:
            value = value.get("answer", value.get("value", json.dumps(value, sort_keys=True)))
    return value, several


def bars(answers: Counter[Json]) -> list[Bar]:
    """A distribution in at most `BARS` bars, in the order of the values."""
    numeric = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in answers)
    if numeric and len(answers) > BARS:
        low, high = min(answers), max(answers)
        counts = Counter[int]()
        for value, rows in answers.items():
            counts[min(BARS - 1, int((value - low) / (high - low) * BARS))] += rows
        width = (high - low) / BARS
        return [Bar(f"{low + i * width:.3g} to {low + (i + 1) * width:.3g}", counts[i]) for i in range(BARS)]
    frequent = [value for value, _ in sorted(answers.items(), key=lambda item: (-item[1], str(item[0])))[:BARS]]
    out = [Bar(str(value), answers[value]) for value in sorted(frequent, key=_order)]
    rest = sum(answers.values()) - sum(bar.rows for bar in out)
    return [*out, Bar(f"{len(answers) - len(frequent)} others", rest)] if rest else out


def _order(value: Json) -> tuple[bool, float, str]:
    """Numbers by size, also when they are texts, then texts."""
    try:
        return False, float(value), ""
    except (TypeError, ValueError):
        return True, 0.0, str(value)
