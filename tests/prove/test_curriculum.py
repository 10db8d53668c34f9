"""What the curricula promise: on a simulated learner over seeds, and on a real model that learns from nothing."""

from __future__ import annotations

from math import sqrt
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import pytest
from command import ROOT

from ssrl_data.build.run import build
from ssrl_data.recipe import Recipe, load_recipe
from ssrl_data.yaml_file import read_yaml
from ssrl_train.config import parse
from ssrl_train.run import run

SEEDS = (0, 1, 2)
STEPS = 120
KINDS = ("uniform", "frontier")


@pytest.mark.prove
def test_frontier_is_no_worse_than_uniform_on_a_tiny_model(tmp_path: Path) -> None:
    """Held-out accuracy after as many steps of the demo, its rows as they are; 0.25 is chance."""
    data = tmp_path / "dataset"
    build(Recipe(**load_recipe(ROOT / "tasks/recipes/demo.yaml")), data, 1, say=lambda line: None)
    body = dict(read_yaml(ROOT / "tasks/recipes/train/demo.yaml"))
    form, grpo = body["stages"]
    found: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    for seed in SEEDS:
        for kind in KINDS:
            stage = {**grpo, "curriculum": {"kind": kind}, "grpo": {**grpo["grpo"], "max_steps": STEPS}}
            config = {**body, "stages": [form, stage], "track": "none", "seed": seed}
            parsed = parse(config, "demo", data=data, out=tmp_path / f"{kind}-{seed}")
            found[kind].append(run(parsed, lambda line: None))
            print(kind, seed, {key: found[kind][-1][key] for key in ("after", "interval", "reward_last")}, flush=True)
    after = {kind: [result["after"] for result in results] for kind, results in found.items()}
    gains = [frontier - uniform for frontier, uniform in zip(after["frontier"], after["uniform"], strict=True)]
    # Of the mean over seeds: what seeds differ by, and what the held-out rows leave open in each run.
    spread = stdev(gains) ** 2 + sum(_error(result) ** 2 for results in found.values() for result in results) / len(
        SEEDS
    )
    margin = 1.96 * sqrt(spread / len(SEEDS))
    print(f"frontier - uniform: {mean(gains):+.3f}, 95% +-{margin:.3f}")
    assert mean(after["uniform"]) > 0.25
    assert mean(gains) + margin > 0


def _error(result: dict[str, Any]) -> float:
    low, high = result["interval"]
    return float(high - low) / (2 * 1.96)
