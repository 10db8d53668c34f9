from __future__ import annotations

from itertools import product

import pytest

from ssrl_data.answers.counts import Counts
from ssrl_data.grade import grade
from ssrl_data.rng import Rng
from ssrl_data.row import pack_answer

TWO = pack_answer(Counts().answer({"circle": 3, "square": 1}, 0, 9))
PARTIAL = pack_answer(Counts().answer({"circle": 3, "square": 1, "red star": 0}, 0, 3, "partial"))
ONE = pack_answer(Counts().answer({"dog": 7}, 0, 9))


def lifted(raw: float, c: float = 0.25) -> float:
    return 0.5 * (raw - c) / (1 - c)


ATTACKS = [
    (TWO, "<answer>3, 1</answer>", 1.0, "exact"),
    (TWO, "<answer>3 1</answer>", 1.0, "exact"),
    (TWO, "<answer>[3; 1]</answer>", 1.0, "exact"),
    (TWO, "<answer>3\n1</answer>", 1.0, "exact"),
    (TWO, "<answer>circle: 3, square: 1</answer>", 1.0, "exact"),
    (TWO, "<answer>square: 1; circle: 3</answer>", 1.0, "exact"),
    (TWO, "<answer>Squares = 1\nCircles = 3</answer>", 1.0, "exact"),
    (TWO, "<answer>3 circles, 1 square</answer>", 1.0, "exact"),
    (TWO, "<answer>**circle**: 3, **square**: 1</answer>", 0.0, "malformed"),
    (TWO, "<answer>{circle: 3, square: 1}</answer>", 1.0, "exact"),
    (TWO, "3, 1", 1.0, "exact"),
    (TWO, "<answer>3, 1</answer> <answer>1 square, 3 circles</answer>", 1.0, "exact"),
    (TWO, "<answer>1, 3</answer>", 0.0, "inexact"),
    (TWO, "<answer>3, 2</answer>", 0.0, "inexact"),
    (TWO, "<answer>circle: 1, square: 3</answer>", 0.0, "inexact"),
    (TWO, "<answer>3</answer>", 0.0, "malformed"),
    (TWO, "<answer>3, 1, 0</answer>", 0.0, "malformed"),
    (TWO, "<answer>-3, -1</answer>", 0.0, "malformed"),
    (TWO, "<answer>3, 1 in 48 frames</answer>", 0.0, "malformed"),
    (TWO, "<answer>circle: 3</answer>", 0.0, "malformed"),
    (TWO, "<answer>circle: 3, circle: 3, square: 1</answer>", 0.0, "malformed"),
    (TWO, "<answer>circle: 3, circles: 3</answer>", 0.0, "malformed"),
    (TWO, "<answer>circle: 3, square: 1, star: 2</answer>", 0.0, "malformed"),
    (TWO, "<answer>circle: 3, star: 1</answer>", 0.0, "malformed"),
    (TWO, "<answer>circle: 3, 1</answer>", 0.0, "malformed"),
    (TWO, "<answer>circle: 3.0, square: 1</answer>", 0.0, "malformed"),
    (TWO, "<answer>3.0, 1.0</answer>", 0.0, "malformed"),
    (TWO, "<answer>３, １</answer>", 0.0, "malformed"),
    (TWO, "<answer>three, one</answer>", 0.0, "malformed"),
    (TWO, "<answer>3,, 1</answer>", 0.0, "malformed"),
    (TWO, "<answer>3, 1000000000000000000000</answer>", 0.0, "malformed"),
    (TWO, "<answer>3, 1</answer> <answer>3, 2</answer>", 0.0, "two answers"),
    (TWO, "There are 3 and 1.", 0.0, "no answer"),
    (ONE, "<answer>7</answer>", 1.0, "exact"),
    (ONE, "<answer>7 dogs</answer>", 1.0, "exact"),
    (ONE, "<answer>8</answer>", 0.0, "inexact"),
    (PARTIAL, "<answer>3, 1, 0</answer>", 1.0, "exact"),
    (PARTIAL, "<answer>red stars: 0; circle: 3; square: 1</answer>", 1.0, "exact"),
    (PARTIAL, "<answer>3, 1, 1</answer>", lifted(2 / 3), "inexact"),
    (PARTIAL, "<answer>3, 3, 3</answer>", lifted(1 / 3), "inexact"),
    (PARTIAL, "<answer>2, 2, 2</answer>", 0.0, "inexact"),
]


@pytest.mark.parametrize(("column", "response", "score", "reason"), ATTACKS)
def test_attack(column: str, response: str, score: float, reason: str) -> None:
    verdict = grade(column, response)
    assert (verdict.score, verdict.reason) == (pytest.approx(score, abs=1e-12), reason)
    assert verdict.exact == (reason == "exact")


@pytest.mark.parametrize("credit", ["exact", "partial"])
def test_chance_is_that_of_any_constant_by_enumeration(credit: str) -> None:
    names = ("a", "b", "c")
    columns = [
        pack_answer(Counts().answer(dict(zip(names, n, strict=True)), 1, 4, credit))
        for n in product(range(1, 5), repeat=3)
    ]
    answer = Counts().answer(dict.fromkeys(names, 1), 1, 4, credit)
    for constant in ("1, 1, 1", "2, 4, 1", "4, 4, 3"):
        scores = [grade(column, f"<answer>{constant}</answer>").score or 0.0 for column in columns]
        assert sum(scores) / len(scores) == pytest.approx(answer.chance, abs=1e-12)
    assert answer.credit.c == 0.25


def test_a_random_guesser_earns_the_stated_chance() -> None:
    rng, scores = Rng("counts"), []
    names = "abcdef"
    chance = Counts().answer(dict.fromkeys(names, 0), 0, 4).chance
    for _ in range(2000):
        answer = Counts().answer({name: rng.below(5) for name in names}, 0, 4)
        guess = ", ".join(str(rng.below(5)) for _ in names)
        scores.append(grade(pack_answer(answer), f"<answer>{guess}</answer>").score or 0.0)
    mean = sum(scores) / len(scores)
    sigma = (sum((s - mean) ** 2 for s in scores) / len(scores) ** 2) ** 0.5
    assert chance is not None
    assert abs(mean - chance) < 4 * sigma
    assert sigma < 0.01


def test_partial_credit_is_the_default_above_four_names() -> None:
    rules = [Counts().answer(dict.fromkeys("abcdef"[:n], 0), 0, 9).credit.rule for n in (1, 4, 5)]
    assert rules == ["exact", "exact", "partial"]


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [
        ({}, 0, 9),
        ({"Circle": 1}, 0, 9),
        ({"circle 2": 1}, 0, 9),
        ({"circle": 1, "circles": 2}, 0, 9),
        ({"circle": 10}, 0, 9),
        ({"circle": 0}, 1, 9),
        ({"circle": -1}, -1, 9),
        ({"circle": 3}, 3, 3),
        ({"circle": True}, 0, 9),
    ],
)
def test_counts_that_cannot_be_asked_for_cannot_be_made(counts: dict[str, int], low: int, high: int) -> None:
    with pytest.raises(ValueError, match=r".{20}"):
        Counts().answer(counts, low, high)


def test_the_prompt_names_the_order() -> None:
    asked = Counts().ask(Counts().answer({"circle": 3, "square": 1, "star": 0}, 0, 9).value)
    assert (
        asked
        == "Answer with the comma-separated counts of circle, square and star (each from 0 to 9) in <answer></answer>."
    )


@pytest.mark.parametrize(
    "change",
    [
        {"names": "dog"},
        {"names": [3]},
        {"names": ["dog", "cat"]},
        {"answer": 3},
        {"answer": [3, 3]},
        {"answer": (3,)},
        {"answer": ["3"]},
        {"low": 0.0},
        {"high": None},
        {"high": 10**18},
        {"more": 1},
    ],
    ids=str,
)
def test_a_broken_value_is_an_error(change: dict[str, object]) -> None:
    value = {"names": ["dog"], "answer": [3], "low": 0, "high": 10**18 - 1}
    Counts().check(value)
    with pytest.raises(ValueError, match=r".{20}"):
        Counts().check(value | change)
