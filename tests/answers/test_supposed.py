"""An answer as if it were right: typed, blind to what is stored as right, and the same question in other words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ssrl_data.answers.blanks import Blanks
from ssrl_data.answers.choice import Choice
from ssrl_data.answers.counts import Counts
from ssrl_data.answers.expression import Expression
from ssrl_data.answers.interval import Interval
from ssrl_data.answers.number import Number
from ssrl_data.answers.partial_order import PartialOrder
from ssrl_data.answers.permutation import Permutation
from ssrl_data.answers.reading import tagged
from ssrl_data.answers.span import Span
from ssrl_data.answers.supposed import PLAIN, View, same_question, suppose, taken_over, view_of
from ssrl_data.answers.unlabelled import Unlabelled
from ssrl_data.core import Answer
from ssrl_data.row import pack_answer, unpack_answer

NUMBER = Number().answer(7, form="any", chance=0.1)
SPAN = Span().answer("New York", ["NYC", "Big Apple"], chance=0.1)
FORMULA = Expression().answer("x + 1", chance=0.1)
NONE = Unlabelled().answer()
LETTERS = Choice().answer("B", ["A", "B", "C"])
ORDER = PartialOrder().answer([3, 1, 2], [(3, 1), (3, 2)])
KINDS: list[Answer] = [
    *(NUMBER, SPAN, FORMULA, LETTERS, ORDER),
    Number().answer("0.25", form="decimal", tolerance="0.01", chance=0.1),
    Number().answer(4, low=1, high=9),
    Expression().answer("3/4", form="fraction", chance=0.1),
    Expression().answer("x^2 + 2x + 1", form="expanded", chance=0.1),
    Permutation().answer([2, 3, 1]),
    Counts().answer({"square": 1, "circle": 3}, 0, 5),
    Interval().answer(1.5, 3.0, (0.0, 9.0), c=0.1, chance=0.2),
    Interval().answer(None, None, (0.0, 9.0), c=0.1, chance=0.2, none=True),
    Blanks().answer([NUMBER, Choice().answer("red", ["red", "blue"])]),
]


def same(answer: Answer, first: str, second: str, view: View = PLAIN) -> bool:
    column = pack_answer(answer)
    a, b = (suppose(column, tagged(text), view) for text in (first, second))
    assert a is not None, first
    assert b is not None, second
    assert a.accepts(b) == b.accepts(a)
    return a.accepts(b)


@pytest.mark.parametrize("answer", KINDS, ids=lambda answer: answer.kind)
def test_the_right_answer_is_right_if_it_is_supposed_to_be_and_no_wrong_one_is(answer: Answer) -> None:
    kind, value, credit = unpack_answer(pack_answer(answer))
    gold = suppose(pack_answer(answer), kind.gold(value))
    assert gold is not None
    assert gold.accepts(gold)
    assert kind.grade(gold.response, value, credit).exact
    readable = 0
    for miss in kind.near_misses(value):
        said = suppose(pack_answer(answer), miss)
        readable += said is not None
        assert said is None or not gold.accepts(said)
    assert readable or kind.name == "choice"


@pytest.mark.parametrize(
    ("answer", "first", "second", "equal"),
    [
        (NUMBER, "1/2", "0.5", True),
        (NUMBER, "1/2", r"\frac12", True),
        (NUMBER, "1/2", "0.51", False),
        (Number().answer("0.25", form="decimal", tolerance="0.01", chance=0.1), "0.5", "0.505", True),
        (FORMULA, "(x-1)(x+1)", "x^2 - 1", True),
        (FORMULA, "x^2 + 1", "x^2 - 1", False),
        (LETTERS, "(b)", "Option B", True),
        (SPAN, "new york", "New  York.", True),
        (ORDER, "3, 1, 2", "3, 2, 1", False),  # both are right: only the truth says so
        (NONE, "1/2", "0.5", True),
        (NONE, "1/2", r"\frac12", True),
        (NONE, "1,024", "1024", True),
        (NONE, "x = 3", "$3$", True),
        (NONE, "2(x+1)", "2x + 2", True),
        (NONE, "Yes.", "yes", True),
        (NONE, "no", "on", False),
        (NONE, "New York", "new  york", True),
        (NONE, "3 apples", "3 Apples", True),
    ],
)
def test_answers_are_equal_by_their_type(answer: Answer, first: str, second: str, equal: bool) -> None:
    assert same(answer, first, second) == equal


def test_what_is_stored_as_right_plays_no_part() -> None:
    assert not same(SPAN, "NYC", "Big Apple"), "that both are aliases, only the truth says"
    assert not same(SPAN, "NYC", "New York")
    other = Expression().answer("1 + x", chance=0.1)
    for text in ("1 + x", "x + 1", "y"):
        assert suppose(pack_answer(FORMULA), tagged(text)) == suppose(pack_answer(other), tagged(text))
    far = Interval().answer(7.0, 8.0, (0.0, 9.0), c=0.1, chance=0.2)
    near = Interval().answer(1.5, 3.0, (0.0, 9.0), c=0.1, chance=0.2)
    assert suppose(pack_answer(far), "1-2") == suppose(pack_answer(near), "1-2")


@pytest.mark.parametrize(
    ("answer", "response"),
    [
        (NUMBER, "I do not know"),
        (NUMBER, "<answer>1</answer><answer>2</answer>"),
        (NONE, "<answer>1/2</answer><answer>2</answer>"),
        (NONE, "<answer></answer>"),
        (Number().answer(4, low=1, high=9), "<answer>12</answer>"),  # it is told that no such number is right
        (Permutation().answer([2, 3, 1]), "1, 2, 3"),  # nor is the order in which they are shown
        (Blanks().answer([NUMBER, NUMBER]), "3; "),
    ],
)
def test_what_cannot_be_read_or_right_is_no_answer(answer: Answer, response: str) -> None:
    assert suppose(pack_answer(answer), response) is None


def test_two_finals_of_one_value_are_one_answer_without_a_truth_too() -> None:
    assert suppose(pack_answer(NONE), r"\boxed{1/2} so <answer>0.5</answer>") == suppose(pack_answer(NONE), "0.50")


def test_a_row_without_truth_takes_the_letters_of_its_options() -> None:
    listed = View(options=(2, 0, 1))
    assert same(NONE, "option b", "B.", listed)
    assert suppose(pack_answer(NONE), tagged("D"), listed) is None
    assert suppose(pack_answer(NONE), tagged("7"), listed) is None


def over(answer: Answer, text: str, source: View, target: View) -> Any:
    one = suppose(pack_answer(answer), tagged(text), source)
    assert one is not None
    there = taken_over(one, source, target)
    assert there is None or taken_over(there, target, source) == one, "there and back"
    return None if there is None else there.value["answer"]


def test_a_letter_is_taken_over_by_the_option_that_it_names() -> None:
    first, second = View(options=(0, 1, 2)), View(options=(2, 0, 1))
    assert [over(LETTERS, letter, first, second) for letter in "ABC"] == ["B", "C", "A"]
    assert [over(LETTERS, letter, second, first) for letter in "ABC"] == ["C", "A", "B"]
    assert [over(NONE, letter, first, second) for letter in "ABC"] == ["B", "C", "A"]
    words = Choice().answer("yes", ["yes", "no"])
    assert over(words, "no", View(), View()) == "no"
    assert over(NUMBER, "12", first, second) == "12"


def test_a_variable_is_taken_over_by_its_name_in_the_other_view() -> None:
    plain, renamed, again = View(), View(letters={"x": "n", "y": "k"}), View(letters={"x": "k", "y": "q"})
    assert over(FORMULA, "x + 2y", plain, renamed) == over(FORMULA, "n + 2k", plain, plain)
    assert over(FORMULA, "n + 2k", renamed, again) == over(FORMULA, "k + 2q", plain, plain)
    assert over(FORMULA, "sin(x) + 1", plain, renamed) == over(FORMULA, "sin(n) + 1", plain, plain)
    assert over(NONE, "n + 1", renamed, plain) == over(NONE, "x + 1", plain, plain)
    assert over(FORMULA, "n + 1", plain, renamed) is None, "n is another thing there"
    assert over(FORMULA, "x + 1", renamed, plain) is None, "x is nothing here"
    assert over(FORMULA, "z + 1", plain, renamed) == over(FORMULA, "z + 1", plain, plain)


def test_views_of_one_question_say_so() -> None:
    def meta(**made: Any) -> str:
        return json.dumps({"make": made})

    assert view_of(meta(view="permuted", options=[1, 0], given=[])) == View((1, 0))
    assert view_of(meta(view="renamed", options=[], letters={"x": "n"})) == View((), {"x": "n"})
    assert view_of(meta(gap=3)) is None
    assert view_of("{}") is None
    number, letters = pack_answer(NUMBER), pack_answer(LETTERS)
    assert same_question([letters, letters], [View((0, 1, 2)), View((2, 1, 0))])
    assert not same_question([letters], [View((0, 1, 2))])
    assert not same_question([letters, letters], [View((0, 1, 2)), None])
    assert not same_question([letters, letters], [View((0, 1, 2)), View((1, 0))])
    assert not same_question([letters, number], [View(), View()])
