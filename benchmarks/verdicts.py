"""Verdicts per second on ordinary responses, and milliseconds on hostile ones, for each answer kind.

Prints lines of "name value unit": medians over the repeats. Times are of the processor, since grading is one thread
that waits for nothing, so that other work on the machine counts less. Only symbolic verdicts wait, for a process that
decides: theirs are times of the clock, and the slowest may be no longer than its budget.
"""

from __future__ import annotations

import runpy
import statistics
import time
from pathlib import Path

from ssrl_data import sandbox
from ssrl_data.answers import expression
from ssrl_data.answers.blanks import Blanks
from ssrl_data.answers.choice import Choice
from ssrl_data.answers.counts import Counts
from ssrl_data.answers.expression import Expression
from ssrl_data.answers.interval import Interval
from ssrl_data.answers.number import Number
from ssrl_data.answers.partial_order import PartialOrder
from ssrl_data.answers.permutation import Permutation
from ssrl_data.answers.span import Span
from ssrl_data.answers.unlabelled import Unlabelled
from ssrl_data.core import Answer, Credit
from ssrl_data.grade import grade
from ssrl_data.registry import answer_kind
from ssrl_data.row import pack_answer

HOSTILE = Path(__file__).parent.parent / "tests" / "contract" / "hostile_responses.py"
RESPONSES, REPEATS, HOSTILE_REPEATS = 2000, 7, 3
REASONING = (
    "<think>The edges of the first tile continue in the third one: the roof line runs on at the same height, and the "
    "sky has the same gradient. The second tile shows the lawn, so it belongs below.</think>\n"
)
# Ways in which models wrap an answer; half of the responses reason first, a third of the answers are wrong.
WRAPPERS = (
    "<answer>{}</answer>",
    "<answer> {} </answer>",
    "The answer is <answer>**{}**</answer>.",
    "\\boxed{{{}}}",
    "{}",
)


def examples() -> dict[str, Answer]:
    """One ordinary truth of each kind, and of two sizes for orders."""
    return {
        "choice": Choice().answer("3", ["1", "2", "3", "4"]),
        "permutation of 4": Permutation().answer([2, 1, 4, 3]),
        "permutation of 9": Permutation().answer([3, 1, 2, 9, 8, 7, 6, 5, 4]),
        "partial order of 4": PartialOrder().answer([2, 4, 1, 3], [(2, 4), (4, 1), (2, 3)]),
        "partial order of 8": PartialOrder().answer([*range(8, 0, -1)], [(n + 1, n) for n in range(1, 8)]),
        "number": Number().answer(42, low=0, high=99),
        "interval": Interval().answer(14.5, 26.2, (0, 60), c=0.3, chance=0.15),
        "counts": Counts().answer({"circle": 3, "square": 1, "star": 0}, 0, 9),
        "span": Span().answer("Mount Everest", ["Everest"], chance=0.01),
        "blanks": Blanks().answer(
            [
                Choice().answer("red", ["red", "green", "blue"]),
                Number().answer(7, low=0, high=9),
                Span().answer("apple", chance=0.1),
            ]
        ),
        "expression": Expression().answer(r"\frac{a^2 - b^2}{a - b} + 3x", chance=0.0),
        "unlabelled": Unlabelled().answer(),
    }


# Right expression, and what is given for it: proved, refuted, undecided, cut off, and what hangs other judges.
SYMBOLIC = {
    "proved": (r"2 \sin x \cos x", r"\sin 2x"),
    "refuted": (r"\sqrt{x^2}", "x"),
    "undecided": ("|x - 100|", "100 - x"),
    "slow_proof": (r"\sin^{60}(x) \cos^{60}(y)", r"(\frac{1 - \cos 2x}{2})^{30} (\frac{1 + \cos 2y}{2})^{30}"),
    "tower": ("1", r"\dfrac{5^{\left(5^{\left(5^{\left(5^5\right)}\right)} - 4\right)} - 5}{16}"),
    "tower_of_symbols": (r"\sqrt{x}", "9^{9^{9^{x}}}"),
    "sine_of_a_tower": (r"\sqrt{x}", r"\sin(9^{9^{9^{x}}})"),
    "large_powers": (r"\sqrt{x}", "(x + y + z + 9^{999})^{999}"),
    "many_terms": (r"\sqrt{x}", "+".join(f"\\sqrt{{x+{n}}}" for n in range(70))),
}


def symbolic() -> None:
    """Milliseconds of verdicts that need a process of their own, the first call, which starts it, left out."""
    credit, slowest = Credit("exact", 0.0), 0.0
    Expression().grade("x", {"answer": r"\sqrt{x}", "form": "any", "symbols": []}, credit)
    for name, (right, given) in SYMBOLIC.items():
        times = []
        for _ in range(HOSTILE_REPEATS):
            start = time.perf_counter()
            verdict = Expression().grade(
                f"<answer>{given}</answer>", {"answer": right, "form": "any", "symbols": []}, credit
            )
            times.append(1000 * (time.perf_counter() - start))
        slowest = max(slowest, *times)
        print(f"verdicts/symbolic/{name} {statistics.median(times):.1f} ms (score {verdict.score})")
    print(f"verdicts/symbolic/slowest {slowest:.0f} ms (budget {1000 * expression.SECONDS:.0f} ms)")
    print(f"verdicts/symbolic/cut_off {sum(sandbox.failures().values())} calls")


def ordinary(answer: Answer) -> list[str]:
    """Responses as models write them, right and wrong."""
    kind = answer_kind(answer.kind)
    right = kind.gold(answer.value).removeprefix("<answer>").removesuffix("</answer>") or "17"
    misses = [m for m in kind.near_misses(answer.value) if m.startswith("<answer>") and m.count("<answer>") == 1]
    wrong = [m.removeprefix("<answer>").removesuffix("</answer>") for m in misses if len(m) < 200] or ["18"]
    out = []
    for i in range(RESPONSES):
        text = wrong[i % len(wrong)] if i % 3 == 0 else right
        out.append((REASONING if i % 2 else "") + WRAPPERS[i % len(WRAPPERS)].format(text))
    return out


def main() -> None:
    """Measure and print."""
    hostile: dict[str, str] = runpy.run_path(str(HOSTILE))["megabytes"]()
    worst = 0.0
    for name, answer in examples().items():
        column, responses = pack_answer(answer), ordinary(answer)
        rates = []
        for _ in range(REPEATS):
            start = time.process_time()
            for response in responses:
                grade(column, response)
            rates.append(len(responses) / (time.process_time() - start))
        print(f"verdicts/{name.replace(' ', '_')} {statistics.median(rates):.0f} verdicts/s")
        slowest = (0.0, "")
        for shape, response in hostile.items():
            times = []
            for _ in range(HOSTILE_REPEATS):
                start = time.process_time()
                grade(column, response)
                times.append(1000 * (time.process_time() - start))
            slowest = max(slowest, (statistics.median(times), shape))
        worst = max(worst, slowest[0])
        print(f"verdicts/{name.replace(' ', '_')}/slowest_hostile {slowest[0]:.2f} ms ({slowest[1]})")
    print(f"verdicts/slowest_hostile {worst:.2f} ms")
    symbolic()


if __name__ == "__main__":
    main()
