"""Order words: where they place a step, and the step without them."""

from __future__ import annotations

import pytest

from ssrl_data.gates.order_words import CLOSING, GOING_ON, OPENING, PLAIN, answers, place, stripped


@pytest.mark.parametrize(
    ("text", "where", "without"),
    [
        ("First, count the cows.", (OPENING, 0), "Count the cows."),
        ("To begin with, x is odd.", (OPENING, 0), "x is odd."),
        ("Then x = 5.", (GOING_ON, 0), "x = 5."),
        ("So the sum is 7.", (GOING_ON, 0), "The sum is 7."),
        ("Therefore, it is odd.", (GOING_ON, 0), "It is odd."),
        ("It follows that n is odd.", (GOING_ON, 0), "n is odd."),
        ("And so, finally, it ends.", (GOING_ON, 0), "It ends."),
        ("Finally, add them.", (CLOSING, 0), "Add them."),
        ("Altogether 5 cows graze.", (CLOSING, 0), "5 cows graze."),
        ("Step 3: add them.", (PLAIN, 3), "Add them."),
        ("2. Add them.", (PLAIN, 2), "Add them."),
        ("(2) Then add them.", (GOING_ON, 2), "Add them."),
        ("- Add them.", (PLAIN, 0), "Add them."),
        ("Clara is therefore 26.", (GOING_ON, 0), "Clara is 26."),
        ("Clara is, therefore, 26.", (GOING_ON, 0), "Clara is 26."),
        ("Count the cows.", (PLAIN, 0), "Count the cows."),
        ("2.5 km remain.", (PLAIN, 0), "2.5 km remain."),
        # What cannot be taken out cleanly.
        ("First floor rooms are large.", (PLAIN, 0), None),
        ("So far nothing is sold.", (GOING_ON, 0), None),
        ("By the equation above, x = 5.", (PLAIN, 0), None),
        ("As in step 2, x = 5.", (PLAIN, 0), None),
        ("From the previous line, x = 5.", (PLAIN, 0), None),
        ("Then", (GOING_ON, 0), None),
        ("The answer is 5.", (CLOSING, 0), "The answer is 5."),
    ],
)
def test_order_words_are_seen_and_taken_out(text: str, where: tuple[int, int], without: str | None) -> None:
    assert place(text) == where
    assert stripped(text) == without


def test_a_step_that_states_the_answer_is_seen() -> None:
    assert answers("So the answer is (C).")
    assert answers("#### 60")
    assert not answers("She asks him.")


def test_stripping_twice_changes_nothing_more() -> None:
    for text in ("Then, next, add them.", "1. First, add them.", "Thus so it is."):
        once = stripped(text)
        assert once is not None
        assert stripped(once) == once


def test_long_texts_take_little_time() -> None:
    for text in ("then " * 20000, " therefore," * 20000, "first " * 20000, "step " * 20000, "(" * 50000):
        place(text)
        stripped(text)
