"""What can be hidden in a solution: that it is determined, and shown nowhere else."""

from __future__ import annotations

import time

import pytest

from ssrl_data.gates.blanks import Solution

ROLLS = Solution(
    ["A bakery makes 240 rolls, then 3 times as many, and packs them in boxes of 16."],
    ["In the afternoon it makes 3 * 240 = 720 rolls.", "So 240 + 720 = 960 rolls.", "That is 960 / 16 = 60 boxes."],
)


def found(solution: Solution, kind: str) -> list[str]:
    return [blank.right for blank in solution.blanks if blank.kind == kind]


def test_numbers_that_the_problem_shows_are_not_hidden_and_equal_ones_are_hidden_together() -> None:
    assert found(ROLLS, "number") == ["720", "960", "60"]
    assert [len(blank.places) for blank in ROLLS.blanks if blank.kind == "number"] == [2, 2, 1]
    assert found(ROLLS, "operator") == ["times", "plus", "divided by"]


def test_numbers_may_follow_from_each_other_but_not_in_a_circle() -> None:
    numbers = [blank for blank in ROLLS.blanks if blank.kind == "number"]
    assert ROLLS.determined(numbers)
    circle = Solution(["?"], ["So 17 + 38 = 55.", "And 55 - 38 = 17."])
    first, second, third = (blank for blank in circle.blanks if blank.kind == "number")
    assert circle.determined([first])
    assert not circle.determined([first, second])
    assert not circle.determined([second, third])


def test_an_operator_has_no_other_gap_in_its_equation() -> None:
    operator = next(blank for blank in ROLLS.blanks if blank.right == "times")
    near, _, far = (blank for blank in ROLLS.blanks if blank.kind == "number")
    assert not ROLLS.determined([operator, near])
    assert ROLLS.determined([operator, far])


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        (["So 2 * 2 = 4."], "both plus and times are right"),
        (["So 45 / 1 = 45."], "both times and divided by are right"),
        (["So 30 + 4 = 34, that is 30 + 4."], "it is written again"),
        (["So p + q = 30 + 4 = 34."], "the other side shows it"),
        (["So 3/4 = 9/12."], "a fraction's bar"),
    ],
)
def test_operators_that_are_not_asked(steps: list[str], why: str) -> None:
    assert found(Solution(["?"], steps), "operator") == [], why


@pytest.mark.parametrize(
    ("problem", "steps", "why"),
    [
        ("?", ["So x^2 = 49 and x = [?]."], "nothing gives 49"),
        ("?", ["So 13 * 0 = 0 * 57."], "any number does"),
        ("Seventy-two?", ["So 8 * 9 = 72."], "the problem says it in words"),
        ("?", ["So 8 * 9 = 72.", "This is 72kg."], "it stands where it cannot be hidden"),
        ("?", ["About 25% of 80 = 21."], "a word belongs to it"),
        ("?", ["So 40 + 41 = 82."], "it is false"),
        ("?", ["So x = 45.", "Now x = 46."], "a name for two things"),
    ],
)
def test_numbers_that_are_not_asked(problem: str, steps: list[str], why: str) -> None:
    assert not {"72", "21", "13", "57", "82", "45", "46", "49"} & set(found(Solution([problem], steps), "number")), why


def test_the_place_in_a_list_is_not_asked() -> None:
    solution = Solution(["?"], ["Mind (13) signs, (14) powers.", "So 7 + 6 = 13."])
    assert "13" not in found(solution, "number")


def test_names_are_asked_when_one_alone_fits() -> None:
    solution = Solution(["?"], ["Let p = 40 - 10 = 30.", "Let d = 30 / 10 = 3.", "It is p - d = 27."])
    assert found(solution, "name") == ["p", "d"]
    assert {blank.options for blank in solution.blanks if blank.kind == "name"} == {("d", "p")}
    same = Solution(["?"], ["Let p = 40 - 10 = 30.", "Let d = 60 / 2 = 30.", "It is 2 * p = 60."])
    assert found(same, "name") == []


def test_what_a_step_computes_is_no_reason_not_to_ask_how() -> None:
    steps = ["Dan has d = 27 coins.", "Let c = d + 83 = 110.", "Then u = 4 * c = 440."]
    chain = Solution(["Clara has 83 more than Dan, who has 27."], steps)
    assert found(chain, "operator") == ["plus", "times"]
    assert found(chain, "name") == ["d", "c"]
    assert found(Solution(["?"], ["Let d = 27.", "Then x = 4 * d."]), "operator") == []  # nothing says what x is


def test_a_name_that_stands_elsewhere_beside_the_same_sign_is_not_asked() -> None:
    steps = ["Let p = 40 - 10 = 30.", "Let d = 30 / 10 = 3.", "It is p - d = 27."]
    assert found(Solution(["What is p - d, to begin with?"], steps), "name") == []


def test_an_expression_is_asked_when_its_equation_is_an_identity() -> None:
    step = "The product is (x + 3)(x - 5) = x^2 - 2x - 15."
    assert found(Solution(["?"], [step]), "expression") == ["x^2 - 2x - 15"]
    assert found(Solution(["?"], [step, "We found x^2 - 2x - 15 again."]), "expression") == []
    assert found(Solution(["?"], ["The product is (x + 3)(x - 5) = x^2 - 2x + 15."]), "expression") == []


@pytest.mark.parametrize(
    "text",
    [
        "1 + " * 1900 + "1 = 1900",
        "(" * 7000,
        "= " * 3900,
        "1 = 1 " * 1300,
        "x = 1 + " * 990,
        "9^9^9^9 = 1",
        "\x00" * 7000,
    ],
)
def test_hostile_steps_cost_little(text: str) -> None:
    start = time.process_time()
    Solution(["?"], [text, "So 3 * 240 = 720."]).blanks  # noqa: B018
    assert time.process_time() - start < 2.0
