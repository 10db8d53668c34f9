"""Grading responses against a published dataset: one response, or a file of them.

A row is graded from its own `answer` column alone. Nothing a response holds can raise; what can is a dataset or a
file of responses that is not what it should be.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ssrl_data.core import Json, SsrlError, Verdict
from ssrl_data.row import unpack_answer


def grade(answer_column: str, response: str) -> Verdict:
    """The verdict on one response.

    Args:
        answer_column: the row's `answer` column.
        response: any string.

    Raises:
        ValueError: `answer_column` is not such a column, or a newer release wrote it.
    """
    kind, value, credit = unpack_answer(answer_column)
    verdict: Verdict = kind.grade(response, value, credit)
    return verdict


def answers(folder: Path) -> dict[str, str]:
    """The `answer` column of every row of a dataset folder, by row id; no other column is read.

    Raises:
        SsrlError: there are no shards, one cannot be read, or two rows share an id.
    """
    shards = sorted((folder / "data").rglob("*.parquet"))
    if not shards:
        raise SsrlError(f"{folder} holds no dataset: expected Parquet shards under {folder / 'data'}")
    found: dict[str, str] = {}
    for shard in shards:
        try:
            table = pq.ParquetFile(shard).read(columns=["id", "answer"])
            ids, columns = table["id"].to_pylist(), table["answer"].to_pylist()
        except (OSError, pa.ArrowException, KeyError) as error:
            raise SsrlError(f"{shard} is not a readable shard with columns id and answer: build it again") from error
        for row, answer in zip(ids, columns, strict=True):
            if row in found:
                raise SsrlError(f"{shard} repeats the row {row!r:.80}: build the dataset again")
            found[row] = answer
    return found


def grade_file(folder: Path, responses: Path) -> Iterator[dict[str, Json]]:
    """Grade a file of responses, one `{"id": ..., "response": ...}` a line, in its order; blank lines are passed over.

    Args:
        folder: the dataset.
        responses: the JSONL file, UTF-8; other keys of a line are ignored.

    Yields:
        {"line", "id", "score", "exact", "read", "reason"} for each response, with "measures" where its answer kind has
        some, name to [share, that of the best constant]; {"line", "error"} for each line that is not one. Lines count
        from 1.

    Raises:
        SsrlError: a file cannot be read, a line names a row that the dataset does not hold, or a row's answer column
            is broken.
    """
    known = answers(folder)
    try:
        with responses.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield _graded(line, number, known, f"line {number} of {responses}", folder)
    except OSError as error:
        raise SsrlError(f"cannot read the responses {responses}: {error.strerror}") from error


def _graded(line: bytes, number: int, known: Mapping[str, str], where: str, folder: Path) -> dict[str, Json]:
    try:
        item = json.loads(line.decode("utf-8"), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        reason = "JSON nested too deeply" if isinstance(error, RecursionError) else f"not JSON in UTF-8: {error}"
        return {"line": number, "error": reason}
    if not isinstance(item, dict) or not all(isinstance(item.get(key), str) for key in ("id", "response")):
        return {"line": number, "error": "not an object with the texts id and response"}
    row = item["id"]
    if row not in known:
        raise SsrlError(
            f"{where} answers the row {row!r:.80}, which {folder} does not hold: name the dataset the responses are for"
        )
    try:
        kind, value, credit = unpack_answer(known[row])
    except ValueError as error:
        raise SsrlError(f"row {row!r:.80} of {folder} cannot be graded: {error}") from error
    verdict = kind.grade(item["response"], value, credit)
    measures = {} if verdict.read is None else kind.measures(verdict.read, value)
    return {
        "line": number,
        "id": row,
        "score": verdict.score,
        "exact": verdict.exact,
        "read": verdict.read,
        "reason": verdict.reason,
        **({"measures": {name: list(pair) for name, pair in measures.items()}} if measures else {}),
    }


def _once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise ValueError("a key is repeated")
    return out
