"""The configs for full-size models, as far as they can be run without their weights."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from command import ROOT
from safetensors.torch import load_file

from ssrl_train.config import Config, load_config
from ssrl_train.models import load_model
from ssrl_train.run import run
from ssrl_train.stages import Grpo
from ssrl_train.tiny import Tiny

pytest_plugins = ("train_rows",)
SHIPPED = sorted(path for path in (ROOT / "tasks/recipes/train").glob("qwen*-vl-*.yaml"))
# What only a GPU or full-size answers can do; everything else of the config is run as it is.
SMALL = {
    "max_steps": 1,
    "per_device_train_batch_size": 8,
    "num_generations": 4,
    "gradient_accumulation_steps": 1,
    "max_completion_length": 4,
    "save_strategy": "no",
    "entropy_coef": 0.05,  # so that the weights move although no random answer is right
    "learning_rate": 1e-2,
    "warmup_steps": 0,
    "mask_truncated_completions": False,
    "model_init_kwargs": {"dtype": "float32", "attn_implementation": "sdpa"},
}


def small(path: Path, data: Path, out: Path) -> Config:
    config = load_config(path, data, out)
    (stage,) = config.stages
    assert isinstance(stage, Grpo)
    kept = {key: value for key, value in stage.grpo.items() if not key.startswith(("use_vllm", "vllm_"))}
    family = "qwen2_5_vl" if "Qwen2.5" in str(config.model) else "qwen3_vl"
    stages = (Grpo({**kept, **SMALL}, stage.lora),)
    return dataclasses.replace(config, model=Tiny(family), stages=stages, eval=None)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_one_step_of_the_config_at_tiny_size(path: Path, dataset: Path, tmp_path: Path) -> None:
    config = small(path, dataset, tmp_path)
    assert run(config, lambda line: None)["steps"] == 1
    start = load_model(str(tmp_path / "stages" / "0-start")).state_dict()
    after = load_model(str(tmp_path / "model")).state_dict()
    moved = {name for name in start if not torch.equal(start[name], after[name])}
    assert moved
    (stage,) = config.stages
    assert isinstance(stage, Grpo)
    if stage.lora is None:
        return
    # The language model alone: names like these are in the vision tower too.
    assert all("language_model" in name and name.endswith("proj.weight") for name in moved), moved
    tower = {name for name in start if "visual" in name and name.endswith("proj.weight")}
    assert not tower & moved
    adapter = load_file(tmp_path / "model" / "adapter_model.safetensors")
    assert len(adapter) == 2 * 7 * 2, "seven projections in each of two layers, two factors each"
    saved = json.loads((tmp_path / "model" / "adapter_config.json").read_text())
    assert saved["r"] == stage.lora["r"]
