"""The kind `expression`: what is read, what counts as equal, and that nothing takes longer than its budget."""

from __future__ import annotations

import importlib.util
import random
import time

import pytest
from hostile_responses import aimed, megabytes

from ssrl_data import sandbox
from ssrl_data.algebra import modular, parsing
from ssrl_data.answers import expression
from ssrl_data.answers.blanks import Blanks
from ssrl_data.answers.expression import Expression
from ssrl_data.answers.number import Number
from ssrl_data.core import Credit

EXACT = Credit("exact", 0.0)

EQUAL = [
    ("x + 1", "1+x"),
    ("x + 1", "$x+1$."),
    (r"\frac{x^2-1}{x-1}", "x+1"),
    ("(a+b)^2", "a² + 2ab + b²"),
    ("x/2", r"\frac12 x"),
    ("5/2", r"2\frac{1}{2}"),
    ("1024", "1,024"),
    ("120", "5!"),
    ("10", r"\binom{5}{2}"),
    ("2i", "(1+i)^2"),
    ("1/8", "2^{-3}"),
    ("π r²", r"\pi \cdot r^{2}"),
    ("y sin x", r"\sin(x) y"),
    (r"\sqrt{2}/2", r"\frac{1}{\sqrt{2}}"),
    (r"1+\sqrt2", r"\sqrt{3+2\sqrt{2}}"),
    ("1", r"\sin^2 x + \cos^2 x"),
    (r"2 \sin x \cos x", "sin 2x"),
    (r"\ln(x^2)", "2 ln x"),
    ("3", r"\log_2 8"),
    ("2*2^n", "2^{n+1}"),
    ("-2", r"\sqrt[3]{-8}"),
    ("1/2", "sin 30°"),
    ("π/4", r"\arctan(1/2) + \arctan(1/3)"),
    ("|x|", r"\sqrt{x^2}"),
    ("(1, x/2)", r"\left(1, \frac{x}{2}\right)"),
    (r"\{1, 2\}", r"\{2, 1, \frac{4}{2}\}"),
    (r"(-\infty, 3]", "(-∞, 9/3]"),
]
DIFFERENT = [
    ("x + 1", "x - 1"),
    ("x", "y"),
    ("x", r"\sqrt{x^2}"),
    ("x", "x + 2305843009213693951"),
    ("2^n", "2^n + 10^{-12}"),
    (r"\sqrt{2}", "1.41421356237309504880168872"),
    (r"\sqrt{2}", "1/0"),
    ("ln 2", r"\sqrt{-2}"),
    ("(1, 2)", "(2, 1)"),
    ("(1, 2)", "[1, 2]"),
    ("(1, 2)", "1"),
    (r"\{1, 2\}", r"\{1, 3\}"),
    (r"\{1, 2\}", r"\{1, 2, 3\}"),
    (r"[0, \infty)", "[0, 5)"),
]
ATTACKS = [
    # Beyond the limits, ambiguous, or no expression: never read, so never computed.
    r"\dfrac{5^{\left(5^{\left(5^{\left(5^5\right)}\right)} - 4\right)} - 5}{16}",
    "9**9**9",
    "((2^1000)^1000)^1000",
    "10000!",
    "2^" * 200 + "2",
    "(" * 300 + "x" + ")" * 300,
    "sin " * 200 + "x",
    "|" * 500,
    "e^e^e^e^e^x",
    "9" * 31,
    "2 3",
    "x2",
    "1e5",
    "0x10",
    "hello",
    "__import__('os')",
    "x = x + 1",
    "1 = x",
    "y = x = 1",
    "x != 1",
    "x < 1",
    "12%",
    r"\text{one}",
    "½",
    "٣",
    "x; y",
    "(1, 2",
    "[1, 2}",
    "(1, )",
    "x +",
    "",
]


def value_of(right: str, form: str = "any") -> dict[str, object]:
    return {"answer": right, "form": form, "symbols": []}


def graded(right: str, given: str, form: str = "any") -> float | None:
    return Expression().grade(f"<answer>{given}</answer>", value_of(right, form), EXACT).score


@pytest.mark.parametrize(("right", "given"), EQUAL)
def test_equal_expressions_are_right_both_ways(right: str, given: str) -> None:
    assert graded(right, given) == 1.0
    assert graded(given.strip("$."), right) == 1.0


@pytest.mark.parametrize(
    "given",
    [
        *("y = 2x", "f(x) = 2x", r"\(2x\)", r"\[ y = 2x \]", "**2x**", "`2*x`", "2x,", r"$f_{1}(x)=2x$.", "= 2x"),
        r"\(y = \dfrac{4x}{2}\).",
    ],
)
def test_what_models_put_around_an_expression_does_not_matter(given: str) -> None:
    assert graded("2x", given) == 1.0
    assert graded("3x", given) == 0.0


def test_a_tuple_may_be_named() -> None:
    assert graded("(1, 2)", "(x, y) = (1, 2)") == 1.0
    assert graded("5", "x = 5", "fraction") == 1.0


@pytest.mark.parametrize(("right", "given"), DIFFERENT)
def test_different_expressions_are_wrong(right: str, given: str) -> None:
    assert graded(right, given) == 0.0


@pytest.mark.parametrize("text", ATTACKS)
def test_what_cannot_be_read_is_wrong_at_once(text: str) -> None:
    start = time.process_time()
    assert Expression().parse(text, value_of("x")) is None
    assert time.process_time() - start < 0.1


@pytest.mark.parametrize(
    ("right", "form", "good", "bad"),
    [
        ("3/4", "fraction", [r"\frac{3}{4}", r"\dfrac34"], ["6/8", "0.75", "1 - 1/4", "3/4/1"]),
        ("-7", "fraction", ["-7", "(-7)"], ["-7/1", "-14/2"]),
        ("x^2 + 2x + 1", "expanded", ["1 + 2*x + x^2"], ["(x+1)^2", "x^2 + x + x + 1", "x*x + 2x + 1"]),
    ],
)
def test_a_form_is_required(right: str, form: str, good: list[str], bad: list[str]) -> None:
    for text in good:
        assert graded(right, text, form) == 1.0, text
    for text in bad:
        assert graded(right, text, form) == 0.0, text
        assert graded(right, text) == 1.0 or "x" in text, text


def test_declared_symbols_are_variables() -> None:
    value = {"answer": "e + rate", "form": "any", "symbols": ["e", "rate"]}
    assert Expression().grade("rate+e", value, EXACT).exact
    assert Expression().grade("e + r a t e", value, EXACT).score == 0.0


def test_finals_that_are_equal_are_one_answer() -> None:
    assert Expression().grade(r"\boxed{x+x} so <answer>2x</answer>", value_of("2x"), EXACT).exact
    assert Expression().grade(r"\boxed{x+y} so <answer>2x</answer>", value_of("2x"), EXACT).reason == "two answers"


def test_what_cannot_be_decided_has_no_score_and_blanks_with_it_have_none() -> None:
    right, given = "|x - 100|", "100 - x"  # equal at every point tried, and no proof, as there is none
    verdict = Expression().grade(given, value_of(right), EXACT)
    assert (verdict.score, verdict.exact, verdict.reason) == (None, False, "undecided")
    blanks = Blanks().answer([Number().answer(3, chance=0.1), Expression().answer(right, chance=0.1)])
    kind = Blanks()
    assert kind.grade(f"3; {right}", blanks.value, blanks.credit).score == 1.0
    assert kind.grade("3; x", blanks.value, blanks.credit).score == 0.0
    whole = kind.grade(f"3; {given}", blanks.value, blanks.credit)
    assert (whole.score, whole.exact, whole.reason) == (None, False, "undecided")


def test_without_sympy_the_first_two_stages_decide_and_the_third_says_what_it_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "sympy" else find(name))
    expression._has_sympy.cache_clear()
    try:
        assert graded("x+x", "2x") == 1.0
        assert graded("x+x", "3x") == 0.0
        verdict = Expression().grade("1/sqrt(2)", value_of("sqrt(2)/2"), EXACT)
        assert (verdict.score, verdict.reason) == (None, "needs sympy: install ssrl[text]")
    finally:
        expression._has_sympy.cache_clear()


def spelled(draw: random.Random, depth: int) -> str:
    """A random expression, in one of the spellings that people use."""
    if depth == 0:
        return draw.choice(["x", "y", "z_{12}", "7", "0.5", "12", r"\pi", r"\alpha", "3!"])
    a, b = spelled(draw, depth - 1), spelled(draw, depth - 1)
    forms = [
        "{a}+{b}",
        "{a} - ({b})",
        "({a})*({b})",
        r"\frac{{{a}}}{{{b}}}",
        "({a})^2",
        "({a})^{{-3}}",
        r"\sqrt{{{a}}}",
    ]
    forms += [r"\sin({a})", "|{a}|", "-({a})", r"\left({a}\right)/({b})", r"\sqrt[3]{{{a}}}", r"\ln({a})", "2^{{{a}}}"]
    return draw.choice(forms).format(a=a, b=b)


def test_normal_texts_say_the_same_and_can_be_read() -> None:
    draw, read = random.Random(0), 0
    for _ in range(400):
        text = spelled(draw, draw.randint(0, 5))
        try:
            tree = parsing.parse(text)
        except parsing.NotRead:
            continue
        read += 1
        normal = parsing.text_of(tree)
        _, (again,) = parsing.parse_items(normal, (), parsing.SLACK)
        assert parsing.text_of(again) == normal, text
        if modular.rational(tree):
            assert modular.equal(tree, again, "key") in (True, None), text
    assert read > 200


@pytest.mark.parametrize(
    "given",
    ["+".join(["x"] * 500), "x^2*" * 250 + "x", "1000!", "(" * 9 + "-x/7)" + "^2)" * 8 + "^2", r"\frac{x}{7}" * 90],
)
@pytest.mark.parametrize("right", ["x/3", r"\sqrt{x}"])
def test_long_answers_are_judged_too(right: str, given: str) -> None:
    verdict = Expression().grade(given, value_of(right), EXACT)
    assert (verdict.score, verdict.reason) == (0.0, "inexact")


def test_a_proof_that_takes_too_long_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expression, "SECONDS", 0.3)
    before = sandbox.failures().get("timeout", 0)
    graded("x", "sqrt(x)")  # so that a worker runs
    start = time.monotonic()
    given = r"(\frac{1 - \cos 2x}{2})^{30} (\frac{1 + \cos 2y}{2})^{30}"
    verdict = Expression().grade(given, value_of(r"\sin^{60}(x) \cos^{60}(y)"), EXACT)
    assert time.monotonic() - start < 2.0
    assert (verdict.score, verdict.reason) == (None, "undecided")
    assert sandbox.failures()["timeout"] == before + 1


def test_hostile_responses_stay_within_the_budget() -> None:
    value = value_of(r"\sqrt{x} + \sin(y)")
    responses = aimed(str(value["answer"]), Expression().ask(value)) | megabytes()
    graded("x", "sqrt(x)")  # so that a worker runs
    for name, response in responses.items():
        start = time.monotonic()
        assert Expression().grade(response, value, EXACT).score == 0.0, name
        assert time.monotonic() - start < expression.SECONDS + 1, name
