from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssrl_data.answers.span import Span
from ssrl_data.core import Credit
from ssrl_data.grade import grade
from ssrl_data.row import pack_answer

EVEREST = pack_answer(Span().answer("Mount Everest", ["Everest"], chance=0.01))
QUOTED = pack_answer(Span().answer("it’s five o’clock", chance=0.0))
STREET = pack_answer(Span().answer("Straße", chance=0.0))
YEAR = pack_answer(Span().answer("1984", chance=0.0))
POINT = pack_answer(Span().answer(".5", chance=0.0))
PLUS = pack_answer(Span().answer("C++", chance=0.0))

ATTACKS = [
    (EVEREST, "<answer>Mount Everest</answer>", 1.0, "exact"),
    (EVEREST, "<answer>mount   everest</answer>", 1.0, "exact"),
    (EVEREST, "<answer>MOUNT\nEVEREST.</answer>", 1.0, "exact"),
    (EVEREST, '<answer>"Mount Everest"</answer>', 1.0, "exact"),
    (EVEREST, "<answer>“Mount Everest”!</answer>", 1.0, "exact"),
    (EVEREST, "<answer>**Mount Everest**</answer>", 1.0, "exact"),
    (EVEREST, "<answer>Mount\u00a0Everest</answer>", 1.0, "exact"),
    (EVEREST, "<answer>Ｍount Everest</answer>", 1.0, "exact"),
    (EVEREST, "<answer>everest</answer>", 1.0, "exact"),
    (EVEREST, "\\boxed{\\text{Mount Everest}}", 1.0, "exact"),
    (EVEREST, "Mount Everest", 1.0, "exact"),
    (EVEREST, "<answer>Everest</answer> <answer>Mount Everest</answer>", 1.0, "exact"),
    (EVEREST, "<answer>MountEverest</answer>", 0.0, "inexact"),
    (EVEREST, "<answer>the Mount Everest</answer>", 0.0, "inexact"),
    (EVEREST, "<answer>Mount Everest, K2</answer>", 0.0, "inexact"),
    (EVEREST, "<answer>not Mount Everest</answer>", 0.0, "inexact"),
    (EVEREST, "<answer>Mount Everes</answer>", 0.0, "inexact"),
    (EVEREST, "<answer>Мount Everest</answer>", 0.0, "inexact"),
    (EVEREST, "<answer>Mount-Everest</answer>", 0.0, "inexact"),
    (EVEREST, "The answer is Mount Everest", 0.0, "inexact"),
    (EVEREST, "<answer>Mount\u200bEverest</answer>", 0.0, "malformed"),
    (EVEREST, "<answer>...</answer>", 0.0, "malformed"),
    (EVEREST, "<answer>Mount Everest</answer> <answer>K2</answer>", 0.0, "two answers"),
    (EVEREST, "<answer>Mount Everest</answer> \\boxed{K2}", 0.0, "two answers"),
    (EVEREST, "", 0.0, "no answer"),
    (QUOTED, "<answer>it's five o'clock</answer>", 1.0, "exact"),
    (QUOTED, "<answer>It’s five o’clock.</answer>", 1.0, "exact"),
    (QUOTED, "<answer>its five oclock</answer>", 0.0, "inexact"),
    (STREET, "<answer>STRASSE</answer>", 1.0, "exact"),
    (STREET, "<answer>strase</answer>", 0.0, "inexact"),
    (YEAR, "<answer>1984</answer>", 1.0, "exact"),
    (YEAR, "<answer>１９８４</answer>", 0.0, "malformed"),
    (YEAR, "<answer>١٩٨٤</answer>", 0.0, "malformed"),
    (YEAR, "<answer>198⁴</answer>", 0.0, "malformed"),
    (YEAR, "<answer>①984</answer>", 0.0, "malformed"),
    (POINT, "<answer>.5</answer>", 1.0, "exact"),
    (POINT, "<answer>5</answer>", 0.0, "inexact"),
    (PLUS, "<answer>c++</answer>", 1.0, "exact"),
    (PLUS, "<answer>C</answer>", 0.0, "inexact"),
    (PLUS, "<answer>\ufdfa</answer>", 0.0, "malformed"),
    (PLUS, "<answer>e" + "\u0301" * 31 + "</answer>", 0.0, "malformed"),
    (PLUS, "<answer>e" + "\u0301" * 30 + "</answer>", 0.0, "inexact"),
]


@pytest.mark.parametrize(("column", "response", "score", "reason"), ATTACKS)
def test_attack(column: str, response: str, score: float, reason: str) -> None:
    verdict = grade(column, response)
    assert (verdict.score, verdict.exact, verdict.reason) == (score, reason == "exact", reason)


@given(st.text(max_size=40), st.sampled_from([str.upper, str.lower, str.title, lambda t: f' "{t}". ']))
def test_what_can_be_made_can_be_answered_with(text: str, change: object) -> None:
    try:
        answer = Span().answer(text, chance=0.0)
    except ValueError:
        return
    assert grade(pack_answer(answer), Span().gold(answer.value)).score == 1.0
    if text.isascii():
        assert grade(pack_answer(answer), f"<answer>{change(text)}</answer>").score == 1.0  # type: ignore[operator]
    assert grade(pack_answer(answer), f"<answer>{text} and {text}</answer>").score == 0.0


def test_chance_is_the_task_s_word() -> None:
    answer = Span().answer("x", chance=0.25)
    assert (answer.chance, answer.credit) == (0.25, Credit("exact", 0.25))
    for chance in (1.0, -0.1, float("nan")):
        with pytest.raises(ValueError, match="chance"):
            Span().answer("x", chance=chance)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "...",
        "a\u200bb",
        "a\x00",
        "\ud800",
        "x²",
        "x" * 1025,
        "a</answer>",
        "\\text{a}",
        "a \\boxed{b}",
        "<think>",
        "５",
    ],
)
def test_a_text_that_cannot_be_answered_with_cannot_be_made(text: str) -> None:
    with pytest.raises(ValueError, match="span"):
        Span().answer(text, chance=0.0)
    with pytest.raises(ValueError, match="span"):
        Span().answer("x", [text], chance=0.0)


def test_the_longest_text_can_be_answered_with() -> None:
    text = "x" * 1024
    assert grade(pack_answer(Span().answer(text, chance=0.0)), f"<answer>{text}</answer>").score == 1.0


@pytest.mark.parametrize(
    "value",
    [{"answer": "x"}, {"answer": "x", "aliases": "y"}, {"answer": 3, "aliases": []}, {"answer": "x", "aliases": [3]}],
)
def test_a_broken_value_is_an_error(value: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="span"):
        Span().check(value)
