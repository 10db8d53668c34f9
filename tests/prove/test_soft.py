"""What a classifier that ladders label is worth where its labels are clean, and where a part of them is wrong.

Responses are made from the rows' own witnesses, so that the labels' noise is known: some of the responses to a rung are
witnesses of the rung before, as of a writer who overlooks the constraint that was added. The reader is a random tiny
model, which any start model should beat. Figures are over ladders that were not learnt from; nothing is claimed of
them but that they are those of the rules, and that several processes pay as one does.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import corpora
import pyarrow as pa
import pytest
from command import ROOT
from datasets import Dataset

from ssrl_data.build.run import build
from ssrl_data.recipe import Recipe, part
from ssrl_data.rng import Rng
from ssrl_train.rows import column, load_rows
from ssrl_train.signals.settings import Soft
from ssrl_train.signals.soft import REPORT, fit, summed_up
from ssrl_train.signals.soft_labels import rung
from ssrl_train.tiny import Tiny, build_model, build_processor, texts_of

SEEDS = (0, 1, 2)
OUT = ROOT / "out" / "prove" / "soft"
OVERLOOKED = (0.0, 0.3, 0.6)
"""Shares of the responses to a rung that do not heed the constraint that it adds."""


def ladders() -> Dataset:
    folder = OUT / "dataset"
    if not (folder / "manifest.json").is_file():
        ladder = part("instruction/constraints", ["easy"], {})
        build(Recipe((ladder,), (str(corpora.debian("debian-policy")),), rows=600), folder, 1, lambda line: None)
    return load_rows(folder, "train")


def responses(rows: Dataset, overlooked: float, seed: int) -> pa.Table:
    """One to each rung: its witness, or that of the rung before."""
    found = [rung(row) for row in rows]
    witness = {(one.set_id, one.number): one.value["answer"] for one in found if one is not None}
    said = []
    for id, one in zip(column(rows, "id"), found, strict=True):
        assert one is not None
        heedless = Rng("overlooked", seed, id).uniform() < overlooked
        said.append(witness.get((one.set_id, one.number - heedless), one.value["answer"]))
    return pa.table({"id": column(rows, "id"), "response": said})


def start(rows: Dataset, folder: Path, seed: int) -> Any:
    """A random model in a folder, and its processor."""
    processor = build_processor(Tiny("qwen3"), texts_of(rows))
    build_model(Tiny("qwen3"), processor, seed).save_pretrained(folder)
    processor.save_pretrained(folder)
    return processor


@pytest.mark.prove
@pytest.mark.parametrize("seed", SEEDS)
def test_soft(seed: int) -> None:
    folder, rows = OUT / f"seed-{seed}", ladders()
    shutil.rmtree(folder, ignore_errors=True)
    processor, stored = start(rows, folder / "model", seed), {}
    for overlooked in OVERLOOKED:
        out = folder / f"overlooked-{overlooked:g}"
        out.mkdir()
        fit(str(folder / "model"), processor, rows, responses(rows, overlooked, seed), Soft("probe"), seed, out)
        print(f"overlooked {overlooked:g}: {summed_up(out)}")
        stored[f"{overlooked:g}"] = json.loads((out / REPORT).read_text(encoding="utf-8"))
    (folder / "stored.json").write_text(json.dumps(stored, indent=2), encoding="utf-8")
    judge(stored)


def judge(stored: dict[str, Any]) -> None:
    clean = stored["0"]["all"]
    assert clean["true_positives"] == 1.0, "a witness keeps to its rung"
    noise = [stored[f"{share:g}"]["all"]["true_positives"] for share in OVERLOOKED]
    assert sorted(noise, reverse=True) == noise
    for share in OVERLOOKED:
        found = stored[f"{share:g}"]
        whole, parts = found["all"], found["families"].values()
        assert whole["items"] == sum(part["items"] for part in parts)
        accepted = sum((part["false_accept"] or 0) * part["violated"] for part in parts)
        assert whole["false_accept"] == pytest.approx(accepted / whole["violated"])


PAY = """
import json, sys
from pathlib import Path
from ssrl_train.processes import join, leave, rank, world
from ssrl_train.rows import load_rows
from ssrl_train.signals.base import gathered
from ssrl_train.signals.soft import Softly
from ssrl_train.tiny import load_processor

join()
data, model, fitted, out = sys.argv[1:]
rows = load_rows(Path(data), "train").select(range(12))
texts = [json.loads(row["answer"])["value"]["answer"] for row in rows]
mine = range(12)[rank() * 12 // world() : (rank() + 1) * 12 // world()]  # the middle group of four straddles two
batch = gathered([rows[i] for i in mine], [texts[i] for i in mine], 4, 0)
paid = Softly.of(model, load_processor(model), Path(fitted)).pay(batch)
Path(out, f"paid-{rank()}.json").write_text(json.dumps([paid.rewards, paid.metrics]))
leave()
"""


@pytest.mark.prove
def test_two_processes_pay_as_one_does() -> None:
    folder, rows = OUT / "two", ladders()
    shutil.rmtree(folder, ignore_errors=True)
    processor = start(rows, folder / "model", 0)
    fit(str(folder / "model"), processor, rows, responses(rows, 0.3, 0), Soft("probe"), 0, folder)
    (folder / "pay.py").write_text(PAY, encoding="utf-8")
    several = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    paid = []
    for name, launcher in (("one", ()), ("several", several)):
        out = folder / name
        out.mkdir()
        command = [sys.executable, *launcher, folder / "pay.py", OUT / "dataset", folder / "model", folder, out]
        done = subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]
        paid += [json.loads(file.read_text(encoding="utf-8")) for file in sorted(out.glob("paid-*.json"))]
    assert len(paid) == 3
    assert paid[1] == paid[2], "both processes are told the same"
    assert paid[1][0] == pytest.approx(paid[0][0], abs=1e-6)
    assert paid[1][1] == pytest.approx(paid[0][1])


@pytest.mark.prove
def test_verdict_of_soft() -> None:
    stored = {path.parent.name: json.loads(path.read_text(encoding="utf-8")) for path in OUT.glob("seed-*/stored.json")}
    assert set(stored) == {f"seed-{seed}" for seed in SEEDS}, "a seed has not run: make prove SLICE=soft"
    for share in OVERLOOKED:
        for key in ("true_positives", "true_negatives", "agreement", "false_accept"):
            told = [stored[name][f"{share:g}"]["all"][key] for name in sorted(stored)]
            print(f"overlooked {share:g}: {key} {', '.join(f'{value:.3f}' for value in told)}")
    for result in stored.values():
        judge(result)
