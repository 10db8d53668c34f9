from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssrl_data.answers.number import Number
from ssrl_data.core import Credit
from ssrl_data.grade import grade
from ssrl_data.row import pack_answer

INTEGER = pack_answer(Number().answer(1234, chance=0.0))
MINUS = pack_answer(Number().answer(-2, low=-9, high=9))
ZERO = pack_answer(Number().answer(0, low=0, high=9))
DECIMAL = pack_answer(Number().answer("0.75", form="decimal", chance=0.0))
NEAR = pack_answer(Number().answer("2.5", form="decimal", tolerance="0.25", chance=0.0))
FRACTION = pack_answer(Number().answer("3/4", form="fraction", options=4))
ANY = pack_answer(Number().answer("3/4", form="any", chance=0.0))
LARGE = pack_answer(Number().answer(999999999999999999, chance=0.0))

ATTACKS = [
    (INTEGER, "<answer>1234</answer>", 1.0, "exact"),
    (INTEGER, "<answer>1,234</answer>", 1.0, "exact"),
    (INTEGER, "<answer>+1234.</answer>", 1.0, "exact"),
    (INTEGER, "<answer>$1{}234$</answer>", 0.0, "malformed"),
    (INTEGER, "<answer>**1234**</answer>", 1.0, "exact"),
    (INTEGER, "<answer>\n(1234)\n</answer>", 1.0, "exact"),
    (INTEGER, "<answer>0001234</answer>", 1.0, "exact"),
    (INTEGER, "\\boxed{1234}", 1.0, "exact"),
    (INTEGER, "1234", 1.0, "exact"),
    (INTEGER, "<answer>1235</answer>", 0.0, "inexact"),
    (INTEGER, "<answer>-1234</answer>", 0.0, "inexact"),
    (INTEGER, "<answer>1234.0</answer>", 0.0, "malformed"),
    (INTEGER, "<answer>1234/1</answer>", 0.0, "malformed"),
    (INTEGER, "<answer>12,34</answer>", 0.0, "malformed"),
    (INTEGER, "<answer>1 234</answer>", 0.0, "malformed"),
    (INTEGER, "<answer>1_234</answer>", 0.0, "malformed"),
    (INTEGER, "<answer>1234e0</answer>", 0.0, "malformed"),
    (INTEGER, "<answer>1.234e3</answer>", 0.0, "malformed"),
    (INTEGER, "<answer>0x4d2</answer>", 0.0, "malformed"),
    (INTEGER, "<answer>１２３４</answer>", 0.0, "malformed"),
    (INTEGER, "<answer>١٢٣٤</answer>", 0.0, "malformed"),
    (INTEGER, "<answer>12³⁴</answer>", 0.0, "malformed"),
    (INTEGER, "<answer>nan</answer>", 0.0, "malformed"),
    (INTEGER, "<answer>1234 tiles</answer>", 0.0, "malformed"),
    (INTEGER, "<answer>1234 or 1235</answer>", 0.0, "malformed"),
    (INTEGER, "<answer>0000000000000001234</answer>", 0.0, "malformed"),
    (INTEGER, "<answer>000000000000001234</answer>", 1.0, "exact"),
    (INTEGER, "<answer>.</answer>", 0.0, "malformed"),
    (INTEGER, "<answer>-</answer>", 0.0, "malformed"),
    (INTEGER, "It is 1234", 0.0, "no answer"),
    (INTEGER, "<answer>1234</answer> <answer>1,234</answer>", 1.0, "exact"),
    (INTEGER, "<answer>1234</answer> <answer>1235</answer>", 0.0, "two answers"),
    (MINUS, "<answer>−2</answer>", 1.0, "exact"),
    (MINUS, "<answer>–2</answer>", 1.0, "exact"),
    (MINUS, "<answer>--2</answer>", 0.0, "malformed"),
    (MINUS, "<answer>- 2</answer>", 1.0, "exact"),
    (MINUS, "<answer>-  2</answer>", 0.0, "malformed"),
    (MINUS, "<answer>x = -2</answer>", 1.0, "exact"),
    (MINUS, "<answer>x = x - 2</answer>", 0.0, "malformed"),
    (MINUS, "<answer>-2 = x</answer>", 0.0, "malformed"),
    (MINUS, "<answer>x = 2</answer>", 0.0, "inexact"),
    (MINUS, "<answer>\\(-2\\)</answer>", 1.0, "exact"),
    (MINUS, "<answer>\\[ -2 \\]</answer>", 1.0, "exact"),
    (MINUS, "<answer>\\(-2\\) or \\(2\\)</answer>", 0.0, "malformed"),
    (INTEGER, "<answer>[MASK 1] = 1234</answer>", 1.0, "exact"),
    (INTEGER, "<answer>1{,}234</answer>", 1.0, "exact"),
    (INTEGER, "<answer>1\\,234</answer>", 1.0, "exact"),
    (INTEGER, "<answer>12\\,34</answer>", 0.0, "malformed"),
    (INTEGER, "<answer>\\$1,234</answer>", 1.0, "exact"),
    (INTEGER, "<answer>1234%</answer>", 1.0, "exact"),
    (INTEGER, "<answer>1234\\%</answer>", 1.0, "exact"),
    (INTEGER, "<answer>1234°</answer>", 1.0, "exact"),
    (ANY, "<answer>\\frac34</answer>", 1.0, "exact"),
    (ANY, "<answer>\\frac{-3}{4}</answer>", 0.0, "inexact"),
    (ANY, "<answer>-\\frac{-3}{4}</answer>", 1.0, "exact"),
    (ANY, "<answer>75%</answer>", 0.0, "inexact"),
    (MINUS, "<answer>2</answer>", 0.0, "inexact"),
    (ZERO, "<answer>-0</answer>", 1.0, "exact"),
    (ZERO, "<answer>0</answer>", 1.0, "exact"),
    (ZERO, "<answer>00</answer>", 1.0, "exact"),
    (ZERO, "<answer>0/0</answer>", 0.0, "malformed"),
    (DECIMAL, "<answer>0.75</answer>", 1.0, "exact"),
    (DECIMAL, "<answer>.75</answer>", 1.0, "exact"),
    (DECIMAL, "<answer>0.750.</answer>", 1.0, "exact"),
    (DECIMAL, "<answer>0.7500000000000001</answer>", 0.0, "inexact"),
    (DECIMAL, "<answer>75</answer>", 0.0, "inexact"),
    (DECIMAL, "<answer>3/4</answer>", 0.0, "malformed"),
    (DECIMAL, "<answer>0,75</answer>", 0.0, "malformed"),
    (DECIMAL, "<answer>0.75.0</answer>", 0.0, "malformed"),
    (NEAR, "<answer>2.25</answer>", 1.0, "exact"),
    (NEAR, "<answer>2.75</answer>", 1.0, "exact"),
    (NEAR, "<answer>2.2499</answer>", 0.0, "inexact"),
    (NEAR, "<answer>2.7501</answer>", 0.0, "inexact"),
    (NEAR, "<answer>2.4</answer> <answer>2.5</answer>", 0.0, "two answers"),
    (FRACTION, "<answer>3/4</answer>", 1.0, "exact"),
    (FRACTION, "<answer>6 / 8</answer>", 1.0, "exact"),
    (FRACTION, "<answer>\\frac{3}{4}</answer>", 1.0, "exact"),
    (FRACTION, "$\\boxed{\\dfrac{3}{4}}$", 1.0, "exact"),
    (FRACTION, "<answer>$\\frac{3}{4}$</answer>", 1.0, "exact"),
    (FRACTION, "<answer>3/4</answer> = \\boxed{\\frac{6}{8}}", 1.0, "exact"),
    (FRACTION, "<answer>-3/4</answer>", 0.0, "inexact"),
    (FRACTION, "<answer>4/3</answer>", 0.0, "inexact"),
    (FRACTION, "<answer>3/-4</answer>", 0.0, "malformed"),
    (FRACTION, "<answer>3/0</answer>", 0.0, "malformed"),
    (FRACTION, "<answer>3/4/1</answer>", 0.0, "malformed"),
    (FRACTION, "<answer>1 3/4</answer>", 0.0, "malformed"),
    (FRACTION, "<answer>3⁄4</answer>", 0.0, "malformed"),
    (FRACTION, "<answer>¾</answer>", 0.0, "malformed"),
    (FRACTION, "<answer>\\frac{3}{0}</answer>", 0.0, "malformed"),
    (FRACTION, "<answer>3000000000000000000/4000000000000000000</answer>", 0.0, "malformed"),
    (FRACTION, "<answer>300000000000000000/400000000000000000</answer>", 1.0, "exact"),
    (ANY, "<answer>0.75</answer>", 1.0, "exact"),
    (ANY, "<answer>3/4</answer>", 1.0, "exact"),
    (LARGE, "<answer>999999999999999999</answer>", 1.0, "exact"),
    (LARGE, "<answer>999,999,999,999,999,999</answer>", 1.0, "exact"),
    (LARGE, "<answer>9999999999999999999</answer>", 0.0, "malformed"),
    (LARGE, "<answer>1,999,999,999,999,999,999</answer>", 0.0, "malformed"),
]


@pytest.mark.parametrize(("column", "response", "score", "reason"), ATTACKS)
def test_attack(column: str, response: str, score: float, reason: str) -> None:
    verdict = grade(column, response)
    assert (verdict.score, verdict.exact, verdict.reason) == (score, reason == "exact", reason)


@given(st.integers(-(10**17), 10**17), st.integers(1, 10**6), st.integers(1, 10))
def test_equal_rationals_are_equal_in_any_terms(top: int, bottom: int, factor: int) -> None:
    column = pack_answer(Number().answer(Fraction(top, bottom), form="fraction", chance=0.0))
    assert grade(column, f"<answer>{top * factor}/{bottom * factor}</answer>").score == float(
        abs(top) * factor < 10**18
    )
    assert grade(column, f"<answer>{top + 1}/{bottom}</answer>").score == 0.0


@given(st.integers(-(10**9), 10**9), st.integers(0, 8))
def test_decimals_are_read_exactly(digits: int, places: int) -> None:
    number = Fraction(digits, 10**places)
    answer = Number().answer(number, form="decimal", chance=0.0)
    written = Number().right(answer.value)
    assert Fraction(written) == number
    assert grade(pack_answer(answer), f"<answer>{written}</answer>").score == 1.0
    assert grade(pack_answer(answer), f"<answer>{digits + 1}/{10**places}</answer>").score == 0.0


def test_chance_comes_from_the_space() -> None:
    assert Number().answer(3, low=0, high=9).chance == 0.1
    assert Number().answer("3/4", form="fraction", options=8).chance == 0.125
    assert Number().answer(3, chance=0.4).credit == Credit("exact", 0.4)


@pytest.mark.parametrize(
    "arguments",
    [
        {"right": 3},
        {"right": 3, "low": 0},
        {"right": 3, "high": 9},
        {"right": 3, "low": 0, "high": 9, "chance": 0.1},
        {"right": 3, "low": 0, "high": 9, "options": 10},
        {"right": 3, "options": 10, "chance": 0.1},
        {"right": 3, "options": 1},
        {"right": 3, "chance": 1.0},
        {"right": 3, "chance": -0.1},
        {"right": 3, "low": 3, "high": 3},
        {"right": 3, "low": 4, "high": 9},
        {"right": 3, "low": 0, "high": 2},
        {"right": 3, "form": "decimal", "low": 0, "high": 9},
        {"right": 3, "tolerance": 1, "chance": 0.0},
        {"right": "2.5", "form": "decimal", "tolerance": "-1", "chance": 0.0},
        {"right": "2.5", "chance": 0.0},
        {"right": "1/3", "form": "decimal", "chance": 0.0},
        {"right": 3, "form": "roman", "chance": 0.0},
        {"right": 10**18, "chance": 0.0},
        {"right": Fraction(1, 10**18), "form": "fraction", "chance": 0.0},
        {"right": Fraction(1, 10**18), "form": "decimal", "chance": 0.0},
    ],
    ids=str,
)
def test_a_number_that_cannot_be_asked_for_cannot_be_made(arguments: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r".{20}"):
        Number().answer(**arguments)  # type: ignore[arg-type]


def test_the_bounds_of_a_range_are_answers() -> None:
    assert Number().answer(0, low=0, high=9).chance == Number().answer(9, low=0, high=9).chance == 0.1


def test_the_prompt_says_the_form() -> None:
    def asked(answer: object) -> str:
        return Number().ask(answer.value)  # type: ignore[attr-defined]

    assert asked(Number().answer(3, low=-1, high=9)) == "Answer with an integer from -1 to 9 in <answer></answer>."
    assert asked(Number().answer(3, chance=0.0)) == "Answer with an integer in <answer></answer>."
    assert asked(Number().answer(3, form="fraction", chance=0.0)) == "Answer with a fraction in <answer></answer>."
    assert asked(Number().answer(3, form="decimal", chance=0.0)) == "Answer with a decimal number in <answer></answer>."


def test_two_options_are_enough() -> None:
    assert Number().answer(3, options=2).chance == 0.5


def test_zero_has_no_sign() -> None:
    for form in Number.forms:
        assert Number().right(Number().answer(0, form=form, chance=0.0).value) == "0"


@pytest.mark.parametrize(
    "change",
    [
        {"answer": 3},
        {"answer": "6/8"},
        {"answer": "0.5"},
        {"answer": "x"},
        {"tolerance": 0},
        {"tolerance": "x"},
        {"low": 0},
        {"high": 9},
        {"low": 0, "high": 9.0},
        {"low": False, "high": 9},
        {"form": []},
    ],
    ids=str,
)
def test_a_broken_value_is_an_error(change: dict[str, object]) -> None:
    value = {"answer": "3", "form": "integer", "tolerance": "0", "low": None, "high": None}
    Number().check(value)
    with pytest.raises(ValueError, match=r".{20}"):
        Number().check(value | change)
