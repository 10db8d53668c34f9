"""A tiny text model takes GRPO steps on queries whose responses are judged by checkers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command import ROOT

from ssrl_data.build.run import build
from ssrl_data.recipe import Recipe, part
from ssrl_train.config import Config, Eval
from ssrl_train.rewards import verify
from ssrl_train.rows import column, load_rows
from ssrl_train.run import run
from ssrl_train.stages import Grpo
from ssrl_train.tiny import Tiny

SMALL: dict[str, Any] = {
    "max_steps": 2,
    "per_device_train_batch_size": 8,
    "num_generations": 4,
    "gradient_accumulation_steps": 1,
    "max_completion_length": 160,
    "save_strategy": "no",
    "model_init_kwargs": {"dtype": "float32", "attn_implementation": "sdpa"},
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows of one and of two instructions."""
    out = tmp_path_factory.mktemp("instructions") / "dataset"
    parts = (part("instruction/autoif", ["easy", "medium"], {}),)
    recipe = Recipe(parts, (str(ROOT / "tests/texts/checkers.jsonl"),), rows=24, split={"test": 0.3})
    build(recipe, out, 1, lambda line: None)
    return out


def test_the_reward_runs_the_checkers(data: Path) -> None:
    rows = load_rows(data, "train")
    answers = column(rows, "answer")
    values = [json.loads(answer)["value"] for answer in answers]
    right = [[{"role": "assistant", "content": value["answer"]}] for value in values]
    wrong = [value["misses"][0] for value in values]
    assert verify(column(rows, "prompt"), right, answers) == [1.0] * len(rows)
    assert verify(column(rows, "prompt"), wrong, answers) == [0.0] * len(rows)


def test_a_tiny_model_takes_grpo_steps(data: Path, tmp_path: Path) -> None:
    config = Config(data, tmp_path / "run", Tiny("qwen3"), (Grpo(SMALL),), eval=Eval(rows=4, batch=4))
    result = run(config, lambda line: None)
    assert result["steps"] == 2
    assert 0 < result["chance"] < 1
    assert (config.out / "model" / "model.safetensors").is_file()
