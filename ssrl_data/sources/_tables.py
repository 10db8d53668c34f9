"""Tables of records: a JSONL file holds one on each line, a Parquet file one in each row; `_columns` tells which.

Listing reads the offsets of lines, or a Parquet's footer, and the first lines for the names of the columns. Where a
rule names a column for the document, listing reads that column too.

A key is `questions.jsonl//line 17`, from 1, or `questions.parquet//row 16`, from 0 as in `datasets`. Blank lines count
and are no records.
"""

from __future__ import annotations

import codecs
import gzip
import itertools
import json
import os
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from datetime import date, time
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any, BinaryIO, cast
from weakref import finalize

import numpy as np

from ssrl_data.core import Json, Reject
from ssrl_data.sources._columns import Columns, columns_of
from ssrl_data.sources._descriptor import Rule
from ssrl_data.sources._spill import spill
from ssrl_data.sources.base import Inside, Written

SUFFIXES = (".jsonl", ".ndjson", ".jsonl.gz", ".parquet")
MAX_RECORD = 1 << 24
"""Bytes of the largest record that is read, 16 MiB."""
MAX_ROWS = 1 << 30
"""Rows that the footer of a Parquet may promise."""

_CHUNK = 1 << 20
_PEEK = 100
"""Lines that are looked at for the names of the columns, as far as they are no records."""
_OPEN = 32
"""Tables that a process keeps open."""


def listed(path: bytes, rule: Rule) -> Iterator[Inside]:
    """The records of a file, in its order; holds none of them.

    Raises:
        Reject: the file cannot be read, from here on, or has no column that is known.
        SsrlError: a column that the rule names is not there.
    """
    return _local(path, rule).listed()


def opened(path: bytes, name: str, part: tuple[int, int], rule: Rule) -> tuple[Written, bytes]:
    """One record, and the bytes of what was read of it.

    Raises:
        Reject: it cannot be read, or is no record, or as in `Columns.read`.
    """
    return _local(path, rule).opened(part)


def _local(path: bytes, rule: Rule) -> Table:
    state = os.stat(path)
    return _cached(path, (state.st_mtime_ns, state.st_size), tuple(sorted(rule.columns.items())))


@lru_cache(maxsize=_OPEN)
def _cached(path: bytes, stamp: tuple[int, int], stated: tuple[tuple[str, str], ...]) -> Table:
    return table(os.fsdecode(path), partial(_open, path), dict(stated))


def _open(path: bytes) -> BinaryIO:
    return open(path, "rb")


def table(name: str, opener: Callable[[], BinaryIO], stated: Mapping[str, str]) -> Table:
    """The table in a file.

    Args:
        name: its name, whose suffix says which format it is; for messages as well.
        opener: opens the file; what it gives can seek.
        stated: role to column, as in `Rule.columns`.
    """
    lower = name.lower()
    kind = Rows if lower.endswith(".parquet") else Zipped if lower.endswith(".gz") else Lines
    return kind(name, opener, stated)


class Table(ABC):
    """A table in a file. What of it is kept open or unpacked is closed or forgotten with it."""

    def __init__(self, name: str, opener: Callable[[], BinaryIO], stated: Mapping[str, str]) -> None:
        self.name = name
        self.opener = opener
        self.stated = stated
        self._columns: Columns | None = None
        self._token = object()

    @property
    def columns(self) -> Columns:
        """What its columns mean.

        Raises:
            Reject: it has none that is known.
        """
        if self._columns is None:
            self._columns = self._look()
        return self._columns

    @abstractmethod
    def _look(self) -> Columns: ...

    @abstractmethod
    def listed(self) -> Iterator[Inside]:
        """As the module's."""

    @abstractmethod
    def row(self, part: tuple[int, int]) -> bytes:
        """A record as JSON."""

    def opened(self, part: tuple[int, int]) -> tuple[Written, bytes]:
        """As the module's."""
        return self.columns.read(parsed(self.row(part)))


class Lines(Table):
    """A JSONL; a record's place is its offset and length in bytes."""

    _file: BinaryIO | None = None

    def listed(self) -> Iterator[Inside]:
        """As the module's. A line's document is the only thing that needs reading the line."""
        columns = self.columns
        with self.stream() as file:
            if not self.stated.get("document"):
                for number, (start, length) in enumerate(_offsets(file), 1):
                    if length > 1:  # no record is shorter than {}; a line may be a carriage return alone
                        yield Inside(f"line {number}", columns.media, (start, length))
                return
            for number, (start, length, line) in enumerate(_lines(file), 1):
                if length > 1:
                    yield Inside(f"line {number}", columns.media, (start, length), _group(columns, line))

    def row(self, part: tuple[int, int]) -> bytes:
        """As the table's."""
        start, length = part
        if length > MAX_RECORD:
            raise Reject("record too large")
        return self.read(start, length)

    def stream(self) -> BinaryIO:
        """The file from its start."""
        return self.opener()

    def read(self, start: int, length: int) -> bytes:
        """Some of its bytes, from a file that is kept open."""
        file = self.kept()
        file.seek(start)
        return file.read(length)

    def kept(self) -> BinaryIO:
        """The file, kept open as long as the table is."""
        if self._file is None:
            self._file = self.opener()
            finalize(self, self._file.close)
        return self._file

    def _look(self) -> Columns:
        with self.stream() as file:
            for _, _, line in itertools.islice(_lines(file), _PEEK):
                try:
                    row = parsed(line)
                except Reject:
                    continue
                found = columns_of(row.keys(), self.stated, self.name)
                if found:
                    return found
        raise Reject("no known columns")


class Zipped(Lines):
    """A JSONL compressed by gzip; places are those in what it unpacks to, which `spill` keeps."""

    def stream(self) -> BinaryIO:
        """As that of lines."""
        return cast(BinaryIO, _Unzipped(self.opener()))

    def read(self, start: int, length: int) -> bytes:
        """As that of lines."""
        return spill().read(self._token, self._pieces, start, length)

    def _pieces(self) -> Iterator[bytes]:
        with self.stream() as file:
            # What lies before a break was listed and can be read.
            try:
                while piece := file.read(_CHUNK):
                    yield piece
            except Reject:
                return


class _Unzipped(gzip.GzipFile):
    """A gzip file whose faults are reasons to reject it."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(fileobj=file, mode="rb")
        self._under = file

    def read(self, size: int | None = -1) -> bytes:
        try:
            return super().read(size)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise Reject("truncated" if isinstance(error, EOFError) else "broken gzip") from error

    def readline(self, size: int | None = -1) -> bytes:
        try:
            return super().readline(size)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise Reject("truncated" if isinstance(error, EOFError) else "broken gzip") from error

    def close(self) -> None:
        super().close()
        self._under.close()


class Rows(Table):
    """A Parquet; a record's place is its row group and its row there. `spill` keeps each group that was asked for."""

    _parquet_file: Any = None

    def listed(self) -> Iterator[Inside]:
        """As the module's."""
        columns, number = self.columns, itertools.count()
        document = self.stated.get("document")
        meta = self._parquet().metadata
        if meta.num_rows > MAX_ROWS:
            raise Reject("too many rows")
        for group in range(meta.num_row_groups):
            rows = range(meta.row_group(group).num_rows)
            if document is None:
                yield from (Inside(f"row {next(number)}", columns.media, (group, row)) for row in rows)
                continue
            lines = self._rows(group, [document])
            for row, line in zip(rows, lines, strict=True):
                yield Inside(f"row {next(number)}", columns.media, (group, row), _group(columns, line))

    def row(self, part: tuple[int, int]) -> bytes:
        """As the table's."""
        group, row = part
        names = sorted(self.columns.wanted & set(self._parquet().schema_arrow.names))
        return spill().read((self._token, group), partial(self._rows, group, names), row)

    def _look(self) -> Columns:
        found = columns_of(self._parquet().schema_arrow.names, self.stated, self.name)
        if not found:
            raise Reject("no known columns")
        return found

    def _parquet(self) -> Any:
        if self._parquet_file is None:
            import pyarrow as pa
            import pyarrow.parquet as pq

            file = self.opener()
            finalize(self, file.close)
            try:
                self._parquet_file = pq.ParquetFile(file)
            except (pa.ArrowException, ValueError) as error:
                raise Reject("no Parquet") from error
        return self._parquet_file

    def _rows(self, group: int, names: list[str]) -> Iterator[bytes]:
        """The rows of a group as JSON, of these columns; a line of other text is a reason to reject its row."""
        import pyarrow as pa

        try:
            for batch in self._parquet().iter_batches(batch_size=256, row_groups=[group], columns=names):
                try:
                    yield from [_dumped(row) for row in batch.to_pylist()]
                except UnicodeDecodeError:  # of some row: the others can be read
                    yield from (_alone(batch, row) for row in range(len(batch)))
        except (pa.ArrowException, OSError, ValueError) as error:
            raise Reject("unreadable row group") from error


def _alone(batch: Any, row: int) -> bytes:
    try:
        return _dumped(batch.slice(row, 1).to_pylist()[0])
    except UnicodeDecodeError:
        return b"not UTF-8"


def _dumped(row: Mapping[str, Any]) -> bytes:
    line = json.dumps(row, ensure_ascii=False, default=_plain).encode()
    return line if len(line) <= MAX_RECORD else b"record too large"


def _plain(value: object) -> Json:
    """What JSON has no word for: bytes are text here, as older writers of Parquet keep it."""
    if isinstance(value, bytes):
        return value.decode()
    return str(value) if isinstance(value, (Decimal, date, time)) else {}


def _group(columns: Columns, line: bytes) -> str:
    try:
        return columns.group(parsed(line))
    except Reject:
        return ""


def parsed(line: bytes) -> dict[str, Json]:
    """A record from its JSON.

    Raises:
        Reject: `not UTF-8`, `not JSON`, `nested too deeply`, `duplicate keys`, `no object`, or as stands there.
    """
    if not line.startswith(b"{"):
        line = line.removeprefix(codecs.BOM_UTF8).strip()
        if line in (b"not UTF-8", b"record too large"):
            raise Reject(line.decode())
    try:
        value = json.loads(line.decode(), object_pairs_hook=_unique)
    except UnicodeDecodeError as error:
        raise Reject("not UTF-8") from error
    except RecursionError as error:
        raise Reject("nested too deeply") from error
    except ValueError as error:
        raise Reject("not JSON") from error
    if not isinstance(value, dict):
        raise Reject("no object")
    return value


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Reject("duplicate keys")
    return found


def _offsets(file: BinaryIO) -> Iterator[tuple[int, int]]:
    """Offset and length of each line, without its end."""
    start = at = 0
    while chunk := file.read(_CHUNK):
        for end in (np.flatnonzero(np.frombuffer(chunk, np.uint8) == ord("\n")) + at).tolist():
            yield start, end - start
            start = end + 1
        at += len(chunk)
    if at > start:
        yield start, at - start


def _lines(file: BinaryIO) -> Iterator[tuple[int, int, bytes]]:
    """Offset and length of each line, without its end, and the line, of an overlong one the start."""
    start = 0
    while line := file.readline(MAX_RECORD + 1):
        length, piece = len(line), line
        while not piece.endswith(b"\n") and (piece := file.readline(MAX_RECORD + 1)):
            length += len(piece)
        yield start, length - piece.endswith(b"\n"), line.rstrip(b"\n")
        start += length
