"""A model without eyes, trained from nothing by GRPO, puts three steps of solutions it never saw in order.

The level keeps its order words, and its stated chance is what sorting by them scores; the solutions are made ones, in
which goods follow each other in a usual order (tests/made_stages.py). Real prose is out of reach of a model this small.
"""

from __future__ import annotations

import json
from pathlib import Path

import made_stages
import pytest
from command import ROOT, ssrl

from ssrl_train.rows import column, load_rows, mean_chance, sample

DOCUMENTS, ROWS = 6000, 6000


@pytest.mark.prove
def test_orders_are_learnt(tmp_path: Path) -> None:
    corpus, data, out = tmp_path / "stages.jsonl", tmp_path / "dataset", tmp_path / "training"
    made_stages.write(corpus, DOCUMENTS)
    command = ("build", "text/step_order", "--level", "cued", "--source", corpus, "--out", data)
    built = ssrl(*command, "--rows", str(ROWS), "--split", "test=0.1")
    assert built.returncode == 0, built.stderr
    checked = ssrl("check", data)
    assert checked.returncode == 0, checked.stdout
    assert checked.stdout.rstrip().endswith("passed"), checked.stdout
    config = ROOT / "tasks/recipes/train/step_order.yaml"
    trained = ssrl("train", config, "--data", data, "--out", out, OMP_NUM_THREADS="2")
    assert trained.returncode == 0, trained.stderr
    result = json.loads((out / "result.json").read_text(encoding="utf-8"))
    held = sample(load_rows(data, "test"), 600)
    assert not set(column(held, "source_id")) & set(column(load_rows(data, "train"), "source_id"))
    assert result["chance"] == pytest.approx(mean_chance(held))
    print(
        f"{result['before']:.3f} before, {result['after']:.3f} after, 95% {result['interval']}, {result['chance']:.3f}"
    )
    assert result["interval_before"][0] < result["chance"]
    assert result["interval"][0] > result["chance"]
