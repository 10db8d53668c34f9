"""The cold start: supervised steps on worked solutions of our own rows, before reinforcement.

The target of a row is what its maker wrote of how the answer follows, and the right answer:
`<think>SOLUTION</think><answer>GOLD</answer>`, or the right answer alone where the maker wrote nothing. That a model
whose samples all agree gives GRPO no signal, and that a few thousand such steps help, is the finding of Spatial-SSRL
(2026), whose targets another model wrote.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset
from trl import SFTConfig, SFTTrainer

from ssrl_data.core import SsrlError
from ssrl_data.row import unpack_answer
from ssrl_train.memo import decoded_once
from ssrl_train.rows import column
from ssrl_train.stages import Sft
from ssrl_train.trainer import adapter, machine_options, run_trainer, save_merged


def responses(rows: Dataset) -> list[str]:
    """The target of each row."""
    out = []
    for answer, meta in zip(column(rows, "answer"), column(rows, "meta"), strict=True):
        kind, value, _ = unpack_answer(answer)
        solution = json.loads(meta).get("solution")
        out.append((f"<think>{solution}</think>" if solution else "") + kind.gold(value))
    return out


def examples(rows: Dataset) -> Dataset:
    """The rows as TRL reads them, a prompt and its completion; pictures are decoded on access.

    Args:
        rows: from `rows.load_rows`, pictures encoded.
    """
    kept = rows.select_columns([name for name in ("prompt", "images") if name in rows.column_names])
    turns = [[{"role": "assistant", "content": response}] for response in responses(rows)]
    return decoded_once(kept.add_column("completion", turns))


def make_sft_args(stage: Sft, seed: int, folder: Path) -> SFTConfig:
    """The options of a stage on this machine.

    The loss is on the response alone, and nothing is cut off: TRL's own limit of 1,024 tokens would silently drop the
    response behind a large picture.

    Args:
        stage: the stage.
        seed: of the run.
        folder: for checkpoints.

    Raises:
        SsrlError: TRL refuses the options; the message is TRL's.
    """
    options = machine_options({"max_length": None, **stage.sft}, seed, folder)
    try:
        return SFTConfig(**options, completion_only_loss=True)
    except (TypeError, ValueError) as error:
        raise SsrlError(f"TRL refuses the options of the sft stage: {error}") from error


def train_sft(
    model: str,
    processor: Any,
    examples: Dataset,
    stage: Sft,
    args: SFTConfig,
    out: Path,
    say: Callable[[str], None],
    callbacks: Sequence[Any] = (),
) -> None:
    """Train, from the last checkpoint where there is one, and save a whole model, processor and trainer state to `out`.

    An adapter is merged into the weights that it was trained on, so that a next stage has a model to go on from.

    Args:
        model: hub name or folder to start from.
        processor: its processor.
        examples: rows of `prompt` and `completion`, and `images` where there are.
        stage: the stage.
        args: its options, from `make_sft_args`.
        out: folder to save to.
        say: takes lines of progress.
        callbacks: of transformers, called beside ours.
    """
    trainer = SFTTrainer(
        model=model,
        args=args,
        train_dataset=examples,
        processing_class=processor,
        peft_config=adapter(stage.lora),
        callbacks=list(callbacks),
    )
    run_trainer(trainer, "loss", say, stage.until)
    save_merged(trainer, processor, out)
