"""Texts are judged by what they keep to, all of what follows the reasoning, and nothing that only looks like it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssrl_data.answers.constraints import Constraints, verdicts
from ssrl_data.constraints.keywords import Exclude, Include, SomeOf
from ssrl_data.constraints.length import SentencesExactly, WordsBetween
from ssrl_data.core import Answer
from ssrl_data.grade import grade
from ssrl_data.row import pack_answer

TEXT = (
    "The tide comes twice a day. Every harbour of the coast lives with it, and the boats go out on the ebb. "
    "Nobody there asks for the hour."
)
ASKED = (SentencesExactly(3), Include(("ebb", "boats")), Exclude(("moon",)), WordsBetween(20, 40))
GROUND = (SomeOf(("tide", "coast", "sea"), 2),)


def made(rule: str = "fraction", mode: str = "strict", blind: tuple[str, ...] = (), **changes: Any) -> Answer:
    options = {"witness": TEXT, "constraints": ASKED, "ground": GROUND, "chance": 0.1, **changes}
    return Constraints().answer(**options, blind=blind, rule=rule, mode=mode)


STRICT, LOOSE = pack_answer(made()), pack_answer(made(mode="loose"))
ALL, LOOSE_ALL = pack_answer(made("all")), pack_answer(made("all", "loose"))
GUESSED = pack_answer(made(blind=("The coast has a tide, and the moon is high.", "ok")))  # of four it keeps to none
HALF = pack_answer(made(blind=(TEXT.replace("boats", "ships").replace("Nobody", "No moon"),)))  # keeps to two of four

ATTACKS = [
    (STRICT, TEXT, 1.0, "exact"),
    (STRICT, f"<think>Boats, then.</think>\n\n{TEXT}\n", 1.0, "exact"),
    (STRICT, TEXT.replace(". ", ".\r\n\r\n"), 1.0, "exact"),
    (STRICT, TEXT.upper(), 1.0, "exact"),
    (STRICT, TEXT.replace("boats", "**boats**"), 1.0, "exact"),
    (STRICT, TEXT.replace("comes", "comes\u200b"), 1.0, "exact"),
    (STRICT, TEXT.replace("boats", "bo\u200bats"), 1.0, "exact"),
    (STRICT, TEXT.replace("boats", "boatsmen"), 0.75, "inexact"),
    (STRICT, TEXT.replace("boats", "bоats"), 0.75, "inexact"),
    (STRICT, f"Sure, here it is.\n{TEXT}", 0.75, "inexact"),
    (STRICT, f"Sure, here it is:\n\n{TEXT}", 0.75, "inexact"),
    (STRICT, f"<answer>{TEXT}</answer>\nDone!", 0.75, "inexact"),
    (STRICT, f"{TEXT} There is no moon.", 0.5, "inexact"),
    (STRICT, f"{TEXT}\n\n{TEXT}", 0.5, "inexact"),
    (STRICT, "\n".join(sorted(TEXT.split())), 0.75, "inexact"),
    (STRICT, TEXT.replace("tide", "flood"), 0.0, "inexact"),
    (STRICT, "tide coast", 0.0, "inexact"),
    (STRICT, f"<think>{TEXT}</think>", 0.0, "no answer"),
    (STRICT, f"<think>{TEXT}</think> ok", 0.0, "inexact"),
    (STRICT, f"<think>{TEXT}", 0.0, "no answer"),
    (STRICT, f"{TEXT}</think>.", 0.0, "inexact"),
    (STRICT, "", 0.0, "no answer"),
    (STRICT, " \n\t ", 0.0, "no answer"),
    (STRICT, ".", 0.0, "inexact"),
    (STRICT, "ok", 0.0, "inexact"),
    (STRICT, "I cannot help with that.", 0.0, "inexact"),
    (STRICT, "\u200b" * 90, 0.0, "inexact"),
    (STRICT, TEXT + " boats" * 11_000, 0.0, "malformed"),
    (STRICT, "x" * 65_537, 0.0, "malformed"),
    (STRICT, Constraints().ask(made().value), 0.0, "inexact"),
    (STRICT, f"{Constraints().ask(made().value)}\n{TEXT}", 0.0, "inexact"),
    (STRICT, json.dumps(made().value), 0.5, "inexact"),
    (LOOSE, TEXT, 1.0, "exact"),
    (LOOSE, f"Sure, here it is:\n{TEXT}", 1.0, "exact"),
    (LOOSE, f"{TEXT}\nI hope that this helps!", 1.0, "exact"),
    (LOOSE, f"Sure:\n{TEXT}\nI hope that this helps!", 1.0, "exact"),
    (LOOSE, f"Sure!\nHere!\n{TEXT}", 0.75, "inexact"),
    (LOOSE, f"Sure: {TEXT} I hope that this helps!", 0.75, "inexact"),
    (LOOSE, ".", 0.0, "inexact"),
    (ALL, TEXT, 1.0, "exact"),
    (ALL, TEXT.replace("boats", "ships"), 0.0, "inexact"),
    (LOOSE_ALL, f"Sure:\n{TEXT}", 1.0, "exact"),
    (LOOSE_ALL, f"Sure. {TEXT}", 0.0, "inexact"),
    (GUESSED, TEXT, 1.0, "exact"),
    (GUESSED, TEXT.replace("boats", "ships"), 0.75, "inexact"),
    (HALF, TEXT, 1.0, "exact"),
    (HALF, TEXT.replace("boats", "ships"), 0.5, "inexact"),
    (HALF, TEXT.replace("boats", "ships").replace("Nobody", "No moon"), 0.0, "inexact"),
    (HALF, "The coast has a tide, and the moon is high.", 0.0, "inexact"),
]


@pytest.mark.parametrize(("column", "response", "score", "reason"), ATTACKS)
def test_attack(column: str, response: str, score: float, reason: str) -> None:
    verdict = grade(column, response)
    assert (verdict.score, verdict.exact, verdict.reason) == (score, reason == "exact", reason)


def test_the_prompt_says_all_that_is_judged_in_the_order_of_the_constraints() -> None:
    asked = Constraints().ask(made().value)
    told = [item.tell() for item in (*GROUND, *ASKED)]
    assert asked.split("\n")[1:-1] == [f"{number}. {text}" for number, text in enumerate(told, 1)]
    assert TEXT not in asked
    assert verdicts(made().value, TEXT.replace("boats", "ships")) == [True, False, True, True]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"witness": TEXT.replace("boats", "ships")}, r'the witness does not keep to \{"id": "keywords/include"'),
        ({"witness": TEXT.replace("tide", "flood")}, r'the witness does not keep to \{"id": "keywords/some_of"'),
        ({"witness": f"<think>So.</think>{TEXT}"}, "without reasoning"),
        ({"constraints": ()}, "1 to 20 constraints"),
        ({"constraints": ASKED * 6}, "1 to 20 constraints"),
        ({"blind": (TEXT,)}, "a blind text keeps to all"),
        ({"rule": "half"}, "credit 'half' is unknown: use one of all, fraction"),
        ({"mode": "lax"}, "mode must be strict or loose"),
        ({"chance": 1.0}, r"chance is 1.0: it must lie in \[0, 1\)"),
    ],
)
def test_what_cannot_be_a_truth_is_refused(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        made(**changes)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"id": "length/sentences_about", "number": 3}, "no constraint 'length/sentences_about'"),
        ({"id": "length/sentences_exactly"}, "takes number, got none"),
        ({"id": "length/sentences_exactly", "number": "3"}, "number must be int, got '3'"),
        ({"id": "length/sentences_exactly", "number": True}, "number must be int, got True"),
        ({"id": "length/sentences_exactly", "number": 0}, "number is 0"),
        ({"number": 3}, "an object with an id"),
        ("length/sentences_exactly", "an object with an id"),
    ],
)
def test_a_row_that_names_no_constraint_is_an_error(change: object, why: str) -> None:
    column = json.loads(STRICT)
    column["value"]["constraints"][0] = change
    with pytest.raises(ValueError, match=why):
        grade(json.dumps(column), TEXT)


def test_near_misses_break_the_ground_or_a_constraint() -> None:
    value = made().value
    misses = list(Constraints().near_misses(value))
    assert len(misses) >= 15
    assert all(grade(STRICT, miss).score < 1 for miss in misses)
    assert any(grade(STRICT, miss).score > 0 for miss in misses)


@given(st.text(max_size=60))
def test_any_text_beside_the_right_one_is_judged_without_an_error(text: str) -> None:
    for column in (STRICT, LOOSE, ALL):
        for response in (text, f"{text}\n{TEXT}", f"{TEXT} {text}"):
            verdict = grade(column, response)
            assert verdict.score is not None
            assert verdict.exact == (verdict.score == 1.0)


def test_long_texts_are_judged_in_linear_time() -> None:
    start = time.perf_counter()
    for piece in ("tide coast ", "a. ", "boats\n\n", "- ", "**", '"', "海", "\u0301", "1.", "\r\n"):
        grade(LOOSE, (piece * 65_536)[:65_536])
    assert time.perf_counter() - start < 10
