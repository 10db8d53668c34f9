"""A comparison ends in the right verdicts.

Told what is right a tiny model learns, paid by a coin it does not, and an arm is no better than itself with other
seeds. Slices may run on different days; the verdict is over what they left.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from typing import Any

import pytest
from command import ROOT

from ssrl_data.yaml_file import read_yaml
from ssrl_train.arms import Arms, built, parse_arms, run_arms
from ssrl_train.run import run

OUT = ROOT / "out" / "prove" / "arms"
ARMS = ("format", "verify", "random", "again")


def arms() -> Arms:
    file = ROOT / "tasks/recipes/train/arms/demo.yaml"
    body: dict[str, Any] = dict(read_yaml(file))
    body["arms"] = {name: body["arms"][name] for name in ARMS}
    body["data"] = str(ROOT / body["data"])
    return parse_arms(body, str(file), out=OUT)


@pytest.mark.prove
@pytest.mark.parametrize("name", ARMS)
def test_arm(name: str) -> None:
    shutil.rmtree(OUT / "arms" / name, ignore_errors=True)
    (OUT / "comparison.json").unlink(missing_ok=True)
    all_arms = arms()
    data = built(all_arms.data, OUT, print)
    for config in all_arms.runs[name].values():
        assert run(dataclasses.replace(config, data=data), print)["after"] is not None


@pytest.mark.prove
def test_verdicts_of_arms() -> None:
    missing = [name for name in ARMS if not (OUT / "arms" / name).is_dir()]
    assert not missing, f"{missing} have not run: make prove SLICE=test_arm"
    found = run_arms(arms(), print)
    assert {name: one.verdict for name, one in found.items() if name != "random"} == {
        "verify": "better",
        "again": "no evidence",
    }
    assert found["random"].verdict != "better"
    assert {name: one.seeds for name, one in found.items()} == {"verify": (6, 6), "random": (3, 6), "again": (3, 6)}
    assert not any(one.note for one in found.values())
    stored = json.loads((OUT / "comparison.json").read_text(encoding="utf-8"))
    assert stored["arms"]["verify"]["difference"]["low"] > 0
