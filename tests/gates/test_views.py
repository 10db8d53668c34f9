"""Views of a question that keep its answer, and questions that have none."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from ssrl_data.gates.views import Question, permutable, permuted, placed, renamed, reordered, variables
from ssrl_data.rng import Rng


@pytest.mark.parametrize(
    ("problem", "found"),
    [
        ("Let x be such that 3x + 7 = 31. What is x^2 - 1?", "x"),
        ("If $x+y=7$ and $xz = 3$, what is y?", "y"),  # xz may be one name or two
        ("The sum of the first n odd numbers is 196 = n^2. What is n?", "n"),
        ("A car drives 5 k and then 3k = 9.", ""),  # a unit, perhaps
        ("How often does the letter 'x' stand in x = 3x?", ""),
        ("Find the x-axis intercept of y = 3x.", "y"),
        ("Integrate x^2 dx.", ""),
        ("Let ab = 6 and b = 2. What is a?", ""),  # a product
        ("Find 2ab for b = 2 and z = 3.", "z"),
        ("Convert the base-13 number 8b to base-4.", ""),  # a digit
        ("Write the hexadecimal 4b + 1c as binary.", ""),
        ("What is f'(x) where f(x) = x^2?", "x"),
        ("Take x' = 3x.", ""),
        ("A 2x2 matrix with x = 3.", ""),
        ("Choose (b) if b = 3.", ""),
        ("A plan b is a plan.", ""),
        ("A car has a speed v in km/h.", ""),
    ],
)
def test_letters_that_are_surely_variables(problem: str, found: str) -> None:
    assert variables(Question(problem)) == tuple(found)


@pytest.mark.parametrize("seed", range(20))
def test_renaming_is_undone_by_its_map(seed: int) -> None:
    question = Question("If p = 2q + 3 and q = 4t, what is p - t?", ("q > 0",), ("7t + 3", "8t"), "7t + 3")
    made = renamed(question, Rng(seed))
    assert made is not None
    new, names = made
    assert set(names) == {"p", "q", "t"}
    assert len(set(names.values())) == 3
    assert not set(names.values()) & {"p", "q", "t", "a", "d", "e", "i"}
    back = {b: a for a, b in names.items()}
    undone = [re.sub(r"(?<![A-Za-z])[a-z](?![A-Za-z])", lambda m: back.get(m[0], m[0]), text) for text in new.texts]
    assert tuple(undone) == question.texts
    assert new.answer == new.options[0]


def test_a_letter_in_use_is_never_taken() -> None:
    question = Question("Points B, C, K, N, P, Q, R, T, U, V, W, X, Y lie on a line with 3z = 9.")
    assert renamed(question, Rng(0)) is None


def test_premises_change_places_unless_they_are_counted() -> None:
    question = Question("Who is it?", ("Ida is old.", "Jon is young.", "Kim is new."))
    made = reordered(question, Rng(1))
    assert made is not None
    assert [question.given[n] for n in made[1]] == list(made[0].given) != list(question.given)
    for problem, given in (
        ("Which follows from premise 2?", question.given),
        ("Who is it?", ("Ida is old.", "The former is young.")),
        ("Who is it?", ("1. Ida is old.", "2. Jon is young.")),
        ("Who is it?", ("Ida is old.",)),
    ):
        assert reordered(Question(problem, given), Rng(1)) is None


@pytest.mark.parametrize(
    "option",
    [
        "all of the above", "None of these", "both A and B", "A and C", "neither", "(a) and (b)", "options B",
        "All of the other options", "none of the answers is right", "statement 2", "Both", "the above",
    ],
)  # fmt: skip
def test_options_that_speak_of_others_are_not_permuted(option: str) -> None:
    assert not permutable(("red", "green", option))
    assert permuted(Question("Which?", (), ("red", "green", option)), Rng(0)) is None


def test_other_options_are() -> None:
    question = Question("Which?", (), ("red", "a dark green", "vitamin A", "12%"), "red")
    made = permuted(question, Rng(0))
    assert made is not None
    assert sorted(made[0].options) == sorted(question.options)
    assert [question.options[n] for n in made[1]] == list(made[0].options) != list(question.options)


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_every_place_is_equally_likely_over_both_aims(count: int) -> None:
    options = [f"option {n}" for n in range(count)]
    places = Counter(placed(options, "option 1", k % 2, Rng(k)).index(1) for k in range(4000))
    assert all(abs(places[place] / 4000 - 1 / count) < 0.035 for place in range(count))
    for k in range(50):
        place = placed(options, "option 0", k % 2, Rng(k)).index(0)
        assert place % 2 == k % 2 or place == count - 1
