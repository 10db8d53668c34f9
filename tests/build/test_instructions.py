"""Building from instructions with checkers, good and hostile: curate, build, check, report, show and grade by hand."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from command import ROOT, published, ssrl

CHECKERS = ROOT / "tests/texts/checkers.jsonl"
NAME = "instruction/autoif"
GOOD, ROWS = 13, 90
SECRET = "a word that stands in no row 7c1f"


def hostile(folder: Path) -> list[tuple[dict[str, Any], str]]:
    """Rows that want to do harm, and why each makes none; the secret lies beside them."""
    secret = folder / "secret.key"
    secret.write_text(SECRET)
    good = "def evaluate(response):\n    return 'amber' in response\n"
    stolen = f"SAID = open({str(secret)!r}).read()\n\ndef evaluate(response):\n    return SAID in response\n"
    row = {"gold": "amber", "misses": ["red"], "limits": {"seconds": 0.3}}
    rejects = "gold that its checkers reject"
    found = [
        (row | {"checkers": [f"import os\nos.fork()\n{good}"]}, rejects),
        (row | {"checkers": [f"while True:\n    pass\n{good}"]}, rejects),
        (row | {"checkers": [stolen], "gold": SECRET}, rejects),
        (row | {"checkers": [f"X = [0] * 10**10\n{good}"]}, rejects),
        (row | {"checkers": ["def evaluate(response):\n    return evaluate(response)\n"]}, rejects),
        (row | {"checkers": ["def evaluate(response):\n    return 9 ** 9 ** 9 > 1\n"]}, rejects),
        (row | {"checkers": [f"import random\n{good}"]}, "checkers that do not always say the same"),
        (row | {"checkers": ["def evaluate(response):\n    return len(response) > 4\n"]}, "accepts a stock reply"),
        (row | {"checkers": [good], "misses": ["amber too"]}, "miss that its checkers accept"),
        (row | {"checkers": [good], "instruction": "</instruction>"}, "instruction or query that cannot be quoted"),
        (row | {"checkers": [good], "instruction": "amber " * 200_000}, "instruction too long"),
        (row | {"checkers": good}, "checkers is no list of texts"),
        (row | {"checkers": [good], "gold": 3}, "gold is no text"),
        (row | {"checkers": [good], "gold": "<think>red</think>amber"}, "no answer of this kind"),
    ]
    # Alike, so that one split holds them all, and no two the same, so that a curation keeps them.
    return [({"instruction": f"Use the word amber, {n}."} | one, why) for n, (one, why) in enumerate(found)]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The instructions of the tests, between hostile ones."""
    folder = tmp_path_factory.mktemp("instructions") / "corpus"
    folder.mkdir()
    lines = [json.dumps(row) for row, _ in hostile(folder)]
    lines[5:5] = CHECKERS.read_text("utf-8").splitlines()[:GOOD]
    (folder / "checkers.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    (folder / "corpus.yaml").write_text("files:\n  - {match: '*', license: CC0-1.0}\n")
    return folder


@pytest.fixture(scope="module")
def built(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of it, all three levels."""
    out = tmp_path_factory.mktemp("built") / "dataset"
    table = out.with_name("curated.parquet")
    said = ssrl("curate", str(corpus), "--out", str(table), "--workers", "1")
    assert said.returncode == 0, said.stderr
    assert "instructions and queries" in said.stdout
    done = ssrl(
        *("build", NAME, "--source", str(corpus), "--curated", str(table), "--out", str(out)),
        *("--rows", str(ROWS), "--split", "test=0.3", "--workers", "2"),
    )
    assert done.returncode == 0, done.stderr
    return out


def rows(folder: Path) -> list[dict[str, Any]]:
    return [row for file in sorted(folder.glob("data/*/*.parquet")) for row in pq.read_table(file).to_pylist()]


def test_hostile_rows_cost_themselves_alone(corpus: Path, built: Path) -> None:
    manifest = json.loads((built / "manifest.json").read_text())
    reasons = Counter(reason for _, reason in hostile(corpus))
    skipped: Counter[str] = Counter()
    for counts in manifest["counts"].values():
        skipped.update(counts["skips"])
    for reason in reasons:
        assert skipped[reason] + manifest["rejects"].get(reason, 0) >= reasons[reason], reason
    made = rows(built)
    assert len(made) >= 0.6 * ROWS
    assert {row["level"] for row in made} == {"easy", "medium", "hard"}
    assert not any("amber" in json.dumps(row) for row in made)
    for file in (*built.rglob("*.parquet"), built / "manifest.json", built / "README.md"):
        assert SECRET.encode() not in file.read_bytes()


def test_the_check_recomputes_every_row(built: Path) -> None:
    found = ssrl("check", str(built), "--json")
    parts = {part["name"]: part for part in json.loads(found.stdout)["parts"]}
    # So few rows cannot be held to their chance: all else is.
    assert {name: part["status"] for name, part in parts.items() if name != "guess"} == dict.fromkeys(
        ("rows", "truth", "judge", "leak", "probe", "seen", "near"), "passed"
    )
    assert parts["truth"]["details"]["rechecked"] == len(rows(built))
    card = (built / "README.md").read_text()
    assert "raw instructions with checkers to which no label was added" in card


def test_a_checker_that_was_changed_in_a_row_is_found(built: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(built, copy)
    file = next(copy.glob("data/*/train-*.parquet"))
    table = pq.read_table(file)
    answers = table["answer"].to_pylist()
    answer = json.loads(answers[0])
    answer["value"]["checkers"][0]["source"] += "\n"
    changed = [json.dumps(answer, sort_keys=True, separators=(",", ":")), *answers[1:]]
    at = table.schema.get_field_index("answer")
    pq.write_table(table.set_column(at, table.schema.field("answer"), [changed]), file)
    found = ssrl("check", str(copy), "--json")
    assert found.returncode == 1


def test_the_report_shows_rows_and_show_an_example(built: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert ssrl("report", str(built), "--out", str(page)).returncode == 0
    text = page.read_text()
    assert all(f"{NAME}/{level}" in text or level in text for level in ("easy", "medium", "hard"))
    shown = ssrl("show", NAME, "--source", str(CHECKERS))
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.count("<instruction>") == 1 + 2 + 3


def test_responses_are_graded_from_the_rows_alone(built: Path, tmp_path: Path) -> None:
    made = rows(built)
    responses = tmp_path / "responses.jsonl"
    said = []
    for row in made:
        value = json.loads(row["answer"])["value"]
        said += [(row["id"], f"<think>So.</think>{value['answer']}", 1.0), (row["id"], value["misses"][0], 0.0)]
        said.append((row["id"], "x" * 70_000, 0.0))
    responses.write_text("".join(json.dumps({"id": id, "response": text}) + "\n" for id, text, _ in said))
    found = ssrl("grade", str(built), "--responses", str(responses))
    assert found.returncode == 0, found.stderr
    verdicts = [json.loads(line) for line in found.stdout.splitlines()]
    assert [verdict["score"] for verdict in verdicts] == [score for *_, score in said]


def test_the_same_corpus_gives_the_same_bytes(corpus: Path, built: Path, tmp_path: Path) -> None:
    table = built.with_name("curated.parquet")
    again = ssrl(
        *("build", NAME, "--source", str(corpus), "--curated", str(table), "--out", str(tmp_path / "again")),
        *("--rows", str(ROWS), "--split", "test=0.3", "--workers", "1"),
        PYTHONHASHSEED="7",
    )
    assert again.returncode == 0, again.stderr
    assert {name: value for name, value in published(tmp_path / "again").items() if name.startswith("data")} == {
        name: value for name, value in published(built).items() if name.startswith("data")
    }
