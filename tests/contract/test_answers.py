"""What every installed answer kind must pass, ours and a third party's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hostile_responses import aimed, megabytes

from ssrl_data.answers.base import REASONS, ShortAnswer
from ssrl_data.answers.blanks import Blanks
from ssrl_data.answers.choice import Choice
from ssrl_data.answers.constraints import Constraints
from ssrl_data.answers.counts import Counts
from ssrl_data.answers.expression import Expression
from ssrl_data.answers.interval import Interval
from ssrl_data.answers.number import Number
from ssrl_data.answers.partial_order import PartialOrder
from ssrl_data.answers.permutation import Permutation
from ssrl_data.answers.program import Program
from ssrl_data.answers.span import Span
from ssrl_data.answers.unlabelled import Unlabelled
from ssrl_data.constraints.keywords import Exclude, Include, SomeOf
from ssrl_data.constraints.length import SentencesExactly
from ssrl_data.core import Answer
from ssrl_data.grade import grade
from ssrl_data.registry import answer_kind, answer_names
from ssrl_data.row import canonical, pack_answer, unpack_answer

WHOLE = frozenset(name for name in answer_names() if answer_kind(name).whole)
"""Kinds that judge all that follows the reasoning, whatever stands around it, and whose prompt says what they judge."""

WRITTEN = (
    "The tide comes twice a day. Every harbour of the coast lives with it, and the boats go out on the ebb. "
    "Nobody there asks for the hour."
)


def with_constraints(rule: str, mode: str) -> Answer:
    """A text that must keep to three constraints, and be about tides."""
    asked = (SentencesExactly(3), Include(("ebb", "boats")), Exclude(("moon",)))
    return Constraints().answer(
        WRITTEN, asked, (SomeOf(("tide", "coast", "sea"), 2),), chance=0.1, rule=rule, mode=mode
    )


def with_programs(need: float, *checkers: str) -> Answer:
    """A text that programs accept: three sentences about the ebb."""
    sentences = "def evaluate(response):\n    return response.count('.') == 3 and response.endswith('.')\n"
    ebb = "import re\ndef evaluate(response):\n    return bool(re.search(r'\\bebb\\b', response))\n"
    misses = (WRITTEN.replace("ebb", "tide"), WRITTEN[:-1])
    return Program().answer(WRITTEN, misses, (sentences, ebb, *checkers), chance=0.1, need=need)


# Each inner list shares one answer space, so all its members must be asked for in the same words.
SPACES: dict[str, list[list[Answer]]] = {
    "blanks": [
        [
            Blanks().answer(
                [Choice().answer(a, ["red", "green"]), Number().answer(b, low=0, high=99), Span().answer(s, chance=0.1)]
            )
            for a, b, s in (("red", 7, "apple"), ("green", 42, "it’s 5 o’clock"))
        ],
        [Blanks().answer([Number().answer(n + i, chance=0.0) for i in range(6)]) for n in (20, 31)],
        [Blanks().answer([Choice().answer(c, ["left", "right"])]) for c in ("left", "right")],
    ],
    "choice": [
        [Choice().answer(right, ["1", "2", "3", "4"]) for right in "1234"],
        [Choice().answer(right, "ABCDE") for right in "AE"],
        [Choice().answer(right, ["0", "90", "180", "270"]) for right in ("0", "270")],
        [Choice().answer(right, ["-10", "10", "-5", "5"]) for right in ("-10", "10", "5")],
        [Choice().answer(right, ["top-left", "top right", "bottom left"]) for right in ("top-left", "top right")],
        [Choice().answer(str(right), [str(i) for i in range(1, 17)]) for right in (1, 16)],
        [Choice().answer(right, ["yes", "no"]) for right in ("yes", "no")],
    ],
    "counts": [
        [
            Counts().answer(dict(zip(("circle", "square", "star"), n, strict=True)), 0, 60)
            for n in ((31, 0, 47), (25, 25, 25))
        ],
        [Counts().answer({"dog": n}, 0, 90) for n in (30, 70)],
        [Counts().answer({c: n + i for i, c in enumerate("abcdef")}, 0, 90) for n in (20, 60)],
    ],
    "constraints": [[with_constraints(rule, mode) for rule in ("fraction", "all") for mode in ("strict", "loose")]],
    "expression": [
        [Expression().answer(text, chance=0.1) for text in ("x + 1", "3/4", r"\frac{a^2 - b^2}{a - b}", r"\sqrt{2}")],
        [Expression().answer(text, chance=0.1) for text in ("(1, x)", r"\{1, 2, \pi\}", r"[0, \infty)")],
        [Expression().answer(text, form="fraction", chance=0.1) for text in ("3/4", "-7", r"-\frac{22}{7}")],
        [Expression().answer(text, form="expanded", chance=0.1) for text in ("x^2 - 2xy + y^2", "-x/2 + 1", "7")],
    ],
    "interval": [
        [
            Interval().answer(a, b, (0, 60), c=0.3, chance=0.15)
            for a, b in ((14.5, 26.2), (0, 60), (0, 0.1), (0.001, 60.0))
        ],
        [Interval().answer(a, b, (0, 480), c=0.2, chance=0.1, unit="frames") for a, b in ((14, 20), (479, 480))],
        [
            Interval().answer(a, b, (0.5, 60), c=0.3, chance=0.25, none=True)
            for a, b in ((None, None), (14.5, 26.2), (0.5, 60))
        ],
    ],
    "number": [
        [Number().answer(n, low=-500, high=500) for n in (-42, 0, 137)],
        [Number().answer(n, chance=0.1) for n in (7, -123456789012345678, 999999999999999999)],
        [Number().answer(n, form="fraction", options=8) for n in ("3/4", "-22/7", "5")],
        [Number().answer(n, form="decimal", tolerance="1/100", chance=0.0) for n in ("2.5", "-0.125", "100", "0.0001")],
        [Number().answer(n, form="any", chance=0.0) for n in ("1/3", "17")],
    ],
    "partial_order": [
        [PartialOrder().answer(p, [p[:2], p[1:]]) for p in ([2, 1, 3], [3, 2, 1], [2, 3, 1])],
        [PartialOrder().answer(p, [p[:2], p[1:3], p[::3]]) for p in ([2, 1, 4, 3], [4, 3, 2, 1])],
        [PartialOrder().answer(p, [p[:2], p[1:3]], [p[2:]]) for p in ([3, 1, 4, 2], [4, 3, 2, 1])],
        [PartialOrder().answer([*range(8, 0, -1)], [(n + 1, n) for n in range(1, 8)])],
    ],
    "permutation": [
        [Permutation().answer(p) for p in ([2, 1, 3], [3, 2, 1], [2, 3, 1])],
        [Permutation().answer(p) for p in ([2, 1, 4, 3], [4, 3, 2, 1])],
        [Permutation().answer(p, "partial") for p in ([2, 1, 4, 3], [4, 3, 2, 1])],
        [Permutation().answer([*range(2, 10), 1]), Permutation().answer([2, 1, *range(3, 10)])],
        [Permutation().answer([*range(16, 0, -1)])],
    ],
    "program": [
        [with_programs(0.5)],
        [with_programs(0.7, "def evaluate(response):\n    return response[0] == 'T'\n")],
        [with_programs(0.5, "def evaluate(response):\n    return response[0] == 'T' and response[50] == 'v'\n")],
    ],
    "span": [
        [
            Span().answer("apple", chance=0.0),
            Span().answer("Mount Everest", ["Everest", "Sagarmatha"], chance=0.01),
            Span().answer("“it’s 5 o’clock”", chance=0.0),
            Span().answer("Straße", chance=0.0),
            Span().answer("C++", chance=0.0),
            Span().answer("東京", chance=0.0),
        ]
    ],
    "unlabelled": [[Unlabelled().answer()]],
}
ANSWERS = [
    pytest.param(answer, id=f"{name}-{i}-{j}")
    for name, spaces in SPACES.items()
    for i, space in enumerate(spaces)
    for j, answer in enumerate(space)
]


def right_text(answer: Answer) -> str:
    kind = answer_kind(answer.kind)
    return kind.right(answer.value) if isinstance(kind, ShortAnswer) else "17"


def test_every_kind_has_examples_and_an_attack_table() -> None:
    assert sorted(SPACES) == answer_names()
    for name in answer_names():
        table = Path(__file__).parent.parent / "answers" / f"test_{name}.py"
        assert "ATTACKS" in table.read_text(), f"{table} holds no attack table"


@pytest.mark.parametrize("answer", ANSWERS)
def test_gold_scores_one_and_near_misses_less(answer: Answer) -> None:
    kind = answer_kind(answer.kind)
    column = pack_answer(answer)
    gold = grade(column, kind.gold(answer.value))
    if answer.kind == "unlabelled":
        assert (gold.score, gold.exact) == (None, False)
        return
    assert (gold.score, gold.exact, gold.reason) == (1.0, True, "exact")
    before = "" if answer.kind in WHOLE else "Answer:\n"
    thought = f"<think>So it is {right_text(answer)}.</think>\n{before}{kind.gold(answer.value)}\n"
    assert grade(column, thought).score == 1.0
    misses = list(kind.near_misses(answer.value))
    assert len(misses) >= 10
    for miss in misses:
        verdict = grade(column, miss)
        assert verdict.score is not None
        assert 0.0 <= verdict.score < 1.0, miss
        assert not verdict.exact, miss
        assert verdict.reason in REASONS


@pytest.mark.parametrize("answer", ANSWERS)
def test_hostile_responses_never_score_and_never_raise(answer: Answer) -> None:
    kind = answer_kind(answer.kind)
    column = pack_answer(answer)
    responses = aimed(right_text(answer), kind.ask(answer.value)) | MEGABYTES
    assert len(responses) > 200
    for name, response in responses.items():
        verdict = grade(column, response)
        if answer.kind == "unlabelled":
            assert verdict.score is None, name
        else:
            assert verdict.score is not None, name
            assert 0.0 <= verdict.score < 1.0, name
        assert not verdict.exact, name
        assert verdict.reason in REASONS, name


@pytest.mark.parametrize("answer", ANSWERS)
def test_luck_is_the_chance_of_all_or_nothing(answer: Answer) -> None:
    luck = answer_kind(answer.kind).luck(answer.value)
    if luck is None:
        assert answer.kind in ("blanks", "expression", "interval", "number", "span", "unlabelled", *WHOLE)
        return
    assert answer.chance is not None
    if answer.credit.rule == "exact":
        assert luck == pytest.approx(answer.chance, rel=1e-12)
    else:
        assert 0 < luck < answer.chance


def test_luck_is_told_where_the_space_is() -> None:
    told = {name for name, spaces in SPACES.items() for space in spaces for a in space if luck_of(a) is not None}
    assert told == {"blanks", "choice", "counts", "number", "partial_order", "permutation"}
    assert luck_of(Blanks().answer([Choice().answer("a", "ab"), Number().answer(3, low=1, high=5)])) == 0.1
    assert luck_of(Blanks().answer([Choice().answer("a", "ab"), Span().answer("x", chance=0.1)])) is None
    assert luck_of(Counts().answer({"dog": 1, "cat": 0}, 0, 3, "partial")) == 1 / 16


def luck_of(answer: Answer) -> float | None:
    luck: float | None = answer_kind(answer.kind).luck(answer.value)
    return luck


MEGABYTES = megabytes()


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_invisible_character_is_malformed_wherever_it_stands(answer: Answer) -> None:
    column, right = pack_answer(answer), right_text(answer)
    for name, response in aimed(right, "x").items():
        if name.startswith("U+"):
            verdict = grade(column, response)
            if answer.kind in WHOLE:
                assert not verdict.exact, name  # all of it is judged, and it is not what was asked for
            else:
                assert verdict.reason == ("no truth" if answer.kind == "unlabelled" else "malformed"), name


@pytest.mark.parametrize(
    "space", [pytest.param(s, id=f"{n}-{i}") for n, spaces in SPACES.items() for i, s in enumerate(spaces)]
)
def test_the_prompt_does_not_depend_on_the_answer(space: list[Answer]) -> None:
    kind = answer_kind(space[0].kind)
    asked = {kind.ask(answer.value) for answer in space}
    assert len(asked) == 1
    sentence = asked.pop()
    assert ("<answer></answer>" in sentence) == (space[0].kind not in WHOLE)
    assert sentence.replace("\n", " " if space[0].kind in WHOLE else "\n").isprintable()
    assert len({answer.chance for answer in space}) == 1 or space[0].kind == "span"


@pytest.mark.parametrize("answer", ANSWERS)
def test_the_answer_column_holds_all_that_grading_needs(answer: Answer) -> None:
    column = pack_answer(answer)
    kind, value, credit = unpack_answer(column)
    assert (kind.name, value, credit) == (answer.kind, answer.value, answer.credit)
    assert set(json.loads(column)) == {"kind", "v", "value", "credit"}
    assert answer.chance is None or 0.0 <= answer.chance < 1.0


@pytest.mark.parametrize("name", answer_names())
@pytest.mark.parametrize("value", [None, 7, "x", [], {"answer": None}, {"answer": "x", "extra": 1}, {"answer": [[1]]}])
def test_a_broken_truth_is_an_error_and_not_a_score(name: str, value: object) -> None:
    column = canonical({"kind": name, "v": 1, "value": value, "credit": {"rule": "exact", "c": 0.0}})
    with pytest.raises(ValueError, match=r".{20}"):
        grade(column, "<answer>1</answer>")


@pytest.mark.parametrize("answer", [spaces[0][0] for spaces in SPACES.values()], ids=list(SPACES))
@pytest.mark.parametrize(
    "change",
    [
        {"credit": {"rule": "generous", "c": 0.0}},
        {"credit": {"rule": ["exact"], "c": 0.0}},
        {"credit": {"rule": "exact", "c": 1.0}},
        {"credit": {"rule": "exact", "c": -0.1}},
        {"credit": {"rule": "exact", "c": "much"}},
        {"credit": None},
        {"v": 9},
        {"v": "1"},
        {"kind": "permutatoin"},
        {"kind": ["choice"]},
    ],
    ids=str,
)
def test_an_unknown_credit_version_or_kind_is_an_error(answer: Answer, change: dict[str, object]) -> None:
    column = canonical(json.loads(pack_answer(answer)) | change)
    with pytest.raises(ValueError, match=r".{20}"):
        grade(column, answer_kind(answer.kind).gold(answer.value))
