"""The same rows train with no code of ours but the reward."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

pytest_plugins = ("train_rows",)


def test_three_steps_of_the_stock_command(dataset: Path, llava: Path, tmp_path: Path) -> None:
    command = [str(Path(sys.executable).parent / "trl"), "grpo", "--model_name_or_path", str(llava)]
    command += ["--dataset_name", str(dataset), "--reward_funcs", "ssrl_train.rewards.verify"]
    command += ["--output_dir", str(tmp_path / "out"), "--max_steps", "3", "--per_device_train_batch_size", "8"]
    command += ["--num_generations", "4", "--max_completion_length", "4", "--use_cpu", "true", "--bf16", "false"]
    command += ["--logging_steps", "1", "--report_to", "none", "--gradient_checkpointing", "false"]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "HF_DATASETS_CACHE": str(tmp_path / "c")}
    ran = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
    (state,) = (tmp_path / "out").glob("checkpoint-3/trainer_state.json")
    history = [entry for entry in json.loads(state.read_text())["log_history"] if "reward" in entry]
    assert len(history) == 3
    assert all("rewards/verify/mean" in entry and "exact" in entry for entry in history)
