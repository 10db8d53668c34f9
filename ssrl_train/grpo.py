"""One GRPO stage: TRL's trainer as it is, given our rows, our reward and a processor that repeats no work."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import PrinterCallback, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from ssrl_data.core import SsrlError
from ssrl_train.config import Grpo
from ssrl_train.rewards import verify

REPORTS = 20  # lines of progress a run prints where there is no terminal


def make_args(stage: Grpo, seed: int, folder: Path, forbidden: list[int]) -> GRPOConfig:
    """The options of a stage on this machine.

    Args:
        stage: the stage.
        seed: of the run.
        folder: for checkpoints.
        forbidden: ids of tokens that must never be sampled.

    Raises:
        SsrlError: TRL refuses the options; the message is TRL's.
    """
    options: dict[str, Any] = {
        "report_to": "none",
        "logging_steps": 1,
        "disable_tqdm": not sys.stderr.isatty(),
        **stage.grpo,
        "output_dir": str(folder),
        "seed": seed,
    }
    if not torch.cuda.is_available():
        options = {"use_cpu": True, "bf16": False} | options
    if forbidden and not options.get("use_vllm"):
        options["generation_kwargs"] = _suppressing(options.get("generation_kwargs"), forbidden)
    try:
        return GRPOConfig(**options)
    except (TypeError, ValueError) as error:
        raise SsrlError(f"TRL refuses the options of the grpo stage: {error}") from error


def _suppressing(given: Any, forbidden: list[int]) -> dict[str, Any]:
    given = json.loads(given) if isinstance(given, str) else dict(given or {})
    return {**given, "suppress_tokens": sorted({*forbidden, *given.get("suppress_tokens", ())})}


def prompts_a_batch(args: GRPOConfig) -> int:
    """Distinct prompts that one generation batch takes: fewer rows than this train zero steps."""
    return int(args.generation_batch_size // args.num_generations)


def last_checkpoint(folder: Path) -> Path | None:
    """The newest whole checkpoint: the trainer's state is what is written last, so one without it was cut off."""
    whole = [path.parent for path in folder.glob("checkpoint-*/trainer_state.json") if _is_json(path)]
    return max(whole, key=lambda path: int(path.name.rpartition("-")[2]), default=None)


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return True


class Progress(TrainerCallback):  # type: ignore[misc]
    """A plain line now and then, for where there is no terminal."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        """Say step and reward about `REPORTS` times in a run; the trainer passes more by name than is used."""
        every = max(1, state.max_steps // REPORTS)
        if logs and "reward" in logs and state.is_world_process_zero and state.global_step % every == 0:
            self.say(f"step {state.global_step}/{state.max_steps}: reward {logs['reward']:.3f}")


def train_grpo(
    model: str, processor: Any, rows: Dataset, stage: Grpo, args: GRPOConfig, out: Path, say: Callable[[str], None]
) -> None:
    """Train, from the last checkpoint where there is one, and save model, processor and trainer state to `out`.

    Args:
        model: hub name or folder to start from.
        processor: its processor.
        rows: training rows, pictures decoded on access.
        stage: the stage.
        args: its options, from `make_args`.
        out: folder to save to.
        say: takes lines of progress.
    """
    lora = None
    if stage.lora is not None:
        from peft import LoraConfig

        lora = LoraConfig(**{"task_type": "CAUSAL_LM", **stage.lora})
    trainer = GRPOTrainer(
        model=model, reward_funcs=verify, args=args, train_dataset=rows, processing_class=processor, peft_config=lora
    )
    if args.disable_tqdm:
        trainer.remove_callback(PrinterCallback)
        trainer.add_callback(Progress(say))
    begun = last_checkpoint(Path(args.output_dir))
    if begun is not None:
        say(f"resuming from {begun}")
    trainer.train(resume_from_checkpoint=str(begun) if begun else None)
    trainer.save_model(str(out))
    processor.save_pretrained(out)
    trainer.state.save_to_json(str(out / "trainer_state.json"))
