"""Does a cold start help a model that hardly earns anything? Two starts from its own responses, against none.

A tiny model is stopped in the middle of learning how an answer looks, so that few of its responses can be read. From
there GRPO goes on at once (`none`), or after a short stage on pairs of well and badly formed own responses (`specs`),
or on traces put together from own responses (`skills`). All go through as many steps of GRPO. Told are the steps until
the first group with a reward that is not 0, and held-out accuracy in the end; nothing is asserted of either but what is
written here, since it is what is asked.

Each seed leaves its result in `out/prove/starts`, so seeds may run on different days; the verdict is over all of them.
"""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from command import ROOT

from ssrl_data.build.run import build
from ssrl_data.recipe import Recipe, load_recipe
from ssrl_data.yaml_file import read_yaml
from ssrl_train.compare import Comparison, compare
from ssrl_train.config import parse
from ssrl_train.exports.settings import Export, Skills, Specs
from ssrl_train.exports.skills import WORDS
from ssrl_train.responses import exported, read, write
from ssrl_train.rows import column, load_rows
from ssrl_train.run import run
from ssrl_train.tiny import Tiny, build_model, build_processor, texts_of

SEEDS = (0, 1, 2)
ARMS = ("none", "specs", "skills")
STORE = ROOT / "out/prove/starts"

FORM_STEPS, STEPS = 4, 50
ROOM = {"none": 4, "specs": 4, "skills": 80}
"""Tokens of a completion: what each arm's form needs."""

SMALL = {"gradient_checkpointing": False, "save_strategy": "no", "per_device_train_batch_size": 16}
TERMS = {"loss_type": ["sigmoid", "sft"], "loss_weights": [1, 0.5]}
EXPORTS: dict[str, tuple[Export, int]] = {"specs": (Specs(), 2), "skills": (Skills(("retry", "verify"), 2), 4)}
"""What each start learns, and examples of a row."""

LEARNT: dict[str, dict[str, Any]] = {
    "specs": {"method": "dpo", "dpo": {**SMALL, **TERMS, "max_steps": 30, "learning_rate": 1e-3}},
    "skills": {"method": "sft", "sft": {**SMALL, "max_steps": 80, "learning_rate": 3e-3}},
}


def demo() -> dict[str, Any]:
    """The demo's config."""
    return {**read_yaml(ROOT / "tasks/recipes/train/demo.yaml"), "track": "none"}


def begun(data: Path, folder: Path, seed: int) -> Path:
    """The model that all arms start from, stopped early, and its own responses; and the files of examples of these."""
    body = demo()
    tiny = Tiny("llava", side=16, spread=0.1)
    rows = load_rows(data, "train")
    processor = build_processor(tiny, [*texts_of(rows), *WORDS])
    random = folder / "random"
    build_model(tiny, processor, seed).save_pretrained(random)
    processor.save_pretrained(random)
    own = {"method": "sample", "name": "own", "k": 20, "max_new_tokens": 4, "batch": 50}
    stages = [{**body["stages"][0], "steps": FORM_STEPS}, own]
    settings = {**body, "model": str(random), "stages": stages, "eval": None, "seed": seed}
    run(parse(settings, "begun", data=data, out=folder / "begun"), lambda line: None)
    made = folder / "begun" / "stages"
    for arm, (export, each) in EXPORTS.items():
        found = exported(rows, read(made / "2-own"), export, each=each, seed=seed)
        print(arm, found.counts)
        write(found.table, folder / f"{arm}.examples.parquet")
    return made / "1-format"


def stages(arm: str, folder: Path) -> list[dict[str, Any]]:
    """A start, then GRPO as in the demo, on half as many completions.

    Updates are clipped and the entropy bonus is small, or traces of 80 tokens lose their form in a few steps.
    """
    grpo = demo()["stages"][1]
    options = {**grpo["grpo"], "max_steps": STEPS, "max_completion_length": ROOM[arm]}
    options |= {"per_device_train_batch_size": 128, "save_strategy": "no", "entropy_coef": 0.003, "max_grad_norm": 0.3}
    start = [{**LEARNT[arm], "data": str(folder / f"{arm}.examples.parquet")}] if arm in LEARNT else []
    return [*start, {**grpo, "grpo": options}]


def dataset() -> Path:
    """The demo's rows, the same for all seeds, with half of the photographs held out: fewer give no interval."""
    folder = STORE / "dataset"
    recipe = {**load_recipe(ROOT / "tasks/recipes/demo.yaml"), "split": {"test": 0.5}}
    build(Recipe(**recipe), folder, 1, say=lambda line: None)
    return folder


@pytest.mark.prove
@pytest.mark.parametrize("seed", SEEDS)
def test_starts(seed: int) -> None:
    data, folder = dataset(), STORE / f"seed-{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    clock = time.process_time()
    body = {**demo(), "model": str(begun(data, folder, seed)), "seed": seed, "eval": {"batch": 80}}
    found: dict[str, Any] = {}
    for arm in ARMS:
        out = folder / arm
        config = parse({**body, "stages": stages(arm, folder)}, arm, data=data, out=out)
        result = run(config, lambda line: None)
        found[arm] = measured(out, len(config.stages)) | {key: result[key] for key in ("before", "after", "chance")}
        pq.write_table(held(out, len(config.stages)), folder / f"{arm}.parquet")
        found[arm] |= {"cpu seconds so far": time.process_time() - clock}
        print(seed, arm, json.dumps(found[arm]), flush=True)
        shutil.rmtree(out)
    (folder / "stored.json").write_text(json.dumps(found), encoding="utf-8")
    judge([folder])


def measured(out: Path, number: int) -> dict[str, Any]:
    """Of the last stage: its first step with a reward, its rewards, and the share of its first groups that differ."""
    state = json.loads((out / "stages" / f"{number}-grpo" / "trainer_state.json").read_text("utf-8"))
    rewards = [entry["reward"] for entry in state["log_history"] if "reward" in entry]
    first = next((step for step, reward in enumerate(rewards, 1) if reward > 0), None)
    tenth = max(1, len(rewards) // 10)
    means = {"first": sum(rewards[:tenth]) / tenth, "last": sum(rewards[-tenth:]) / tenth}
    flat = [entry["frac_reward_zero_std"] for entry in state["log_history"] if "frac_reward_zero_std" in entry]
    return {"steps": len(rewards), "first reward": first, "reward": means, "live": 1 - sum(flat[:tenth]) / tenth}


def held(out: Path, number: int) -> pa.Table:
    """The last model's responses to the held-out rows."""
    files = sorted((out / "eval" / f"{number}-grpo").glob("rollouts-*.parquet"))
    return pa.concat_tables([pq.read_table(file) for file in files])


def judge(folders: list[Path]) -> dict[str, Comparison]:
    """Say what was found of each start, and whether it is better than none."""
    stored = [json.loads((folder / "stored.json").read_text("utf-8")) for folder in folders]
    tables = {arm: [pq.read_table(folder / f"{arm}.parquet") for folder in folders] for arm in ARMS}
    test = load_rows(STORE / "dataset", "test")
    for arm in ARMS:
        assert all(one[arm]["steps"] == STEPS for one in stored)
        assert all(table["id"].to_pylist() == column(test, "id") for table in tables[arm])
        print(
            f"{arm}: first reward at step {[one[arm]['first reward'] for one in stored]} of {STEPS}, reward in the "
            f"first tenth {[round(one[arm]['reward']['first'], 3) for one in stored]}, groups with a difference there "
            f"{[round(one[arm]['live'], 2) for one in stored]}, held-out accuracy "
            f"{[round(one[arm]['after'], 3) for one in stored]}"
        )
    found = compare(test, tables, dict.fromkeys(ARMS[1:], "none"))
    for arm, one in found.items():
        print(f"{arm}: {one.verdict}, {one.difference} more than none {one.note}")
    # What it all rests on: the model earns something, less than half of what a guess in the right form would.
    assert all(one["none"]["reward"]["last"] > 0 for one in stored)
    assert all(one["none"]["reward"]["first"] < one["none"]["chance"] / 2 for one in stored)
    return found


@pytest.mark.prove
def test_starts_verdict_over_seeds() -> None:
    folders = sorted(path.parent for path in STORE.glob("*/stored.json"))
    assert [path.name for path in folders] == [f"seed-{seed}" for seed in SEEDS], (
        "a seed has not run: make prove SLICE=starts"
    )
    found = judge(folders)
    verdicts = {arm: {"verdict": one.verdict, "difference": str(one.difference)} for arm, one in found.items()}
    (STORE / "verdicts.json").write_text(json.dumps(verdicts, indent=2), encoding="utf-8")
    assert {one.seeds for one in found.values()} == {(len(SEEDS), len(SEEDS))}
