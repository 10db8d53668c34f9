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
    (FOUR, "<answer>Step 2, Step 4, Step 1, Step 3</answer>", 1.0, "exact"),
    (FOUR, "<answer>Steps 2, 4, 1, and 3.</answer>", 1.0, "exact"),
    (FOUR, "<answer>step 2 → step 4 ⟶ step 1 ⇒ step 3</answer>", 1.0, "exact"),
    (FOUR, "<answer>2 => 4 --> 1 > 3</answer>", 1.0, "exact"),
    (FOUR, "<answer>$2 \\to 4 \\rightarrow 1 \\to 3$</answer>", 1.0, "exact"),
    (FOUR, "<answer>\\(2,\\ 4,\\,1, 3\\)</answer>", 1.0, "exact"),
    (FOUR, "<answer>\\{2, 4, 1, 3\\}</answer>", 1.0, "exact"),
    (FOUR, "<answer>#2, #4, #1, #3</answer>", 1.0, "exact"),
    (FOUR, "<answer>2, 4, 1 or 3</answer>", 0.0, "malformed"),
    (FOUR, "<answer>Step 1: 2, 4, 1, 3</answer>", 0.0, "malformed"),
    (FOUR, "<answer>2 and 4, not 1, 3</answer>", 0.0, "malformed"),
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
    (FOUR, "<answer>tile 2, tile 4, tile 1, tile 3</answer>", 1.0, "exact"),
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


def share(rule: str, given: list[int], truth: list[int]) -> Fraction:
    """The raw score by its definition, counted the long way."""
    n = len(truth)
    if rule == "pairs":
        pairs = [(a, b) for a in truth for b in truth if truth.index(a) < truth.index(b)]
        return Fraction(sum(given.index(a) < given.index(b) for a, b in pairs), len(pairs))
    if rule == "adjacency":
        pairs = [(truth[i], truth[i + 1]) for i in range(n - 1)]
        return Fraction(sum(given.index(b) == given.index(a) + 1 for a, b in pairs), n - 1)
    return Fraction(sum(given[i] == truth[i] for i in range(n)), n)


@pytest.mark.parametrize("n", [3, 4, 5, 6, 7])
@pytest.mark.parametrize("credit", ["exact", "partial", "pairs", "adjacency"])
def test_chance_is_that_of_the_best_constant_by_enumeration(n: int, credit: str) -> None:
    identity = list(range(1, n + 1))
    everything = [list(order) for order in permutations(identity)]
    truths = [order for order in everything if order != identity]
    answer = Permutation().answer(truths[-1], credit)
    # Renaming what is ordered changes nothing, so a guess's scores over all orders are those of the identity: which
    # guess it is matters by its score against the one order left out alone.
    raws = [share(credit, identity, truth) for truth in everything]
    kind = Permutation()
    scores = [kind.score(identity, {"answer": truth}, answer.credit).score or 0.0 for truth in everything]
    assert answer.credit.c == pytest.approx(float((sum(raws) - min(raws)) / len(truths)), abs=1e-12)
    assert answer.chance == pytest.approx((sum(scores) - min(scores)) / len(truths), abs=1e-12)


@pytest.mark.parametrize("credit", ["exact", "partial", "pairs", "adjacency"])
def test_no_constant_beats_the_stated_chance(credit: str) -> None:
    everything = [list(order) for order in permutations(range(1, 6))]
    truths = everything[1:]
    answer, kind = Permutation().answer(truths[-1], credit), Permutation()
    finals, raws = [], []
    for guess in everything:
        finals.append(sum(kind.score(guess, {"answer": t}, answer.credit).score or 0.0 for t in truths) / len(truths))
        raws.append(sum(share(credit, guess, truth) for truth in truths) / len(truths))
    assert answer.chance == pytest.approx(max(finals), abs=1e-12)
    assert answer.credit.c == pytest.approx(float(max(raws)), abs=1e-12)


@given(st.integers(3, 9).flatmap(lambda n: st.tuples(*[st.permutations(range(1, n + 1))] * 2)))
def test_measures_are_what_their_names_say(orders: tuple[list[int], list[int]]) -> None:
    given, truth = orders
    found = Permutation().measures(given, {"answer": truth})
    assert list(found) == ["places", "pairs", "adjacency"]
    n = len(orders[0])
    for name, (value, chance) in found.items():
        assert value == float(share(name, *orders))
        assert (value == 1) == (orders[0] == orders[1])
        expected = Fraction(factorial(n), 2) if name == "pairs" else factorial(n - 1)
        assert chance == pytest.approx(float(Fraction(expected) / (factorial(n) - 1)), abs=1e-12)


def test_an_order_shifted_by_one_place_keeps_pairs_and_neighbours() -> None:
    truth, shifted, wild = [3, 1, 4, 2, 6, 5], [5, 3, 1, 4, 2, 6], [5, 2, 3, 6, 1, 4]
    for credit, scores in {
        "partial": (0.0, 0.0),
        "pairs": (0.5 * (Fraction(10, 15) - Fraction(360, 719)) / (1 - Fraction(360, 719)), 0.0),
        "adjacency": (0.5 * (Fraction(4, 5) - Fraction(120, 719)) / (1 - Fraction(120, 719)), None),
    }.items():
        column = pack_answer(Permutation().answer(truth, credit))
        for given_order, score in zip((shifted, wild), scores, strict=True):
            if score is not None:
                verdict = grade(column, f"<answer>{given_order}</answer>")
                assert verdict.score == pytest.approx(float(score), abs=1e-12), (credit, given_order)


def rule(answer: Answer) -> str:
    return answer.credit.rule


def test_partial_credit_is_the_default_above_four_places() -> None:
    assert rule(Permutation().answer([2, 1, 4, 3])) == "exact"
    assert rule(Permutation().answer([2, 1, 4, 3, 5])) == "partial"
    assert rule(Permutation().answer([2, 1, 4, 3, 5], "exact")) == "exact"
    for asked in Permutation.rules:
        assert rule(Permutation().answer([2, 1, 3], asked)) == asked


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
    chances = [Permutation().answer(places, credit).chance for credit in ("partial", "pairs", "adjacency")]
    assert all(chance is not None and 0 < chance < 0.05 for chance in chances)
