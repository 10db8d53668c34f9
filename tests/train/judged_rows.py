"""Rows and judged responses made by hand, and what each export makes of them, as the golden files have it.

`python tests/train/judged_rows.py` renews the golden files.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from datasets import Dataset

from ssrl_data.answers.choice import Choice
from ssrl_data.answers.permutation import Permutation
from ssrl_data.core import Answer, Credit
from ssrl_data.grade import grade
from ssrl_data.row import digest, pack_answer
from ssrl_train.exports import EXPORTS
from ssrl_train.exports.settings import Engrave, Export
from ssrl_train.responses import PREAMBLE, Exported, exported
from ssrl_train.rollouts import ROLLOUTS

GOLDEN = Path(__file__).parent / "golden"
RULES = "Reason in short sentences, and never say more than the question asks for."


def choice(right: str, *options: str) -> str:
    return pack_answer(Choice().answer(right, options))


def order(*places: int) -> str:
    return pack_answer(Answer("permutation", {"answer": list(places)}, Credit("partial", 1 / len(places)), 0.2))


Row = tuple[str, str, str | None, Sequence[str]]
ROWS: list[Row] = [
    (
        "Which tile is odd?",
        choice("B", "A", "B", "C", "D"),
        "The second tile is blank.",
        [
            "<think>The tiles are alike. Tile B has no edges.</think><answer>B</answer>",
            "<think>The tiles are alike. Tile C is darker.</think><answer>C</answer>",
            "<think>Tile A is first.</think>It is this one: <answer>A</answer>.",
            "<answer>B</answer>",
            "It is <answer>D",
            "It is B",
        ],
    ),
    (
        "Is 91 prime?",
        choice("no", "yes", "no"),
        None,
        [
            "It ends with 1, so <answer>yes</answer>",
            "7 times 13 is 91, so <answer>no</answer>",
            "91 is odd. Odd numbers may be prime. <answer>yes</answer>",
            "91 is odd. 7 divides it. <answer>no</answer>",
            f"{RULES} Odd and not prime. <answer>no</answer>",
        ],
    ),
    (
        "In which order?",
        order(3, 1, 2, 5, 4, 6),
        None,
        [
            "<answer>3, 1, 2, 5, 4, 6</answer>",
            "<answer>3, 1, 2, 4, 5, 6</answer>",
            "<answer>3, 1, 4, 2, 5, 6</answer>",
            "<answer>1, 2, 3, 4, 5, 6</answer>",
            "I cannot say.",
        ],
    ),
    (
        "How many legs?",
        choice("8", "6", "8"),
        None,
        [
            "<think><preview>One number.</preview> Spiders have 8. <check>It is one.</check></think><answer>8</answer>",
            "<think>Spiders have 3.5 pairs. So 7. It is nearest to six.</think><answer>6</answer>",
        ],
    ),
    ("Which sign?", choice("plus", "plus", "minus"), None, ["<answer>minus</answer>", "<answer>times</answer>"]),
    ("Does it hold?", choice("incorrect", "correct", "incorrect"), None, ["<answer>correct</answer>"]),
    ("Which?", choice("incorrect", "correct", "incorrect"), None, ["<answer>incorrect</answer>", "<answer>x</answer>"]),
]


def rows() -> Dataset:
    """The rows, as a dataset of text has them."""
    assert Permutation().name == "permutation"
    return Dataset.from_list(
        [
            {
                "id": digest(question),
                "prompt": [{"role": "user", "content": question}],
                "answer": answer,
                "meta": json.dumps({} if solution is None else {"solution": solution}),
            }
            for question, answer, solution, _ in ROWS
        ]
    )


def rollouts(preamble: str = "") -> pa.Table:
    """The responses, judged as `rollouts` judges them."""
    lines: list[dict[str, Any]] = []
    for question, answer, _, said in ROWS:
        for sample, text in enumerate(said):
            verdict = grade(answer, text)
            line = {"id": digest(question), "sample": sample, "response": text, "tokens": len(text), "stopped": True}
            line |= {"score": verdict.score, "exact": verdict.exact, "reason": verdict.reason}
            lines.append(line | {"read": verdict.read is not None})
    table = pa.Table.from_pylist(lines, ROLLOUTS)
    return table.replace_schema_metadata({PREAMBLE: preamble.encode()} if preamble else None)


def made(export: Export, each: int = 5) -> Exported:
    """An export of all rows."""
    return exported(rows(), rollouts(RULES if isinstance(export, Engrave) else ""), export, each=each, seed=1)


def golden(kind: str) -> str:
    """The content of a golden file: the counts, then an example a line."""
    found = made(EXPORTS[kind]())
    lines = [found.counts, *found.table.to_list()]
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


if __name__ == "__main__":
    for name in EXPORTS:
        (GOLDEN / f"{name}.jsonl").write_text(golden(name), encoding="utf-8")
