"""Stages with losses that TRL does not have: what they show is kept apart, and they resume and run in two processes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file
from test_processes import ended, script, two
from train_rows import GROUP, SMALL

from ssrl_data.core import SsrlError
from ssrl_train.config import Config, parse
from ssrl_train.grpo import make_args
from ssrl_train.losses import Nft, Srft
from ssrl_train.rows import column
from ssrl_train.run import run
from ssrl_train.stage_rows import StageRows
from ssrl_train.stages import Grpo

pytest_plugins = ("train_rows",)


def config(dataset: Path, out: Path, *stages: dict[str, Any]) -> Config:
    body = {"data": str(dataset), "out": str(out), "model": {"tiny": "llava"}, "track": "none", "eval": None}
    return parse({**body, "stages": list(stages)}, "test")


def test_what_a_loss_shows_is_kept_apart(dataset: Path, tmp_path: Path) -> None:
    grpo = {"method": "grpo", "grpo": {**SMALL, "max_steps": 1}}
    beside = {**grpo, "loss": {"kind": "supervised", "rows": 30, "batch": 4}}
    half = {**grpo, "name": "half", "loss": {"kind": "srft", "share": 0.5}}
    probe = {"method": "sample", "k": 1, "max_new_tokens": 4}
    settings = config(dataset, tmp_path / "run", beside, half, probe)
    run(settings, lambda line: None)
    shown = set(json.loads((tmp_path / "run/stages/2-half/shown.json").read_text("utf-8")))
    rows = StageRows(settings, dataset)
    rows.divide()
    kept = set(column(rows.solutions(0), "id"))
    asked = set(pq.read_table(tmp_path / "run/stages/3-sample/rates.parquet")["id"].to_pylist())
    everything = set(column(rows.read(0), "id"))
    assert len(kept) == 30
    assert 0.3 < len(shown) / len(everything - kept) < 0.7
    assert asked == everything - kept - shown
    loss = json.loads((tmp_path / "run/stages/2-half/stage.json").read_text("utf-8"))["inputs"]["stage"]["loss"]
    assert loss == {"kind": "srft", "sft_scale": 0.5, "rl_scale": 0.1, "share": 0.5, "reinforcement": 1.0}
    with pytest.raises(SsrlError, match=r"stage 3 finds none of its \d+ rows: the model was shown the right answers"):
        rows.sampled(2, frozenset(everything))


def test_a_resumed_stage_ends_as_the_unbroken_one(dataset: Path, tmp_path: Path) -> None:
    given = {**SMALL, "max_steps": 3, "save_strategy": "steps", "save_steps": 2, "learning_rate": 1e-2}
    stage = {"method": "grpo", "grpo": given, "loss": {"kind": "supervised", "rows": 20, "batch": 4}}
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    run(config(dataset, whole, stage), lambda line: None)
    shutil.copytree(whole / "checkpoints", broken / "checkpoints")
    shutil.rmtree(broken / "checkpoints/1-grpo/checkpoint-3")
    said: list[str] = []
    run(config(dataset, broken, stage), said.append)
    assert any("resuming from" in line for line in said)
    first, second = (load_file(out / "stages/1-grpo/model.safetensors") for out in (whole, broken))
    assert all(torch.allclose(first[name], second[name], atol=1e-6) for name in first)
    start = load_file(whole / "stages/0-start/model.safetensors")
    assert not all(torch.allclose(first[name], start[name], atol=1e-4) for name in first)


TWO = """
import json, sys
from pathlib import Path
import torch
from accelerate.utils import gather_object
from transformers import AutoProcessor
from ssrl_train.curriculum import Uniform
from ssrl_train.grpo import Trainer, make_args
from ssrl_train.losses import Nft, Srft, Supervised
from ssrl_train.memo import decoded_once
from ssrl_train.processes import is_main, leave
from ssrl_train.rewards import coin
from ssrl_train.rows import load_rows
from ssrl_train.sft import examples
from ssrl_train.stages import Grpo

model, data, out, given = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), json.loads(sys.argv[4])
rows = load_rows(data, "train")
for name, loss in {"nft": Nft(), "srft": Srft(share=0.5), "supervised": Supervised(rows=20, batch=2)}.items():
    args = make_args(Grpo(grpo=given, loss=loss), 0, out / name, [])
    trainer = Trainer(model, AutoProcessor.from_pretrained(model), decoded_once(rows.select(range(12))), coin, args,
        Uniform(), loss=loss, examples=examples(rows.select(range(20, 40))))
    seen = []
    made = trainer._generate_and_score_completions
    def kept(inputs):
        batch = made(inputs)
        mine = {key: batch[key].tolist() for key in batch if key.startswith(("nft_", "demonstra"))}
        seen.append((trainer._rewards.tolist(), gather_object([(row["id"], {k: v[i] for k, v in mine.items()})
            for i, row in enumerate(inputs)])))
        return batch
    trainer._generate_and_score_completions = kept
    trainer.train()
    weights = trainer.accelerator.unwrap_model(trainer.model).parameters()
    sums = gather_object([sum(float(p.double().sum()) for p in weights)])
    if is_main():
        (out / f"{name}.json").write_text(json.dumps({"seen": seen, "sums": sums, "log": trainer.state.log_history}))
leave()
"""


def test_groups_over_two_processes(dataset: Path, llava: Path, tmp_path: Path) -> None:
    given = {
        **SMALL,
        "per_device_train_batch_size": 6,
        "learning_rate": 1e-3,
        "max_steps": 1,
    }  # three groups, one of both processes
    child = two(script(tmp_path, TWO), llava, dataset, tmp_path, json.dumps(given))
    out, err = ended(child)
    assert child.returncode == 0, out + err
    found = {name: json.loads((tmp_path / f"{name}.json").read_text("utf-8")) for name in ("nft", "srft", "supervised")}
    assert all(one["sums"][0] == one["sums"][1] for one in found.values()), "both processes have the same weights"
    for rewards, batch in found["nft"]["seen"]:
        groups = [rewards[i : i + GROUP] for i in range(0, 12, GROUP)]
        for i, (_, mine) in enumerate(batch):
            group = groups[i // GROUP]
            assert mine["nft_right"] == (rewards[i] == 1)
            assert mine["nft_rate"] == pytest.approx(min(max(sum(group) / GROUP, 0.02), 0.98))
            assert (mine["nft_weight"] > 0) == (0 < sum(group) < GROUP)
    for rewards, batch in found["srft"]["seen"]:
        for i, (id, mine) in enumerate(batch):
            group = rewards[i // GROUP * GROUP :][:GROUP]
            assert (mine["demonstration_advantage"] > 0) == (sum(group) < GROUP)
            assert mine["demonstrated"] == Srft(share=0.5).shows(id, 0)
    assert "srft/nll" in found["srft"]["log"][0]
    assert "supervised_loss" in found["supervised"]["log"][0]


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        ({"loss": "ntf"}, "loss is 'ntf': did you mean 'nft'"),
        ({"loss": {"kind": "nft", "negative_weight": -1}}, "loss: negative_weight is -1: it must be at least 0"),
        ({"loss": {"kind": "nft", "prompt_weight": "drgrpo"}}, "prompt_weight is 'drgrpo': did you mean 'dr_grpo'"),
        ({"loss": {"kind": "nft", "floor": 0}}, "floor is 0: it must be above 0"),
        ({"loss": {"kind": "nft", "treshold": 0.5}}, "unknown key 'treshold': did you mean 'threshold'"),
        ({"loss": "srft", "propose": {}}, "srft shows the right answers of rows as they were built: leave propose out"),
        ({"loss": {"kind": "srft", "share": 0}}, "share is 0: it must be above 0 and at most 1"),
        ({"loss": {"kind": "srft", "rl_scale": -0.1}}, "rl_scale is -0.1: it must be at least 0"),
        ({"loss": {"kind": "supervised", "weight": -1}}, "weight is -1: it must be at least 0"),
        ({"loss": {"kind": "supervised", "rows": 4, "batch": 8}}, "batch is 8: it must be at most rows = 4"),
    ],
)
def test_wrong_losses_are_named(stage: dict[str, Any], message: str) -> None:
    body = {"data": "d", "out": "o", "model": {"tiny": "llava"}, "stages": [{"method": "grpo", **stage}]}
    with pytest.raises(SsrlError) as caught:
        parse(body, "test")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        (Grpo(grpo={"loss_type": "cispo"}, loss=Nft()), "nft cannot go with loss_type cispo"),
        (Grpo(grpo={"importance_sampling_level": "sequence"}, loss=Nft()), "nft weighs tokens"),
        (Grpo(grpo={"delta": 2.0}, loss=Nft()), "nft does not clip ratios"),
        (Grpo(reward="form", loss=Srft()), "srft rewards a right answer that it shows: leave reward out"),
    ],
)
def test_losses_that_cannot_go_with_options(stage: Grpo, message: str, tmp_path: Path) -> None:
    with pytest.raises(SsrlError, match=message):
        make_args(stage, 0, tmp_path, [])


def test_too_few_rows_are_said_before_anything_runs(dataset: Path, tmp_path: Path) -> None:
    stage = {"method": "grpo", "grpo": SMALL, "loss": {"kind": "supervised", "rows": 5000}}
    with pytest.raises(SsrlError, match="5000"):
        run(config(dataset, tmp_path, stage), lambda line: None)
