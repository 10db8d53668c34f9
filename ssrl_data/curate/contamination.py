"""Runs of words that benchmarks hold: what shares one with a benchmark is left out of a corpus (GPT-3's 13-grams)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, groupby
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ssrl_data.build.commit import file_digest
from ssrl_data.core import Json, SsrlError
from ssrl_data.curate.words import Hashes, hashed, runs, words

NGRAM = 13
"""Words of a run that tells a benchmark's item, unless asked otherwise."""

WHOLE = 8
"""Words from which on an item shorter than a run is looked for inside passages. One shorter still ("What is 7 times
8?") stands in honest text by chance, and only a passage that is the item and nothing else counts."""

MOST = 1 << 25
"""Distinct runs that benchmarks may have, 256 MiB."""

COLUMNS = ("text", "prompt", "question", "problem")
"""Columns of JSON lines and Parquet files that hold what a benchmark asks."""

_BATCH = 1 << 20


@dataclass(frozen=True, slots=True)
class Benchmarks:
    """Benchmarks as workers look them up; picklable.

    Attributes:
        file: of the distinct runs' hashes, ascending.
        lengths: in words, of the runs looked for inside passages.
    """

    file: Path
    lengths: tuple[int, ...]

    def touches(self, passages: Sequence[Hashes]) -> list[bool]:
        """Whether each passage, as hashes of its words, shares a run with a benchmark."""
        return [self._touches(passage) for passage in passages]

    def _touches(self, passage: Hashes) -> bool:
        if len(passage) < WHOLE:
            return bool(len(passage)) and _any(_known(self.file), runs(passage, len(passage)))
        return any(_any(_known(self.file), runs(passage, length)) for length in self.lengths)


def _any(known: Hashes, found: Hashes) -> bool:
    at = np.searchsorted(known, found)
    return bool((known[np.minimum(at, len(known) - 1)] == found).any()) if len(known) else False


@lru_cache(maxsize=2)
def _known(file: Path) -> Hashes:
    return np.asarray(np.load(file, mmap_mode="r"), np.uint64)


def read_benchmarks(paths: Sequence[Path], ngram: int, file: Path) -> tuple[Benchmarks, list[Json]]:
    """The runs of all items of some files, and what to say of each file: name, digest, items, words of a run.

    Args:
        paths: JSON lines (.jsonl) or Parquet (.parquet) with some of `COLUMNS`, or plain text: an item a line, or
            items between blank lines.
        ngram: words of a run, at least `WHOLE`.
        file: where to write the hashes.

    Raises:
        SsrlError: `ngram` is too small, or a file cannot be read, holds no item, or too many.
    """
    if not WHOLE <= ngram <= 100:
        raise SsrlError(f"--ngram is {ngram}: it must lie in {WHOLE}..100")
    known = np.zeros(0, np.uint64)
    lengths = {ngram}
    said = []
    for path in paths:
        items, size, pending = 0, 0, list[Hashes]()
        for text in _items(path):
            passage = hashed(words(text))
            if not len(passage):
                continue
            items += 1
            length = min(ngram, len(passage))
            lengths |= {length} if length >= WHOLE else set()
            pending.append(runs(passage, length))
            size += len(passage)
            if size > _BATCH:
                known, size, pending = _joined(known, pending), 0, []
        known = _joined(known, pending)
        if not items:
            raise SsrlError(f"{path} holds no item of a benchmark: give one a line, or JSON lines with {_columns()}")
        said.append({"name": path.name, "digest": file_digest(path), "items": items, "ngram": ngram})
    np.save(file, known)
    return Benchmarks(file, tuple(sorted(lengths))), said


def _joined(known: Hashes, pending: Sequence[Hashes]) -> Hashes:
    joined = np.unique(np.concatenate([known, *pending]))
    if len(joined) > MOST:
        raise SsrlError(f"the benchmarks hold more than {MOST:,} runs of words: name fewer with --against")
    return joined


def _columns() -> str:
    return f"{', '.join(COLUMNS[:-1])} or {COLUMNS[-1]}"


def _items(path: Path) -> Iterator[str]:
    try:
        if path.suffix == ".parquet":
            yield from _of_table(path)
        elif path.suffix == ".jsonl":
            yield from _of_lines(path)
        else:
            yield from _of_text(path)
    except (OSError, UnicodeDecodeError, pa.ArrowException) as error:
        why = getattr(error, "strerror", None) or "it is not what its name says"
        raise SsrlError(
            f"{path}: cannot be read as a benchmark ({why}): name a .jsonl, .parquet or text file"
        ) from error


def _of_table(path: Path) -> Iterator[str]:
    with pq.ParquetFile(path) as table:
        columns = [name for name in COLUMNS if name in table.schema_arrow.names]
        if not columns:
            raise SsrlError(f"{path}: has no column {_columns()}: rename the one that holds what is asked")
        for batch in table.iter_batches(256, columns=columns):
            for row in batch.to_pylist():
                yield from _texts(row.values())


def _of_lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise SsrlError(f"{path}: line {number} is not JSON: mend it, or name the file .txt") from error
            if not isinstance(row, dict) or not row.keys() & set(COLUMNS):
                raise SsrlError(f"{path}: line {number} has no {_columns()}: rename the key that holds what is asked")
            yield from _texts(row[name] for name in COLUMNS if name in row)


def _texts(values: Iterable[Json]) -> Iterator[str]:
    """The texts among values; of a conversation its messages."""
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            yield from (m["content"] for m in value if isinstance(m, dict) and isinstance(m.get("content"), str))


def _of_text(path: Path) -> Iterator[str]:
    """Items between blank lines where there are any between items, else lines."""
    with path.open(encoding="utf-8") as lines:
        groups = (list(group) for full, group in groupby(lines, lambda line: bool(line.strip())) if full)
        first, second = next(groups, []), next(groups, None)
        if second is None:
            yield from first
            return
        for group in chain((first, second), groups):
            yield " ".join(group)
