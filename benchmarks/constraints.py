"""Constraints judged per second on one core, for texts of 60 and 200 words and rows of 1, 3 and 6 constraints.

Prints lines of "name value unit". A *verdict* is of one constraint on one text; a row's answer is read and graded as
in training, from its column, so that what a text costs once is in the figures. The replies are witnesses of rows, each
graded under another row too, so that about half of the constraints are not met. Those that a library decides on (the
language of a text) are left out, and measured by themselves.
"""

from __future__ import annotations

import itertools
import statistics
import time
from pathlib import Path

from ssrl_data.answers.constraints import Constraints
from ssrl_data.grade import grade
from ssrl_data.instruct.compose import witness
from ssrl_data.instruct.constraint import Conflict, Constraint, constraint_types
from ssrl_data.instruct.material import Material
from ssrl_data.instruct.reply import Reply
from ssrl_data.rng import Rng
from ssrl_data.row import pack_answer

TEXTS = Path(__file__).parent.parent / "tests" / "texts"
ROWS, REPEATS = 60, 7
WIDTHS = {60: (50, 70), 200: (190, 210)}


def materials() -> list[Material]:
    """The prose of a few documents."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(TEXTS.glob("*.md"))]
    return [Material(text, texts[at - 1]) for at, text in enumerate(texts)]


def rows(count: int, words: int) -> list[tuple[str, str]]:
    """Answer columns of rows of so many constraints, each with a text of about so many words that meets them all."""
    types = [cls for cls in constraint_types().values() if cls.lacks is Constraint.lacks]
    out: list[tuple[str, str]] = []
    low, high = WIDTHS[words]
    size = constraint_types()["length/words_between"](low, high)  # type: ignore[call-arg]
    for number in itertools.count():
        rng, material = Rng("benchmark", count, words, number), materials()[number % len(materials())]
        try:
            items: list[Constraint] = [cls.draw(material, rng) for cls in rng.sample(types, count)]
            text = witness([*items, size], material, rng)
            answer = Constraints().answer(text, items, chance=0.0)
        except (Conflict, ValueError):
            continue
        out.append((pack_answer(answer), text))
        if len(out) == ROWS:
            return out
    raise AssertionError("unreachable")


def main() -> None:
    """Measure and print."""
    for words, count in itertools.product(WIDTHS, (1, 3, 6)):
        made = rows(count, words)
        pairs = [(column, text) for at, (column, own) in enumerate(made) for text in (own, made[at - 1][1])]
        rates = []
        for _ in range(REPEATS):
            start = time.process_time()
            for column, text in pairs:
                grade(column, text)
            rates.append(len(pairs) / (time.process_time() - start))
        rate = statistics.median(rates)
        print(f"constraints/{words}_words/{count}_of_a_row {count * rate:.0f} verdicts/s ({1e6 / rate:.0f} us a row)")
    for words in WIDTHS:
        texts, times = [text for _, text in rows(1, words)], []
        for _ in range(REPEATS):
            start = time.process_time()
            for text in texts:
                reply = Reply(text)
                _ = reply.counts, reply.sentence_words, reply.squeezed
            times.append((time.process_time() - start) / len(texts))
        print(f"constraints/{words}_words/counting {1e6 * statistics.median(times):.0f} us a text")
    for name, cls in constraint_types().items():
        if cls.lacks is not Constraint.lacks:
            material, rng = materials()[0], Rng("benchmark", name)
            item = cls.draw(material, rng)
            reply = Reply(witness([item], material, rng))
            item.met(reply)
            start = time.process_time()
            for _ in range(ROWS):
                item.met(reply)
            print(f"constraints/{name} {ROWS / (time.process_time() - start):.0f} verdicts/s")


if __name__ == "__main__":
    main()
