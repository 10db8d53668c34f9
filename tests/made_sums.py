"""Sums and differences of two numbers that letters stand for: questions with exact views, which a tiny model can learn.

The premises may stand in any order and the letters be any others, so `text/final_answer` has views of each. No two
questions are alike.
"""

from __future__ import annotations

import json
from pathlib import Path

from ssrl_data.rng import Rng

LETTERS = "bcknpqrtuvwxyz"
OF_DOCUMENT = 4

CORPUS = """
files:
  - match: "*.jsonl"
    columns: {document: document}
    license: CC0-1.0
    attribution: the authors of ssrl
"""


def write(folder: Path, count: int, seed: int, largest: int = 9, signs: str = "+-") -> None:
    """A corpus of so many questions.

    Args:
        folder: for it.
        count: of them.
        seed: which of all there are.
        largest: number that a letter stands for; the least is 0.
        signs: those that are asked for.
    """
    every = [
        (sign, a, b, x, y)
        for sign in signs
        for a in range(largest + 1)
        for b in range(largest + 1)
        for x in LETTERS
        for y in LETTERS
        if x != y and (sign == "+" or a >= b)
    ]
    lines = []
    for number, (sign, a, b, x, y) in enumerate(Rng("sums", seed).sample(every, count)):
        given = Rng("sums", seed, number).shuffled([f"{x} = {a}", f"{y} = {b}"])
        answer = a + b if sign == "+" else a - b
        row = {"problem": f"What is {x} {sign} {y}?", "given": given, "answer": str(answer)}
        lines.append(json.dumps(row | {"document": f"d{number // OF_DOCUMENT}"}))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sums.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (folder / "corpus.yaml").write_text(CORPUS.lstrip(), encoding="utf-8")
