"""The options of a stage of TRL's DPOTrainer on pairs of a right and a wrong response."""

from __future__ import annotations

from pathlib import Path

from trl import DPOConfig

from ssrl_data.core import SsrlError
from ssrl_train.stages import Dpo
from ssrl_train.trainer import machine_options


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
