"""Validation: planted checkers and cases, each left out for its own reason, and what is true of all that is kept."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssrl_data import programs
from ssrl_data.answers.program import DEGENERATE
from ssrl_data.core import Json, SsrlError
from ssrl_data.media.instruction import Instruction
from ssrl_data.programs import Limits, Outcome
from ssrl_train.autoif.thresholds import PRESETS, Thresholds
from ssrl_train.autoif.validate import Dropped, Validated, validate

TEXTS = Path(__file__).parents[2] / "recorded"
WRITTEN = [json.loads(line) for line in (TEXTS / "written.jsonl").read_text("utf-8").splitlines()]
ADVERSARIAL = {
    row["instruction"]: row["responses"]
    for row in map(json.loads, (TEXTS / "judged.jsonl").read_text("utf-8").splitlines())
}

ASK = "Use the word tea exactly twice."
RIGHT = [
    "def evaluate(response):\n    return response.lower().split().count('tea') == 2",
    "import re\ndef evaluate(response):\n    return len(re.findall(r'\\btea\\b', response.lower())) == 2",
    "def words(text):\n    return [w.strip('.,!?') for w in text.lower().split()]\n\n"
    "def evaluate(response):\n    return sum(w == 'tea' for w in words(response)) == 2",
]
CASES = {
    "I like tea and you like tea as well": True,
    "tea tea": True,
    "Tea is better than no tea at all": True,
    "I like tea": False,
    "tea tea tea": False,
    "a teapot of tea": False,
    "coffee": False,
    "team tea": False,
}


def output(source: str | None, cases: dict[str, bool] | None = None) -> str:
    listed = [{"input": text, "output": right} for text, right in (cases or {}).items()]
    return json.dumps({"func": source, "cases": listed})


def outputs(*sources: str, cases: dict[str, bool] | None = None) -> list[str]:
    """Three right checkers and their cases, and then what is planted."""
    return [output(RIGHT[0], CASES if cases is None else cases), *map(output, RIGHT[1:]), *map(output, sources)]


def evaluate(body: str) -> str:
    return f"def evaluate(response):\n    {body}"


def test_what_is_right_is_kept() -> None:
    found = validate(ASK, outputs())
    assert isinstance(found, Validated)
    assert found.checkers == tuple(RIGHT)
    assert found.gold == "I like tea and you like tea as well"
    assert found.misses == tuple(text for text, right in CASES.items() if not right)
    assert found.engine == programs.engine_version("pydantic-monty")
    assert found.limits == dataclasses.asdict(Limits())
    assert found.need == 0.5
    assert found.scores["matrix"] == ["11100000"] * 3
    assert found.scores["right"] == "11100000"
    assert found.scores["case_agreement"] == [1.0] * 8
    assert found.scores["function_agreement"] == [1.0] * 3
    assert found.scores["faults"] == []
    assert 0.6 <= found.scores["mutation"] <= 1.0
    assert json.loads(json.dumps(found.row())) == {**found.row(), "checkers": RIGHT, "misses": list(found.misses)}
    row = found.row()
    Instruction(
        row["instruction"], row["checkers"], row["gold"], row["misses"], (), row["engine"], row["limits"], row["need"]
    )


PLANTED = [
    ("return not response.lower().split().count('tea') == 2", "disagrees"),
    ("return len(response) < 12", "disagrees"),
    ("return True", "disagrees"),
    ("return False", "rejects every case"),
    ("return response.count('tea')", "crash"),
    ("return None", "crash"),
    ("return response.split()[2] != ''", "crash"),
    ("return response.no_such_method()", "crash"),
    ("return evaluate(response + 'x')", "crash"),
    ("return 'a' in response[5000]", "crash"),  # on short texts it was never asked to be right
    ("while True:\n        pass", "slow"),
    ("return 2 == len([a for a in response for b in response for c in response if a == b == c == 't'])", "slow"),
    ("return 'tea' in 'x' * 10 ** 10", "slow"),
    (
        "return [list(set(response.split()))[0] == 'tea', response.count('tea') == 2][1 > 0 and len(response) < 9]",
        "order",
    ),
    ("import random\n    return random.random() < 0.5", "asks more than the response"),
    ("import time\n    return time.time() % 2 < 1", "asks more than the response"),
    ("return hash(response) % 2 == 0", "asks more than the response"),
    ("return bool(eval(response))", "unsafe"),
    ("return [].__class__.__base__.__subclasses__() != []", "unsafe"),
    ("return open('/etc/passwd').read() != ''", "unsafe"),
    ("import nltk\n    return len(nltk.word_tokenize(response)) > 2", "an import that the engine lacks"),
    ("from os import system\n    return system('true') == 0", "asks more than the response"),
    ("import ctypes\n    return True", "an import that the engine lacks"),
    ("return [].copy(", "not Python"),
]


@pytest.mark.parametrize(("body", "reason"), PLANTED)
def test_a_planted_checker_is_left_out_with_its_reason(body: str, reason: str) -> None:
    found = validate(ASK, outputs(evaluate(body)))
    assert isinstance(found, Validated)
    assert found.checkers == tuple(RIGHT)
    reason = "depends on the order of a set" if reason == "order" else reason
    assert ["function", 3, reason] in found.scores["faults"]
    assert [fault for fault in found.scores["faults"] if fault[0] == "function"] == [["function", 3, reason]]


def test_a_checker_that_accepts_all_that_is_left_is_left_out() -> None:
    cases = {**{f"{n} tea tea": True for n in range(9)}, "tea": False, "coffee": False}
    found = validate(ASK, outputs(evaluate("return 'e' in response or 'a' in response"), cases=cases))
    assert isinstance(found, Validated)
    assert ["function", 3, "accepts every case"] in found.scores["faults"]


def test_a_degenerate_case_gives_no_checker_its_balance() -> None:
    """To reject nothing but the empty response is no more than to be there."""
    cases = {**{f"{n} tea tea": True for n in range(9)}, "": False, "Ok": False, "  ": False, "tea": False}
    found = validate(ASK, outputs(evaluate("return len(response) > 2"), cases=cases))
    assert isinstance(found, Validated)
    assert ["function", 3, "accepts every case"] in found.scores["faults"]
    assert found.misses == ("tea",)


def test_a_crash_is_a_vote_against_every_case_it_is_asked_about() -> None:
    crashing = [evaluate(f"return response[{n}] == ''") for n in (999, 998, 997)]
    found = validate(ASK, outputs(*crashing))
    assert isinstance(found, Dropped)
    assert found.reason == "the functions agree with no case"
    assert found.detail["case_agreement"] == [0.5] * 8
    assert found.detail["matrix"][3:] == ["x" * 8] * 3
    found = validate(ASK, outputs(*crashing[:2]))
    assert isinstance(found, Validated)
    assert found.scores["case_agreement"] == [0.6] * 8
    assert found.scores["function_agreement"] == [1.0] * 3 + [0.0] * 2
    assert [fault for fault in found.scores["faults"] if fault[2] == "crash"] == [
        ["function", n, "crash"] for n in (3, 4)
    ]


def test_what_answers_differently_the_second_time_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine keeps chance, clock and memory from a checker, so one that changes its mind has to be played."""
    coin, run = cycle([True, False, False]), programs.run_matrix

    def played(sources: Sequence[str], responses: Sequence[str], *rest: Any) -> list[list[Outcome]]:
        said = run(sources, responses, *rest)
        return [
            [Outcome(next(coin)) for _ in responses] if "coin" in source else row
            for source, row in zip(sources, said, strict=True)
        ]

    monkeypatch.setattr(programs, "run_matrix", played)
    found = validate(ASK, outputs(evaluate("return coin(response)")))
    assert isinstance(found, Validated)
    assert ["function", 3, "not the same twice"] in found.scores["faults"]


def test_cases_that_pin_down_nothing_cost_a_checker_its_place() -> None:
    few = {"tea tea": True, "tea for two, and two for tea": True, "water": False, "milk": False}
    sources = [
        evaluate(f"return {low} <= response.lower().count('tea') <= {high}") for low, high in ((2, 3), (2, 4), (2, 9))
    ]
    found = validate(ASK, [output(source, few) for source in sources], Thresholds(mutation=0.7))
    assert isinstance(found, Dropped)
    assert found.reason == "too few checkers are left"
    assert ["function", 0, "its cases do not tell it from its mutants"] in found.detail["faults"]
    assert isinstance(validate(ASK, [output(source, few) for source in sources], Thresholds(mutation=0.0)), Validated)


def test_wrong_cases_are_left_out() -> None:
    wrong = {"tea": True, "tea and tea": False}
    found = validate(ASK, outputs(cases={**CASES, **wrong}))
    assert isinstance(found, Validated)
    assert [fault for fault in found.scores["faults"] if fault[0] == "case"] == [["case", 0, "disagrees"]] * 2
    assert found.scores["kept_cases"] == list(range(8))
    assert not set(wrong) & {found.gold, *found.misses}


ONE_WORD = [evaluate(f"return len(response.split()) {test}") for test in ("== 1", "< 2", "!= 2 and len(response) < 40")]


@pytest.mark.parametrize(
    ("said", "thresholds", "reason"),
    [
        ([], None, "too few functions"),
        (["no JSON at all"] * 5, None, "too few functions"),
        ([output(RIGHT[0], CASES)] * 5, None, "too few functions"),
        (outputs(cases={"tea tea": True, "tea": False}), None, "too few cases"),
        (outputs(), PRESETS["code"], "too few cases"),
        (outputs(), Thresholds(kept=4), "too few checkers are left"),
        (outputs(cases=dict.fromkeys(CASES, False)), None, "too few checkers are left"),
        (outputs(cases={text: right for text, right in CASES.items() if not right}), None, "too few checkers are left"),
        (outputs(cases={text: not right for text, right in CASES.items()}), None, "the functions agree with no case"),
    ],
)
def test_an_instruction_is_dropped_with_its_reason(said: list[str], thresholds: Thresholds | None, reason: str) -> None:
    found = validate(ASK, said, thresholds)
    assert isinstance(found, Dropped)
    assert found.reason == reason
    assert set(found.row()) == {"instruction", "reason", "detail"}
    json.dumps(found.row())


def test_one_case_must_pass_every_checker() -> None:
    sources = [evaluate(f"return '{a}' in response and '{b}' not in response") for a, b in ("ab", "bc", "ca")]
    cases = {"a": True, "b": True, "c": True, "a b": True, "x": False, "y": False, "": False}
    lenient = Thresholds(case_agreement=0.0, function_agreement=0.2, mutation=0.0)
    found = validate(ASK, [output(source, cases) for source in sources], lenient)
    assert isinstance(found, Dropped)
    assert found.reason == "no case passes every checker"


def test_one_wrong_case_must_fail_the_checkers() -> None:
    sources = [evaluate(f"return 'tea' in response and '{letter}' not in response") for letter in "xyz"]
    cases = {"tea": True, "some tea": True, "tea x": False, "tea y": False, "tea z": False}
    lenient = Thresholds(case_agreement=0.3, function_agreement=0.2, mutation=0.0)
    found = validate(ASK, [output(source, cases) for source in sources], lenient)
    assert isinstance(found, Dropped)
    assert found.reason == "no case that is wrong fails the checkers"


@pytest.mark.parametrize("text", [*DEGENERATE, ASK, "Say whether tea is there twice."])
def test_no_degenerate_response_may_pass(text: str) -> None:
    """Whatever else they ask, checkers that accept one of these ask nothing of a response."""
    shown = json.dumps(text) if text.strip() or not text else f"' ' * {len(text)}"
    sources = [
        f'def evaluate(response):\n    """Say whether tea is there twice."""\n    {body}'
        for body in (
            f"return response == {shown} or response.split().count('tea') == 2",
            f"return response.split().count('tea') == 2 or response in [{shown}]",
            "return response.split().count('tea') == 2",
        )
    ]
    found = validate(ASK, [output(source, CASES) for source in sources])
    assert isinstance(found, Dropped)
    assert found.reason == "accepts a degenerate response"
    assert found.detail["degenerate"] == [text]
    found = validate(ASK, [output(source, CASES) for source in (*sources[1:], *RIGHT[1:])])
    assert isinstance(found, Validated)  # one of four is no majority


def test_an_engine_that_does_not_run_is_nobodys_fault() -> None:
    with pytest.raises(SsrlError, match="abacus"):
        validate(ASK, outputs(), engine="abacus")


def test_limits_are_those_of_the_row_and_validation_grants_half_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    granted, run = set(), programs.run_matrix

    def watched(sources: Sequence[str], responses: Sequence[str], limits: Limits, engine: str) -> list[list[Outcome]]:
        granted.add(limits)
        return run(sources, responses, limits, engine)

    monkeypatch.setattr(programs, "run_matrix", watched)
    limits = Limits(seconds=0.8, memory=1 << 25, recursion=50, output=0)
    body = "t = 0\n    for _ in range(10 ** 8):\n        t += 1\n    return response.lower().split().count('tea') == 2"
    found = validate(ASK, outputs(evaluate(body)), limits=limits)
    assert isinstance(found, Validated)
    assert found.limits == {"seconds": 0.8, "memory": 1 << 25, "recursion": 50, "output": 0}
    assert ["function", 3, "slow"] in found.scores["faults"]
    assert granted == {dataclasses.replace(limits, seconds=0.4)}


@pytest.fixture(scope="module")
def recorded() -> list[tuple[list[str], Validated | Dropped]]:
    return [(row["outputs"], validate(row["instruction"], row["outputs"])) for row in WRITTEN]


def accepts(sources: Sequence[str], text: str) -> list[bool]:
    return [outcome.accepted is True for (outcome,) in programs.run_matrix(sources, [text])]


def stored(said: Sequence[str]) -> dict[str, bool]:
    """The cases that outputs state, read independently of the code under test: without repair, whole objects alone."""
    found: dict[str, bool] = {}
    for text in said:
        try:
            body = json.loads(text[text.index('{\n  "func"') : text.rindex("}") + 1])
        except ValueError:
            continue
        found |= {case["input"]: case["output"] for case in body["cases"] if isinstance(case["output"], bool)}
    return found


def test_what_is_kept_of_the_recorded_outputs_keeps_its_promises(
    recorded: list[tuple[list[str], Validated | Dropped]],
) -> None:
    kept = [(said, found) for said, found in recorded if isinstance(found, Validated)]
    assert len(kept) >= 36
    for said, found in kept:
        sources, texts = found.checkers, [found.gold, *found.misses, *stored(said)]
        assert all(accepts(sources, found.gold))
        for miss in found.misses:
            assert sum(accepts(sources, miss)) <= found.need * len(sources)
        said_of = [accepts(sources, text) for text in texts]
        assert all({True, False} <= set(column) for column in zip(*said_of, strict=True))
        for text in (*DEGENERATE, found.instruction):
            assert sum(accepts(sources, text)) <= found.need * len(sources)
        row = found.row()
        del row["scores"]
        Instruction(text=row.pop("instruction"), **row)


def test_what_is_dropped_of_the_recorded_outputs_deserves_it(
    recorded: list[tuple[list[str], Validated | Dropped]],
) -> None:
    dropped = {found.instruction: found.reason for _, found in recorded if isinstance(found, Dropped)}
    assert dropped["Each sentence must have at most eight words."] == "accepts a degenerate response"
    assert dropped["Keep it short."] == "too few checkers are left"
    assert dropped["Write a haiku about the sea."] == "too few functions"
    echo = "Put your key term in double square brackets exactly once, like [[term]]."
    assert dropped[echo] == "accepts a degenerate response"


def test_kept_checkers_seldom_misjudge_responses_written_against_them(
    recorded: list[tuple[list[str], Validated | Dropped]],
) -> None:
    """26 of 253 when this was written, in 20 of 40 instructions: borders that no case asks about, such as `,,,`."""
    wrong = total = 0
    for _, found in recorded:
        if isinstance(found, Validated):
            for response in ADVERSARIAL.get(found.instruction, []):
                accepted = sum(accepts(found.checkers, response["text"])) > found.need * len(found.checkers)
                wrong += accepted != response["right"]
                total += 1
    assert total >= 230
    assert wrong <= 0.13 * total


def test_strict_leaves_out_who_contradicts_a_case_that_most_agree_with() -> None:
    short = evaluate("return response.lower().count('tea') == 2")  # wrong of "team tea" alone
    sources = outputs(short)
    paper, strict = validate(ASK, sources), validate(ASK, sources, PRESETS["strict"])
    assert isinstance(paper, Validated)
    assert isinstance(strict, Validated)
    assert short in paper.checkers
    assert strict.checkers == tuple(RIGHT)


SEEN = """
import json, sys
from ssrl_train.autoif.validate import validate
for line in sys.stdin:
    row = json.loads(line)
    print(json.dumps(validate(row["instruction"], row["outputs"]).row()))
"""


def test_the_same_comes_out_whatever_the_hash_seed() -> None:
    lines = "\n".join(json.dumps(row) for row in WRITTEN[:4])
    seen = [
        subprocess.run(
            [sys.executable, "-c", SEEN],
            input=lines,
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert seen[0] == seen[1]
    assert len(seen[0].splitlines()) == 4


@settings(max_examples=8, deadline=None)
@given(st.permutations(range(5)))
def test_the_order_of_outputs_does_not_decide_what_is_kept(order: list[int]) -> None:
    said = outputs(evaluate("return not response"), evaluate("return len(response) > 1"))
    found = validate(ASK, [said[n] for n in order])
    assert isinstance(found, Validated)
    assert set(found.checkers) == set(RIGHT)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("case_agreement", -0.1),
        ("case_agreement", 1.0),
        ("function_agreement", 1.1),
        ("function_agreement", 1.0),
        ("mutation", 2.0),
        ("mutation", float("nan")),
        ("need", 1.0),
        ("functions", 0),
        ("cases", 1),
        ("kept", 17),
        ("mutants", -1),
    ],
)
def test_thresholds_have_ranges(name: str, value: Json) -> None:
    with pytest.raises(ValueError, match=f"{name} is"):
        Thresholds(**{name: value})


def test_presets_are_the_papers_and_the_codes() -> None:
    paper, code = PRESETS["paper"], PRESETS["code"]
    assert paper == Thresholds()
    assert (paper.case_agreement, paper.function_agreement, paper.inclusive, paper.need) == (0.5, 0.5, False, 0.5)
    assert (code.case_agreement, code.function_agreement, code.inclusive) == (0.0, 0.8, True)
    assert (code.functions, code.cases, code.kept) == (3, 10, 1)
