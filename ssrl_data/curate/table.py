"""The table that `ssrl curate` writes and `ssrl build` reads: one row for each record of a corpus, in order of keys.

| column | meaning |
| --- | --- |
| `key` | the record as a build names it: with several corpora, their number comes first |
| `group` | what no split may divide: the corpus's own groups, joined where records of theirs are near duplicates |
| `neighbours` | keys of the most alike of the clearly different records of other groups, nearest first |
| `quality` | how much the picture holds for its hash, 0 to 100; null without one. Below 50 a thumbnail is compared |
| `stamp` | what the record's content was known by in the listing: its files' sizes |
| `reason` | why the record cannot be read, else null |

and where the corpus holds texts:

| column | meaning |
| --- | --- |
| `passages` | paragraphs of a document; 1 of a worked record, its problem; 1 and its queries of an instruction |
| `dropped` | numbers of the passages that a build leaves out, from 0 |
| `why` | for each of them: `repeated`, `near repeat`, `benchmark` or `language` |

and the file's metadata say which benchmarks were looked for.

Neighbours and quality of a clip are those of its middle frame; neighbours of clips are clips.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars
import polars.exceptions

from ssrl_data.build.commit import file_digest, replace
from ssrl_data.core import Json, SsrlError
from ssrl_data.row import canonical

SCHEMA: dict[str, polars.DataType | type[polars.DataType]] = {
    "key": polars.String,
    "group": polars.String,
    "neighbours": polars.List(polars.String),
    "quality": polars.Int32,
    "stamp": polars.String,
    "reason": polars.String,
}

TEXTS: dict[str, polars.DataType | type[polars.DataType]] = {
    "passages": polars.Int32,
    "dropped": polars.List(polars.Int32),
    "why": polars.List(polars.String),
}
"""Further columns of a corpus with texts."""

_READ = ("key", "group", "stamp", "neighbours", "dropped", "passages")
_AGAINST = "ssrl.against"


@dataclass(frozen=True, slots=True)
class Curated:
    """What a build reads of a table.

    Attributes:
        digest: of the file's bytes.
        groups: record key to group.
        stamps: record key to what its content was known by.
        neighbours: record key to keys, nearest first.
        dropped: record key to numbers of passages left out, where there are any.
        empty: keys of records all of whose passages are left out.
        against: benchmarks that were looked for: name, digest, items, words of a run.
    """

    digest: str
    groups: Mapping[str, str]
    stamps: Mapping[str, str]
    neighbours: Mapping[str, Sequence[str]]
    dropped: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    empty: frozenset[str] = frozenset()
    against: Sequence[Json] = ()


def make_way(path: Path) -> None:
    """Make the folder of a table, so that a name that cannot be one is found before the work.

    Raises:
        SsrlError: the path is a folder, or its folder cannot be made.
    """
    if path.is_dir():
        raise SsrlError(f"{path} is a folder: name a file for the table, such as {path / 'table.parquet'}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SsrlError(f"{path.parent}: cannot be made ({error.strerror}): name another file for the table") from error


def write_table(rows: Sequence[Mapping[str, object]], path: Path, against: Sequence[Json] | None = None) -> None:
    """Write the rows under the final name at once; equal rows give equal bytes.

    Args:
        rows: with the columns of `SCHEMA`, and of `TEXTS` where there are texts.
        path: the file.
        against: benchmarks that were looked for in the texts; None: there are no texts.
    """
    schema = SCHEMA if against is None else SCHEMA | TEXTS
    table = polars.DataFrame(rows, schema=schema)
    metadata = {_AGAINST: canonical(list(against))} if against else None
    replace(
        path,
        lambda file: table.write_parquet(file, compression="zstd", statistics=False, metadata=metadata),
        path.parent,
        (None, None, None),
    )


def read_table(path: Path) -> Curated:
    """Read a table for a build.

    Raises:
        SsrlError: there is no such file, or it is not a table of `ssrl curate`.
    """
    if path.is_dir():
        raise SsrlError(f"{path} is a folder: name the file that `ssrl curate` wrote")
    if not path.is_file():
        raise SsrlError(f"{path}: no such file: make it with `ssrl curate SOURCE --out {path}`")
    try:
        columns = [name for name in polars.read_parquet_schema(path) if name in _READ]
        table = polars.read_parquet(path, columns=columns)
        against = json.loads(polars.read_parquet_metadata(path).get(_AGAINST, "[]"))
    except (polars.exceptions.PolarsError, OSError, ValueError) as error:
        raise SsrlError(f"{path} is not a table of `ssrl curate`: make it again") from error
    schema = SCHEMA | TEXTS
    if not {*columns} >= {*_READ[:4]} or any(table.schema[name] != schema[name] for name in columns):
        raise SsrlError(f"{path} is not a table of `ssrl curate`: make it again")
    keys = table["key"].to_list()
    dropped: dict[str, tuple[int, ...]] = {}
    empty: set[str] = set()
    if "dropped" in columns and "passages" in columns:
        for key, numbers, count in zip(keys, table["dropped"].to_list(), table["passages"].to_list(), strict=True):
            if numbers:
                dropped[key] = tuple(numbers)
                if len(numbers) == count:
                    empty.add(key)
    return Curated(
        file_digest(path),
        dict(zip(keys, table["group"].to_list(), strict=True)),
        dict(zip(keys, table["stamp"].to_list(), strict=True)),
        dict(zip(keys, table["neighbours"].to_list(), strict=True)),
        dropped,
        frozenset(empty),
        against,
    )
