from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssrl_data.answers.choice import Choice
from ssrl_data.core import Credit
from ssrl_data.grade import grade
from ssrl_data.row import pack_answer

B = pack_answer(Choice().answer("B", ["A", "B", "C", "D"]))
THREE = pack_answer(Choice().answer("3", ["1", "2", "3", "4"]))
TURN = pack_answer(Choice().answer("-90", ["-90", "0", "90", "180"]))
PLACE = pack_answer(Choice().answer("top-left", ["top-left", "top right", "Bottom_Left"]))
PLUS = pack_answer(Choice().answer("plus", ["plus", "minus", "times", "divided by"]))
LESS = pack_answer(Choice().answer("<", ["<", "=", ">"]))
SIGN = pack_answer(Choice().answer("+", ["+", "-"]))

ATTACKS = [
    (B, "<answer>B</answer>", 1.0, "exact"),
    (B, "<answer>b</answer>", 1.0, "exact"),
    (B, "<answer>B.</answer>", 1.0, "exact"),
    (B, "<answer>(B)</answer>", 1.0, "exact"),
    (B, "<answer>B)</answer>", 1.0, "exact"),
    (B, "<answer>[B]</answer>", 1.0, "exact"),
    (B, "<answer>**B**</answer>", 1.0, "exact"),
    (B, "<answer>**(B).**</answer>", 1.0, "exact"),
    (B, "<answer>`B`</answer>", 1.0, "exact"),
    (B, "<answer>“B”</answer>", 1.0, "exact"),
    (B, "<answer>$B$</answer>", 1.0, "exact"),
    (B, "<answer>Option B</answer>", 1.0, "exact"),
    (B, "<answer>Answer: (B)</answer>", 1.0, "exact"),
    (B, "<answer>\\boxed{B}</answer>", 1.0, "exact"),
    (B, "\\boxed{\\text{B}}", 1.0, "exact"),
    (B, "$\\boxed{\\mathbf{B}}$", 1.0, "exact"),
    (B, "B", 1.0, "exact"),
    (B, "  (B)\n", 1.0, "exact"),
    (B, "<think>A? No.</think>B", 1.0, "exact"),
    (B, "<think><answer>A</answer></think><answer>B</answer>", 1.0, "exact"),
    (B, "<answer>B</answer> <answer>b.</answer>", 1.0, "exact"),
    (B, "I answer in <answer></answer>: <answer>B</answer>", 1.0, "exact"),
    (B, "<answer>letter</answer> means <answer>B</answer>", 1.0, "exact"),
    (B, "<answer><answer>B</answer></answer>", 1.0, "exact"),
    (B, "<answer>\\(B\\)</answer>", 1.0, "exact"),
    (B, "<answer>+</answer>", 0.0, "malformed"),
    (PLUS, "<answer>+</answer>", 1.0, "exact"),
    (PLUS, "<answer>`+`</answer>", 1.0, "exact"),
    (PLUS, "<answer>$+$</answer>", 1.0, "exact"),
    (PLUS, "<answer>−</answer>", 0.0, "inexact"),
    (PLUS, "<answer>*</answer>", 0.0, "inexact"),
    (PLUS, "<answer>\\(\\div\\)</answer>", 0.0, "inexact"),
    (PLUS, "<answer>+ or -</answer>", 0.0, "malformed"),
    (PLUS, "<answer>++</answer>", 0.0, "malformed"),
    (B, "<answer>A</answer>", 0.0, "inexact"),
    (B, "<answer>D</answer>", 0.0, "inexact"),
    (B, "A", 0.0, "inexact"),
    (B, "<answer>E</answer>", 0.0, "malformed"),
    (B, "<answer>A, B, C, D</answer>", 0.0, "malformed"),
    (B, "<answer>B or C</answer>", 0.0, "malformed"),
    (B, "<answer>AB</answer>", 0.0, "malformed"),
    (B, "<answer>BB</answer>", 0.0, "malformed"),
    (B, "<answer>not B</answer>", 0.0, "malformed"),
    (B, "<answer>\u0392</answer>", 0.0, "malformed"),
    (B, "<answer>\uff22</answer>", 0.0, "malformed"),
    (B, "<answer>2</answer>", 0.0, "malformed"),
    (B, "<answer></answer>", 0.0, "malformed"),
    (B, "<answer>B</answer><answer></answer>", 0.0, "malformed"),
    (B, "<answer>B</answer><answer>A</answer>", 0.0, "two answers"),
    (B, "<answer>A</answer><answer>B</answer>", 0.0, "two answers"),
    (B, "\\boxed{A} \\boxed{B}", 0.0, "two answers"),
    (B, "\\boxed{A} so <answer>B</answer>", 0.0, "two answers"),
    (B, "<answer>B</answer> so \\boxed{A}", 0.0, "two answers"),
    (B, "<answer>A</answer> and <answer>C</answer>", 0.0, "two answers"),
    (B, "The answer is B", 0.0, "no answer"),
    (B, "A. B. C. D.", 0.0, "no answer"),
    (B, "<think><answer>B</answer></think>", 0.0, "no answer"),
    (B, "<think><answer>B</answer>", 0.0, "no answer"),
    (B, "", 0.0, "no answer"),
    (THREE, "<answer>3</answer>", 1.0, "exact"),
    (THREE, "<answer>Tile 3</answer>", 1.0, "exact"),
    (THREE, "<answer>3.</answer>", 1.0, "exact"),
    (THREE, "<answer>4</answer>", 0.0, "inexact"),
    (THREE, "<answer>³</answer>", 0.0, "malformed"),
    (THREE, "<answer>３</answer>", 0.0, "malformed"),
    (THREE, "<answer>٣</answer>", 0.0, "malformed"),
    (THREE, "<answer>3.0</answer>", 0.0, "malformed"),
    (THREE, "<answer>3, 4</answer>", 0.0, "malformed"),
    (THREE, "<answer>1 2 3 4</answer>", 0.0, "malformed"),
    (THREE, "<answer>tile tile 3</answer>", 0.0, "malformed"),
    (THREE, "<answer>three</answer>", 0.0, "malformed"),
    (TURN, "<answer>-90</answer>", 1.0, "exact"),
    (TURN, "<answer>−90°</answer>", 1.0, "exact"),
    (TURN, "<answer>-90 degrees</answer>", 1.0, "exact"),
    (TURN, "<answer>90</answer>", 0.0, "inexact"),
    (TURN, "<answer>270</answer>", 0.0, "malformed"),
    (TURN, "<answer>- 90</answer>", 0.0, "malformed"),
    (PLACE, "<answer>top-left</answer>", 1.0, "exact"),
    (PLACE, "<answer>Top left</answer>", 1.0, "exact"),
    (PLACE, "<answer>top_left</answer>", 1.0, "exact"),
    (PLACE, "<answer>bottom left</answer>", 0.0, "inexact"),
    (PLACE, "<answer>left</answer>", 0.0, "malformed"),
    (PLACE, "<answer>top-left degrees</answer>", 0.0, "malformed"),
    (LESS, "<answer><</answer>", 1.0, "exact"),
    (LESS, "<answer>></answer>", 0.0, "inexact"),
    (LESS, "<answer><></answer>", 0.0, "malformed"),
    (SIGN, "<answer>+</answer>", 1.0, "exact"),
    (SIGN, "<answer>–</answer>", 0.0, "inexact"),
]


@pytest.mark.parametrize(("column", "response", "score", "reason"), ATTACKS)
def test_attack(column: str, response: str, score: float, reason: str) -> None:
    verdict = grade(column, response)
    assert (verdict.score, verdict.exact, verdict.reason) == (score, reason == "exact", reason)


def test_the_option_read_is_spelled_as_in_the_row() -> None:
    assert grade(PLACE, "<answer>BOTTOM LEFT</answer>").read == "Bottom_Left"


@given(
    st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=6), min_size=2, max_size=6), st.data()
)
def test_every_option_that_can_be_made_can_be_answered(options: list[str], data: st.DataObject) -> None:
    right = data.draw(st.sampled_from(options))
    try:
        answer = Choice().answer(right, options)
    except ValueError:
        return
    column = pack_answer(answer)
    for option in options:
        assert grade(column, f"<answer>{option}</answer>").read == option
        assert grade(column, f"<answer>{option}</answer>").score == float(option == right)


def test_chance_is_one_in_the_options() -> None:
    for n in (2, 4, 7):
        answer = Choice().answer("1", [str(i) for i in range(n)])
        assert answer.chance == 1 / n
        assert answer.credit == Credit("exact", 1 / n)


def test_the_prompt_is_short() -> None:
    def asked(*options: str) -> str:
        return Choice().ask(Choice().answer(options[0], options).value)

    assert asked("1", "2", "3", "4") == "Answer with 1, 2, 3 or 4 in <answer></answer>."
    assert asked("yes", "no") == "Answer with yes or no in <answer></answer>."
    assert asked(*"123456") == "Answer with 1, 2, 3, 4, 5 or 6 in <answer></answer>."
    assert asked(*"1234567") == "Answer with a number from 1 to 7 in <answer></answer>."
    assert asked(*"1234568") == "Answer with 1, 2, 3, 4, 5, 6 or 8 in <answer></answer>."
    assert len(asked("A", "B", "C", "D").split()) <= 10


@pytest.mark.parametrize(
    ("right", "options"),
    [
        ("A", ["A"]),
        ("E", ["A", "B"]),
        ("A", ["A", "a"]),
        ("A", ["A", "A"]),
        ("top-left", ["top-left", "top left"]),
        ("A", ["A", "(a)"]),
        ("A", ["A", ""]),
        ("A", ["A", "()"]),
        ("A", ["A", "</answer>"]),
        ("A", ["A", "<answer>"]),
        ("A", ["A", "<think>"]),
        ("A", ["A", "x" * 1025]),
        ("A", ["A", "\\boxed{B}"]),
        ("A", ["A", "B\u200b"]),
        ("A", ["A", "B\nC"]),
    ],
)
def test_options_that_cannot_be_told_apart_cannot_be_made(right: str, options: list[str]) -> None:
    with pytest.raises(ValueError, match=r"option|choice"):
        Choice().answer(right, options)
