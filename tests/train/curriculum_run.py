"""Runs of a tiny text model under a curriculum, in this process or, as a script, in several:

torchrun --nproc_per_node 2 tests/train/curriculum_run.py OUT

For every curriculum it trains to the end, then goes on from an early and from a late checkpoint, and writes what the
reward of each process saw to `OUT/<kind>/<run>-<rank>.json`.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from datasets import Dataset
from transformers import AutoProcessor

from ssrl_data.answers.choice import Choice
from ssrl_data.rng import Rng
from ssrl_data.row import pack_answer
from ssrl_train.curriculum import Curriculum, Frontier, Levels, Progress, Ucb, Uniform, Weights
from ssrl_train.grpo import Trainer, make_args
from ssrl_train.processes import barrier, is_main, rank
from ssrl_train.stages import Grpo
from ssrl_train.tiny import Tiny, build_model, build_processor
from ssrl_train.trainer import run_trainer

KINDS: dict[str, Curriculum] = {
    "uniform": Uniform(),
    "weights": Weights({"made/a": 3.0, "made/b": 1.0}),
    "levels": Levels(threshold=0.4, window=3, order=("easy", "hard")),
    "frontier": Frontier(low=0.3, high=0.7, stale=2),
    "progress": Progress(),
    "ucb": Ucb(),
    "sets": Frontier(whole_sets=True),
}
ROWS, PROMPTS, STEPS, EARLY, LATE = 7, 3, 8, 2, 6
"""A pass takes two batches and a part of a third, so the early checkpoint is in the first pass and the late one not."""

SETS = "aabcdde"


class Keyed:
    """A reward of the row, the step and the place in the batch alone; notes the rows it saw at each step."""

    __name__ = "keyed"

    def __init__(self) -> None:
        self.batches: list[tuple[int, list[str]]] = []

    def __call__(self, completions: Any, id: list[str], trainer_state: Any, **columns: Any) -> list[float | None]:
        step, first = trainer_state.global_step, rank() * len(id)
        self.batches.append((step, list(id)))
        draws = [Rng("reward", step, row, first + i).below(9) for i, row in enumerate(id)]
        return [None if draw == 8 else float(draw < 4) for draw in draws]


def made_rows() -> Dataset:
    """Rows of two tasks, two levels and two answers, in sets of one and two."""
    return Dataset.from_dict(
        {
            "id": [f"row{i}" for i in range(ROWS)],
            "prompt": [[{"role": "user", "content": f"row {i}"}] for i in range(ROWS)],
            "task": ["made/a"] * 4 + ["made/b"] * 3,
            "level": ["easy", "easy", "hard", "hard", "easy", "easy", "hard"],
            "set_id": list(SETS),
            "answer": [pack_answer(Choice().answer("ab"[i // 2 % 2], ["a", "b"])) for i in range(ROWS)],
        }
    )


def made_model(folder: Path) -> Path:
    """A tiny text model, saved."""
    tiny = Tiny("qwen3")
    processor = build_processor(tiny, [f"row {i}" for i in range(ROWS)])
    build_model(tiny, processor, 0).save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def trained(model: Path, out: Path, curriculum: Curriculum, reward: Keyed, **options: Any) -> Trainer:
    """A trainer that has run to its end, from the last checkpoint in `out` where there is one."""
    given = {
        "max_steps": STEPS,
        "per_device_train_batch_size": PROMPTS * 2 // int(os.environ.get("WORLD_SIZE", "1")),
        "gradient_accumulation_steps": 1,
        "num_generations": 2,
        "max_completion_length": 2,
        "learning_rate": 1e-3,
        "gradient_checkpointing": False,
        "save_steps": 2,
        "disable_tqdm": True,
        **options,
    }
    args = make_args(Grpo(grpo=given), 0, out, [])
    trainer = Trainer(str(model), AutoProcessor.from_pretrained(model), made_rows(), reward, args, curriculum)
    run_trainer(trainer, "reward", lambda line: None)
    return trainer


def resumed_at(step: int, whole: Path, out: Path) -> Path:
    """A folder that a run killed just after a checkpoint would have left."""
    if is_main():
        shutil.copytree(whole / f"checkpoint-{step}", out / f"checkpoint-{step}")
    barrier()
    return out


def main(out: Path) -> None:
    """Every curriculum, unbroken and resumed."""
    if is_main():
        made_model(out / "model")
    barrier()
    for name, curriculum in KINDS.items():
        for run in ("whole", str(EARLY), str(LATE)):
            folder, reward = out / name / run, Keyed()
            if run != "whole":
                resumed_at(int(run), out / name / "whole", folder)
            trained(out / "model", folder, curriculum, reward)
            barrier()
            (out / name / f"{run}-{rank()}.json").write_text(json.dumps(reward.batches), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
