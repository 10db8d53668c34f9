"""A tiny vision-language model takes GRPO steps on rows of eight frames."""

from __future__ import annotations

import json
from pathlib import Path

import made_clips
import pytest

from ssrl_data.build.run import build
from ssrl_data.recipe import Recipe, part
from ssrl_train.config import Config, Eval
from ssrl_train.rows import column, load_rows
from ssrl_train.run import run
from ssrl_train.stages import Format, Grpo
from ssrl_train.tiny import Tiny

STEPS = 3


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows of eight frames from rendered clips, small enough for a tiny model's context."""
    folder = tmp_path_factory.mktemp("frames")
    made_clips.write_corpus(folder / "clips", 10, 72, (240, 180))
    parts = (part("video/anomaly", ["easy"], {"frames": 8, "pixels": 4096}),)
    recipe = Recipe(parts, (str(folder / "clips"),), rows=48, split={"test": 0.3})
    build(recipe, folder / "dataset", 1, say=lambda line: None)
    return folder / "dataset"


@pytest.mark.parametrize("family", ["llava", "qwen3_vl"])
def test_it_takes_steps(family: str, frames: Path, tmp_path: Path) -> None:
    assert set(map(len, column(load_rows(frames, "train"), "images"))) == {8}
    options = {
        "max_steps": STEPS,
        "per_device_train_batch_size": 8,
        "num_generations": 4,
        "max_completion_length": 16,
        "learning_rate": 1e-3,
        "gradient_checkpointing": False,
        "save_steps": STEPS,
    }
    stages = (Format(steps=10, batch=4), Grpo(options))
    config = Config(frames, tmp_path / "run", Tiny(family), stages, eval=Eval(rows=8, batch=4))
    result = run(config, lambda line: None)
    assert result["steps"] == STEPS
    history = json.loads((tmp_path / "run/model/trainer_state.json").read_text())["log_history"]
    rewards = [entry["reward"] for entry in history if "reward" in entry]
    assert len(rewards) == STEPS
    assert all(0 <= reward <= 1 for reward in rewards)
