"""Derivations made for tests: true, solvable in the told order, and read with the dependencies that they have."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import made_derivations
import pytest
from command import ROOT

from ssrl_data.answers.partial_order import closed
from ssrl_data.gates import dependency, order_words
from ssrl_data.sources.folder import Folder

_STEP = re.compile(r"\b([a-z]) = (?:(\w+) ([-+*]) (\w+) = )?(\d+)\b")


def test_every_step_is_true_and_rests_on_what_it_says() -> None:
    for made in made_derivations.derivations(300, 5):
        values: dict[str, int] = {}
        where: dict[str, int] = {}
        for number, (step, uses) in enumerate(zip(made["steps"], made["uses"], strict=True)):
            symbol, left, sign, right, result = _STEP.search(step).groups()  # type: ignore[union-attr]
            used = [side for side in (left, right) if side and side.isalpha()]
            assert uses == sorted(where[side] for side in used)
            if sign:
                a, b = (values[side] if side.isalpha() else int(side) for side in (left, right))
                assert int(result) == {"+": a + b, "-": a - b, "*": a * b}[sign]
            assert symbol not in values
            values[symbol], where[symbol] = int(result), number
        assert made["answer"] == str(values[symbol])
        assert len(where) == len(made["steps"])
        asked = re.search(r"does (\w)\w* have\?", made["problem"])
        assert asked
        assert asked[1].lower() == symbol


def test_dependencies_in_prose_are_found_exactly(tmp_path: Path) -> None:
    made_derivations.write_corpus(tmp_path, 200, 3)
    rows = [json.loads(line) for line in (tmp_path / "derivations.jsonl").read_text("utf-8").splitlines()]
    source = Folder.at(str(tmp_path))
    entries = list(source.entries())
    assert len(entries) == 200
    assert len({entry.group for entry in entries}) == 50
    exact = 0
    for entry, row in zip(entries, rows, strict=True):
        worked = source.open(entry).worked
        assert worked is not None
        assert [step.text for step in worked.steps] == row["steps"]
        true = closed({(use, number) for number, uses in enumerate(row["uses"]) for use in uses})
        found = dependency.before_pairs(worked.steps, range(len(worked.steps)))
        # Two results may be one number, which says nothing then; but never is more demanded than is so.
        assert found <= frozenset(true), row
        exact += found == frozenset(true)
    assert exact == len(rows)


def test_there_are_branches_and_different_words() -> None:
    made = list(made_derivations.derivations(400, 1))
    assert {len(one["steps"]) for one in made} == {3, 4, 5, 6, 7}
    assert sum(any(len(uses) == 2 for uses in one["uses"]) for one in made) > 150
    assert len({one["problem"] for one in made}) == 400
    starts = Counter(one["steps"][0].split(" ")[0] for one in made)
    assert len(starts) > 10


@pytest.mark.parametrize("cued", [False, True])
def test_order_words_stand_where_they_are_asked_for(cued: bool) -> None:
    for made in made_derivations.derivations(100, 2, cued=cued, steps=(3, 3)):
        places = [order_words.place(step)[0] for step in made["steps"]]
        assert places == ([0, 2, 3] if cued else [1, 1, 1])
        assert [order_words.stripped(step) for step in made["steps"]] != made["steps"] or not cued


def test_the_same_seed_gives_the_same_corpus(tmp_path: Path) -> None:
    for name, seed in (("one", "7"), ("two", "7"), ("three", "8")):
        command = [sys.executable, ROOT / "tests/made_derivations.py", tmp_path / name, "40", seed, "--cued"]
        subprocess.run(command, check=True, env={"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed})
    one, two, three = ((tmp_path / name / "derivations.jsonl").read_bytes() for name in ("one", "two", "three"))
    assert one == two
    assert one != three
