"""How much of what gold teaches a vote teaches without it, and whether it collapses: sums in two views, three seeds.

A tiny model learns sums and differences of two numbers until about half of its sampled answers are right. From there
each arm reinforces it on questions that it has not seen, paid by gold, by the majority of each group, by the other view
of each question, by that view where it is sure (a lead of more than half), by the vote of a slow teacher, or by a coin.
Arms differ in nothing else; the guard is off, and its judgement of what was logged is stored. Seeds are of weights and
sampling, on the same rows, so that arms can be held against each other; each leaves its result in `out/prove`.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import made_sums
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from command import ROOT

from ssrl_data.build.run import build
from ssrl_data.recipe import Recipe, part
from ssrl_train.compare import compare
from ssrl_train.config import parse
from ssrl_train.guard import Guard, alarm
from ssrl_train.rows import column, load_rows
from ssrl_train.run import run

SEEDS = (0, 1, 2)
STORE = ROOT / "out/prove/votes"
TASK, VIEWS = "text/final_answer", ("original", "reordered")
QUESTIONS, HELD, LARGEST = 1200, 0.2, 6
ARMS: dict[str, Any] = {
    "gold": "verify",
    "majority": "majority",
    "co_vote": "co_vote",
    "sure": {"kind": "co_vote", "margin": 0.5},
    "teacher": {"kind": "teacher_vote", "first": 0.9, "last": 0.99},
    "random": "random",
}
COMMON: dict[str, Any] = {"gradient_checkpointing": False, "save_strategy": "no"}
SFT = {
    **COMMON,
    "max_steps": 150,
    "per_device_train_batch_size": 64,
    "learning_rate": 3e-3,
    "lr_scheduler_type": "constant_with_warmup",
    "warmup_steps": 10,
}
HALF = {"metric": "mean_token_accuracy", "above": 0.92, "over": 3}
"""Three of four tokens of an answer are its tags and its end, which are always right by then. At 0.87 a third of the
sampled answers are right and fewer than half of the winners of votes, and every vote makes the model worse."""
GRPO = {
    **COMMON,
    "max_steps": 80,
    "per_device_train_batch_size": 128,  # 16 prompts, 8 answers each
    "num_generations": 8,
    "max_completion_length": 6,  # <answer> -1 2 </answer> and the end
    "learning_rate": 1e-4,  # at 5e-4 a coin takes most of what the model had learnt
    "lr_scheduler_type": "constant_with_warmup",
    "warmup_steps": 5,
    "loss_type": "dr_grpo",
}


def data() -> tuple[Path, Path]:
    """Questions to warm up on, and others to reinforce and be judged on."""
    folders = []
    for name, seed, split in (("warm", 1, 0.0), ("main", 0, HELD)):
        folder = STORE / "data" / name
        if not (folder / "dataset/manifest.json").is_file():
            made_sums.write(folder / "corpus", QUESTIONS, seed, LARGEST)
            recipe = part(TASK, ["medium"], {"views": list(VIEWS)})
            rows, parts = QUESTIONS * len(VIEWS), {"test": split} if split else {}
            asked = Recipe((recipe,), (str(folder / "corpus"),), rows=rows, split=parts)
            build(asked, folder / "dataset", 1, lambda line: None)
        folders.append(folder / "dataset")
    return folders[0], folders[1]


def trained(rows: Path, out: Path, model: Any, seed: int, stages: list[dict[str, Any]], held: int) -> dict[str, Any]:
    body = {"data": str(rows), "out": str(out), "seed": seed, "model": model, "track": "none", "stages": stages}
    tested = {"rows": held, "batch": 200, "max_new_tokens": GRPO["max_completion_length"]} if held else None
    return run(parse({**body, "eval": tested}, str(out)), lambda line: None)


@pytest.mark.prove
@pytest.mark.parametrize("seed", SEEDS)
def test_votes(seed: int) -> None:
    warm, main = data()
    folder = STORE / f"seed-{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    tiny = {"tiny": "qwen3", "spread": 0.1}
    trained(warm, folder / "warm", tiny, seed, [{"method": "sft", "rows": 2 * QUESTIONS, "sft": SFT, "until": HALF}], 0)
    start = str((folder / "warm/model").resolve())
    stored: dict[str, Any] = {}
    for arm, reward in ARMS.items():
        stage = {"method": "grpo", "reward": reward, "guard": "none", "grpo": GRPO}
        if arm != "random":
            stage["curriculum"] = {"kind": "uniform", "whole_sets": True}
        result = trained(main, folder / arm, start, seed, [stage], 400)
        assert result["steps"] == GRPO["max_steps"]
        history = json.loads((folder / arm / "stages/1-grpo/trainer_state.json").read_text())["log_history"]
        stored[arm] = {"before": result["before"], "after": result["after"]} | told(history)
        print(f"seed {seed} {arm}: {json.dumps(stored[arm])}")
    assert len({one["before"] for one in stored.values()}) == 1
    (folder / "stored.json").write_text(json.dumps(stored, indent=2), encoding="utf-8")


def told(history: list[dict[str, Any]]) -> dict[str, Any]:
    """What was logged in the first and the last ten steps, and the step at which the guard would have stopped it."""
    found: dict[str, Any] = {}
    for name in ("reward", "exact", "answer_entropy", "abstained", "vote_margin", "vote_right"):
        values = [entry[name] for entry in history if entry.get(name) is not None]
        if values:
            found[name] = [round(sum(some) / len(some), 3) for some in (values[:10], values[-10:])]
    for end in range(1, len(history) + 1):
        why = alarm(Guard(), history[:end])
        if why is not None:
            return {**found, "guard": [history[end - 1]["step"], why]}
    return {**found, "guard": None}


def answers(folder: Path, stage: str) -> pa.Table:
    return pa.concat_tables(map(pq.read_table, sorted((folder / "eval" / stage).glob("rollouts-*.parquet"))))


@pytest.mark.prove
def test_votes_verdict_over_seeds() -> None:
    seeds = [STORE / f"seed-{seed}" for seed in SEEDS]
    missing = [folder.name for folder in seeds if not (folder / "stored.json").is_file()]
    assert not missing, f"{missing} have not run: make prove SLICE=test_votes"
    stored = [json.loads((folder / "stored.json").read_text(encoding="utf-8")) for folder in seeds]
    tables = {arm: [answers(folder / arm, "1-grpo") for folder in seeds] for arm in ARMS}
    tables["before"] = [answers(folder / "gold", "0-start") for folder in seeds]
    held = load_rows(STORE / "data/main/dataset", "test")
    asked = set(tables["before"][0]["id"].to_pylist())
    rows = held.select([place for place, id in enumerate(column(held, "id")) if id in asked])
    against = {
        "before": dict.fromkeys(ARMS, "before"),
        "gold": dict.fromkeys([arm for arm in ARMS if arm != "gold"], "gold"),
        "random": dict.fromkeys([arm for arm in ARMS if arm not in ("gold", "random")], "random"),
        "majority": dict.fromkeys(("co_vote", "sure", "teacher"), "majority"),
    }
    found: dict[str, Any] = {}
    for control, arms in against.items():
        for arm, one in compare(rows, tables, arms).items():
            found[f"{arm} - {control}"] = {"difference": str(one.difference), "verdict": one.verdict}
            print(f"{arm} {one.accuracy} against {control} {one.control}: {one.difference}, {one.verdict}")
    for arm in ARMS:
        gained = [(each[arm]["after"] - each[arm]["before"]) for each in stored]
        gold = [(each["gold"]["after"] - each["gold"]["before"]) for each in stored]
        kept = sum(gained) / sum(gold) if sum(gold) > 0 else None
        stopped = [each[arm]["guard"] and each[arm]["guard"][0] for each in stored]
        entropy = [each[arm]["answer_entropy"] for each in stored]
        found[arm] = {"gained": gained, "kept": kept, "guard": stopped, "answer_entropy": entropy}
        print(f"{arm}: gained {gained}, {kept} of gold's; entropy of answers {entropy}; the guard stops at {stopped}")
    (STORE / "verdicts.json").write_text(json.dumps(found, indent=2), encoding="utf-8")
    # Only that gold teaches is claimed, without which nothing here says anything; what votes are worth is told. Every
    # seed has another start, so that of these few the means alone tell nothing apart: it must teach each of them.
    assert min(found["gold"]["gained"]) > 0
