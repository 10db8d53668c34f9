"""The cold start: supervised steps on worked solutions of our own rows, before reinforcement.

The target of a row is what its maker wrote of how the answer follows, and the right answer:
`<think>SOLUTION</think><answer>GOLD</answer>`, or the right answer alone where the maker wrote nothing. That a model
whose samples all agree gives GRPO no signal, and that a few thousand such steps help, is the finding of Spatial-SSRL
(2026), whose targets another model wrote.
"""

from __future__ import annotations

import json
from pathlib import Path

from datasets import Dataset
from trl import SFTConfig

from ssrl_data.core import SsrlError
from ssrl_data.row import unpack_answer
from ssrl_train.memo import decoded_once
from ssrl_train.rows import column
from ssrl_train.stages import Sft
from ssrl_train.trainer import machine_options


def responses(rows: Dataset) -> list[str]:
    """The target of each row."""
    return [response(answer, meta) for answer, meta in zip(column(rows, "answer"), column(rows, "meta"), strict=True)]


def response(answer: str, meta: str) -> str:
    """The target of a row, from its columns `answer` and `meta`."""
    kind, value, _ = unpack_answer(answer)
    solution = json.loads(meta).get("solution")
    return (f"<think>{solution}</think>" if solution else "") + str(kind.gold(value))


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
