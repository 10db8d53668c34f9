from __future__ import annotations

import contextlib
import random
from fractions import Fraction
from itertools import combinations, pairwise, permutations, product

import pytest

from ssrl_data.answers.partial_order import PartialOrder, closed
from ssrl_data.answers.permutation import Permutation
from ssrl_data.grade import grade
from ssrl_data.row import pack_answer

KIND = PartialOrder()
# 2 before 4 before 1, and 3 anywhere behind 2.
FOUR = pack_answer(KIND.answer([2, 4, 1, 3], [(2, 4), (4, 1), (2, 3)]))
# 3 before 1 and 2, which are before 5; 4 anywhere.
FIVE = pack_answer(KIND.answer([3, 1, 2, 5, 4], [(3, 1), (3, 2), (1, 5), (2, 5)]))
# 4 before 2 before 1, and 3, which looks like 4.
SAME = pack_answer(KIND.answer([4, 2, 1, 3], [(4, 2), (2, 1)], [(3, 4)], "exact"))
C5 = Fraction(60, 110)  # ten right orders of 120


def lifted(hits: int) -> float:
    return float((Fraction(hits, 5) - C5) / (1 - C5) / 2)


ATTACKS = [
    (FOUR, "<answer>2, 4, 1, 3</answer>", 1.0, "exact"),
    (FOUR, "<answer>2, 4, 3, 1</answer>", 1.0, "exact"),
    (FOUR, "<answer>2 3 4 1</answer>", 1.0, "exact"),
    (FOUR, "<answer>[[2, 3], [4, 1]]</answer>", 1.0, "exact"),
    (FOUR, "<answer>2 → 3 → 4 → 1</answer>", 1.0, "exact"),
    (FOUR, "\\boxed{2, 3, 4, 1}", 1.0, "exact"),
    (FOUR, "<answer>3, 2, 4, 1</answer>", 0.0, "inexact"),
    (FOUR, "<answer>2, 1, 4, 3</answer>", 0.0, "inexact"),
    (FOUR, "<answer>1, 2, 3, 4</answer>", 0.0, "inexact"),
    (FOUR, "<answer>2, 4, 1</answer>", 0.0, "malformed"),
    (FOUR, "<answer>2, 4, 1, 1</answer>", 0.0, "malformed"),
    (FOUR, "<answer>2, 4, 1, 5</answer>", 0.0, "malformed"),
    (FOUR, "<answer>1, 3, 0, 2</answer>", 0.0, "malformed"),
    (FOUR, "<answer>2, 4, {1, 3} in any order</answer>", 0.0, "malformed"),
    (FOUR, "<answer>2, 4, 1, 3</answer><answer>2, 3, 4, 1</answer>", 0.0, "two answers"),
    (FOUR, "<answer>2, 4, 1, 3</answer> that is <answer>2 4 1 3</answer>", 1.0, "exact"),
    (FOUR, "The order is 2, 4, 1, 3", 0.0, "no answer"),
    (FIVE, "<answer>4, 3, 2, 1, 5</answer>", 1.0, "exact"),
    (FIVE, "<answer>3, 1, 5, 2, 4</answer>", lifted(4), "inexact"),
    (FIVE, "<answer>4, 1, 3, 2, 5</answer>", lifted(4), "inexact"),
    (FIVE, "<answer>1, 2, 3, 5, 4</answer>", lifted(3), "inexact"),
    (FIVE, "<answer>5, 3, 1, 2, 4</answer>", 0.0, "inexact"),
    (FIVE, "<answer>1, 2, 3, 4, 5</answer>", lifted(3), "inexact"),
    (SAME, "<answer>4, 2, 1, 3</answer>", 1.0, "exact"),
    (SAME, "<answer>3, 2, 1, 4</answer>", 1.0, "exact"),
    (SAME, "<answer>3, 2, 4, 1</answer>", 1.0, "exact"),
    (SAME, "<answer>2, 4, 1, 3</answer>", 0.0, "inexact"),
]


@pytest.mark.parametrize(("column", "response", "score", "reason"), ATTACKS)
def test_attack(column: str, response: str, score: float, reason: str) -> None:
    verdict = grade(column, response)
    assert (verdict.score, verdict.reason) == (pytest.approx(score, abs=1e-12), reason)
    assert verdict.exact == (reason == "exact")


Pairs = frozenset[tuple[int, int]]


def posets(n: int) -> set[Pairs]:
    """All partial orders of 0, 1, ... n - 1 in which 0, 1, ... n - 1 is right."""
    pairs = list(combinations(range(n), 2))
    chosen = (
        frozenset(p for p, keep in zip(pairs, mask, strict=True) if keep) for mask in product((0, 1), repeat=len(pairs))
    )
    return {before for before in chosen if before and follows(before) == before}


def follows(before: Pairs) -> Pairs:
    """What follows, found by walking from each."""
    out = set()
    for start, _ in before:
        reached, todo = set(), [start]
        while todo:
            step = todo.pop()
            new = {b for a, b in before if a == step} - reached
            reached |= new
            todo += new
        out |= {(start, end) for end in reached}
    return frozenset(out)


def some_poset(n: int, draw: random.Random) -> Pairs:
    share = draw.random()
    return follows(frozenset(p for p in combinations(range(n), 2) if draw.random() < share))


def numbered(before: Pairs, order: list[int]) -> list[tuple[int, int]]:
    return [(order[a], order[b]) for a, b in before]


def keeps(order: tuple[int, ...], before: Pairs) -> bool:
    return all(order.index(a) < order.index(b) for a, b in before)


def looks_right(order: tuple[int, ...], before: Pairs, same: list[list[int]]) -> bool:
    """Whether some right order looks like this one."""
    look = {number: min(group) for group in same for number in group}
    seen = [look.get(number, number) for number in order]
    return any(
        [look.get(number, number) for number in other] == seen for other in permutations(order) if keeps(other, before)
    )


def test_the_orders_that_are_right_are_the_linear_extensions() -> None:
    """Nothing valid is refused and nothing invalid accepted: all orders of 400 posets of 3 to 6 things."""
    draw = random.Random(0)
    right = wrong = 0
    for turn in range(400):
        n = 3 + turn % 4
        before = some_poset(n, draw)
        order = draw.sample(range(1, n + 1), n)
        try:
            answer = KIND.answer(order, numbered(before, order))
        except ValueError:
            continue
        pairs = frozenset(numbered(before, order))
        for given in permutations(order):
            truth = keeps(given, pairs)
            right, wrong = right + truth, wrong + (not truth)
            verdict = KIND.score(list(given), answer.value, answer.credit)
            assert verdict.exact == truth, (answer.value, given)
            assert (verdict.score == 1) == truth
    assert right > 500
    assert wrong > 20_000


def test_things_that_look_the_same_may_change_places() -> None:
    draw = random.Random(1)
    made = 0
    for turn in range(300):
        n = 3 + turn % 3
        before = some_poset(n, draw)
        order = draw.sample(range(1, n + 1), n)
        mixed = draw.sample(order, n)
        same = [mixed[:2], mixed[2:4]] if n > 3 and draw.random() < 0.5 else [mixed[: draw.choice((2, 2, 3))]]
        try:
            answer = KIND.answer(order, numbered(before, order), same)
        except ValueError:
            continue
        made += 1
        pairs = frozenset(numbered(before, order))
        for given in permutations(order):
            assert KIND.score(list(given), answer.value, answer.credit).exact == looks_right(given, pairs, same)
    assert made > 50


def brute(n: int, before: Pairs, same: list[list[int]], credit: str) -> tuple[float, float, float] | None:
    """c, chance and luck of the best constant, from the scores of all constants under all numberings asked for."""
    orders = list(permutations(range(1, n + 1)))
    values = []
    for order in orders:
        pairs = frozenset(numbered(before, list(order)))
        groups = [[order[i] for i in group] for group in same]
        if not (looks_right(orders[0], pairs, groups) if same else keeps(orders[0], pairs)):
            values.append({"answer": list(order), "before": [list(p) for p in pairs], "same": groups})
    if not values:
        return None
    raws = [[Fraction(KIND._kept(guess, value), len(before)) for value in values] for guess in orders]
    c = max(sum(row) for row in raws) / len(values)
    if c >= 1:
        return None
    half = Fraction(1, 2) if credit == "pairs" else 0
    finals = [sum(1 if r == 1 else half * max(Fraction(0), (r - c) / (1 - c)) for r in row) for row in raws]
    luck = max(sum(r == 1 for r in row) for row in raws)
    return float(c), float(max(finals) / len(values)), luck / len(values)


def compare(n: int, before: Pairs, same: list[list[int]]) -> bool:
    """Whether such rows can be asked; then what the kind states of them is that of the best constant."""
    for credit in ("exact", "pairs"):
        found, made = brute(n, before, same, credit), None
        for order in permutations(range(1, n + 1)):
            groups = [[order[i] for i in group] for group in same]
            if made is None:
                with contextlib.suppress(ValueError):  # of a numbering under which 1, 2, 3, ... is right
                    made = KIND.answer(order, numbered(before, list(order)), groups, credit)
        if found is None or made is None:
            assert found is None
            assert made is None
            return False
        assert (made.credit.c, made.chance, KIND.luck(made.value)) == pytest.approx(found, abs=1e-12)
        measured = KIND.measures(made.value["answer"], made.value)["pairs"]
        assert measured == (1, pytest.approx(found[0], abs=1e-12))
    return True


@pytest.mark.parametrize("n", [3, 4])
def test_chance_is_that_of_the_best_constant_by_enumeration(n: int) -> None:
    """Of all partial orders: of every constant under every numbering under which the identity is wrong."""
    asked = [before for before in posets(n) if compare(n, before, [])]
    assert len(asked) == {3: 3, 4: 33}[n]


def test_chance_of_five_is_that_of_the_best_constant_by_enumeration() -> None:
    before = sorted(posets(5), key=sorted)
    assert len(before) == 356
    assert sum(compare(5, one, []) for one in random.Random(2).sample(before, 12)) > 5


def test_chance_holds_where_things_look_the_same() -> None:
    draw = random.Random(3)
    four = sorted(posets(4), key=sorted)
    asked = sum(compare(4, draw.choice(four), [draw.sample(range(4), draw.choice((2, 2, 3)))]) for _ in range(25))
    assert asked > 5


def test_the_formula_of_the_chance() -> None:
    """Of a chain it is that of a permutation; in general e / (n! - e), by count of the right orders."""
    for n in range(3, 9):
        order = [*range(2, n + 1), 1]
        chain = list(pairwise(order))
        for credit in ("exact", "pairs"):
            mine, theirs = KIND.answer(order, chain, credit=credit), Permutation().answer(order, credit)
            assert mine.chance == pytest.approx(theirs.chance, abs=1e-12)
            assert mine.credit.c == pytest.approx(Permutation().answer(order, "pairs").credit.c, abs=1e-12)
    # 1 before five others, one of them anywhere behind it: 8! / 8 orders begin with the first.
    answer = KIND.answer([8, 1, 2, 3, 4, 5, 6, 7], [(8, i) for i in range(1, 8)])
    assert KIND.luck(answer.value) == pytest.approx(5040 / (40320 - 5040), abs=1e-15)
    assert answer.credit.c == pytest.approx(20160 / (40320 - 5040), abs=1e-15)


def test_near_misses_break_a_pair_and_are_all_swaps_that_do() -> None:
    draw = random.Random(4)
    for turn in range(200):
        n = 3 + turn % 6
        order = draw.sample(range(1, n + 1), n)
        try:
            answer = KIND.answer(order, numbered(some_poset(n, draw), order))
        except ValueError:
            continue
        pairs = frozenset((a, b) for a, b in answer.value["before"])
        misses = list(KIND.near_misses(answer.value))
        for miss in misses:
            assert not grade(pack_answer(answer), miss).exact, (answer.value, miss)
        for i in range(n - 1):
            swapped = [*order[:i], order[i + 1], order[i], *order[i + 2 :]]
            text = f"<answer>{', '.join(map(str, swapped))}</answer>"
            assert (text in misses) == ((order[i], order[i + 1]) in pairs)


def test_what_follows_is_added() -> None:
    value = KIND.answer([4, 3, 2, 1], [(4, 3), (3, 2), (2, 1)]).value
    assert value["before"] == [[2, 1], [3, 1], [3, 2], [4, 1], [4, 2], [4, 3]]
    for n in (4, 6, 8):
        draw = random.Random(n)
        for _ in range(50):
            pairs = frozenset(p for p in combinations(range(n), 2) if draw.random() < 0.4)
            assert closed(pairs) == follows(pairs)


CHAIN = [[2, 1], [3, 1], [3, 2]]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({"answer": [3, 2, 1], "before": [[3, 2], [2, 1]], "same": []}, "all that follow"),
        ({"answer": [3, 2, 1], "before": [*CHAIN, [3, 2]], "same": []}, "once each"),
        ({"answer": [2, 3, 1], "before": CHAIN, "same": []}, "does not keep"),
        ({"answer": [3, 2, 1], "before": [[3, 3]], "same": []}, "does not keep"),
        ({"answer": [3, 2, 1], "before": [[3, 2], [2, 3]], "same": []}, "does not keep"),
        ({"answer": [3, 2, 1], "before": [[3]], "same": []}, "does not keep"),
        ({"answer": [3, 2, 1], "before": [[4, 1]], "same": []}, "lists of lists"),
        ({"answer": [3, 2, 1], "before": [[True, 2]], "same": []}, "lists of lists"),
        ({"answer": [3, 2, 1], "before": [7], "same": []}, "lists of lists"),
        ({"answer": [3, 2, 1], "before": CHAIN, "same": [[1]]}, "two or more"),
        ({"answer": [3, 2, 1], "before": CHAIN, "same": [[1, 2], [2, 3]]}, "are apart"),
        ({"answer": [3, 2, 1], "before": [[3, 2]], "same": [[2, 3]]}, "would be right"),
        ({"answer": [3, 2, 1], "before": [], "same": []}, "would be right"),
        ({"answer": [1, 3, 2], "before": [[1, 3], [1, 2]], "same": []}, "would be right"),
        ({"answer": [2, 1], "before": [[2, 1]], "same": []}, "from 3 to 8"),
        ({"answer": [*range(9, 0, -1)], "before": [[9, 8]], "same": []}, "from 3 to 8"),
        ({"answer": [2, 2, 1], "before": [[2, 1]], "same": []}, "from 3 to 8"),
        ({"answer": [3, 2, 1], "before": CHAIN}, "lists under"),
        ({"answer": [3, 2, True], "before": CHAIN, "same": []}, "from 3 to 8"),
        ({"answer": [*range(8, 0, -1)], "before": [[8, 1]], "same": [[2, 3, 4, 5, 6]]}, "too much looks the same"),
    ],
)
def test_what_is_no_truth_is_refused(value: object, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        KIND.check(value)


def test_what_a_blind_guess_always_gets_cannot_be_asked() -> None:
    with pytest.raises(ValueError, match="always right"):
        KIND.answer([3, 2, 1], [(3, 2)])
    with pytest.raises(ValueError, match="does not keep"):
        KIND.answer([3, 2, 1], [(3, 2), (2, 3)])
    with pytest.raises(ValueError, match="'partial' is unknown"):
        KIND.answer([3, 2, 1], [(3, 2), (2, 1)], credit="partial")


def test_credit_for_pairs_is_the_default_above_four() -> None:
    assert KIND.answer([4, 3, 2, 1], [(4, 3), (3, 2), (2, 1)]).credit.rule == "exact"
    assert KIND.answer([5, 4, 3, 2, 1], [(5, 4), (4, 3), (3, 2), (2, 1)]).credit.rule == "pairs"
