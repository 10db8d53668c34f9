"""Masks that a tiny model proposes against masks drawn at random, with as many responses generated, on three seeds.

In the made corpus half of the names that static masks hide follow from the passage (a port from its country, and the
other way round) and half from nothing. A proposer may leave those alone, but a fifth of all responses propose. The
warm-up teaches both forms on random spans; held-out rows are static masks, half of which nobody can answer.

Each seed leaves its result in `out/prove`, so seeds may run on different days; the verdict is over all that is stored.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import made_voyages
import numpy as np
import pyarrow.parquet as pq
import pytest
from command import ROOT

from ssrl_data.build.run import build
from ssrl_data.recipe import Recipe, part
from ssrl_data.row import unpack_answer
from ssrl_train.compare import Comparison, compared
from ssrl_train.config import parse
from ssrl_train.rows import column, load_rows
from ssrl_train.run import run
from ssrl_train.sources import renumbered, sources

SEEDS = (0, 1, 2)
STORE = ROOT / "out/prove/active"
DATA = STORE / "dataset"
ARMS: dict[str, dict[str, Any]] = {"static": {}, "active": {"propose": {}}}

DOCUMENTS, ROWS = 150, 700
GRPO = {
    "max_steps": 160,
    "per_device_train_batch_size": 80,  # 20 prompts: 4 passages with 4 proposals each, 16 slots
    "num_generations": 4,
    "max_completion_length": 4,  # <answer> Norway </answer> and the end
    "learning_rate": 1.0e-3,
    "lr_scheduler_type": "constant_with_warmup",
    "warmup_steps": 5,
    "max_grad_norm": 0.3,
    "adam_beta2": 0.99,
    "loss_type": "dr_grpo",
    "entropy_coef": 0.003,
    "gradient_checkpointing": False,
    "save_strategy": "no",
}
FORM = {"method": "format", "steps": 300, "batch": 32, "propose": {}}
TOLD = {*made_voyages.PORTS, *made_voyages.PORTS.values()}


@pytest.mark.prove
@pytest.mark.parametrize("seed", SEEDS)
def test_active(seed: int) -> None:
    if not (DATA / "manifest.json").is_file():
        made_voyages.write(STORE / "voyages", DOCUMENTS, 0)
        recipe = Recipe(
            (part("text/masked_span", ["easy"], {}),), (str(STORE / "voyages"),), rows=ROWS, split={"test": 0.25}
        )
        build(recipe, DATA, 1, say=print)
    folder = STORE / f"seed-{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    trained(folder / "form", {"tiny": "qwen3", "spread": 0.1}, FORM, seed)
    warm = str((folder / "form/model").resolve())
    for arm, more in ARMS.items():
        trained(folder / arm, warm, {"method": "grpo", "grpo": GRPO, **more}, seed)
    (folder / "stored.json").write_text(json.dumps(stored(folder)), encoding="utf-8")
    judge([folder])


def trained(out: Path, model: Any, stage: dict[str, Any], seed: int) -> None:
    body = {"data": str(DATA), "out": str(out), "model": model, "track": "none", "seed": seed, "stages": [stage]}
    run(parse({**body, "eval": {"split": "test", "batch": 128, "max_new_tokens": 4}}, "active"), print)


def stored(folder: Path) -> dict[str, Any]:
    """What a seed leaves behind: verdicts on the held-out rows, what was generated, and what was proposed."""
    held, result = load_rows(DATA, "test"), dict[str, Any]()
    for arm in ("form", *ARMS):
        files = sorted((folder / arm / "eval").glob("1-*/rollouts-*.parquet"))
        verdicts = {row["id"]: row["exact"] for file in files for row in pq.read_table(file).to_pylist()}
        result[arm] = [float(verdicts[id]) for id in column(held, "id")]
    for arm in ARMS:
        state = json.loads((folder / arm / "model/trainer_state.json").read_text("utf-8"))
        steps = [entry for entry in state["log_history"] if "reward" in entry]
        assert len(steps) == GRPO["max_steps"]
        result[f"{arm} length"] = float(np.mean([entry["completions/mean_length"] for entry in steps]))
        result[f"{arm} exact"] = [entry["exact"] for entry in steps]
    names = ("reward", "taken", "distinct", "first", "unsolved", "solved")
    for name in names:
        result[name] = [entry.get(f"propose/{name}") for entry in steps]
    file = folder / "active/checkpoints/1-grpo/proposed/00000.jsonl"
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    last = [line["span"] for line in lines if line["step"] > 0.9 * len(steps)]
    result["said last"] = Counter(map(str, last)).most_common(8)
    return result


def told() -> Any:
    """Which held-out rows can be answered by who knows the corpus, shape (rows,)."""
    answers = column(load_rows(DATA, "test"), "answer")
    return np.array([unpack_answer(answer)[1]["answer"] in TOLD for answer in answers])


def judge(folders: list[Path]) -> Comparison:
    """Say what was found; that active masks are better is not claimed, only that both arms learn."""
    held, seeds = (
        load_rows(DATA, "test"),
        [json.loads((folder / "stored.json").read_text("utf-8")) for folder in folders],
    )
    arms = {arm: np.array([seed[arm] for seed in seeds]) for arm in ("form", *ARMS)}
    can = told()
    for folder, seed in zip(folders, seeds, strict=True):
        parts = [np.array(seed[arm]) for arm in ("form", *ARMS)]
        accuracy = ", ".join(
            f"{arm} {part.mean():.3f} ({part[can].mean():.3f} where it can be told)"
            for arm, part in zip(("form", *ARMS), parts, strict=True)
        )
        print(f"{folder.name}: {accuracy}; tokens a response {seed['static length']:.2f}, {seed['active length']:.2f}")
        for name in ("reward", "taken", "distinct", "first", "unsolved", "solved"):
            quarters = np.array_split(np.array(seed[name], float), 4)
            print(f"  propose/{name} by quarters: " + ", ".join(f"{np.nanmean(part):.2f}" for part in quarters))
        print(f"  proposed in the last tenth: {seed['said last']}")
    source = renumbered(sources(held))
    found = compared(arms["active"], arms["static"], source)
    print(f"static {found.control}, active {found.accuracy}, active - static {found.difference}: {found.verdict}")
    print(found.note)
    for arm in ARMS:
        assert arms[arm].mean() > arms["form"].mean(), f"{arm} learns nothing"
    return found


@pytest.mark.prove
def test_active_verdict_over_seeds() -> None:
    folders = sorted(path.parent for path in STORE.glob("*/stored.json"))
    assert [path.name for path in folders] == [f"seed-{seed}" for seed in SEEDS], (
        "a seed has not run: make prove SLICE=active"
    )
    judge(folders)
