"""Losses that TRL does not have: what `loss` may be in a grpo stage.

Nothing here is imported with the settings, so that a config is read without TRL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ssrl_train.losses.settings import LOSSES, Loss, Nft, Srft, Supervised

if TYPE_CHECKING:
    from datasets import Dataset

    from ssrl_train.losses.base import Objective

__all__ = ["LOSSES", "Loss", "Nft", "Srft", "Supervised", "objective"]


def objective(settings: Loss, trainer: Any, examples: Dataset | None) -> Objective:
    """A loss at work in a trainer.

    Args:
        settings: its kind and what the config says of it.
        trainer: `grpo.Trainer`, made but for this.
        examples: what a loss beside reinforcement learns, prompts and completions with pictures decoded on access;
            None where there is none.
    """
    if isinstance(settings, Nft):
        from ssrl_train.losses.nft import NftObjective

        return NftObjective(settings, trainer)
    if isinstance(settings, Srft):
        from ssrl_train.losses.srft import SrftObjective

        return SrftObjective(settings, trainer)
    if isinstance(settings, Supervised) and examples is not None:
        from ssrl_train.losses.supervised import SupervisedObjective

        return SupervisedObjective(settings, trainer, examples)
    raise ValueError(f"{settings} is at work nowhere, or wants examples")
