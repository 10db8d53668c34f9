from __future__ import annotations

from itertools import product

import pytest

from ssrl_data.answers.blanks import Blanks
from ssrl_data.answers.choice import Choice
from ssrl_data.answers.interval import Interval
from ssrl_data.answers.number import Number
from ssrl_data.answers.permutation import Permutation
from ssrl_data.answers.span import Span
from ssrl_data.answers.unlabelled import Unlabelled
from ssrl_data.core import Answer
from ssrl_data.grade import grade
from ssrl_data.rng import Rng
from ssrl_data.row import canonical, pack_answer

COLOUR = Choice().answer("red", ["red", "green"])
DIGIT = Number().answer(7, low=0, high=9)
WORD = Span().answer("it’s late", ["late"], chance=0.0)
THREE = pack_answer(Blanks().answer([COLOUR, DIGIT, WORD]))
PARTIAL = pack_answer(Blanks().answer([COLOUR, COLOUR, DIGIT], "partial"))
ONE = pack_answer(Blanks().answer([COLOUR]))
ORDER = pack_answer(Blanks().answer([Permutation().answer([2, 1, 3]), COLOUR]))
C = (0.5 + 0.5 + 0.1) / 3


def lifted(raw: float) -> float:
    return 0.5 * (raw - C) / (1 - C)


ATTACKS = [
    (THREE, "<answer>red; 7; it's late</answer>", 1.0, "exact"),
    (THREE, "<answer>Red;7;It’s late.</answer>", 1.0, "exact"),
    (THREE, "<answer>red; 7; late;</answer>", 1.0, "exact"),
    (THREE, "<answer>\nred\n7\nlate\n</answer>", 1.0, "exact"),
    (THREE, "<answer>red;\n7;\nlate</answer>", 1.0, "exact"),
    (THREE, "<answer>1: red\n2: 7\n3: late</answer>", 1.0, "exact"),
    (THREE, "<answer>1. red\n2. 7\n3. late</answer>", 1.0, "exact"),
    (THREE, "<answer>(1) red; (2) 7; (3) late</answer>", 1.0, "exact"),
    (THREE, "<answer>3: late\n1: red\n2: 7</answer>", 1.0, "exact"),
    (THREE, "<answer>[MASK 1]: red; [MASK 2]: 7; [MASK 3]: late</answer>", 1.0, "exact"),
    (THREE, "<answer>[MASK 2] = 7\n[MASK 1] = red\n[MASK 3] = late</answer>", 1.0, "exact"),
    (THREE, "<answer>MASK 1: red; MASK 2: 8; MASK 3: late</answer>", 0.0, "inexact"),
    (THREE, "<answer>[MASK 1]: red; [MASK 1]: 7; [MASK 3]: late</answer>", 0.0, "malformed"),
    (THREE, "<answer>red；7；late</answer>", 1.0, "exact"),
    (THREE, "\\boxed{red; 7; late}", 1.0, "exact"),
    (THREE, "red; 7; late", 1.0, "exact"),
    (THREE, "<answer>red; 7; late</answer> <answer>1: red; 2: 7; 3: it's late</answer>", 1.0, "exact"),
    (THREE, "<answer>red; 7; early</answer>", 0.0, "inexact"),
    (THREE, "<answer>green; 7; late</answer>", 0.0, "inexact"),
    (THREE, "<answer>; 7; late</answer>", 0.0, "inexact"),
    (THREE, "<answer>red; 7</answer>", 0.0, "malformed"),
    (THREE, "<answer>red; 7; late; late</answer>", 0.0, "malformed"),
    (THREE, "<answer>red, 7, late</answer>", 0.0, "malformed"),
    (THREE, "<answer>7; red; late</answer>", 0.0, "malformed"),
    (THREE, "<answer>blue; 7; late</answer>", 0.0, "malformed"),
    (THREE, "<answer>;;</answer>", 0.0, "malformed"),
    (THREE, "<answer>1: red; 1: 7; 3: late</answer>", 0.0, "malformed"),
    (THREE, "<answer>2: red; 3: 7; 4: late</answer>", 0.0, "malformed"),
    (THREE, "<answer>red; 7.0; late</answer>", 0.0, "malformed"),
    (THREE, "<answer>red; 7; late</answer> <answer>red; 8; late</answer>", 0.0, "two answers"),
    (THREE, "<answer>red</answer> <answer>7</answer> <answer>late</answer>", 0.0, "malformed"),
    (THREE, "It is red; and 7.\nlate", 0.0, "no answer"),
    (PARTIAL, "<answer>red; red; 7</answer>", 1.0, "exact"),
    (PARTIAL, "<answer>red; red; 8</answer>", lifted(2 / 3), "inexact"),
    (PARTIAL, "<answer>red; red; </answer>", lifted(2 / 3), "inexact"),
    (PARTIAL, "<answer>red; red</answer>", 0.0, "malformed"),
    (PARTIAL, "<answer>red; ; 7</answer>", lifted(2 / 3), "inexact"),
    (PARTIAL, "<answer>1: red; 2: ; 3: 7</answer>", lifted(2 / 3), "inexact"),
    (PARTIAL, "<answer>1: ; 2: ; 3: </answer>", 0.0, "inexact"),
    (PARTIAL, "<answer>red; green; 8</answer>", 0.0, "inexact"),
    (ONE, "<answer>red</answer>", 1.0, "exact"),
    (ONE, "<answer>1: red</answer>", 1.0, "exact"),
    (ONE, "<answer>green</answer>", 0.0, "inexact"),
    (ORDER, "<answer>2, 1, 3; red</answer>", 1.0, "exact"),
    (ORDER, "<answer>2, 3, 1; red</answer>", 0.0, "inexact"),
]


@pytest.mark.parametrize(("column", "response", "score", "reason"), ATTACKS)
def test_attack(column: str, response: str, score: float, reason: str) -> None:
    verdict = grade(column, response)
    assert (verdict.score, verdict.reason) == (pytest.approx(score, abs=1e-12), reason)
    assert verdict.exact == (reason == "exact")


@pytest.mark.parametrize("credit", ["exact", "partial"])
def test_chance_is_that_of_any_constant_by_enumeration(credit: str) -> None:
    def made(colour: str, letter: str, digit: int) -> Answer:
        parts = [
            Choice().answer(colour, ["red", "green"]),
            Choice().answer(letter, "abc"),
            Number().answer(digit, low=0, high=4),
        ]
        return Blanks().answer(parts, credit)

    answers = [made(*truth) for truth in product(("red", "green"), "abc", range(5))]
    for constant in ("red; a; 0", "green; c; 4"):
        scores = [grade(pack_answer(answer), f"<answer>{constant}</answer>").score or 0.0 for answer in answers]
        assert sum(scores) / len(scores) == pytest.approx(answers[0].chance, abs=1e-12)
    assert answers[0].credit.c == pytest.approx((1 / 2 + 1 / 3 + 1 / 5) / 3, abs=1e-12)


def test_a_random_guesser_earns_the_stated_chance() -> None:
    rng, scores = Rng("blanks"), []
    chance = None
    for _ in range(1500):
        answer = Blanks().answer([Choice().answer(rng.choice("abc"), "abc") for _ in range(5)])
        guess = "; ".join(rng.choice("abc") for _ in range(5))
        scores.append(grade(pack_answer(answer), f"<answer>{guess}</answer>").score or 0.0)
        chance = answer.chance
    mean = sum(scores) / len(scores)
    sigma = (sum((s - mean) ** 2 for s in scores) / len(scores) ** 2) ** 0.5
    assert chance is not None
    assert abs(mean - chance) < 4 * sigma
    assert sigma < 0.01


def test_partial_credit_is_the_default_above_four_blanks() -> None:
    assert [Blanks().answer([COLOUR] * n).credit.rule for n in (1, 4, 5)] == ["exact", "exact", "partial"]


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [COLOUR] * 100,
        [Unlabelled().answer()],
        [Blanks().answer([COLOUR])],
        [Interval().answer(1, 2, (0, 9), c=0.1, chance=0.1)],
        [Permutation().answer([2, 1, 3], "partial")],
        [Span().answer("a; b", chance=0.0), COLOUR],
        [Span().answer("a\nb", chance=0.0), COLOUR],
        [Span().answer("1: a", chance=0.0)],
    ],
    ids=lambda parts: f"{len(parts)} {parts[0].kind if parts else ''}",
)
def test_what_cannot_be_a_blank_cannot_be_made(parts: list[Answer]) -> None:
    with pytest.raises(ValueError, match=r"blank|credit"):
        Blanks().answer(parts)


def test_as_many_blanks_as_it_says_can_be_made() -> None:
    answer = Blanks().answer([COLOUR] * 99)
    assert grade(pack_answer(answer), Blanks().gold(answer.value)).score == 1.0


@pytest.mark.parametrize(
    "part",
    [
        None,
        {},
        {"kind": "choice", "v": 1},
        {"kind": [], "v": 1, "value": {}},
        {"kind": "choice", "v": "1", "value": COLOUR.value},
    ],
)
def test_a_broken_part_is_an_error(part: object) -> None:
    with pytest.raises(ValueError, match=r"blank|no answer kind"):
        Blanks().check({"answer": [part]})


def test_a_part_of_a_newer_version_is_an_error() -> None:
    value = {"answer": [{"kind": "choice", "v": 2, "value": COLOUR.value}]}
    column = canonical({"kind": "blanks", "v": 1, "value": value, "credit": {"rule": "exact", "c": 0.5}})
    with pytest.raises(ValueError, match="update ssrl"):
        grade(column, "<answer>red</answer>")


def test_the_prompt_says_each_blank_s_form() -> None:
    mixed = Blanks().form(Blanks().answer([COLOUR, DIGIT]).value)
    assert mixed == "2 items separated by semicolons (1: red or green; 2: an integer from 0 to 9)"
    same = Blanks().ask(Blanks().answer([COLOUR, COLOUR]).value)
    assert same == "Answer with 2 items separated by semicolons (each red or green) in <answer></answer>."
