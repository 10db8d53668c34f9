"""The main proof: from raw photographs to a model that answers about photographs it never saw, on three seeds.

Each seed holds other photographs out, starts from other random weights and leaves its result in `out/prove`, so seeds
may run on different days; the verdict is over all that is stored.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from command import ROOT, ssrl

from ssrl_train.rows import column, load_rows

SEEDS = (0, 1, 2)
STORE = ROOT / "out" / "prove" / "learning"
MARGIN, LEAST_ROWS = 0.2, 200


def learned(result: dict[str, Any]) -> None:
    assert result["rows"] >= LEAST_ROWS
    assert result["after"] - result["chance"] >= MARGIN
    assert result["interval"][0] > result["chance"]
    # The warm-up's targets know nothing of their rows, yet what it answers may agree with the truth by luck, and does
    # so on all rows at once: the gain counts from there.
    assert result["after"] - result["before"] >= MARGIN


@pytest.mark.prove
@pytest.mark.parametrize("seed", SEEDS)
def test_learning(seed: int) -> None:
    folder = STORE / f"seed-{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    data, out = folder / "dataset", folder / "train"
    built = ssrl("build", "tasks/recipes/demo.yaml", "--seed", str(seed), "--out", data)
    assert built.returncode == 0, built.stderr
    trained = ssrl("train", "tasks/recipes/train/demo.yaml", "--data", data, "--out", out, "--seed", str(seed))
    assert trained.returncode == 0, trained.stderr
    result = json.loads((out / "result.json").read_text(encoding="utf-8"))
    train, held = (set(column(load_rows(data, split), "source_id")) for split in ("train", "test"))
    assert not train & held
    assert len(held) == result["photographs"]
    stored = result | {"held_out": sorted(held), "dataset": fingerprint(data)}
    (folder / "stored.json").write_text(json.dumps(stored, indent=2), encoding="utf-8")
    learned(result)


def fingerprint(data: Path) -> str:
    return str(json.loads((data / "manifest.json").read_text(encoding="utf-8"))["fingerprint"])


@pytest.mark.prove
def test_verdict_over_seeds() -> None:
    stored = {path.parent.name: json.loads(path.read_text(encoding="utf-8")) for path in STORE.glob("*/stored.json")}
    assert set(stored) == {f"seed-{seed}" for seed in SEEDS}, "a seed has not run: make prove SLICE=learning"
    for result in stored.values():
        learned(result)
    assert len({tuple(result["held_out"]) for result in stored.values()}) == len(SEEDS), "the same photographs held out"
