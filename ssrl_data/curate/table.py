"""The table that `ssrl curate` writes and `ssrl build` reads: one row for each record of a corpus, in order of keys.

| column | meaning |
| --- | --- |
| `key` | the record as a build names it: with several corpora, their number comes first |
| `group` | what no split may divide: the corpus's own groups, joined where records of theirs are near duplicates |
| `neighbours` | keys of the most alike of the clearly different records of other groups, nearest first |
| `quality` | how much the picture holds for its hash, 0 to 100; null without one. Below 50 a thumbnail is compared |
| `stamp` | what the record's content was known by in the listing: its files' sizes |
| `reason` | why the record cannot be read, else null |

Neighbours and quality of a clip are those of its middle frame; neighbours of clips are clips.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars
import polars.exceptions

from ssrl_data.build.commit import file_digest, replace
from ssrl_data.core import SsrlError

SCHEMA: dict[str, polars.DataType | type[polars.DataType]] = {
    "key": polars.String,
    "group": polars.String,
    "neighbours": polars.List(polars.String),
    "quality": polars.Int32,
    "stamp": polars.String,
    "reason": polars.String,
}


@dataclass(frozen=True, slots=True)
class Curated:
    """What a build reads of a table.

    Attributes:
        digest: of the file's bytes.
        groups: record key to group.
        stamps: record key to what its content was known by.
        neighbours: record key to keys, nearest first.
    """

    digest: str
    groups: Mapping[str, str]
    stamps: Mapping[str, str]
    neighbours: Mapping[str, Sequence[str]]


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


def write_table(rows: Sequence[Mapping[str, object]], path: Path) -> None:
    """Write the rows under the final name at once; equal rows give equal bytes."""
    table = polars.DataFrame(rows, schema=SCHEMA)
    replace(
        path,
        lambda file: table.write_parquet(file, compression="zstd", statistics=False),
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
        table = polars.read_parquet(path, columns=["key", "group", "stamp", "neighbours"])
    except (polars.exceptions.PolarsError, OSError) as error:
        raise SsrlError(f"{path} is not a table of `ssrl curate`: make it again") from error
    if any(table.schema[name] != SCHEMA[name] for name in table.columns):
        raise SsrlError(f"{path} is not a table of `ssrl curate`: make it again")
    keys = table["key"].to_list()
    return Curated(
        file_digest(path),
        dict(zip(keys, table["group"].to_list(), strict=True)),
        dict(zip(keys, table["stamp"].to_list(), strict=True)),
        dict(zip(keys, table["neighbours"].to_list(), strict=True)),
    )
