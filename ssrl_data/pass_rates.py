"""How often a model answers each row: a table of `ssrl eval` or `ssrl grade`, read by builds and training runs.

A row that a model always or never answers right gives group-relative rewards without a difference, so it teaches
nothing (PretrainZero drops such rows at every step). The table is keyed by row id, a hash of what is asked and what is
right, so it holds for every build that makes the same row.

| column | meaning |
| --- | --- |
| `id` | the row, sorted |
| `n` | responses with a score |
| `pass_rate` | share of exact ones; null where n is 0, as for rows without truth |
| `mean_score` | mean score; null likewise |
| `bucket` | `pass` (always right), `easy` (half of the time or more), `hard` (less) or `never`; null likewise |
| `keep` | whether the rate lies strictly inside the band; true where there is none; false where `needless` |

The buckets are the pools of Light-IF (arXiv 2508.03178), but for rows never answered right, which are a pool of their
own: among their responses there is none to prefer. `ssrl eval` adds what the responses were like:

| column | meaning |
| --- | --- |
| `tokens` | mean length |
| `stopped` | share that ended by themselves |
| `read` | share in which an answer could be read |
| `distinct` | how many different ones there are |
| `blind` | with `--blind`: pass rate without the pictures; null likewise |
| `needless` | with `--blind`: whether the row needs no looking (`ssrl_train.needless`) |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ssrl_data.core import Json, SsrlError

BAND = (0.0, 1.0)
"""The band by default: what is answered right sometimes and wrong sometimes."""

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("n", pa.int64()),
        ("pass_rate", pa.float64()),
        ("mean_score", pa.float64()),
        ("bucket", pa.string()),
        ("keep", pa.bool_()),
    ]
)


def pass_rates(verdicts: Iterable[Mapping[str, Json]], band: tuple[float, float] = BAND) -> pa.Table:
    """The table of some verdicts.

    Args:
        verdicts: what `grade_file` yields; lines with an error are passed over.
        band: the rates between which a row is kept, both left out.

    Raises:
        SsrlError: the band is empty or not inside 0 to 1.
    """
    low, high = band
    if not 0 <= low < high <= 1:
        raise SsrlError(f"the band {low:g} to {high:g} is empty: name two rising shares from 0 to 1, such as 0.1 0.9")
    sums: dict[str, tuple[int, int, float]] = {}
    for item in verdicts:
        if "error" in item:
            continue
        n, exact, score = sums.get(item["id"], (0, 0, 0.0))
        if item["score"] is not None:
            n, exact, score = n + 1, exact + item["exact"], score + item["score"]
        sums[item["id"]] = (n, exact, score)
    rows: list[dict[str, Json]] = []
    for id in sorted(sums):
        n, exact, score = sums[id]
        rate = exact / n if n else None
        rows.append(
            {
                "id": id,
                "n": n,
                "pass_rate": rate,
                "mean_score": score / n if n else None,
                "bucket": None if rate is None else bucket(rate),
                "keep": rate is None or low < rate < high,
            }
        )
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def bucket(rate: float) -> str:
    """The pool of a row; `rate` in [0, 1]."""
    if rate in (0, 1):
        return "pass" if rate else "never"
    return "easy" if rate >= 0.5 else "hard"


@lru_cache(maxsize=2)
def left_out(path: Path) -> frozenset[str]:
    """Ids of the rows that a table says not to keep.

    Raises:
        SsrlError: there is no such file, or it is not such a table.
    """
    return frozenset(id for id, keep in zip(*_read(path, "id", "keep"), strict=True) if not keep)


def _read(path: Path, *names: str) -> list[list[Json]]:
    """Columns of a table of pass rates."""
    try:
        table = pq.read_table(path, columns=list(names))
    except FileNotFoundError as error:
        raise SsrlError(
            f"{path}: no such file: make it with `ssrl eval --per-row` or `ssrl grade --pass-rates`"
        ) from error
    except (OSError, pa.ArrowException, KeyError) as error:
        raise SsrlError(f"{path} is not a table of pass rates: make it again with `ssrl eval --per-row`") from error
    return [table[name].to_pylist() for name in names]


def rates(path: Path) -> dict[str, float]:
    """Row id to pass rate, of the rows that have one.

    Raises:
        SsrlError: there is no such file, or it is not such a table.
    """
    columns = _read(path, "id", "pass_rate")
    return {id: rate for id, rate in zip(*columns, strict=True) if rate is not None}


def within(path: Path, keep: Sequence[float] | None) -> frozenset[str]:
    """Ids of the rows of a table whose pass rate lies in a closed band; by default of those that it says to keep.

    A row that needs no looking is in no band.

    Raises:
        SsrlError: there is no such file, or it is not such a table.
    """
    if keep is None:
        columns = _read(path, "id", "keep")
        return frozenset(id for id, kept in zip(*columns, strict=True) if kept)
    low, high = keep
    inside = frozenset(id for id, rate in rates(path).items() if low <= rate <= high)
    if "needless" not in pq.read_schema(path).names:
        return inside
    return inside - {id for id, needless in zip(*_read(path, "id", "needless"), strict=True) if needless}
