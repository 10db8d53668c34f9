"""The README's own task is a whole one: it makes rows that its audit passes, and its audit sees a wrong answer."""

from __future__ import annotations

import re
import sys
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from command import ROOT

from ssrl_data.core import Row, Task
from ssrl_data.registry import source_at
from ssrl_data.rng import Rng


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> type[Task[Any]]:
    block = next(b for b in re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S) if "Mirror" in b)
    module = types.ModuleType("mirror")
    monkeypatch.setitem(sys.modules, "mirror", module)
    exec(compile(block, "README.md", "exec"), module.__dict__)
    found: type[Task[Any]] = module.__dict__["Mirror"]
    return found


def test_the_readme_task_makes_true_rows(mirror: type[Task[Any]], photos: Path) -> None:
    source = source_at(str(photos))
    record = source.open(next(entry for entry in source.entries() if entry.key == "astronaut.png"))
    task = mirror(mirror.levels["easy"])
    for aim in range(task.classes()):
        (example,) = task.make([record], Rng("readme", aim), aim)
        picture = next(part for part in example.prompt if not isinstance(part, str))
        meta = {"make": dict(example.meta)}
        row = Row("", "image/mirror", 1, "easy", "", (picture,), example.answer, "", "", "", "", meta)
        assert list(mirror.audit(row, [record])) == []
        value = example.answer.value | {"answer": "no" if aim else "yes"}
        wrong = replace(row, answer=replace(example.answer, value=value))
        assert [fault.rule for fault in mirror.audit(wrong, [record])] == ["true"]
