"""Requests, and which of them each instruction is attached to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ssrl_data.core import Json, Record, Reject, SsrlError
from ssrl_data.curate.contamination import Benchmarks, read_benchmarks
from ssrl_data.curate.words import hashed, words
from ssrl_data.media.instruction import said
from ssrl_data.registry import source_at
from ssrl_data.rng import Rng
from ssrl_train.autoif.config import Attach
from ssrl_train.autoif.instructions import records

SHORTEST, LONGEST = 20, 300
"""Characters of a request, as in the paper (arXiv 2406.13542): a shorter one asks little, a longer one has demands of
its own."""

COLUMNS = ("query", "question", "prompt", "problem", "instruction", "text")
"""Columns that may hold a request; the first of them that a row has counts. Of a conversation its first user's turn."""

MOST = 1_000_000
"""Requests that are read."""


def read_queries(address: str) -> Iterator[str]:
    """The requests of a file or corpus, as prompts show them.

    Args:
        address: JSON lines (.jsonl) or Parquet (.parquet) with one of `COLUMNS`; text (.txt), one a line; or any other
            corpus that `ssrl build --source` takes, of which the questions are taken.

    Raises:
        SsrlError: it cannot be read, or holds none.
    """
    path, count = Path(address), 0
    if path.is_file() and path.suffix == ".jsonl":
        found = _of_rows((row for _, row in records(path)), address)
    elif path.is_file() and path.suffix == ".parquet":
        found = _of_rows(_table(path), address)
    elif path.is_file() and path.suffix == ".txt":
        found = iter(path.read_text(encoding="utf-8-sig", errors="replace").splitlines())
    elif path.suffix in (".jsonl", ".parquet", ".txt"):
        raise SsrlError(f"{address}: no such file: name one with requests under `attach: queries`")
    else:
        found = _of_corpus(address)
    for text in found:
        if shown := said(text):
            count += 1
            yield shown
        if count == MOST:
            return
    if not count:
        raise SsrlError(f"{address}: holds no request: it wants a column {_columns()}, or one request a line of .txt")


class Sieve:
    """What shares a run of words with a benchmark, told in the words of `ssrl curate --against`.

    Args:
        settings: with the benchmark files, if any.
        file: where to write their hashes.

    Raises:
        SsrlError: a benchmark cannot be read.
    """

    def __init__(self, settings: Attach, file: Path) -> None:
        self._known: Benchmarks | None = None
        self.read: list[Json] = []
        """Of each benchmark its name, digest, items and words of a run."""
        if settings.against:
            self._known, self.read = read_benchmarks([Path(p) for p in settings.against], settings.ngram, file)

    def touched(self, texts: Sequence[str]) -> list[bool]:
        """Whether each text shares a run of words with a benchmark."""
        if self._known is None:
            return [False] * len(texts)
        return self._known.touches([hashed(words(text)) for text in texts])


def usable(queries: Iterable[str], sieve: Sieve) -> tuple[list[str], dict[str, int]]:
    """The requests that instructions can be attached to, each once and in their order, and why others are not."""
    kept, seen, left = list[str](), set[str](), dict.fromkeys(("too short", "too long", "repeats another"), 0)
    for query in queries:
        if not SHORTEST <= len(query) <= LONGEST:
            left["too short" if len(query) < SHORTEST else "too long"] += 1
        elif (key := " ".join(words(query)) or query) in seen:
            left["repeats another"] += 1
        else:
            seen.add(key)
            kept.append(query)
    touched = sieve.touched(kept)
    left["in a benchmark"] = sum(touched)
    return [query for query, bad in zip(kept, touched, strict=True) if not bad], {k: n for k, n in left.items() if n}


def drawn(queries: Sequence[str], instruction: str, each: int, seed: int) -> list[str]:
    """The requests of one instruction: a draw of its own, whatever the other instructions are."""
    return Rng("autoif/attach", seed, instruction).sample(queries, min(each, len(queries)))


def _of_rows(rows: Iterable[Json], address: str) -> Iterator[str]:
    known = False
    for row in rows:
        value = next((row[name] for name in COLUMNS if row.get(name)), None)
        if isinstance(value, list):  # a conversation
            value = next((m.get("content") for m in value if isinstance(m, dict) and m.get("role") == "user"), None)
        if isinstance(value, str):
            known = True
            yield value
    if not known:
        raise SsrlError(f"{address}: no row has a request: it wants a column {_columns()}")


def _table(path: Path) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as table:
            names = [name for name in COLUMNS if name in table.schema_arrow.names]
            for batch in table.iter_batches(1024, columns=names):
                yield from batch.to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise SsrlError(f"{path}: is no Parquet file that can be read: save it again") from error


def _of_corpus(address: str) -> Iterator[str]:
    source = source_at(address)
    for entry in source.entries():
        try:
            if text := _question(source.open(entry)):
                yield text
        except Reject:
            continue


def _question(record: Record) -> str:
    return record.worked.problem if record.worked is not None else ""


def _columns() -> str:
    return f"{', '.join(COLUMNS[:-1])} or {COLUMNS[-1]}"
