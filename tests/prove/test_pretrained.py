"""A pretrained model of 135 million parameters is trained on a CPU to say which sign is hidden, on three seeds.

Form and truth are told apart. Asked as it is, the model writes nothing that can be read; a warm-up on random signs
teaches the form and knows nothing of the rows; what GRPO adds from there in accuracy is counted on its own. Solutions
are made ones, chains of three quantities (real ones with signs are too few), and whole documents are held out.

Each seed has other solutions and leaves its result in `out/prove`, so seeds may run on different days; the verdict is
over all that is stored.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import made_derivations
import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from command import ROOT, ssrl
from pretrained import smollm2

from ssrl_data.row import unpack_answer
from ssrl_train.rows import column, load_rows
from ssrl_train.sources import Estimate, bounds, means, sources

SEEDS = (0, 1, 2)
STORE = ROOT / "out/prove/pretrained"
CONFIG = ROOT / "tasks/recipes/train/smollm2.yaml"

SOLUTIONS, ROWS = 3000, 800
STAGES = {"start": "0-start", "format": "1-format", "grpo": "2-grpo"}
READABLE = 0.9
"""Share of held-out responses that can be read after the warm-up, and after GRPO."""


@pytest.mark.prove
@pytest.mark.parametrize("seed", SEEDS)
def test_pretrained(seed: int) -> None:
    assert yaml.safe_load(CONFIG.read_text("utf-8"))["model"] == str(smollm2().relative_to(ROOT))
    folder = STORE / f"seed-{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    chains(folder / "chains", seed)
    signs = ("text/masked_steps", "--level", "easy", "-p", "kinds=[operator]", "--source", folder / "chains")
    size = ("--rows", str(ROWS), "--split", "test=0.25", "--seed", str(seed))
    done(ssrl("build", *signs, *size, "--out", folder / "dataset"))
    done(ssrl("check", folder / "dataset"))
    run = ("--data", folder / "dataset", "--out", folder / "train", "--seed", str(seed))
    done(ssrl("train", CONFIG, *run, OMP_NUM_THREADS="1"))
    untrained(folder, seed)
    (folder / "stored.json").write_text(json.dumps(stored(folder)), encoding="utf-8")
    judge([folder])


def chains(folder: Path, seed: int) -> None:
    """Worked solutions of three steps, each but the first on the one before.

    Sums of two quantities would make plus the usual sign. Of the problem its question alone is kept, since what it
    tells ("3 times as many") names the signs: only the numbers say which one is hidden.
    """
    folder.mkdir(parents=True)
    made = made_derivations.derivations(SOLUTIONS, seed, steps=(3, 3))
    kept = [row for row in made if "together" not in row["problem"]]
    lines = [json.dumps(row | {"problem": row["problem"].rpartition(". ")[2]}) for row in kept]
    (folder / "derivations.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (folder / "corpus.yaml").write_text(made_derivations.CORPUS.lstrip(), encoding="utf-8")


def untrained(folder: Path, seed: int) -> None:
    """The model as it is, asked the same rows: the recipe without its stages, which only measures."""
    body = yaml.safe_load(CONFIG.read_text("utf-8"))
    last = body["stages"][-1]["grpo"]["max_completion_length"]
    config = folder / "untrained.yaml"
    config.write_text(yaml.safe_dump(body | {"stages": [], "eval": body["eval"] | {"max_new_tokens": last}}))
    run = ("--data", folder / "dataset", "--out", folder / "untrained", "--seed", str(seed))
    done(ssrl("train", config, *run, OMP_NUM_THREADS="1"))


def done(command: Any) -> None:
    assert command.returncode == 0, command.stdout[-3000:] + command.stderr[-3000:]


def stored(folder: Path) -> dict[str, Any]:
    """What a seed leaves behind: verdicts of each model on the held-out rows, and the documents of these."""
    held = load_rows(folder / "dataset", "test")
    train = load_rows(folder / "dataset", "train")
    assert not set(column(held, "group_id")) & set(column(train, "group_id"))
    asked: dict[str, list[dict[str, Any]]] = {}
    for name, stage in STAGES.items():
        out = folder / ("untrained" if name == "start" else "train")
        files = sorted((out / "eval" / stage).glob("rollouts-*.parquet"))
        asked[name] = [row for file in files for row in pq.read_table(file).to_pylist()]
    ids = [row["id"] for row in asked["grpo"]]
    place = {id: i for i, id in enumerate(column(held, "id"))}
    rows = held.select([place[id] for id in ids])
    right = Counter(unpack_answer(answer)[1]["answer"] for answer in column(rows, "answer"))
    result = json.loads((folder / "train/result.json").read_text("utf-8"))
    assert result["after"] == pytest.approx(np.mean([row["exact"] for row in asked["grpo"]]))
    assert result["before"] == pytest.approx(np.mean([row["exact"] for row in asked["format"]]))
    for name in STAGES:
        assert [row["id"] for row in asked[name]] == ids
    return {
        "sources": sources(rows).tolist(),
        "documents": sorted(set(column(rows, "group_id"))),
        "chance": result["chance"],
        "constant": max(right.values()) / len(ids),
        "said": {name: Counter(row["response"] for row in some).most_common(5) for name, some in asked.items()},
        "seconds_per_step": result["seconds_per_step"],
        "reward": [result["reward_first"], result["reward_last"]],
        **{f"{name} {key}": [row[key] for row in some] for name, some in asked.items() for key in ("read", "exact")},
    }


FIGURES = ("start read", "format read", "grpo read", "start exact", "format exact", "grpo exact")
FORM, TRUTH = "form: warm-up - untrained", "truth: GRPO - warm-up"


def figures(seeds: list[dict[str, Any]]) -> dict[str, Estimate]:
    """Shares of rows, and gains, with intervals over the documents of all seeds."""
    values, of = [], []
    for seed in seeds:
        columns = {name: np.array(seed[name], float) for name in FIGURES}
        gains = (
            columns["format read"] - columns["start read"],
            columns["grpo exact"] - columns["format exact"],
        )
        values.append(np.stack([*columns.values(), *gains], axis=1))
        of.append(np.array(seed["sources"]) + sum(max(found) + 1 for found in of))
    rows, places = np.concatenate(values), np.concatenate(of)
    drawn = bounds(np.concatenate(list(means(rows, places, "pretrained"))), int(places.max()) + 1)
    names = (*FIGURES, FORM, TRUTH)
    return {
        name: Estimate(float(value), float(low), float(high))
        for name, value, (low, high) in zip(names, rows.mean(axis=0), drawn, strict=True)
    }


def judge(folders: list[Path]) -> dict[str, Estimate]:
    """Say what was found, and hold it against what is claimed: the form is learnt and kept. No gain in truth is."""
    seeds = [json.loads((folder / "stored.json").read_text("utf-8")) for folder in folders]
    found = figures(seeds)
    for folder, seed in zip(folders, seeds, strict=True):
        told = ", ".join(f"{name} {np.mean(seed[name]):.3f}" for name in FIGURES)
        print(f"{folder.name}: {told}; best constant {seed['constant']:.3f}, {seed['seconds_per_step']:.1f} s a step")
    print("\n".join(f"{name}: {value}" for name, value in found.items()))
    form = found[FORM]
    assert form.low is not None
    assert form.low >= 0.5
    assert min(found["format read"].value, found["grpo read"].value) >= READABLE
    return found


@pytest.mark.prove
def test_pretrained_verdict_over_seeds() -> None:
    folders = sorted(path.parent for path in STORE.glob("*/stored.json"))
    assert [path.name for path in folders] == [f"seed-{seed}" for seed in SEEDS], (
        "a seed has not run: make prove SLICE=pretrained"
    )
    documents = [tuple(json.loads((folder / "stored.json").read_text("utf-8"))["documents"]) for folder in folders]
    assert len(set(documents)) == len(SEEDS), "the same documents held out"
    judge(folders)
