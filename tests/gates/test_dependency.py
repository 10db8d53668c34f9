"""What must stand before what: exact from what steps use, sure in prose, and nothing that is not."""

from __future__ import annotations

import pytest

from ssrl_data.gates.dependency import before_pairs, known, unordered
from ssrl_data.media.worked import Step


def prose(*texts: str, problem: str = "") -> frozenset[tuple[int, int]]:
    return before_pairs([Step(text) for text in texts], range(len(texts)), problem)


PROOF = [
    Step("a", uses=()),
    Step("b", uses=(0,)),
    Step("c", uses=()),
    Step("d", uses=(1, 2)),
    Step("e", uses=(0,)),
    Step("f", uses=(3, 4)),
]


def test_what_steps_use_is_followed_among_the_chosen_ones() -> None:
    assert before_pairs(PROOF, [0, 1, 3]) == {(0, 1), (1, 2), (0, 2)}
    assert before_pairs(PROOF, [0, 2, 3]) == {(1, 2)}  # the step between is given, so nothing leads through it
    assert before_pairs(PROOF, [1, 2, 3, 5]) == {(0, 2), (1, 2), (2, 3), (0, 3), (1, 3)}


def test_what_is_given_rests_on_no_chosen_step() -> None:
    assert known(PROOF, [3, 5]) == (1, 2, 4)
    assert known(PROOF, [0, 1]) == ()
    assert known(PROOF, [0, 3]) is None  # step 1 would be given, and rests on step 0
    assert known(PROOF, [1, 3, 5]) == (0, 2, 4)
    prose = [Step("a"), Step("b"), Step("c"), Step("d")]
    assert known(prose, [1, 2]) == (0,)
    assert known(prose, [1, 3]) is None


@pytest.mark.parametrize(
    ("texts", "problem", "pairs"),
    [
        # Symbols: named in words, or alone before an equals sign.
        (("Let n be the number of cows.", "There are 4n legs."), "", {(0, 1)}),
        (("We call the speed v.", "Then 3v is needed."), "", {(0, 1)}),
        (("The area is S = 5 * 7.", "A third of S is grass."), "", {(0, 1)}),
        (("Thus p_1 = q + 2.", "So p_1 is odd."), "", {(0, 1)}),
        (("Let a be even.", "Then a + 1 is odd."), "", {(0, 1)}),
        (("Let h be the hens and s the sheep.", "So h + s = 35.", "Now s = 12."), "", {(0, 1), (0, 2)}),
        (("It is $x = 4$.", "So $x^2$ is 16."), "", {(0, 1)}),
        # A symbol of the problem is free; so is one that two steps define, or that is used first.
        (("Then x = 4.", "So x^2 is 16."), "Solve 2x = 8.", set()),
        (("x = 4.", "x = -4.", "So x^2 is 16."), "", set()),
        (("Now 2k is even.", "Let k be 3."), "", set()),
        (("So h + s = 35.", "Here s is small."), "", set()),
        # Letters that are no symbols.
        (("Let a cow graze.", "It has a calf."), "", set()),
        (("I see a cow.", "So I count one."), "", set()),
        (("The answer is (B).", "So (B) it is."), "", set()),
        (("It's 5 m long.", "That's 12 m wide."), "", set()),
        (("The U.S. is large.", "The U.S. is old."), "", set()),
        # Numbers: computed in one step, used in another.
        (("There are 3 * 24 = 72 cows.", "So 72 + 5 = 77 animals."), "", {(0, 1)}),
        (("That is 1,200 / 16 = 75.", "75 boxes remain."), "", {(0, 1)}),
        (("The sum is 3 + 4 = 7.", "So 7 cows."), "", set()),  # one digit may be anything
        (("It takes 5 * 12 = 60 minutes.", "An hour has 60 minutes."), "", set()),
        (("There are 3 * 24 = 72 cows.", "72 are brown."), "Of 72 cows, how many are brown?", set()),
        (("3 * 24 = 72.", "Also 6 * 12 = 72.", "So 72 twice."), "", set()),
        (("There are 72 cows.", "So 72 + 5 = 77."), "", set()),  # stated, not computed
        (("We get 10 + 0.5 = 10.5.", "So 10.5 km."), "", {(0, 1)}),
        (("It is 2 + 17 = 19.", "By 1900 it was done, and 119 too."), "", set()),
        # Labels of equations.
        (("We have u + v = 3. (1)", "From (1), v is less than 3."), "", {(0, 1)}),
        (("We have u + v = 3. (*)", "So it is by (*)."), "", {(0, 1)}),
        (("Option (1) is wrong.", "Option (1) is out."), "", set()),
    ],
)  # fmt: skip
def test_prose_orders_what_is_defined_before_what_uses_it(
    texts: tuple[str, ...], problem: str, pairs: set[tuple[int, int]]
) -> None:
    assert prose(*texts, problem=problem) == pairs


def test_what_follows_is_there() -> None:
    assert prose("Let n be 3 * 24 = 72.", "Let m be n + 5 = 77.", "So m + 1 = 78.") == {(0, 1), (1, 2), (0, 2)}
    assert unordered({(0, 1), (1, 2), (0, 2)}, 3) == 0
    assert unordered({(0, 1)}, 3) == pytest.approx(2 / 3)


def test_long_texts_take_little_time() -> None:
    for text in ("x = " * 5000, "1," * 5000, "a_" * 5000, "(" * 20000, "3 * " * 5000 + "= 72", "= 72 " * 3000):
        prose(text, "So x is 72.", text)
