from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ssrl_data.answers.choice import Choice
from ssrl_data.answers.permutation import Permutation
from ssrl_data.answers.unlabelled import Unlabelled
from ssrl_data.core import SsrlError, Verdict
from ssrl_data.grade import answers, grade, grade_file
from ssrl_data.pass_rates import left_out, pass_rates
from ssrl_data.row import pack_answer

ROWS = {
    "choice": pack_answer(Choice().answer("B", "ABCD")),
    "order": pack_answer(Permutation().answer([2, 1, 3, 4, 5])),
    "open": pack_answer(Unlabelled().answer()),
}


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Two shards of two modalities, with a column that grading must not need to read."""
    folder = tmp_path / "dataset"
    for name, ids in (("image/train-00000-of-00001", ["choice", "order"]), ("text/test-00000-of-00001", ["open"])):
        path = folder / "data" / f"{name}.parquet"
        path.parent.mkdir(parents=True)
        table = pa.table({"id": ids, "answer": [ROWS[i] for i in ids], "images": [b"\xff" * 1000 for _ in ids]})
        pq.write_table(table, path)
    return folder


def responses(tmp_path: Path, *lines: object) -> Path:
    path = tmp_path / "responses.jsonl"
    path.write_bytes(b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines))
    return path


def test_grade_needs_the_answer_column_alone() -> None:
    assert grade(ROWS["choice"], "<answer>b</answer>") == Verdict(1.0, True, "B", "exact")
    assert grade(ROWS["choice"], "<answer>c</answer>") == Verdict(0.0, False, "C", "inexact")
    assert grade(ROWS["open"], "<answer>c</answer>") == Verdict(None, False, "c", "no truth")


@pytest.mark.parametrize("column", ["", "null", "{}", "[" * 100_000, '{"kind": "choice"}', "\ud800"])
def test_a_broken_answer_column_is_an_error(column: str) -> None:
    with pytest.raises(ValueError, match="not an answer column"):
        grade(column, "<answer>B</answer>")


def test_a_file_is_graded_line_by_line(dataset: Path, tmp_path: Path) -> None:
    path = responses(
        tmp_path,
        {"id": "order", "response": "<answer>2, 1, 3, 4, 5</answer>", "model": "m"},
        {"id": "choice", "response": "<answer>A</answer>"},
        b"",
        {"id": "choice", "response": "B \ud800"},
        {"id": "open", "response": "7"},
    )
    first, *others = grade_file(dataset, path)
    measures = first.pop("measures")
    assert {name: share for name, (share, _) in measures.items()} == {"places": 1, "pairs": 1, "adjacency": 1}
    assert all(0 < blind < 1 for _, blind in measures.values())
    assert [first, *others] == [
        {"line": 1, "id": "order", "score": 1.0, "exact": True, "read": [2, 1, 3, 4, 5], "reason": "exact"},
        {"line": 2, "id": "choice", "score": 0.0, "exact": False, "read": "A", "reason": "inexact"},
        {"line": 4, "id": "choice", "score": 0.0, "exact": False, "read": None, "reason": "no answer"},
        {"line": 5, "id": "open", "score": None, "exact": False, "read": "7", "reason": "no truth"},
    ]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{", "not JSON in UTF-8"),
        (b'{"id": "choice", "response": "\xff"}', "not JSON in UTF-8"),
        (b'{"id": "choice", "response": "B", "response": "A"}', "a key is repeated"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"id": "choice", "response": "B", "n": ' + b"9" * 5000 + b"}", "not JSON in UTF-8"),
        (b'["choice", "B"]', "not an object"),
        (b'{"id": "choice"}', "not an object with the texts id and response"),
        (b'{"id": 3, "response": "B"}', "not an object with the texts id and response"),
        (b'{"id": "choice", "response": null}', "not an object with the texts id and response"),
    ],
    ids=range(9),
)
def test_a_malformed_line_is_listed_and_costs_only_itself(dataset: Path, tmp_path: Path, line: bytes, why: str) -> None:
    good = {"id": "choice", "response": "B"}
    found = list(grade_file(dataset, responses(tmp_path, good, line, good)))
    assert [item.get("score") for item in found] == [1.0, None, 1.0]
    assert set(found[1]) == {"line", "error"}
    assert found[1]["line"] == 2
    assert why in found[1]["error"]


def test_an_unknown_row_is_an_error_that_says_where(dataset: Path, tmp_path: Path) -> None:
    path = responses(tmp_path, {"id": "choice", "response": "B"}, {"id": "chioce", "response": "B"})
    graded = grade_file(dataset, path)
    assert next(graded)["score"] == 1.0
    with pytest.raises(SsrlError, match=r"line 2 of .*responses\.jsonl answers the row 'chioce'"):
        next(graded)


def test_a_missing_responses_file_is_an_error(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(SsrlError, match=r"cannot read the responses .*none\.jsonl: No such file"):
        list(grade_file(dataset, tmp_path / "none.jsonl"))


def test_all_rows_of_all_shards_are_known(dataset: Path) -> None:
    assert answers(dataset) == ROWS


def test_a_folder_without_shards_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SsrlError, match="holds no dataset"):
        answers(tmp_path)


def test_a_broken_shard_is_an_error(dataset: Path) -> None:
    shard = dataset / "data" / "text" / "test-00000-of-00001.parquet"
    shard.write_bytes(shard.read_bytes()[:-10])
    with pytest.raises(SsrlError, match="is not a readable shard"):
        answers(dataset)


def test_a_shard_without_answers_is_an_error(dataset: Path) -> None:
    pq.write_table(pa.table({"id": ["x"]}), dataset / "data" / "text" / "test-00000-of-00001.parquet")
    with pytest.raises(SsrlError, match="is not a readable shard"):
        answers(dataset)


def test_a_repeated_row_is_an_error(dataset: Path) -> None:
    shard = dataset / "data" / "text" / "test-00000-of-00001.parquet"
    pq.write_table(pa.table({"id": ["choice"], "answer": [ROWS["choice"]]}), shard)
    with pytest.raises(SsrlError, match="repeats the row 'choice'"):
        answers(dataset)


def test_a_row_that_cannot_be_graded_is_an_error(dataset: Path, tmp_path: Path) -> None:
    shard = dataset / "data" / "text" / "test-00000-of-00001.parquet"
    pq.write_table(pa.table({"id": ["open"], "answer": ['{"kind": "gone"}']}), shard)
    with pytest.raises(SsrlError, match=r"row 'open' of .* cannot be graded: not an answer column"):
        list(grade_file(dataset, responses(tmp_path, {"id": "open", "response": "B"})))


def test_pass_rates(dataset: Path, tmp_path: Path) -> None:
    path = responses(
        tmp_path,
        *[
            {"id": "order", "response": f"<answer>{r}</answer>"}
            for r in ("2 1 3 4 5", "2 1 3 5 4", "5 4 1 3 2", "2 1 3 4 5")
        ],
        b"{",
        {"id": "open", "response": "B"},
        {"id": "choice", "response": "C"},
    )
    partial = grade(ROWS["order"], "2 1 3 5 4").score
    assert partial is not None
    assert 0 < partial < 0.5
    table = pass_rates(grade_file(dataset, path))
    never = {"bucket": "never", "keep": False}
    unknown = {"bucket": None, "keep": True}
    half = {"bucket": "easy", "keep": True}
    assert table.to_pylist() == [
        {"id": "choice", "n": 1, "pass_rate": 0.0, "mean_score": 0.0, **never},
        {"id": "open", "n": 0, "pass_rate": None, "mean_score": None, **unknown},
        {"id": "order", "n": 4, "pass_rate": 0.5, "mean_score": pytest.approx((2 + partial) / 4), **half},
    ]
    narrow = pass_rates(grade_file(dataset, path), (0.5, 0.9))
    assert narrow["keep"].to_pylist() == [False, True, False]
    pq.write_table(narrow, tmp_path / "rates.parquet")
    assert left_out(tmp_path / "rates.parquet") == {"choice", "order"}


@pytest.mark.parametrize("band", [(0.5, 0.5), (0.9, 0.1), (-0.1, 0.5), (0.5, 1.1)])
def test_an_empty_band_is_refused(band: tuple[float, float]) -> None:
    with pytest.raises(SsrlError, match=r"the band .* is empty: name two rising shares"):
        pass_rates([], band)


def test_what_is_no_table_of_pass_rates_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SsrlError, match="no such file"):
        left_out(tmp_path / "none.parquet")
    (tmp_path / "text.parquet").write_text("id,keep")
    with pytest.raises(SsrlError, match="is not a table of pass rates"):
        left_out(tmp_path / "text.parquet")
    pq.write_table(pa.table({"id": ["a"]}), tmp_path / "other.parquet")
    with pytest.raises(SsrlError, match="is not a table of pass rates"):
        left_out(tmp_path / "other.parquet")


def test_pass_rates_of_nothing_have_the_same_columns() -> None:
    table = pass_rates([])
    assert table.num_rows == 0
    assert table.schema == pass_rates([{"id": "a", "score": 1.0, "exact": True}]).schema
