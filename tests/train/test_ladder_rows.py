"""A tiny text model takes GRPO steps on rungs of ladders, judged by the constraints that its texts keep to."""

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
    "max_completion_length": 320,
    "save_strategy": "no",
    "model_init_kwargs": {"dtype": "float32", "attn_implementation": "sdpa"},
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rungs one to three over the documents of the tests."""
    out = tmp_path_factory.mktemp("ladders") / "dataset"
    recipe = Recipe(
        (part("instruction/constraints", ["easy"], {}),), (str(ROOT / "tests/texts"),), rows=36, split={"test": 0.34}
    )
    build(recipe, out, 1, lambda line: None)
    return out


def test_the_reward_grows_with_the_constraints_that_are_kept_to(data: Path) -> None:
    rows = load_rows(data, "train")
    prompts, answers = column(rows, "prompt"), column(rows, "answer")
    values = [json.loads(answer)["value"] for answer in answers]
    right = [[{"role": "assistant", "content": value["answer"]}] for value in values]
    assert verify(prompts, right, answers) == [1.0] * len(rows)
    assert verify(prompts, [prompt[0]["content"] for prompt in prompts], answers) == [0.0] * len(rows)
    # What keeps to the first rung alone earns less the more is asked beside it.
    first = {
        meta["make"]["ladder"][0]["id"] + row["set_id"]: value["answer"]
        for row, meta, value in zip(rows, map(json.loads, column(rows, "meta")), values, strict=True)
        if meta["make"]["rung"] == 1
    }
    assert first
    partial = []
    for row, value in zip(rows, values, strict=True):
        text = first.get(value["constraints"][0]["id"] + row["set_id"], "")
        partial.append(verify([row["prompt"]], [text], [row["answer"]])[0])
    assert 0.0 < sum(partial) / len(partial) < 1.0
    assert any(0.0 < score < 1.0 for score in partial)


def test_a_tiny_model_takes_grpo_steps(data: Path, tmp_path: Path) -> None:
    config = Config(data, tmp_path / "run", Tiny("qwen3"), (Grpo(SMALL),), eval=Eval(rows=4, batch=4))
    result = run(config, lambda line: None)
    assert result["steps"] == 2
    assert 0 < result["chance"] < 0.2
    assert (config.out / "model" / "model.safetensors").is_file()
