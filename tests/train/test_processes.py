"""Runs in two processes, on a CPU, where they meet by gloo; several GPUs meet by NCCL, which no test here has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil
from command import ROOT

from ssrl_train.trainer import last_checkpoint

pytest_plugins = ("train_rows",)
BIN = Path(sys.executable).parent
SMALL = {"gradient_checkpointing": False, "per_device_train_batch_size": 2, "max_steps": 2, "learning_rate": 1e-5}
GRPO = {**SMALL, "per_device_train_batch_size": 8, "num_generations": 4, "max_completion_length": 4, "save_steps": 2}
STAGES = [
    {"method": "format", "steps": 40, "batch": 16},
    {"method": "sample", "name": "probe", "rows": 24, "k": 4, "batch": 4},
    {"method": "sft", "responses": "probe", "rows": 4, "sft": SMALL},
    {"method": "dpo", "responses": "probe", "rows": 4, "dpo": SMALL, "lora": {"r": 2, "target_modules": "all-linear"}},
    {"method": "grpo", "pass_rates": "probe", "keep": [0, 1], "grpo": {**GRPO, "max_steps": 30}},
]


def two(*command: str | Path) -> subprocess.Popen[str]:
    """A command in two processes, in a group of its own."""
    return subprocess.Popen(
        [BIN / "torchrun", "--standalone", "--nproc-per-node", "2", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        start_new_session=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def ended(child: subprocess.Popen[str]) -> tuple[str, str]:
    """What it wrote to standard output and error, within five minutes."""
    try:
        return child.communicate(timeout=300)
    finally:
        if child.poll() is None:
            kill(child)


def kill(child: subprocess.Popen[str]) -> None:
    """Kill the launcher and its processes, each of which leads a group of its own, at once."""
    for process in [psutil.Process(child.pid), *psutil.Process(child.pid).children(recursive=True)]:
        process.kill()
    child.wait()


def script(folder: Path, body: str) -> Path:
    path = folder / "script.py"
    path.write_text(body, encoding="utf-8")
    return path


RUN = """
import json, sys
from pathlib import Path
from ssrl_train.config import load_config
from ssrl_train.processes import leave, rank
from ssrl_train.run import run

config = load_config(Path(sys.argv[1]))
result = run(config, lambda line: print(line, flush=True))
(config.out / f"seen-{rank()}.json").write_text(json.dumps(result))
leave()
"""


def test_two_processes_train_are_killed_and_go_on(tmp_path: Path) -> None:
    recipe, out = tmp_path / "recipe.yaml", tmp_path / "run"
    corpus = ROOT / "tasks/recipes/scikit-image.corpus.yaml"
    made = {"tasks": {"image/tile_anomaly": {"levels": ["easy"]}}, "sources": [str(corpus)]}
    recipe.write_text(json.dumps({**made, "rows": 60, "split": {"test": 0.2}}), encoding="utf-8")
    body: dict[str, object] = {
        "data": str(recipe),
        "out": str(out),
        "model": {"tiny": "llava"},
        "track": "none",
        "stages": STAGES,
    }
    path = tmp_path / "run.yaml"
    body["eval"] = {"rows": 8, "batch": 2, "max_new_tokens": 4}
    path.write_text(json.dumps(body), encoding="utf-8")

    victim, work = two("--no-python", BIN / "ssrl", "train", path), out / "checkpoints" / "5-grpo"
    deadline = time.monotonic() + 300
    while last_checkpoint(work) is None:
        assert victim.poll() is None, victim.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    kill(victim)
    first = Counter(victim.communicate()[1].splitlines())
    for i, name in enumerate(("format", "probe", "sft", "dpo", "grpo"), 1):
        assert first[f"stage {i}/5 {name}"] == 1, "told by one process"
    done = {file: file.stat().st_mtime_ns for file in (out / "stages").glob("[0-4]-*/*")}
    assert not (out / "stages" / "5-grpo").exists()

    said, errors = ended(two(script(tmp_path, RUN), path))
    assert said.count("resuming from") == 1, errors
    assert said.count("stage ") == 1
    assert {file: file.stat().st_mtime_ns for file in done} == done
    results = [json.loads((out / name).read_text()) for name in ("result.json", "seen-0.json", "seen-1.json")]
    assert results[0] == results[1] == results[2]
    assert (results[0]["steps"], results[0]["sft_steps"], results[0]["rows"]) == (30, 4, 8)
    history = json.loads((out / "model" / "trainer_state.json").read_text())["log_history"]
    assert [entry["step"] for entry in history if "reward" in entry] == list(range(1, 31))
    assert history[0]["num_tokens"] > 0
    chunks = sorted(file.name for file in (out / "checkpoints" / "2-probe").glob("*.parquet"))
    assert chunks == [f"rollouts-{i:05d}.parquet" for i in range(6)]
    assert not list(out.rglob("*.partial"))


def test_an_error_that_both_meet_is_told_once_and_ends_both(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("data: nowhere\nout: o\nmodel: m\nstages: [{method: grpo}]\n", encoding="utf-8")
    child = two("--no-python", BIN / "ssrl", "train", path, "--out", tmp_path / "o")
    _, errors = ended(child)
    assert child.returncode != 0
    told = [line for line in errors.splitlines() if line.startswith("ssrl:")]
    assert told == ["ssrl: nowhere: no dataset there (data/<modality>/*.parquet): build one with `ssrl build`"]


ALONE = """
from ssrl_data.core import SsrlError
from ssrl_train import processes
from ssrl_train.processes import barrier, one_voice, rank

processes.LINGER = 0.1
with one_voice():
    barrier()
    if rank() == 1:
        raise SsrlError("the disk is full")
    barrier()
"""


def test_an_error_of_one_process_is_told_by_it_and_ends_the_waiting(tmp_path: Path) -> None:
    child = two(script(tmp_path, ALONE))
    _, errors = ended(child)
    assert child.returncode != 0
    assert "SsrlError: process 1 of 2: the disk is full" in errors


WAITING = """
import hashlib, sys, time
from datetime import timedelta
from pathlib import Path
import torch
from accelerate.utils.deepspeed import HfDeepSpeedConfig
from transformers.integrations.deepspeed import is_deepspeed_zero3_enabled, set_hf_deepspeed_config
from trl import GRPOConfig
from ssrl_train.models import load_model
from ssrl_train.processes import barrier, is_main, join, leave, once, rank, told

join(timedelta(seconds=2))
once(lambda: time.sleep(4))  # longer than a step of training may take
assert told(f"of process {rank()}") == "of process 0"

# The trainers' options find the group and keep it, and how long its steps may wait.
GRPOConfig(output_dir="unused", use_cpu=True, bf16=False, report_to="none")
barrier()
value = torch.tensor([rank() + 1.0])
torch.distributed.all_reduce(value)
assert value.item() == 3.0
barrier()

# Under ZeRO-3 each process loads a model of its own whole.
zero = HfDeepSpeedConfig({"zero_optimization": {"stage": 3}})
set_hf_deepspeed_config(zero)
assert is_deepspeed_zero3_enabled()
model = load_model(sys.argv[1])
weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
assert is_deepspeed_zero3_enabled()
Path(sys.argv[2], f"weights-{rank()}").write_text(hashlib.blake2b(weights).hexdigest())
barrier()

if is_main():
    time.sleep(4)
try:
    torch.distributed.all_reduce(value)
except RuntimeError as error:
    Path(sys.argv[2], f"gave-up-{rank()}").write_text(str(error))
leave()
"""


def test_waiting_is_patient_training_is_not_and_models_load_whole(llava: Path, tmp_path: Path) -> None:
    _, errors = ended(two(script(tmp_path, WAITING), llava, tmp_path))
    assert (tmp_path / "weights-0").is_file(), errors
    assert (tmp_path / "weights-0").read_text() == (tmp_path / "weights-1").read_text()
    assert "imed out" in (tmp_path / "gave-up-1").read_text()
