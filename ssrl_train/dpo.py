"""One DPO stage: TRL's DPOTrainer on pairs of a right and a wrong response."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset
from trl import DPOConfig, DPOTrainer

from ssrl_data.core import SsrlError
from ssrl_train.stages import Dpo
from ssrl_train.trainer import adapter, machine_options, run_trainer, save_merged


def make_dpo_args(stage: Dpo, seed: int, folder: Path) -> DPOConfig:
    """The options of a stage on this machine; nothing is cut off, as in `sft.make_sft_args`.

    Args:
        stage: the stage.
        seed: of the run.
        folder: for checkpoints.

    Raises:
        SsrlError: TRL refuses the options; the message is TRL's.
    """
    options = machine_options({"max_length": None, **stage.dpo}, seed, folder)
    try:
        return DPOConfig(**options)
    except (TypeError, ValueError) as error:
        raise SsrlError(f"TRL refuses the options of the dpo stage: {error}") from error


def train_dpo(
    model: str,
    processor: Any,
    pairs: Dataset,
    stage: Dpo,
    args: DPOConfig,
    out: Path,
    say: Callable[[str], None],
    callbacks: Sequence[Any] = (),
) -> None:
    """Train, from the last checkpoint where there is one, and save a whole model, processor and trainer state to `out`.

    Args:
        model: hub name or folder to start from.
        processor: its processor.
        pairs: rows of `prompt`, `chosen`, `rejected`, and `images` where there are.
        stage: the stage.
        args: its options, from `make_dpo_args`.
        out: folder to save to.
        say: takes lines of progress.
        callbacks: of transformers, called beside ours.
    """
    trainer = DPOTrainer(
        model=model,
        args=args,
        train_dataset=pairs,
        processing_class=processor,
        peft_config=adapter(stage.lora),
        callbacks=list(callbacks),
    )
    run_trainer(trainer, "loss", say, stage.until)
    save_merged(trainer, processor, out)
