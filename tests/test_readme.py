"""What the README shows is whole: a task whose rows its audit passes, and a training config that parses."""

from __future__ import annotations

import re
import sys
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from command import ROOT

from ssrl_data.core import Row, Task
from ssrl_data.registry import source_at
from ssrl_data.rng import Rng
from ssrl_train.config import parse
from ssrl_train.grpo import make_args, prompts_a_batch
from ssrl_train.stages import Grpo, Sample, Sft


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


def test_the_readme_training_config_parses(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    config = parse(yaml.safe_load(next(block for block in blocks if "stages:" in block)), "README.md")
    assert (ROOT / config.data).is_file()
    probe, supervised, reinforced = config.stages
    assert isinstance(probe, Sample)
    assert isinstance(supervised, Sft)
    assert isinstance(reinforced, Grpo)
    assert config.sources(supervised) == config.sources(reinforced) == ["probe"]
    assert prompts_a_batch(make_args(reinforced, config.seed, tmp_path, [])) >= 1


def test_the_files_that_the_readme_names_are_there() -> None:
    text = (ROOT / "README.md").read_text()
    named = {*re.findall(r"\]\(([^)#:]+)\)", text), *re.findall(r"\btasks/recipes/[\w./-]+\.yaml", text)}
    assert len(named) > 10
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
