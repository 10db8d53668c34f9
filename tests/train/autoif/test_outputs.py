"""Raw outputs of writers: what is read out of them, and that nothing else is."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssrl_data.core import SsrlError
from ssrl_train.autoif.outputs import (
    LONGEST_CASE,
    LONGEST_OUTPUT,
    LONGEST_SOURCE,
    MOST_CASES,
    MOST_FUNCTIONS,
    MOST_STORED,
    Case,
    Fault,
    Function,
    read_outputs,
    read_record,
)

RECORDED = Path(__file__).parents[2] / "recorded"
FUNC = 'def evaluate(response):\n    return "\\n" in response'
CASES = [{"input": "a\nb", "output": True}, {"input": "a", "output": False}]
BODY = {"func": FUNC, "cases": CASES}


def said(**changes: object) -> str:
    return json.dumps({**BODY, **changes})


@pytest.mark.parametrize(
    "output",
    [
        said(),
        f"```json\n{json.dumps(BODY, indent=2)}\n```",
        f"Sure, {{here}} it is:\n\n```json\n{said()}\n```\nIt returns True when {{the rule}} holds.",
        f'<think>Perhaps {{"func": "def evaluate(r): pass", "cases": []}}?</think>{said()}',
        f'{{"note": "a first object that is no checker"}}\n{said()}',
        said(cases=[{**case, "output": str(case["output"])} for case in CASES]),
        said(cases=[{**case, "output": f" {case['output']} ".upper()} for case in CASES]),
        said().replace("\\n    return", "\n    return"),  # a line break as it is, inside a text
        said(func=json.dumps(FUNC)[1:-1], cases=[{**case, "input": json.dumps(case["input"])[1:-1]} for case in CASES]),
        said(func=f"\n\n{FUNC}\n", extra=None),
    ],
)
def test_reads_every_form_that_models_write(output: str) -> None:
    written = read_outputs([output])
    assert written.functions == (Function(FUNC, 0),)
    assert written.cases == (Case("a\nb", True, 0), Case("a", False, 0))
    assert written.faults == ()


@pytest.mark.parametrize(
    ("output", "fault"),
    [
        ("", ("output", "no JSON")),
        ("```python\ndef evaluate(response):\n    return True\n```", ("output", "no JSON")),
        (said()[:-20], ("output", "broken JSON")),
        (said().replace('"func"', "'func'", 1).replace('"cases"', "'cases'"), ("output", "broken JSON")),
        (said().replace("true", "True"), ("output", "broken JSON")),
        (said() + " " * LONGEST_OUTPUT, ("output", "too long")),
        ('{"a": ' * 5000 + "1" + "}" * 5000, ("output", "broken JSON")),
        (said(cases="three"), ("output", "no list of cases")),
        (said(func=None), ("function", "no function")),
        (said(func=["def evaluate(response): return True"]), ("function", "no function")),
        (said(func="def evaluate(response)\n    return True"), ("function", "not Python")),
        (said(func="def evaluate(response):\n    return '\x00'"), ("function", "not Python")),
        (said(func="def evaluate(response):\n    return '\ud800' in response"), ("function", "not Python")),
        (said(func="def check(response):\n    return True"), ("function", "no evaluate(response)")),
        (said(func="def evaluate():\n    return True"), ("function", "no evaluate(response)")),
        (said(func="def evaluate(response, n):\n    return True"), ("function", "no evaluate(response)")),
        (said(func="def evaluate(response, *, n):\n    return True"), ("function", "no evaluate(response)")),
        (said(func="if 1:\n    def evaluate(response):\n        return True"), ("function", "no evaluate(response)")),
        (said(func="async def evaluate(response):\n    return True"), ("function", "no evaluate(response)")),
        (said(func=FUNC + "\n# " + "x" * LONGEST_SOURCE), ("function", "too long")),
        (said(func="def evaluate(response):\n    return " + "-" * 300 + "1"), ("function", "nested too deep")),
        (said(func="def evaluate(response):\n    return " + "(" * 3000 + "1" + ")" * 3000), ("function", "not Python")),
        (said(func="def evaluate(response):\n    return bool(eval(response))"), ("function", "unsafe")),
        (said(func="def evaluate(response):\n    run = exec\n    run(response)"), ("function", "unsafe")),
        (said(func="def evaluate(response):\n    return response.__class__ is str"), ("function", "unsafe")),
        (said(func="def evaluate(response):\n    return bool(open('/etc/passwd'))"), ("function", "unsafe")),
        (
            said(func="def evaluate(response):\n    import random\n    return random.random() < 0.5"),
            ("function", "asks more than the response"),
        ),
        (
            said(func="from os import path\ndef evaluate(response):\n    return path.exists(response)"),
            ("function", "asks more than the response"),
        ),
        (
            said(func="def evaluate(response):\n    return hash(response) % 2 == 0"),
            ("function", "asks more than the response"),
        ),
        (
            said(func="import datetime as d\ndef evaluate(response):\n    return str(d.date.today()) in response"),
            ("function", "asks more than the response"),
        ),
        (said(cases=[*CASES, {"input": "x"}]), ("case", "not a text and a boolean")),
        (said(cases=[*CASES, {"input": ["x"], "output": True}]), ("case", "not a text and a boolean")),
        (said(cases=[*CASES, {"input": "x", "output": 1}]), ("case", "not a text and a boolean")),
        (said(cases=[*CASES, {"input": "x", "output": "maybe"}]), ("case", "not a text and a boolean")),
        (said(cases=[*CASES, {"input": "\ud800", "output": True}]), ("case", "not a text and a boolean")),
        (said(cases=[*CASES, "x"]), ("case", "not a text and a boolean")),
        (said(cases=[*CASES, {"input": "x" * (LONGEST_CASE + 1), "output": True}]), ("case", "too long")),
    ],
)
def test_what_cannot_be_read_is_listed(output: str, fault: tuple[str, str]) -> None:
    written = read_outputs([said(), output])
    what, reason = fault
    assert Fault(what, 1, reason) in written.faults
    assert written.functions[0] == Function(FUNC, 0)
    if what == "function":
        assert len(written.functions) == 1
    assert [case for case in written.cases if case.output == 1] == []


def test_a_function_is_one_whatever_its_names_and_comments() -> None:
    same = [
        "import re\ndef evaluate(response):\n    n = len(re.findall('a', response))\n    return n == 2",
        'import re\ndef evaluate(text: str) -> bool:\n    """Two."""\n    # count\n    k = len(re.findall("a", text))\n'
        "    return (k == 2)",
    ]
    other = same[0].replace("== 2", "== 3")
    swapped = [
        "def part(a, b):\n    return a - b\n\ndef evaluate(r):\n    return part(a=len(r), b=2) > 0",
        "def part(b, a):\n    return b - a\n\ndef evaluate(r):\n    return part(a=len(r), b=2) > 0",
    ]
    written = read_outputs([said(func=source) for source in [*same, other, *swapped]])
    assert [function.output for function in written.functions] == [0, 2, 3, 4]
    assert Fault("function", 1, "duplicate") in written.faults


def test_a_case_counts_once_and_not_at_all_when_outputs_disagree() -> None:
    a, b, c = ({"input": text, "output": True} for text in "abc")
    outputs = [said(cases=[a, b]), said(cases=[a, {**b, "output": False}]), said(cases=[c, b, c])]
    written = read_outputs(outputs)
    assert [(case.text, case.output) for case in written.cases] == [("a", 0), ("c", 2)]
    faults = [fault for fault in written.faults if fault.what == "case"]
    assert sorted(faults, key=lambda fault: (fault.output, fault.reason)) == [
        Fault("case", 0, "contradicted"),
        Fault("case", 1, "contradicted"),
        Fault("case", 1, "duplicate"),
        Fault("case", 2, "contradicted"),
        Fault("case", 2, "duplicate"),
    ]


def test_numbers_are_bounded() -> None:
    def output(n: int) -> str:
        cases = [{"input": f"{n} {k}", "output": True} for k in range(MOST_CASES + 5)]
        return said(func=f"def evaluate(response):\n    return len(response) == {n}", cases=cases)

    written = read_outputs([output(n) for n in range(MOST_FUNCTIONS + 3)])
    assert len(written.functions) == MOST_FUNCTIONS
    assert len(written.cases) == MOST_STORED
    assert written.faults.count(Fault("case", 0, "beyond the most")) == 5
    assert Fault("function", MOST_FUNCTIONS + 2, "beyond the most") in written.faults


@pytest.mark.parametrize("piece", ['{"', '{"func": "', "```json\n", "<think>", '[{"a":', "\\", '{"func": 1}'])
def test_reading_takes_linear_time(piece: str) -> None:
    output = (piece * LONGEST_OUTPUT)[:LONGEST_OUTPUT]
    start = time.perf_counter()
    written = read_outputs([output] * 20)
    assert time.perf_counter() - start < 5.0
    assert written.functions == written.cases == ()


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["func", "cases", "input", "output", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.lists(st.text(st.characters(), max_size=300) | json_like.map(json.dumps), max_size=6))
def test_any_text_is_read(outputs: list[str]) -> None:
    written = read_outputs(outputs)
    assert written == read_outputs(outputs)
    assert len(written.functions) <= len(outputs)
    assert len({case.text for case in written.cases}) == len(written.cases)
    numbers = [thing.output for thing in (*written.functions, *written.cases, *written.faults)]
    assert all(0 <= n < len(outputs) for n in numbers)
    # nothing vanishes: each output gave something, or is listed
    assert {n for n, _ in enumerate(outputs)} == set(numbers) or any('"cases"' in output for output in outputs)


@given(st.text(max_size=50), st.text(max_size=200), st.booleans())
def test_what_was_written_is_read_back(before: str, text: str, right: bool) -> None:
    output = before.replace("{", "").replace("<", "") + json.dumps(
        {"func": FUNC, "cases": [{"input": text, "output": right}]}
    )
    written = read_outputs([output])
    assert written.functions == (Function(FUNC, 0),)
    if "\\n" not in text:
        assert written.cases == (Case(text, right, 0),)


def test_records_of_both_forms_are_read() -> None:
    assert read_record({"instruction": "Go.", "outputs": ["a", "b"]}) == ("Go.", ["a", "b"])
    record = {"prompt": "Write ...", "instruction": "Go.", "gpt-answer": ["a"]}
    assert read_record(record) == ("Go.", ["a"])
    assert read_record({"instruction": "Go.", "gpt-answer": "a"}) == ("Go.", ["a"])
    for wrong in ({}, {"instruction": "Go."}, {"instruction": 1, "outputs": []}, {"instruction": "Go.", "outputs": {}}):
        with pytest.raises(SsrlError, match="needs a text `instruction`"):
            read_record(wrong)


def test_the_recorded_outputs_hold_every_kind_of_fault() -> None:
    reasons = set()
    lines = (RECORDED / "written.jsonl").read_text("utf-8").splitlines()
    for line in lines:
        _, outputs = read_record(json.loads(line))
        assert len(outputs) >= 4
        written = read_outputs(outputs)
        assert written.cases
        reasons |= {fault.reason for fault in written.faults}
    assert len(lines) >= 40
    assert reasons >= {
        "no JSON",
        "broken JSON",
        "not Python",
        "unsafe",
        "asks more than the response",
        "duplicate",
        "contradicted",
    }
    seeds = [json.loads(line)["instruction"] for line in (RECORDED / "seeds.jsonl").read_text("utf-8").splitlines()]
    assert len(seeds) == len(set(seeds)) >= 36
