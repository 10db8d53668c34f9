"""Over seeds, a signal that pays one answer is stopped by the usual guard, and a run that learns its task is not.

Each seed leaves its result in `out/prove`; what is printed beside the verdict is how near either came to the bounds.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import planted
import pytest
from command import ROOT

from ssrl_data.build.run import build
from ssrl_data.core import SsrlError
from ssrl_data.recipe import Recipe, load_recipe
from ssrl_train.guard import DEAD, ENTROPY, EXACT, Guard
from ssrl_train.run import run
from ssrl_train.trainer import last_checkpoint

SEEDS = (0, 1, 2)
OUT = ROOT / "out" / "prove" / "guard"
START: dict[str, Any] = {
    "method": "sft",
    "rows": 300,
    "sft": {
        "max_steps": 25,
        "per_device_train_batch_size": 32,
        "learning_rate": 3e-3,
        "lr_scheduler_type": "constant",
        "gradient_checkpointing": False,
        "save_strategy": "no",
    },
}
"""Broken off where it begins to find the answer, so that both ways are open."""

GRPO: dict[str, Any] = {
    "max_steps": 60,
    "per_device_train_batch_size": 128,
    "num_generations": 16,
    "max_completion_length": 4,
    "learning_rate": 1e-3,
    "lr_scheduler_type": "linear",
    "warmup_steps": 5,
    "adam_beta2": 0.99,
    "loss_type": "dr_grpo",
    "entropy_coef": 0.02,
    "gradient_checkpointing": False,
    "save_steps": 5,
    "save_total_limit": 1,
}


def dataset() -> Path:
    folder = OUT / "dataset"
    if not (folder / "manifest.json").is_file():
        build(Recipe(**load_recipe(ROOT / "tasks/recipes/demo_halves.yaml")), folder, 1, say=lambda line: None)
    return folder


def means(history: list[dict[str, float]], name: str, window: int) -> list[float]:
    values = [entry[name] for entry in history if entry.get(name) is not None]
    return [sum(values[i : i + window]) / window for i in range(len(values) - window + 1)]


@pytest.mark.prove
@pytest.mark.parametrize("seed", SEEDS)
def test_guard(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    planted.plant(monkeypatch)
    folder = OUT / f"seed-{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    told: dict[str, Any] = {}
    for reward in ("constant", "verify"):
        settings = planted.config(dataset(), folder / reward, reward, seed, START, guard={}, grpo=GRPO)
        try:
            run(settings, lambda line: None)
            told[reward] = None
        except SsrlError as error:
            told[reward] = str(error)
    work = last_checkpoint(folder / "constant" / "checkpoints" / "2-grpo")
    assert work is not None
    collapsed, healthy = (
        json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))["log_history"]
        for path in (work, folder / "verify" / "stages" / "2-grpo")
    )
    window, entropy = Guard().window, [entry[ENTROPY] for entry in healthy if entry.get(ENTROPY) is not None]
    exact, first = means(healthy, EXACT, window), sum(entropy[: window // 4]) / (window // 4)
    stored = {
        "told": told,
        "collapsed": {name: [entry.get(name) for entry in collapsed] for name in (ENTROPY, EXACT, "reward")},
        "learnt from": exact[0],
        "learnt to": exact[-1],
        "greatest fall": max(max(exact[: i + 1]) - value for i, value in enumerate(exact)),
        "least share of its entropy": min(means(healthy, ENTROPY, window)) / first,
        "most dead groups": max(means(healthy, DEAD, window)),
    }
    (folder / "stored.json").write_text(json.dumps(stored, indent=2), encoding="utf-8")
    print({name: value for name, value in stored.items() if name != "collapsed"})
    judge(stored)


def judge(stored: dict[str, Any]) -> None:
    told = stored["told"]
    assert told["verify"] is None
    assert "the guard stopped training at step" in told["constant"]
    assert "answers to different prompts are alike" in told["constant"]


@pytest.mark.prove
def test_guard_in_two_processes() -> None:
    out = OUT / "two"
    shutil.rmtree(out, ignore_errors=True)
    command = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", ROOT / "tests/train/planted.py")
    done = subprocess.run(
        [sys.executable, *command, dataset(), out],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = [(out / f"told-{number}.txt").read_text(encoding="utf-8") for number in range(2)]
    assert told[0] == told[1]
    assert "the guard stopped training at step" in told[0]
    assert json.loads((out / "checkpoints/2-grpo/guard.json").read_text(encoding="utf-8"))["message"] == told[0]
    assert not (out / "stages" / "2-grpo").exists()


@pytest.mark.prove
def test_verdict_of_guards() -> None:
    stored = {path.parent.name: json.loads(path.read_text(encoding="utf-8")) for path in OUT.glob("*/stored.json")}
    assert set(stored) == {f"seed-{seed}" for seed in SEEDS}, "a seed has not run: make prove SLICE=guard"
    for name, result in sorted(stored.items()):
        print(name, {key: value for key, value in result.items() if key != "collapsed"})
        judge(result)
