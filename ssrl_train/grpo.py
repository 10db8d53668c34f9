"""One GRPO stage: TRL's trainer as it is, given our rows, our reward and a processor that repeats no work."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from datasets import Dataset
from trl import GRPOConfig, GRPOTrainer

from ssrl_data.core import SsrlError
from ssrl_train.config import Grpo
from ssrl_train.rewards import verify
from ssrl_train.trainer import adapter, machine_options, run_trainer


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
    options = machine_options(stage.grpo, seed, folder)
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
    trainer = GRPOTrainer(
        model=model,
        reward_funcs=verify,
        args=args,
        train_dataset=rows,
        processing_class=processor,
        peft_config=adapter(stage.lora),
    )
    run_trainer(trainer, "reward", say)
    trainer.save_model(str(out))
    processor.save_pretrained(out)
    trainer.state.save_to_json(str(out / "trainer_state.json"))
