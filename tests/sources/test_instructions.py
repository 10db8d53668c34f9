"""Tables of instructions with checkers: which tables are such, and what of a row costs the row its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ssrl_data.core import Reject
from ssrl_data.media.instruction import Instruction, said
from ssrl_data.registry import source_at

CHECKER = "def evaluate(response):\n    return response.count('!') == 2\n"
ROW: dict[str, Any] = {
    "instruction": "Use exactly two exclamation marks. ",
    "checkers": [CHECKER, CHECKER.replace("==", "is")],
    "gold": " Stop!\nWait!",
    "misses": ["Stop.", "Stop!"],
    "queries": ["Warn  someone.\r\n  Now.", "", "Warn  someone.\n  Now."],
    "engine": "pydantic-monty 1.4.0",
    "limits": {"seconds": 0.5, "memory": 1 << 25},
    "need": 0.75,
}


def written(folder: Path, *rows: Any) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "checkers.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def opened(path: Path) -> list[Instruction | str]:
    source = source_at(str(path))
    out: list[Instruction | str] = []
    for entry in source.entries():
        assert entry.media == "instruction"
        try:
            record = source.open(entry)
        except Reject as reject:
            out.append(reject.reason)
            continue
        assert record.lacks({"instruction"}) == ""
        assert record.lacks({"text", "worked"}) == "no text and no worked solution or proof"
        assert record.instruction is not None
        out.append(record.instruction)
    return out


def test_a_row_is_read_as_it_was_written(tmp_path: Path) -> None:
    (found,) = opened(written(tmp_path, ROW))
    assert found == Instruction(
        "Use exactly two exclamation marks.",
        tuple(ROW["checkers"]),
        " Stop!\nWait!",
        ("Stop.", "Stop!"),
        ("Warn  someone.\n  Now.",),
        "pydantic-monty 1.4.0",
        {"seconds": 0.5, "memory": 1 << 25},
        0.75,
    )


def test_what_is_not_stated_has_its_default(tmp_path: Path) -> None:
    few = {key: ROW[key] for key in ("instruction", "checkers", "gold", "misses")}
    (found,) = opened(written(tmp_path, few))
    assert isinstance(found, Instruction)
    assert (found.queries, found.engine, dict(found.limits), found.need) == ((), "pydantic-monty", {}, 0.5)


def test_a_parquet_holds_the_same(tmp_path: Path) -> None:
    lines = opened(written(tmp_path / "lines", ROW))
    path = tmp_path / "checkers.parquet"
    # A column of structs gives every row every key.
    other = ROW | {"limits": {"seconds": 2.0, "recursion": 100}}
    pq.write_table(pa.Table.from_pylist([ROW, other]), path)
    found = opened(path)
    assert found[:1] == lines
    assert isinstance(found[1], Instruction)
    assert dict(found[1].limits) == {"seconds": 2.0, "recursion": 100}


def test_other_tables_with_an_instruction_are_what_they_were(tmp_path: Path) -> None:
    path = tmp_path / "alpaca.jsonl"
    path.write_text(json.dumps({"instruction": "Add.", "question": "What is 1 + 1?", "answer": "2", "need": 3}) + "\n")
    source = source_at(str(path))
    (entry,) = source.entries()
    assert entry.media == "worked"
    record = source.open(entry)
    assert record.worked is not None
    assert record.worked.answer == "2"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"instruction": None}, "empty instruction"),
        ({"instruction": 3}, "instruction is no text"),
        ({"instruction": ["a"]}, "instruction is nested"),
        ({"instruction": "x" * 1_000_000}, "instruction too long"),
        ({"instruction": "\u200b\x00"}, "empty instruction"),
        ({"checkers": []}, "no checkers"),
        ({"checkers": CHECKER}, "checkers is no list of texts"),
        ({"checkers": [CHECKER, 3]}, "checkers is no text"),
        ({"checkers": ["#" * 1_000_000]}, "checker too long"),
        ({"checkers": [f"{CHECKER}# {n}" for n in range(100)]}, "too many checkers"),
        ({"checkers": ["  "]}, "empty checker"),
        ({"gold": ""}, "empty gold"),
        ({"gold": "x" * 100_000}, "gold too long"),
        ({"gold": "\ud800!!"}, "gold is no Unicode text"),
        ({"misses": []}, "no misses"),
        ({"misses": [ROW["gold"]]}, "gold is a miss"),
        ({"misses": [str(n) for n in range(100)]}, "too many misses"),
        ({"queries": "Why?"}, "queries is no list of texts"),
        ({"queries": ["x" * 10_000]}, "query too long"),
        ({"engine": {}}, "engine is nested"),
        ({"limits": [1]}, "limits or need are no numbers"),
        ({"limits": {"seconds": "1"}}, "limits or need are no numbers"),
        ({"limits": {"seconds": True}}, "limits or need are no numbers"),
        ({"limits": {"seconds": 1e9}}, "limits unknown or out of range"),
        ({"limits": {"seconds": float("nan")}}, "limits unknown or out of range"),
        ({"limits": {"seconds": 0}}, "limits unknown or out of range"),
        ({"limits": {"files": 3}}, "limits unknown or out of range"),
        ({"need": 1.0}, "need out of range"),
        ({"need": "half"}, "limits or need are no numbers"),
        ({"need": float("nan")}, "need out of range"),
    ],
)
def test_a_bad_row_costs_itself_alone(change: dict[str, Any], reason: str, tmp_path: Path) -> None:
    found = opened(written(tmp_path, ROW, ROW | change, ROW))
    assert found[1] == reason
    assert isinstance(found[0], Instruction)
    assert found[0] == found[2]


def test_what_no_reader_sees_is_left_out_and_lines_stay() -> None:
    assert said("  a\u200b b \r\n\tc\x07\ufeff\r") == "a b\n\tc"
    assert said("e\u0301") == "é"
