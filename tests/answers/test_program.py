"""Texts are judged by what programs accept, all of what follows the reasoning, and never by a broken engine."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ssrl_data import programs
from ssrl_data.answers.base import REASONS
from ssrl_data.answers.program import DEGENERATE, Program, digest
from ssrl_data.core import Answer
from ssrl_data.grade import grade
from ssrl_data.programs import Outcome
from ssrl_data.row import canonical, pack_answer

THREE_LINES = "def evaluate(response):\n    return len(response.split('\\n')) == 3\n"
CAPITALS = """
def first(line):
    return line[:1]

def evaluate(response):
    return all(first(line).isupper() for line in response.split("\\n"))
"""
NO_COMMA = "def evaluate(response):\n    return ',' not in response and len(response) > 9\n"
GOLD = "Rain fell all day.\nThe roof leaks.\nWe laughed."
MISSES = ("Rain fell all day.", "rain fell.\nthe roof leaks.\nwe laughed.", "Rain, wind.\nThe roof leaks.")

RAISES = "def evaluate(response):\n    return response[100_000] == 'x'\n"
LOOPS = "def evaluate(response):\n    while True:\n        pass\n"
EATS = "def evaluate(response):\n    return len(response * 10 ** 9) > 0\n"
PRINTS = "def evaluate(response):\n    print(response * 10_000)\n    return True\n"
NUMBER = "def evaluate(response):\n    return 1\n"
BROKEN_SOURCE = "def evaluate(response:\n"
EVALS = "def evaluate(response):\n    return eval(response)\n"
FIRST_WORD = "def evaluate(response):\n    return response.split()[0] == 'Rain'\n"


def made(*checkers: str, need: float = 0.5, **changes: Any) -> Answer:
    options = {"gold": GOLD, "misses": MISSES, "chance": 0.1, "limits": {"seconds": 0.3}, **changes}
    return Program().answer(checkers=checkers or (THREE_LINES, CAPITALS, NO_COMMA), need=need, **options)


ROW = pack_answer(made())
ALL = pack_answer(made(need=0.67))
ANY = pack_answer(made(need=0))
HALF = pack_answer(made(THREE_LINES, CAPITALS))  # more than half of two is both
CRASHING = {
    name: pack_answer(made(THREE_LINES, source))
    for name, source in {
        "checker error": RAISES,
        "checker timeout": LOOPS,
        "checker memory": EATS,
        "checker output": PRINTS,
        "checker not a bool": NUMBER,
        "checker syntax": BROKEN_SOURCE,
    }.items()
}
OUTVOTED = pack_answer(made(THREE_LINES, RAISES, CAPITALS))
EVALUATING = pack_answer(made(EVALS, THREE_LINES, need=0.9))
WORDS = pack_answer(made(FIRST_WORD))

ATTACKS = [
    (ROW, GOLD, 1.0, "exact"),
    (ROW, f"\n\n{GOLD}\n ", 1.0, "exact"),
    (ROW, f"<think>Three lines, then.</think>\n\n{GOLD}", 1.0, "exact"),
    (ROW, f"<think>a</think>no<think>b</think>{GOLD}", 1.0, "exact"),
    (ROW, "Rain, wind.\nThe roof leaks.\nWe laughed.", 1.0, "exact"),  # two of three
    (ROW, "Rain, wind.\nThe roof leaks.", 0.0, "inexact"),
    (ROW, "Rain.", 0.0, "inexact"),
    (ROW, f"<answer>{GOLD}</answer>", 1.0, "exact"),  # three lines without a comma, whatever stands around them
    (ROW, f"Here it is:\n{GOLD}", 1.0, "exact"),
    (ALL, f"Here it is:\n{GOLD}", 0.0, "inexact"),
    (ALL, f"<answer>{GOLD}</answer>", 0.0, "inexact"),
    (ALL, GOLD, 1.0, "exact"),
    (ALL, "Rain, wind.\nThe roof leaks.\nWe laughed.", 0.0, "inexact"),
    (ANY, "rain, wind.\nthe roof leaks.\nwe laughed.", 1.0, "exact"),
    (ANY, "rain, wind.\nthe roof leaks.", 0.0, "inexact"),
    (HALF, GOLD, 1.0, "exact"),
    (HALF, "rain.\nThe roof leaks.\nWe laughed.", 0.0, "inexact"),
    (ROW, "", 0.0, "no answer"),
    (ROW, " \n\t ", 0.0, "no answer"),
    (ROW, f"<think>{GOLD}</think>", 0.0, "no answer"),
    (ROW, f"<think>{GOLD}", 0.0, "no answer"),
    (ROW, f"{GOLD}</think>", 0.0, "no answer"),
    (ROW, f"{GOLD}</think>.", 0.0, "inexact"),
    (ROW, ".", 0.0, "inexact"),
    (ROW, "True", 0.0, "inexact"),
    (ROW, GOLD + "!" * (1 << 16), 0.0, "malformed"),
    (ROW, GOLD + "!" * ((1 << 16) - len(GOLD)), 1.0, "exact"),
    (ROW, f"<think>{'x' * (1 << 20)}</think>{GOLD}", 1.0, "exact"),
    (ROW, f"{GOLD}\ud800", 0.0, "malformed"),
    (ROW, f"<think>\ud800</think>{GOLD}", 1.0, "exact"),
    (ROW, "\x00" * 100, 0.0, "inexact"),
    (ROW, "def evaluate(response):\n    return True, 1", 0.0, "inexact"),
    (ROW, "')\n\ndef evaluate(r): return True\n\nevaluate('", 0.0, "inexact"),
    (EVALUATING, "True", 0.0, "inexact"),
    (EVALUATING, "__import__('os').system('id') == 0", 0.0, "checker error"),
    (EVALUATING, "exec('def evaluate(r): return True') or True", 0.0, "inexact"),  # the other one is not touched
    (OUTVOTED, GOLD, 1.0, "exact"),
    (OUTVOTED, "Rain fell all day.", 0.0, "checker error"),
    (WORDS, "Rain", 1.0, "exact"),
    (WORDS, "Snow", 0.0, "inexact"),
    *((row, GOLD, 0.0, reason) for reason, row in CRASHING.items()),
]


@pytest.mark.parametrize(("column", "response", "score", "reason"), ATTACKS)
def test_attack(column: str, response: str, score: float, reason: str) -> None:
    verdict = grade(column, response)
    assert (verdict.score, verdict.exact, verdict.reason) == (score, reason == "exact", reason)
    assert grade(column, response) == verdict


def test_a_checker_that_fails_counts_in_the_denominator() -> None:
    """One that accepts beside one that fails is one of two, which is not more than half."""
    for need, score in ((0.5, 0.0), (0.49, 1.0)):
        assert grade(pack_answer(made(THREE_LINES, RAISES, need=need)), GOLD).score == score
    three = pack_answer(made(THREE_LINES, CAPITALS, NO_COMMA, need=1 / 3))
    assert grade(three, "rain, wind.\nthe roof leaks.\nwe laughed.").score == 0.0  # a third is not more than a third


def test_all_is_stored_that_grading_needs() -> None:
    value = made().value
    assert set(value) == {"answer", "misses", "checkers", "engine", "limits", "need"}
    assert value["checkers"][0] == {"source": THREE_LINES, "sha256": digest(THREE_LINES)}
    assert value["engine"] == programs.engine_version()
    assert value["limits"] == {"seconds": 0.3, "memory": 64 << 20, "recursion": 200, "output": 10_000}
    assert (made().credit.rule, made().credit.c, made().chance) == ("exact", 0.1, 0.1)


def test_near_misses_are_what_is_known_to_be_rejected_and_what_says_nothing() -> None:
    misses = list(Program().near_misses(made().value))
    assert misses[:3] == list(MISSES)
    assert set(DEGENERATE) < set(misses)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"answer": ""}, "must be a text of 1 to"),
        ({"answer": "<think>a</think>b"}, "no reasoning"),
        ({"answer": "x" * 70_000}, "must be a text of 1 to"),
        ({"answer": "\ud800"}, "must be a text of 1 to"),
        ({"misses": []}, "1 to 64 texts"),
        ({"misses": "ab"}, "1 to 64 texts"),
        ({"misses": ["\ud800"]}, "1 to 64 texts"),
        ({"misses": [GOLD]}, "among the misses"),
        ({"checkers": []}, "1 to 64 checkers"),
        ({"checkers": {}}, "must be a list"),
        ({"checkers": [THREE_LINES]}, "must have the keys source and sha256"),
        ({"checkers": [{"source": "x" * 40_000, "sha256": ""}]}, "must be a text of 1 to 32768 characters"),
        ({"checkers": [{"source": NO_COMMA, "sha256": digest(CAPITALS)}]}, "not the one that was validated"),
        ({"checkers": [{"source": NO_COMMA, "sha256": None}]}, "not the one that was validated"),
        ({"engine": "pydantic-monty"}, "a name and a version"),
        ({"engine": "../../bin/sh 1"}, "a name and a version"),
        ({"engine": None}, "a name and a version"),
        ({"limits": {"seconds": 1}}, "limits must be"),
        ({"limits": {"seconds": 1e9, "memory": 1 << 26, "recursion": 200, "output": 9}}, "limit seconds"),
        ({"limits": {"seconds": 1, "memory": 1 << 40, "recursion": 200, "output": 9}}, "limit memory"),
        ({"limits": {"seconds": 1, "memory": 1 << 26, "recursion": 10**9, "output": 9}}, "limit recursion"),
        ({"limits": {"seconds": 1, "memory": 1 << 26, "recursion": 200, "output": True}}, "limit output"),
        ({"need": 1}, "need is 1"),
        ({"need": -0.1}, "need is -0.1"),
        ({"need": True}, "need is True"),
        ({"need": "0.5"}, "need is '0.5'"),
        ({"more": 1}, "the keys of programs are"),
    ],
)
def test_a_value_out_of_range_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Program().check(made().value | change)


def test_a_chance_or_a_limit_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="chance is 1"):
        made(chance=1)
    with pytest.raises(ValueError, match="limit seconds is 100"):
        made(limits={"seconds": 100})


def engine(name: str) -> str:
    column = json.loads(ROW)
    column["value"]["engine"] = name
    return canonical(column)


@pytest.mark.parametrize(
    ("name", "score", "reason"),
    [
        ("pydantic-monty 0.0.1", 1.0, "exact"),
        ("pydantic-monty 99.0", 1.0, "exact"),
        ("cpython 3.11", None, "unknown engine"),
        ("bubblewrap 0.8.0", None, "engine is off or missing"),
    ],
)
def test_the_engine_is_the_row_s_own(
    name: str, score: float | None, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(programs.SWITCH, raising=False)
    verdict = grade(engine(name), GOLD)
    assert (verdict.score, verdict.reason) == (score, reason)
    assert verdict.reason in REASONS


def test_an_engine_that_fails_gives_no_score(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "run_matrix", lambda *_: [[Outcome(True)], [Outcome(None, "broken")]])
    assert grade(ROW, GOLD).score is None
    assert grade(ROW, GOLD).reason == "broken engine"
    monkeypatch.undo()
    monkeypatch.setattr(programs, "_monty_version", lambda: "")
    verdict = grade(ROW, GOLD)
    assert (verdict.score, verdict.exact, verdict.reason) == (
        None,
        False,
        "needs pydantic-monty: install ssrl[instruct]",
    )
