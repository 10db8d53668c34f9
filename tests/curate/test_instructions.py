"""`ssrl curate` on instructions: which share a group, which are left out, and what is left of their queries."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import polars
import pytest

from ssrl_data.build.plan import make_plan
from ssrl_data.curate.run import Findings, curate
from ssrl_data.curate.texts import Wanted
from ssrl_data.curate.words import demands
from ssrl_data.recipe import Recipe, part
from ssrl_data.registry import source_at

CHECKER = "def evaluate(response):\n    return len(response) > {n}\n"
LONG = "The old lighthouse stands at the edge of the cliff: write about the {what} who lived there for many long years."


def curated(folder: Path, rows: list[tuple[str, list[str]]], wanted: Wanted | None = None) -> tuple[Findings, Path]:
    corpus = folder / "corpus"
    corpus.mkdir()
    lines = [
        {"instruction": text, "checkers": [CHECKER.format(n=n)], "gold": "long", "misses": ["s"], "queries": queries}
        for n, (text, queries) in enumerate(rows)
    ]
    (corpus / "checkers.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    table = folder / "table.parquet"
    return curate([str(corpus)], table, 1, say=lambda line: None, wanted=wanted or Wanted()), table


def groups(table: Path) -> list[str]:
    read = polars.read_parquet(table)
    found = dict(zip(read["key"], read["group"], strict=True))
    return [found[f"checkers.jsonl//line {n}"] for n in range(1, len(found) + 1)]


def left_out(table: Path) -> list[list[tuple[int, str]]]:
    read = polars.read_parquet(table)
    found = {key: list(zip(*both, strict=True)) for key, *both in read.select("key", "dropped", "why").iter_rows()}
    return [found[f"checkers.jsonl//line {n}"] for n in range(1, len(found) + 1)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Answer in exactly three sentences.", "Your response must have exactly five sentences!"),
        ('Include the word "apple" at least 2 times.', "Include the word 'river' at least 5 times."),
        ("Use no commas.", "Do not use any commas in your response."),
        ("Write your answer in lowercase letters only.", "Respond using only lowercase letters."),
        ("Use between 40 and 60 words.", "Your response should contain between 100 and 120 words."),
    ],
)
def test_instructions_that_ask_for_the_same_share_a_group(one: str, other: str, tmp_path: Path) -> None:
    findings, table = curated(tmp_path, [(one, []), (other, []), ("Answer as a JSON object with two keys.", [])])
    first, second, third = groups(table)
    assert first == second != third
    assert left_out(table) == [[], [], []]
    assert findings.passages == {"instruction": (3, {})}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Answer in exactly three sentences.", "Answer in exactly three paragraphs."),
        ("Use no commas.", "Use no exclamation marks."),
        ("End with a question.", "Begin with a title in square brackets."),
        ("Give the answer as a JSON object.", "Give the answer as a bulleted list."),
    ],
)
def test_instructions_that_ask_for_something_else_do_not(one: str, other: str, tmp_path: Path) -> None:
    _, table = curated(tmp_path, [(one, []), (other, [])])
    assert len(set(groups(table))) == 2


def test_a_repeated_instruction_is_left_out_with_its_queries(tmp_path: Path) -> None:
    rows = [("Use no commas.", ["Why?"]), ("Use  no commas.", ["When did it all begin?"]), ("Be brief, or so.", [])]
    findings, table = curated(tmp_path, rows)
    assert left_out(table) == [[], [(0, "repeated"), (1, "repeated")], []]
    assert findings.passages == {"instruction": (5, {"repeated": 2})}


def test_a_query_that_another_group_has_is_left_out_of_the_later_one(tmp_path: Path) -> None:
    rows = [
        ("Use no commas.", ["Why is the sky blue?", LONG.format(what="keeper")]),
        ("Give the answer as a JSON object.", ["Why is the sky BLUE?", "How?", LONG.format(what="keeper's dog")]),
        ("Do not use any commas.", ["Why is the sky blue?"]),
    ]
    _, table = curated(tmp_path, rows)
    assert left_out(table) == [[], [(1, "repeated"), (3, "near repeat")], []]
    names = groups(table)
    assert names[0] == names[2] != names[1]
    # A build shows what is left.
    source = source_at(str(tmp_path / "corpus"))
    recipe = Recipe((part("instruction/autoif", ["easy"], {}),), (str(tmp_path / "corpus"),), curated=str(table))
    (shard,) = make_plan(recipe, [source]).shards
    shown = {}
    for item in shard.items:
        instruction = source.open(item.entry).instruction
        assert instruction is not None
        shown[instruction.text] = instruction.queries
    assert shown == {rows[0][0]: tuple(rows[0][1]), rows[1][0]: ("How?",), rows[2][0]: ("Why is the sky blue?",)}


def test_benchmarks_and_languages_leave_out_instructions_and_single_queries(tmp_path: Path) -> None:
    benchmark = tmp_path / "benchmark.jsonl"
    said = "Write a summary of the wiki page of the third of May in three hundred words or more please"
    benchmark.write_text(json.dumps({"prompt": said}) + "\n")
    german = "Schreibe einen Aufsatz von drei Seiten über die Geschichte der Leuchttürme an der Küste der Nordsee."
    rows = [
        (f"{said}.", ["Why is the sky blue and not green at all?"]),
        ("Use no commas at all in anything that you write here.", [said, german, "Why is the sky so very blue today?"]),
    ]
    _, table = curated(tmp_path, rows, Wanted(against=[benchmark], languages=["en"]))
    assert left_out(table) == [[(0, "benchmark"), (1, "benchmark")], [(1, "benchmark"), (2, "language")]]


def test_demands_leave_out_what_any_instruction_may_hold() -> None:
    assert demands("You must write exactly three sentences.") == ["0", "exactly", "sentence"]
    assert demands("Never use the word 'sea' without `it`") == ["no", "quoted", "word"]
    assert demands("the") == ["the"]
    assert demands("!!!") == ["!!!"]


def test_a_build_knows_neither_what_is_left_out_nor_another_engine(tmp_path: Path) -> None:
    _, table = curated(tmp_path, [("Use no commas.", []), ("End with a question.", []), ("Use no commas.", ["Why?"])])
    recipe = Recipe((part("instruction/autoif", ["easy"], {}),), (str(tmp_path / "corpus"),), curated=str(table))
    plan = make_plan(recipe, [source_at(str(tmp_path / "corpus"))])
    assert plan.records == 2
    assert plan.identity["versions"]["pydantic-monty"] == version("pydantic-monty")
