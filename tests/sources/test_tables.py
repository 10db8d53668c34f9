"""Tables as corpora: what is listed, what columns mean, what a bad row costs, and that nothing is read twice."""

from __future__ import annotations

import gzip
import json
import pickle
import random
import tracemalloc
from pathlib import Path
from typing import Any

import corpora
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ssrl_data.core import Record, Reject, SsrlError
from ssrl_data.media.worked import QUESTION, SOLUTION, Worked
from ssrl_data.registry import source_at
from ssrl_data.sources import _spill, _tables
from ssrl_data.sources._columns import unboxed
from ssrl_data.sources._descriptor import Rule

RIVER = "The river rises in the hills above the town and runs north to the sea."
MILL = "The mill was built beside it in 1780 and ground corn for two centuries."
GSM8K = {
    "question": "Ann has 3 boxes of 12 eggs and gives 6 eggs away. How many are left?",
    "answer": "She has 3*12=<<3*12=36>>36 eggs.\nAfter giving 6 away she has 36-6=<<36-6=30>>30 eggs.\n#### 30",
}
MATH = {
    "problem": "Solve $2x = 6$.",
    "level": "Level 1",
    "type": "Algebra",
    "solution": "Dividing by 2 gives $x = 3$. Check: $2 \\cdot 3 = 6$. So $x = \\boxed{\\frac{6}{2}}$.",
}


def jsonl(path: Path, *rows: Any) -> Path:
    path.write_bytes(b"".join((r if isinstance(r, bytes) else json.dumps(r).encode()) + b"\n" for r in rows))
    return path


def parquet(path: Path, *rows: Any, **options: Any) -> Path:
    pq.write_table(pa.Table.from_pylist(list(rows)), path, **options)
    return path


def records(address: Path) -> list[Record | str]:
    """All records, or why one was rejected."""
    source = source_at(str(address))
    out: list[Record | str] = []
    for entry in source.entries():
        try:
            record = source.open(entry)
            assert (record.text is not None) == (entry.media == "text")
            out.append(record)
        except Reject as reject:
            out.append(reject.reason)
    return out


def worked(path: Path) -> list[Worked | str | None]:
    return [record if isinstance(record, str) else record.worked for record in records(path)]


def one(tmp_path: Path, **row: Any) -> Worked:
    """The worked solution of one row, the same out of both formats."""
    (found,) = worked(jsonl(tmp_path / "row.jsonl", row))
    (same,) = worked(parquet(tmp_path / "row.parquet", row))
    assert isinstance(found, Worked)
    assert found == same
    return found


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.jsonl.gz", "a.parquet", "A.JSONL"])
def test_every_format_gives_the_same_records(name: str, tmp_path: Path) -> None:
    rows = [{"text": f"{RIVER}\n\n{MILL} It has {i} rooms."} for i in range(50)]
    path = tmp_path / name
    if name.endswith("parquet"):
        parquet(path, *rows, row_group_size=7)
    else:
        jsonl(path, *rows)
        if name.endswith("gz"):
            path.write_bytes(gzip.compress(path.read_bytes()))
    source = pickle.loads(pickle.dumps(source_at(str(path))))
    entries = list(source.entries())
    first, last = ("row 0", "row 49") if name.endswith("parquet") else ("line 1", "line 50")
    assert [entries[0].key, entries[-1].key] == [f"{name}//{first}", f"{name}//{last}"]
    assert {entry.media for entry in entries} == {"text"}
    assert all(entry.group == entry.key for entry in entries)
    order = list(enumerate(entries))
    random.Random(1).shuffle(order)
    for number, entry in order:
        record = source.open(entry)
        assert record.text is not None
        assert record.text.paragraphs == (RIVER, f"{MILL} It has {number} rooms.")
    plain = jsonl(tmp_path / "b.jsonl", *rows)
    other = source_at(str(plain))
    assert [other.open(e).source_id for e in other.entries()] == [source.open(e).source_id for e in entries]


@pytest.mark.parametrize("column", ["text", "content", "document"])
def test_a_text_is_known_by_the_name_of_its_column(column: str, tmp_path: Path) -> None:
    (record,) = records(jsonl(tmp_path / "a.jsonl", {"id": 3, column: RIVER, "label": 1}))
    assert isinstance(record, Record)
    assert record.text is not None
    assert record.text.paragraphs == (RIVER,)


def test_gsm8k_keeps_its_solution_in_the_answer(tmp_path: Path) -> None:
    found = one(tmp_path, **GSM8K)
    assert (found.form, found.problem, found.answer) == (SOLUTION, GSM8K["question"], "30")
    assert [step.text for step in found.steps] == ["She has 3*12=36 eggs.", "After giving 6 away she has 36-6=30 eggs."]


def test_math_boxes_its_answer(tmp_path: Path) -> None:
    found = one(tmp_path, **MATH)
    assert found.answer == "\\frac{6}{2}"
    assert [step.text for step in found.steps] == [
        *("Dividing by 2 gives $x = 3$.", "Check: $2 \\cdot 3 = 6$.", "So $x = \\frac{6}{2}$."),
    ]


def test_a_column_for_the_answer_counts_more_than_the_solution(tmp_path: Path) -> None:
    assert one(tmp_path, **MATH, final_answer="3").answer == "3"
    found = one(tmp_path, query="What is 6 / 2?", rationale="6 = 2 * 3.\nSo it is 3.\n#### 3", target=3.0)
    assert (found.answer, [step.text for step in found.steps]) == ("3", ["6 = 2 * 3.", "So it is 3."])


def test_without_gold_there_is_a_question(tmp_path: Path) -> None:
    found = one(tmp_path, prompt="Why is the sky blue?", label=3)
    assert found == Worked(QUESTION, "Why is the sky blue?")
    assert one(tmp_path, prompt="Why?", answer=None, solution="").form == QUESTION


def test_steps_premises_and_paraphrases_are_lists_of_texts(tmp_path: Path) -> None:
    found = one(
        tmp_path,
        problem="What is n?\n\n  1 2\n  3 4",
        steps=["n + 1 = 3.", "", "So n = \\boxed{2}."],
        given=["n is whole.", "n + 1 = 3."],
        paraphrases=["Find n."],
        answer=2,
    )
    assert found.problem == "What is n?\n1 2\n3 4"
    assert [step.text for step in found.steps] == ["n + 1 = 3.", "So n = 2."]
    assert (found.given, found.paraphrases, found.answer) == (("n is whole.", "n + 1 = 3."), ("Find n.",), "2")


@pytest.mark.parametrize(
    ("options", "answer"),
    [
        (["red", "green", "blue"], "green"),
        (["red", "green", "blue"], "B"),
        (["red", "green", "blue"], "(b)"),
        (["red", "green", "blue"], 1),
        (["red", "green", "blue"], 1.0),
        (["A) red", "B) green", "C) blue"], "B"),
        (["(A) red", "(B) green"], "green"),
        ({"A": "red", "B": "green"}, "B"),
        ({"label": ["1", "2"], "text": ["red", "green"]}, "2"),
    ],
)
def test_the_answer_is_the_text_of_an_option(options: Any, answer: Any, tmp_path: Path) -> None:
    found = one(tmp_path, question="Which colour?", choices=options, answer=answer)
    assert found.answer == "green"
    assert found.options[:2] == ("red", "green")


@pytest.mark.parametrize(
    ("options", "answer", "reason"),
    [
        (["red", "green"], "blue", "answer is no option"),
        (["red", "green"], 2, "answer is no option"),
        (["red", "green"], -1, "answer is no option"),
        (["red", "green"], "1", "answer is no option"),
        (["B", "A", "C"], "A", "answer could be two options"),
        (["1", "0", "2"], 0, "answer could be two options"),
        (["red", "Red"], "red", "options are empty or alike"),
        (["red", " "], "red", "options are empty or alike"),
        (["red"], "red", "options are empty or alike"),
        ([["red"], "green"], "green", "options is nested"),
        ("red", "red", "options are empty or alike"),
    ],
)
def test_options_that_leave_a_doubt_are_rejected(options: Any, answer: Any, reason: str, tmp_path: Path) -> None:
    good = {"question": "Which?", "options": ["x", "y"], "answer": "x"}
    row = {"question": "Which colour?", "options": options, "answer": answer}
    assert worked(jsonl(tmp_path / "a.jsonl", good, row))[1] == reason


def test_one_turn_each_of_a_chat_is_a_solution(tmp_path: Path) -> None:
    chat = [
        {"role": "system", "content": "Think."},
        {"role": "user", "content": "What is 2 + 2?"},
        {"role": "assistant", "content": "It is two and two. So \\boxed{4}."},
    ]
    found = one(tmp_path, messages=chat)
    assert (found.problem, found.answer, len(found.steps)) == ("What is 2 + 2?", "4", 2)
    assert worked(jsonl(tmp_path / "a.jsonl", {"messages": chat + chat})) == ["not one turn each"]
    assert worked(jsonl(tmp_path / "a.jsonl", {"messages": "hello"})) == ["messages are no list of turns"]


BAD_LINES: dict[str, tuple[bytes, str]] = {
    "broken": (b'{"text": "a', "not JSON"),
    "no JSON": (b"hello", "not JSON"),
    "spaces": (b"   ", "not JSON"),
    "Latin-1": (b'{"text": "caf\xe9"}', "not UTF-8"),
    "UTF-16": (json.dumps({"text": RIVER}).encode("utf-16-le"), "not JSON"),
    "list": (b'["text"]', "no object"),
    "number": (b"17", "no object"),
    "duplicate": (b'{"text": "one", "text": "two"}', "duplicate keys"),
    "deep": (b'{"text": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
    "long": (b'{"text": "' + b"a " * (9 << 20) + b'"}', "record too large"),
    "digits": (b'{"text": ' + b"9" * 10_000 + b"}", "not JSON"),
    "missing": (b'{"title": "no text"}', "no running text"),
    "null": (b'{"text": null}', "no running text"),
    "nested": (b'{"text": {"body": "x"}}', "text is nested"),
    "number of text": (b'{"text": 17}', "text is no text"),
    "NaN": (b'{"text": NaN}', "text is no text"),
    "surrogates": (b'{"text": "\\ud800\\udc"}', "not JSON"),
}


def test_a_bad_line_costs_itself(tmp_path: Path) -> None:
    lines = [line for line, _ in BAD_LINES.values()]
    mixed = [part for line in lines for part in (json.dumps({"text": RIVER}).encode(), line)]
    found = records(jsonl(tmp_path / "a.jsonl", *mixed))
    assert all(isinstance(record, Record) for record in found[::2])
    assert found[1::2] == [reason for _, reason in BAD_LINES.values()]


def test_wrong_values_in_worked_rows(tmp_path: Path) -> None:
    good = {"problem": "What is 1 + 1?", "answer": "2"}
    bad: dict[str, Any] = {
        "answer is no text": {"problem": "p", "answer": True},
        "answer is nested": {"problem": "p", "answer": ["2"]},
        "answer is no number": {"problem": "p", "answer": float("inf")},
        "no problem": {"problem": " \u200b\n", "answer": "2"},
        "solution is nested": {"problem": "p", "solution": {"a": 1}},
        "steps is nested": {"problem": "p", "steps": [{"text": "a"}]},
        "steps is no list of texts": {"problem": "p", "steps": 3},
        "given is no text": {"problem": "p", "given": [1]},
    }
    found = worked(jsonl(tmp_path / "a.jsonl", good, *bad.values()))
    assert isinstance(found[0], Worked)
    assert found[1:] == list(bad)


def test_lines_end_as_they_like(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    line = json.dumps({"text": RIVER}).encode()
    path.write_bytes(b"\xef\xbb\xbf" + line + b"\r\n\r\n\n" + line + b"\r\n" + line)
    source = source_at(str(path))
    assert [entry.key for entry in source.entries()] == [f"a.jsonl//line {n}" for n in (1, 4, 5)]
    assert all(isinstance(record, Record) for record in records(path))


@pytest.mark.parametrize("damage", [b"", b"\0" * 50, b"not gzip"])
def test_a_damaged_gzip_keeps_what_lies_before(damage: bytes, tmp_path: Path) -> None:
    rows = [
        json.dumps({"text": f"{RIVER} It has {random.Random(i).random()} metres of water."}).encode() + b"\n"
        for i in range(40_000)
    ]
    packed = gzip.compress(b"".join(rows))
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(packed[: len(packed) // 2] + damage)
    source = source_at(str(path))
    entries = list(source.entries())
    assert len(entries) > 1000
    assert entries[-1].key == "a.jsonl.gz"  # stands for the rest
    with pytest.raises(Reject, match=r"truncated|broken gzip"):
        source.open(entries[-1])
    assert source.open(entries[500]).text is not None
    path.write_bytes(b"nothing")
    assert records(path) == ["broken gzip"]


def test_damaged_parquets(tmp_path: Path) -> None:
    rows = [{"text": f"{RIVER} It is {i} miles long." + " And so on and on." * 50} for i in range(4000)]
    path = parquet(tmp_path / "a.parquet", *rows, row_group_size=1000, compression="none", use_dictionary=False)
    whole = path.read_bytes()
    for broken in (b"", b"PAR1", whole[:100], whole[: len(whole) // 2], b"x" * 1000):
        path.write_bytes(broken)
        assert records(path) == ["no Parquet"]
    start = pq.ParquetFile(pa.BufferReader(whole)).metadata.row_group(1).column(0).data_page_offset
    path.write_bytes(whole[:start] + b"\xff" * 200 + whole[start + 200 :])
    found = records(path)
    assert [isinstance(record, Record) for record in found] == [True] * 1000 + [False] * 1000 + [True] * 2000
    assert set(found[1000:2000]) == {"unreadable row group"}


def test_values_of_parquet_that_json_does_not_know(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    texts = pa.array([RIVER.encode(), b"caf\xe9 " * 10, MILL.encode()], pa.binary())
    pq.write_table(pa.table({"text": texts.cast(pa.binary())}), path)
    found = records(path)
    assert [isinstance(record, Record) for record in found] == [True, False, True]
    assert found[1] == "not UTF-8"
    bad = pa.Array.from_buffers(pa.string(), 3, texts.buffers())
    pq.write_table(pa.table({"text": bad}), path)
    assert [isinstance(record, Record) for record in records(path)] == [True, False, True]
    pq.write_table(pa.table({"text": pa.array([1, 2])}), path)
    assert records(path) == ["text is no text"] * 2


def test_a_table_without_known_columns_is_rejected_as_a_whole(tmp_path: Path) -> None:
    assert records(jsonl(tmp_path / "a.jsonl", {"body": RIVER}, {"body": MILL})) == ["no known columns"]
    assert records(parquet(tmp_path / "a.parquet", {"body": RIVER})) == ["no known columns"]
    assert records(jsonl(tmp_path / "empty.jsonl")) == ["no known columns"]


def described(tmp_path: Path, columns: str) -> Path:
    (tmp_path / "corpus.yaml").write_text(f"files: [{{match: '*', columns: {columns}}}]")
    return tmp_path


@pytest.mark.parametrize("write", [jsonl, parquet])
def test_a_rule_names_columns_and_documents(write: Any, tmp_path: Path) -> None:
    rows = [
        {"text": "no", "body": f"{RIVER} It is {i} miles long.", "url": None if i == 5 else f"page {i // 2}"}
        for i in range(6)
    ]
    write(tmp_path / ("a.jsonl" if write is jsonl else "a.parquet"), *rows)
    folder = described(tmp_path, "{text: body, document: url}")
    groups = [entry.group.rpartition("//")[2] for entry in source_at(str(folder)).entries()]
    assert groups[:5] == ["page 0", "page 0", "page 1", "page 1", "page 2"]
    assert groups[5] in ("row 5", "line 6")
    found = records(folder)
    assert all(isinstance(record, Record) and record.text and RIVER in record.text.paragraphs[0] for record in found)
    described(tmp_path, "{problem: body, answer: url}")
    assert [w.answer for w in worked(folder) if isinstance(w, Worked)][:3] == ["page 0", "page 0", "page 1"]


def test_rules_that_name_no_column_are_errors(tmp_path: Path) -> None:
    jsonl(tmp_path / "a.jsonl", {"body": RIVER})
    with pytest.raises(SsrlError, match=r"a\.jsonl: no column 'boby' for the text, as its rule says: it has body"):
        list(source_at(str(described(tmp_path, "{text: boby}"))).entries())
    for columns, message in {
        "{txt: body}": "unknown key 'txt': did you mean 'text'",
        "{text: 3}": "text must be the name of a column, got 3",
        "{text: a, problem: b}": "name the column of one of them",
        "[text]": "expected a mapping",
    }.items():
        with pytest.raises(SsrlError, match=message):
            source_at(str(described(tmp_path, columns)))


def test_a_row_group_is_unpacked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = parquet(
        tmp_path / "a.parquet", *({"text": f"{RIVER} It is {i} miles long."} for i in range(1000)), row_group_size=100
    )
    unpacked: list[int] = []
    rows = _tables.Rows._rows
    monkeypatch.setattr(
        _tables.Rows, "_rows", lambda self, group, names: unpacked.append(group) or rows(self, group, names)
    )
    source = source_at(str(path))
    entries = list(source.entries())
    random.Random(3).shuffle(entries)
    for entry in entries:
        source.open(entry)
    assert sorted(unpacked) == list(range(10))


def test_what_is_unpacked_stays_within_its_limit() -> None:
    spill = _spill.Spill(limit=1000)
    packs = {name: [f"{name} {i}".encode() for i in range(100)] for name in ("one", "two")}
    for name, at in (("one", 5), ("two", 99), ("one", 6), ("one", 7)):
        assert spill.read(name, lambda name=name: iter(packs[name]), at) == packs[name][at]
    with pytest.raises(Reject, match="too large unpacked"):
        spill.read("big", lambda: iter([b"x" * 600] * 2), 0)
    with pytest.raises(Reject, match="changed since it was listed"):
        spill.read("one", lambda: iter(packs["one"]), 100)


def test_listing_holds_no_content(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", *({"text": f"{RIVER} It is {i} miles long." * 5} for i in range(50_000)))
    assert path.stat().st_size > 17 << 20
    tracemalloc.start()
    assert sum(1 for _ in _tables.listed(str(path).encode(), Rule())) == 50_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20


def test_real_worked_solutions() -> None:
    found = worked(corpora.worked())
    assert len(found) == 375
    assert [reason for reason in found if isinstance(reason, str)] == ["options are empty or alike"]
    sound = [solution for solution in found if isinstance(solution, Worked)]
    assert all(solution.form == SOLUTION and solution.answer for solution in sound)
    assert sum(bool(solution.options) for solution in sound) == 331
    assert all(solution.answer in solution.options for solution in sound if solution.options)


@pytest.mark.parametrize(
    ("text", "shown", "last"),
    [
        ("so \\boxed{4}.", "so 4.", "4"),
        ("\\boxed{\\frac{1}{2}} and \\boxed {x}", "\\frac{1}{2} and x", "x"),
        ("a \\boxed{b \\boxed{c} d} e", "a b c d e", "b c d"),
        ("{a} \\{ \\boxed{\\{1\\}}", "{a} \\{ \\{1\\}", "\\{1\\}"),
        ("open \\boxed{4", "open \\boxed{4", None),
        ("none } here", "none } here", None),
    ],
)
def test_boxes_are_taken_off(text: str, shown: str, last: str | None) -> None:
    assert unboxed(text) == (shown, last)


def test_boxes_take_linear_time() -> None:
    many = "\\boxed{" * 200_000
    assert unboxed(many) == (many, None)
    assert unboxed(many + "}" * 200_000) == ("", None)
