"""Planting faults in a built dataset so that everything else about it stays consistent."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ssrl_data.build.commit import file_digest
from ssrl_data.row import prompt_text, row_id, schema

Rows = list[dict[str, Any]]


def identify(row: dict[str, Any]) -> dict[str, Any]:
    """The row with the id that follows from its content."""
    data = [picture["bytes"] for picture in row["images"]]
    id = row_id(row["task"], row["task_version"], prompt_text(row["prompt"]), data, row["answer"])
    return row | {"id": id}


def read(dataset: Path, split: str = "train") -> Rows:
    rows: Rows = pq.read_table(dataset / f"data/image/{split}-00000-of-00001.parquet").to_pylist()
    return rows


def plant(dataset: Path, change: Callable[[Rows], Rows], split: str = "train") -> None:
    """Change the rows of a split, and let the manifest speak of the new file."""
    file = f"data/image/{split}-00000-of-00001.parquet"
    rows = change(read(dataset, split))
    pq.write_table(pa.Table.from_pylist(rows, schema(True)), dataset / file)
    settle(dataset)


def settle(dataset: Path) -> None:
    """Make the manifest agree with the files."""
    manifest = json.loads((dataset / "manifest.json").read_text())
    names: Counter[str] = Counter()
    licenses: Counter[str] = Counter()
    for split, body in manifest["modalities"]["image"].items():
        path = dataset / f"data/image/{split}-00000-of-00001.parquet"
        rows = read(dataset, split)
        names.update(f"{row['task']}/{row['level']}" for row in rows)
        licenses.update(row["license"] for row in rows)
        body["rows"] = len(rows)
        body["shards"][0] |= {"rows": len(rows), "bytes": path.stat().st_size, "blake2b": file_digest(path)}
    for name, counts in manifest["counts"].items():
        counts["rows"] = names[name]
    manifest["licenses"] = dict(licenses)
    (dataset / "manifest.json").write_text(json.dumps(manifest))
