"""Mutants of checkers: which there are, that they are the same each time, and that they are caught or can be."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssrl_data import programs
from ssrl_train.autoif.mutants import MARK, mutants, reordered
from ssrl_train.autoif.outputs import DEEPEST, read_outputs

RECORDED = Path(__file__).parents[2] / "recorded" / "written.jsonl"
SOURCES = [
    function.source
    for line in RECORDED.read_text("utf-8").splitlines()
    for function in read_outputs(json.loads(line)["outputs"]).functions
]


def bodies(expression: str) -> set[str]:
    """The mutants of a checker that returns an expression: what it returns instead."""
    start = "def evaluate(response):\n    return "
    found = mutants(start + expression, 100)
    return {mutant.source.removeprefix(start) for mutant in found if mutant.change != "dropped statement"}


@pytest.mark.parametrize(
    ("expression", "changed"),
    [
        ("len(response) < n", {"len(response) <= n", "len(response) >= n"}),
        ("n == m", {"n != m"}),
        ("n == 3", {"n != 3", "n <= 3", "n >= 3", "n == 4", "n == 2"}),
        ("n == 0", {"n != 0", "n <= 0", "n >= 0", "n == 1"}),
        ("a <= n < b", {"a < n < b", "a > n < b", "a <= n <= b", "a <= n >= b"}),
        ("'x' in response", {"'x' not in response", f"'{MARK}' in response"}),
        ("r is None", {"r is not None"}),
        ("a and b", {"a or b", "a", "b"}),
        ("a or b or c", {"a and b and c", "b or c", "a or c", "a or b"}),
        ("not a", {"a"}),
        ("a if b else c", {"a if not b else c"}),
        ("True", {"False"}),
        ("any((c for c in r if c))", {"all((c for c in r if c))", "any((c for c in r))"}),
        ("max(a)", {"min(a)"}),
        ("r.startswith(a)", {"r.endswith(a)"}),
        ("r.upper()", {"r.lower()"}),
        ("r.isupper()", {"r.islower()"}),
        ("a + b", {"a - b"}),
        ("a % b", {"a // b"}),
        ("len(response)", set()),
    ],
)
def test_changes_of_an_expression(expression: str, changed: set[str]) -> None:
    assert bodies(expression) == changed


def test_statements_are_dropped_and_conditions_turned_round() -> None:
    source = "def evaluate(response):\n    n = 1\n    if response:\n        n += 1\n    return n > 1"
    found = [mutant.source for mutant in mutants(source, 100) if mutant.change == "dropped statement"]
    assert found == [
        "def evaluate(response):\n    pass\n    if response:\n        n += 1\n    return n > 1",
        "def evaluate(response):\n    n = 1\n    if response:\n        pass\n    return n > 1",
        "def evaluate(response):\n    n = 1\n    if response:\n        n += 1\n    pass",
    ]
    turned = [mutant for mutant in mutants(source, 100) if mutant.change == "negation"]
    assert [mutant.line for mutant in turned] == [3]
    assert "if not response:" in turned[0].source


def test_docstrings_annotations_and_imports_have_no_mutants() -> None:
    source = 'import re\ndef evaluate(response: "str") -> "bool":\n    """Say so."""\n    return response.isalpha()'
    assert [mutant.change for mutant in mutants(source, 100)] == ["dropped statement"]


def test_one_common_change_does_not_crowd_out_the_others() -> None:
    numbers = " or ".join(f"len(response) > {n}" for n in range(40))
    source = f"def evaluate(response):\n    if not ({numbers}):\n        return any(c in 'ab' for c in response)\n"
    few = mutants(source, 12)
    assert len({mutant.change for mutant in few}) >= 6
    assert len(mutants(source, 10_000)) > 200


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SOURCES), st.integers(0, 40))
def test_mutants_are_different_checkers_and_the_same_each_time(source: str, most: int) -> None:
    every, some = mutants(source, 10_000), mutants(source, most)
    assert some == mutants(source, most)
    assert len(some) == min(most, len(every))
    assert set(some) <= set(every)
    own = ast.unparse(ast.parse(source))
    assert len({mutant.source for mutant in every} | {own}) == len(every) + 1
    lines = source.count("\n") + 1
    for mutant in every:
        assert any(
            isinstance(node, ast.FunctionDef) and node.name == "evaluate" for node in ast.parse(mutant.source).body
        )
        assert 1 <= mutant.line <= lines
    assert [mutant.line for mutant in some] == sorted(mutant.line for mutant in some)


def test_the_deepest_source_that_is_read_can_be_changed() -> None:
    def nested(levels: int) -> str:
        return "def evaluate(response):\n    return " + "not " * levels + "response"

    levels = next(n for n in range(DEEPEST, 0, -1) if read_outputs([json.dumps({"func": nested(n)})]).functions)
    assert levels > DEEPEST // 2
    assert len(mutants(nested(levels), 10)) == 2  # one `not` fewer is the same wherever it stood
    assert reordered(nested(levels)) == nested(levels)


@pytest.mark.parametrize(
    ("source", "depends"),
    [
        ("return list(set(response.split()))[0] == 'a'", True),
        ("return [c for c in {'a', 'b'}][0] == 'a'", True),
        ("for w in {w for w in response.split()}:\n        return w == 'a'", True),
        ("return ''.join(frozenset(response)).startswith('a')", True),
        ("return len(set(response.split())) == 3 and 'a' in {'a', 'b'}", False),
        ("return sorted({c for c in response}) == [' ', 'a', 'b', 'c']", False),
        ("return set() == set(()) and 'a' in set(response.split()) & {'a', 'z'}", False),
        ("return list(dict.fromkeys(response.split()))[0] == 'a'", False),
    ],
)
def test_filling_sets_the_other_way_round_shows_who_depends_on_it(source: str, depends: bool) -> None:
    source = f"def evaluate(response):\n    {source}"
    one, other = (programs.run(text, "a b c").accepted for text in (source, reordered(source)))
    assert one is True
    assert other is not depends
