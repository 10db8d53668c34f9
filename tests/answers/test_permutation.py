from __future__ import annotations

from fractions import Fraction
from itertools import permutations
from math import factorial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssrl_data.answers.permutation import Permutation
from ssrl_data.core import Answer, Verdict
from ssrl_data.grade import grade
from ssrl_data.row import pack_answer

FOUR = pack_answer(Permutation().answer([2, 4, 1, 3]))
FIVE = pack_answer(Permutation().answer([2, 4, 1, 3, 5]))
LIFT = Fraction(24, 119)  # c of five places


def lifted(hits: int) -> float:
    return float((Fraction(hits, 5) - LIFT) / (1 - LIFT) / 2)


ATTACKS = [
    (FOUR, "<answer>2, 4, 1, 3</answer>", 1.0, "exact"),
    (FOUR, "<answer>2,4,1,3</answer>", 1.0, "exact"),
    (FOUR, "<answer>2 4 1 3</answer>", 1.0, "exact"),
    (FOUR, "<answer>[2, 4, 1, 3]</answer>", 1.0, "exact"),
    (FOUR, "<answer>(2; 4; 1; 3)</answer>", 1.0, "exact"),
    (FOUR, "<answer>[[2, 4], [1, 3]]</answer>", 1.0, "exact"),
    (FOUR, "<answer>\n2 4\n1 3\n</answer>", 1.0, "exact"),
    (FOUR, "<answer>2-4-1-3</answer>", 1.0, "exact"),
    (FOUR, "<answer>2 – 4 – 1 – 3</answer>", 1.0, "exact"),
    (FOUR, "<answer>2 -> 4 -> 1 -> 3</answer>", 1.0, "exact"),
    (FOUR, "<answer>2 → 4 → 1 → 3</answer>", 1.0, "exact"),
    (FOUR, "<answer>**2, 4, 1, 3**.</answer>", 1.0, "exact"),
    (FOUR, "<answer>2，4，1，3</answer>", 1.0, "exact"),
    (FOUR, "<answer>2\u00a04\u00a01\u00a03</answer>", 1.0, "exact"),
    (FOUR, "<answer>02, 04, 01, 03</answer>", 1.0, "exact"),
    (FOUR, "\\boxed{2, 4, 1, 3}", 1.0, "exact"),
    (FOUR, "2, 4, 1, 3", 1.0, "exact"),
    (FOUR, "<answer>2, 4, 3, 1</answer>", 0.0, "inexact"),
    (FOUR, "<answer>1, 2, 3, 4</answer>", 0.0, "inexact"),
    (FOUR, "<answer>2, 4, 1</answer>", 0.0, "malformed"),
    (FOUR, "<answer>2, 4, , 3</answer>", 0.0, "malformed"),
    (FOUR, "<answer>2, 4, 1, 3, 2</answer>", 0.0, "malformed"),
    (FOUR, "<answer>2, 4, 1, 1</answer>", 0.0, "malformed"),
    (FOUR, "<answer>2, 4, 1, 5</answer>", 0.0, "malformed"),
    (FOUR, "<answer>1, 3, 0, 2</answer>", 0.0, "malformed"),
    (FOUR, "<answer>-2, -4, -1, -3</answer>", 0.0, "malformed"),
    (FOUR, "<answer>2, -4, 1, 3</answer>", 0.0, "malformed"),
    (FOUR, "<answer>2, 4, 1, 3.0</answer>", 0.0, "malformed"),
    (FOUR, "<answer>2, 4, 1, 003</answer>", 0.0, "malformed"),
    (FOUR, "<answer>2413</answer>", 0.0, "malformed"),
    (FOUR, "<answer>2, 4, 1, 3 or 4, 2, 1, 3</answer>", 0.0, "malformed"),
    (FOUR, "<answer>tile 2, tile 4, tile 1, tile 3</answer>", 0.0, "malformed"),
    (FOUR, "<answer>2, 4, 1, ³</answer>", 0.0, "malformed"),
    (FOUR, "<answer>２, ４, １, ３</answer>", 0.0, "malformed"),
    (FOUR, "<answer>, ; ,</answer>", 0.0, "malformed"),
    (FOUR, "<answer>2--4-1-3</answer>", 0.0, "malformed"),
    (FOUR, "<answer>2, 4, 1, 3</answer><answer>4, 2, 1, 3</answer>", 0.0, "two answers"),
    (FOUR, "<answer>2, 4, 1, 3</answer> that is <answer>[2 4 1 3]</answer>", 1.0, "exact"),
    (FOUR, "The order is 2, 4, 1, 3", 0.0, "no answer"),
    (FIVE, "<answer>2, 4, 1, 3, 5</answer>", 1.0, "exact"),
    (FIVE, "<answer>2, 4, 1, 5, 3</answer>", lifted(3), "inexact"),
    (FIVE, "<answer>2, 4, 3, 5, 1</answer>", lifted(2), "inexact"),
    (FIVE, "<answer>2, 1, 3, 5, 4</answer>", 0.0, "inexact"),
    (FIVE, "<answer>1, 2, 3, 4, 5</answer>", 0.0, "inexact"),
    (FIVE, "<answer>2, 4, 1, 3, 3</answer>", 0.0, "malformed"),
]


@pytest.mark.parametrize(("column", "response", "score", "reason"), ATTACKS)
def test_attack(column: str, response: str, score: float, reason: str) -> None:
    verdict = grade(column, response)
    assert (verdict.score, verdict.reason) == (pytest.approx(score, abs=1e-12), reason)
    assert verdict.exact == (reason == "exact")


@given(
    st.permutations(range(1, 10)).filter(lambda p: p != sorted(p)), st.sampled_from([", ", ",", " ", "; ", "-", " > "])
)
def test_what_is_written_is_read(places: list[int], separator: str) -> None:
    column = pack_answer(Permutation().answer(places))
    verdict = grade(column, f"<answer>{separator.join(map(str, places))}</answer>")
    assert verdict == Verdict(1.0, True, places, "exact")


def cycles(places: list[int]) -> tuple[int, ...]:
    lengths, seen = [], set[int]()
    for start in places:
        length, at = 0, start
        while at not in seen:
            seen.add(at)
            length, at = length + 1, places[at - 1]
        lengths.append(length)
    return tuple(sorted(filter(None, lengths)))


@pytest.mark.parametrize("n", [3, 4, 5, 6])
@pytest.mark.parametrize("credit", ["exact", "partial"])
def test_chance_is_that_of_the_best_constant_by_enumeration(n: int, credit: str) -> None:
    identity = list(range(1, n + 1))
    truths = [list(p) for p in permutations(identity) if list(p) != identity]
    answer = Permutation().answer(truths[-1], credit)
    raws, finals = [], []
    kind = Permutation()
    # Renaming the places of guess and truth alike changes nothing, so one guess of each cycle type stands for all.
    guesses = {cycles(guess): guess for guess in map(list, permutations(identity))}.values()
    for guess in guesses:
        hits = [sum(a == b for a, b in zip(guess, truth, strict=True)) for truth in truths]
        raws.append(sum(hits) / n / len(truths))
        finals.append(sum(kind.score(guess, {"answer": t}, answer.credit).score or 0.0 for t in truths) / len(truths))
    assert answer.credit.c == pytest.approx(max(raws), abs=1e-12)
    assert answer.credit.c == pytest.approx(factorial(n - 1) / (factorial(n) - 1), abs=1e-12)
    assert answer.chance == pytest.approx(max(finals), abs=1e-12)


def rule(answer: Answer) -> str:
    return answer.credit.rule


def test_partial_credit_is_the_default_above_four_places() -> None:
    assert rule(Permutation().answer([2, 1, 4, 3])) == "exact"
    assert rule(Permutation().answer([2, 1, 4, 3, 5])) == "partial"
    assert rule(Permutation().answer([2, 1, 4, 3, 5], "exact")) == "exact"
    assert rule(Permutation().answer([2, 1, 3], "partial")) == "partial"


@pytest.mark.parametrize(
    "places", [[1, 2, 3], [2, 1], [], [2, 2, 1], [0, 2, 1], [4, 2, 1], list(range(100, 0, -1)), [True, 3, 2]]
)
def test_what_is_no_answer_cannot_be_made(places: list[int]) -> None:
    with pytest.raises(ValueError, match=r"permutation|identity"):
        Permutation().check({"answer": places})


def test_a_credit_of_another_name_cannot_be_asked_for() -> None:
    with pytest.raises(ValueError, match="'overlap' is unknown"):
        Permutation().answer([2, 1, 3], "overlap")


def test_the_longest_order_can_be_answered() -> None:
    places = list(range(99, 0, -1))
    column = pack_answer(Permutation().answer(places))
    assert grade(column, Permutation().gold({"answer": places})).score == 1.0
