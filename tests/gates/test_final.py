"""Which answers have one exact form, and which do not."""

from __future__ import annotations

import pytest

from ssrl_data.gates.final import Typed, told, typed

ASK = "A box holds 12 eggs. How many eggs do five boxes hold?"


@pytest.mark.parametrize(
    ("problem", "answer", "kind", "right", "form"),
    [
        (ASK, "60", "number", "60", "integer"),
        (ASK, "60 eggs", "number", "60", "integer"),
        (ASK, "$60$.", "number", "60", "integer"),
        ("What is 1200 + 34?", "1,234", "number", "1234", "integer"),
        ("What is 3 - 8?", "−5", "number", "-5", "integer"),
        ("What is a third of a half?", "1/6", "number", "1/6", "any"),
        ("What is a third of a half?", r"\frac{1}{6}", "number", "1/6", "any"),
        ("Write 0.5 as a fraction.", "1/2", "number", "1/2", "fraction"),
        ("What is 2/8 in lowest terms?", "1/4", "expression", "1/4", "fraction"),
        ("What is 3 / 4 as a decimal?", "0.75", "number", "3/4", "decimal"),
        ("What does it cost in dollars?", "$27", "number", "27", "integer"),
        ("What percentage of 40 is 10?", "25%", "number", "25", "integer"),
        ("Compute 1.125 + 2.", "3.125", "number", "25/8", "any"),
        ("Round 2 / 7 to three decimal places.", "0.286", "number", "143/500", "decimal"),
        ("Solve 3x = 12 for x.", "x = 4", "number", "4", "integer"),
        ("Write p in terms of t.", "8t + 3", "expression", "8t + 3", "any"),
        ("What is the sum of x and x?", "2x", "expression", "2x", "any"),  # x is no unit
        ("Let y = x^2. What is y' by x?", "2x", "expression", "2x", "any"),
        ("Expand (x + 1)(x + 2).", "x^2 + 3x + 2", "expression", "x^2 + 3x + 2", "expanded"),
        ("What is the area of a circle with radius r?", r"\pi r^2", "expression", r"\pi r^2", "any"),
    ],
)
def test_exact_answers(problem: str, answer: str, kind: str, right: str, form: str) -> None:
    assert typed(problem, answer) == Typed(kind, right, form)


@pytest.mark.parametrize(
    ("problem", "answer"),
    [
        ("How far is it?", "60 km"),  # the question names no unit, so 60,000 metres would be right
        ("What does it cost?", "$27"),
        ("What part of 40 is 10?", "25%"),  # or 0.25, or 1/4
        ("What is two thirds?", "0.667"),  # rounded, and nobody said so
        ("About how many stars are there? Give approximately the number.", "5000"),
        ("What is 2/8 in lowest terms?", "2/8"),  # not what was asked for
        ("What is it?", "1,23"),
        ("Who wrote it?", "Jane Austen"),
        ("Which base-16 number is 60?", "3c"),  # digits, and no product
        ("Which base-16 number is 58? Use letters a-f for digits above 9.", "3a"),
        ("Which base-15 number is 44?", "2e"),
        ("How many minutes does it take?", "5 s"),
        ("How long is it in m?", "5 m"),  # metres, or a product
        ("What is the area of x by 2y, with xy = z?", "2 xy"),
        ("Simplify x^2 + x^2.", "2x^2"),  # the question has the same value
        ("Expand (x + 1)(x + 2).", "(x + 2)(x + 1)"),
        ("What is the same as y^2 + y?", "y(y + 1)"),  # copying the question would be right
        ("Integrate x.", "x^2/2 + C"),
        ("Is it so? Answer yes, no or unknown.", "yes"),
        ("Solve it.", "x = 1 or x = 2"),
        ("What is it?", ""),
        ("What is it?", "\x00\u202e1"),
        ("What is it?", "9" * 100_000),
        ("What is it?", "((((" * 5000),
    ],
)
def test_answers_that_have_no_exact_form(problem: str, answer: str) -> None:
    assert typed(problem, answer) is None


def test_yes_and_no_are_one_of_two_words() -> None:
    assert typed("Is 7 a prime?", "Yes.") == Typed("word", "yes", "", ("yes", "no"))
    assert typed("Is it so?", "False") == Typed("word", "false", "", ("true", "false"))
    assert typed("Does it follow?", "No", ("Yes", "No")) == Typed("word", "no", "", ("yes", "no"))


def test_an_option_is_known_by_its_text_or_its_letter() -> None:
    options = ("oxygen", "nitrogen", "helium")
    for answer in ("nitrogen", "B", "(B)", "B."):
        assert typed("Which gas?", answer, options) == Typed("choice", "nitrogen")
    assert typed("Which letter?", "A", ("B", "A")) == Typed("choice", "A"), "the text comes before the letter"
    for answer, others in (("D", options), ("neon", options), ("oxygen", ("oxygen", "Oxygen")), ("one", ("one",))):
        assert typed("Which gas?", answer, others) is None


def test_a_problem_that_tells_an_answer() -> None:
    for problem in ("What is 6 * 7? Answer: 42", "Solve. The answer is 42.", "Q: 1 + 1? The answer is (B)."):
        assert told(problem)
    for problem in ("What is 6 * 7?", "If the answer is negative, say so.", "The answer is a number. Which?"):
        assert not told(problem)
