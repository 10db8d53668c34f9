"""Masked spans made per second from prose: `make` alone.

The prose is the docstrings of Python's own library, which every machine has. Prints lines of "name value unit", medians
over the rounds; times are of the processor. `judged` counts the spans that were found and held against every gate in
paragraphs not met before, one call of `make` for each; `rows` the rows of a document whose spans are known.
"""

from __future__ import annotations

import ast
import statistics
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

from ssrl_data.core import Record, Skip, Task
from ssrl_data.gates.spans import spans
from ssrl_data.media.text import document
from ssrl_data.registry import task_class
from ssrl_data.rng import Rng

TASK, LEVELS = "text/masked_span", ("easy", "medium", "name")
ROWS, ROUNDS = 3000, 3
REPEATED = 4  # so that the counts are of a corpus large enough to be asked


def prose() -> Iterator[str]:
    """The paragraphs of the standard library's docstrings, twelve words and more."""
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        tree = ast.parse(path.read_text("utf-8", "replace"))
        nodes = [n for n in ast.walk(tree) if isinstance(n, (ast.Module, ast.ClassDef, ast.FunctionDef))]
        texts = [ast.get_docstring(node) or "" for node in nodes]
        yield from (block for text in texts for block in text.split("\n\n") if len(block.split()) >= 12)


def calls(task: Task[object], record: Record, count: int, first: int) -> tuple[float, int]:
    """Seconds that so many calls take, and how many of them gave a row."""
    start, made = time.process_time(), 0
    for k in range(first, first + count):
        try:
            made += len(list(task.make([record], Rng(k), 0)))
        except Skip:
            continue
    return time.process_time() - start, made


def one_round(level: str, blocks: list[str], prepared: bytes, number: int) -> tuple[float, float]:
    """Spans judged a second on the way through paragraphs not met before, and rows a second afterwards."""
    # A mark of its own in each paragraph, so that nothing of an earlier round is remembered.
    cls = task_class(TASK)
    task = cls(cls.levels[level], prepared)
    texts = [document([f"{block} ({level} {number}.)"]) for block in blocks]
    seconds = sum(calls(task, Record("a", "a", "", text=text), 1, 0)[0] for text in texts)
    judged = sum(len(spans(paragraph)) for text in texts for paragraph in text.paragraphs)
    whole = Record("b", "b", "", text=document([text.paragraphs[0] for text in texts[:100]]))
    calls(task, whole, 200, 0)
    again, rows = calls(task, whole, ROWS, 200)
    return judged / seconds, rows / again


def main() -> None:
    """Measure and print."""
    blocks = list(prose())[:1600]
    text = document(blocks)
    words = sum(len(paragraph.split()) for paragraph in text.paragraphs)
    start = time.process_time()
    prepared = task_class(TASK).prepare(iter([Record("a", "a", "", text=text)] * REPEATED))
    print(f"spans/prepare {REPEATED * words / (time.process_time() - start):.0f} words/s")
    print(f"spans/prepare/size {len(prepared) / 1e6:.1f} MB")
    for level in LEVELS:
        for how, found in (("", b""), ("/counted", prepared)):
            rounds = [one_round(level, blocks, found, number) for number in range(ROUNDS)]
            print(f"spans/{level}{how}/judged {statistics.median(a for a, _ in rounds):.0f} spans/s")
            print(f"spans/{level}{how}/rows {statistics.median(b for _, b in rounds):.0f} rows/s")


if __name__ == "__main__":
    main()
