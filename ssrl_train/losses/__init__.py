"""Losses that TRL does not have: what `loss` may be in a grpo stage."""

from __future__ import annotations

from ssrl_train.losses.settings import LOSSES, Loss

__all__ = ["LOSSES", "Loss"]
