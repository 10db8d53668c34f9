"""NFT, SRFT and a supervised term beside GRPO against GRPO, at an equal number of updates and responses.

Slices may run on different days; the verdicts are over what they left. What is claimed is that every arm trains a model
that answers in form, no more: which loss is better is for the data to say, and is printed and stored with its interval.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from typing import Any

import pytest
from command import ROOT

from ssrl_data.yaml_file import read_yaml
from ssrl_train.arms import Arms, answers_of, built, parse_arms, run_arms
from ssrl_train.run import run

OUT = ROOT / "out" / "prove" / "losses"
SEEDS = (0, 1, 2)
READABLE = 0.9
"""Share of held-out responses of every model that an answer can be read from."""


def arms() -> Arms:
    file = ROOT / "tasks/recipes/train/arms/losses.yaml"
    body: dict[str, Any] = dict(read_yaml(file))
    body["data"] = str(ROOT / body["data"])
    del body["arms"]["again"]  # that an arm is no better than itself is proven with the demo's arms
    assert tuple(body["seeds"]) == SEEDS
    return parse_arms(body, str(file), out=OUT)


@pytest.mark.prove
@pytest.mark.parametrize("seed", SEEDS)
def test_losses(seed: int) -> None:
    (OUT / "comparison.json").unlink(missing_ok=True)
    plan = arms()
    data = built(plan.data, OUT, print)
    for name, runs in plan.runs.items():
        shutil.rmtree(runs[seed].out, ignore_errors=True)
        result = run(dataclasses.replace(runs[seed], data=data), lambda line: None)
        paid = f"reward {result['reward_first']:.3f} to {result['reward_last']:.3f}"
        print(f"{name}: held out {result['after']:.3f}, {paid}, {result['seconds_per_step']:.2f} s a step", flush=True)
        assert result["steps"] == 60
        read = answers_of(runs[seed])["read"].to_pylist()
        assert sum(read) / len(read) >= READABLE


@pytest.mark.prove
def test_verdicts_of_losses() -> None:
    plan = arms()
    missing = [str(config.out) for runs in plan.runs.values() for config in runs.values() if not done(config.out)]
    assert not missing, f"{missing} have not run: make prove SLICE=test_losses"
    found = run_arms(plan, print)
    for name, one in found.items():
        print(f"{name}: {one.accuracy} against {one.control}, difference {one.difference}: {one.verdict}")
    assert set(found) == {"nft", "srft", "supervised"}
    assert all(one.seeds == (3, 3) and not one.note for one in found.values())
    stored = json.loads((OUT / "comparison.json").read_text(encoding="utf-8"))
    assert {name: stored["arms"][name]["verdict"] for name in found} == {
        name: one.verdict for name, one in found.items()
    }


def done(out: Any) -> bool:
    return (out / "result.json").is_file()
