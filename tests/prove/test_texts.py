"""Five thousand rows of each task over texts, from real corpora: all true, none readable, no right order refused."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations, product
from math import factorial
from pathlib import Path
from typing import Any

import corpora
import made_derivations
import pyarrow.parquet as pq
import pytest
from command import ssrl

from ssrl_data.grade import grade

ROWS = 5000

ASKED = {"text/masked_span": 7000}
"""Where more rows must be asked for: documents hold few numbers that can be hidden, and few spans of many words."""

DERIVATIONS = 2000
"""Worked solutions that are made: people wrote too few (375), of which few have steps that use each other."""

GYM = "reasoning-gym:chain_sum,course_schedule,gcd,maze,products?size=1200"

WORKED = """
files:
  - {match: "*.jsonl", columns: {document: document}, license: MIT, origin: lm-eval}
"""

BRUTE = 6
"""Steps up to which every order is tried."""


@dataclass(frozen=True)
class Made:
    """A row, taken apart without the toolkit."""

    task: str
    level: str
    prompt: str
    kind: str
    value: Any
    answer: str
    meta: Any


@pytest.mark.prove
def test_texts_of_documents(tmp_path: Path) -> None:
    documents = tmp_path / "documents"
    corpora.documents(documents)
    tasks = ("text/masked_span", "text/degradation_order")
    made = built(tmp_path, tasks, [documents])
    assert [row for row in made if row.kind == "span" and told(row)] == []
    for level in ("easy", "medium", "hard"):
        orders = [row for row in made if row.task == tasks[1] and row.level == level]
        blind = 1 / (factorial(len(orders[0].value["answer"])) - 1)
        for sign in (1, -1):  # sorted by length, the shortest or the longest first
            right = sum(by_length(row, sign) == row.value["answer"] for row in orders)
            assert right / len(orders) < blind + 0.04


@pytest.mark.prove
def test_texts_of_steps(tmp_path: Path) -> None:
    made = built(tmp_path, ("text/masked_steps", "text/step_order"), steps(tmp_path))
    masked = [row for row in made if row.task == "text/masked_steps"]
    assert {kind for row in masked for kind, _ in gaps(row)} >= {"number", "span"}
    assert [row for row in masked if any(stands(row, kind, value) for kind, value in gaps(row))] == []
    orders = [row for row in made if row.task == "text/step_order"]
    assert {json.loads(row.answer)["kind"] for row in orders} == {"partial_order"}
    tried = Counter[bool]()
    for row in orders:
        if len(row.value["answer"]) <= BRUTE:
            tried.update(verdicts(row))
    assert tried[True] > ROWS / 2
    assert tried[False] > tried[True]


@pytest.mark.prove
def test_texts_of_answers(tmp_path: Path) -> None:
    made = built(tmp_path, ("text/final_answer",), [people(tmp_path), GYM])
    assert {row.kind for row in made} >= {"choice", "number"}
    said = re.compile(r"the (?:final |correct )?answer (?:is|:)|#### |\\boxed|^answer:", re.IGNORECASE | re.MULTILINE)
    assert [row for row in made if said.search(block(row.prompt, "problem"))] == []


def people(folder: Path) -> Path:
    """Worked solutions that people wrote."""
    target = folder / "worked"
    target.mkdir()
    shutil.copy(corpora.worked(), target)
    (target / "corpus.yaml").write_text(WORKED)
    return target


def steps(folder: Path) -> list[str | Path]:
    """The proofs of set.mm, worked solutions that people wrote, and made ones."""
    made_derivations.write_corpus(folder / "made", DERIVATIONS, 7)
    return [corpora.metamath()[1] / "set.mm", people(folder), folder / "made"]


def built(folder: Path, tasks: tuple[str, ...], sources: list[str | Path]) -> list[Made]:
    """Curate, build and check; every row, after what the check says was seen to hold."""
    table, recipe, out = folder / "curated.parquet", folder / "recipe.yaml", folder / "out"
    asked = {task: ASKED.get(task, ROWS) for task in tasks}
    recipe.write_text(json.dumps({"tasks": {task: {"weight": rows} for task, rows in asked.items()}}))
    curated = ssrl("curate", *sources, "--out", table)
    assert curated.returncode == 0, curated.stderr
    named = [f"--source={source}" for source in sources]
    rows = str(sum(asked.values()))
    done = ssrl("build", recipe, *named, "--curated", table, "--out", out, "--rows", rows, "--split", "test=0.1")
    assert done.returncode == 0, done.stderr
    print(done.stderr[-6000:])
    checked = ssrl("check", out)
    print(checked.stdout[:6000])
    assert checked.returncode == 0, checked.stdout[-3000:]
    found = json.loads((out / "check.json").read_text())
    parts = {part["name"]: part for part in found["parts"]}
    status = {name: part["status"] for name, part in parts.items()}
    assert {status[name] for name in ("rows", "truth", "judge", "leak", "seen", "near")} == {"passed"}, status
    guessed = {name: level["status"] for name, level in parts["guess"]["details"].items()}
    assert set(guessed.values()) == {"passed"}, guessed
    manifest = json.loads((out / "manifest.json").read_text())
    count = sum(count["rows"] for count in manifest["counts"].values())
    assert parts["truth"]["details"] == {"not rechecked": {}, "rechecked": count}
    stored = {split: list(read(out, split)) for split in ("train", "test")}
    made = [row for rows in stored.values() for row, _ in rows]
    per_task = Counter(row.task for row in made)
    assert min(per_task[task] for task in tasks) >= ROWS, manifest["counts"]
    groups, documents = ({split: {found[n] for _, found in rows} for split, rows in stored.items()} for n in range(2))
    assert not groups["train"] & groups["test"]
    assert not set().union(*documents["train"]) & set().union(*documents["test"])
    return made


def read(out: Path, split: str) -> Iterator[tuple[Made, tuple[str, frozenset[str]]]]:
    """Rows with their group, and the keys of all records that they were made from."""
    for path in sorted(out.glob(f"data/text/{split}-*.parquet")):
        for row in pq.read_table(path).to_pylist():
            answer, meta = json.loads(row["answer"]), json.loads(row["meta"])
            prompt = row["prompt"][0]["content"]
            made = Made(row["task"], row["level"], prompt, answer["kind"], answer["value"], row["answer"], meta)
            yield made, (row["group_id"], frozenset(source["key"] for source in meta["sources"]))


def block(prompt: str, name: str) -> str:
    """What stands between the tags of a block."""
    return prompt.partition(f"<{name}>\n")[2].partition(f"\n</{name}>")[0]


def told(row: Made) -> bool:
    """Whether the words of a hidden span, or of another form of it, stand elsewhere in the prompt in that order."""
    passage = block(row.prompt, "passage").split("[MASK]")
    question = row.prompt.partition("<passage>")[0].replace("[MASK]", " ")
    shown = [words(text) for text in (*passage, question)]
    return any(words(form) in text for form in (row.value["answer"], *row.value["aliases"]) for text in shown)


def words(text: str) -> str:
    """Letters and digits alone, with a space on either side of each run of them."""
    return " ".join(["", *re.findall(r"[^\W_]+", text.casefold()), ""])


def by_length(row: Made, sign: int) -> list[int]:
    """The versions of a passage in the order of their lengths."""
    shown = re.findall(r"^Version (\d): (.*)$", block(row.prompt, "versions"), re.MULTILINE)
    return [int(number) for number, text in sorted(shown, key=lambda found: sign * len(found[1]))]


def gaps(row: Made) -> list[tuple[str, str]]:
    """Kind and right filling of each gap."""
    parts = row.value["answer"] if row.kind == "blanks" else [{"kind": row.kind, "value": row.value}]
    return [(part["kind"], str(part["value"]["answer"])) for part in parts]


def stands(row: Made, kind: str, right: str) -> bool:
    """Whether a hidden number, expression or formula stands elsewhere in the problem or the steps."""
    shown = block(row.prompt, "problem") + "\n" + block(row.prompt, "steps")
    if kind == "number":
        numbers = re.findall(r"(?<![\w.])\d+(?:,\d{3})*(?:\.\d+)?(?![\w])", re.sub(r"\[MASK \d+\]", "", shown))
        return Fraction(right) in {Fraction(number.replace(",", "")) for number in numbers}
    if kind == "span":
        formulas = re.findall(r"^(?:\d+\. |Premise: |.*To prove: )(\|- .*?)(?: \(by .*)?$", shown, re.MULTILINE)
        return right in formulas
    return kind == "expression" and right.replace(" ", "") in shown.replace(" ", "")


def verdicts(row: Made) -> Iterator[bool]:
    """For every order of the steps whether it is right, once the verdict on it was seen to say the same."""
    numbers = range(1, len(row.value["answer"]) + 1)
    alike = [tuple(group) for group in row.value["same"]]
    others = [n for n in numbers if not any(n in group for group in alike)]
    renamings = []
    for drawn in product(*map(permutations, alike)):
        renaming = {a: b for group, put in zip(alike, drawn, strict=True) for a, b in zip(group, put, strict=True)}
        renamings.append(renaming | {n: n for n in others})
    for order in permutations(numbers):
        right = any(
            all(order.index(name[a]) < order.index(name[b]) for a, b in row.value["before"]) for name in renamings
        )
        verdict = grade(row.answer, f"<answer>{', '.join(map(str, order))}</answer>")
        assert (verdict.score == 1.0) == verdict.exact == right, (row, order, verdict)
        yield right
