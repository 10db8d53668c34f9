"""What a loss sees of the trainer and what it must answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

TINY = 1e-9


class Objective:
    """A loss at work in a trainer, whose own loss is taken as it is but for what a method here answers otherwise.

    TRL's losses take an advantage for each token. So a loss that is a function of a token's probability is a choice of
    advantages, made when the probabilities are known; what is no function of these is a term beside.

    Args:
        trainer: `grpo.Trainer`.
    """

    def __init__(self, trainer: Any) -> None:
        self.trainer = trainer

    def scored(self, rows: Sequence[Mapping[str, Any]], batch: Mapping[str, Any], rewards: Tensor) -> dict[str, Tensor]:
        """What is added to a generation batch, or replaced in it, aligned with its completions.

        Args:
            rows: of this process's completions, in the order in which they were sampled.
            batch: what TRL made of them.
            rewards: of the completions of all processes, groups together; NaN has none.

        Returns:
            Tensors whose first dimension is the batch's, so that TRL shuffles and splits them with it.
        """
        return {}

    def advantages(self, batch: Mapping[str, Any], log_probs: Tensor, entropies: Tensor) -> Tensor:
        """The advantages of one batch, for completions or for tokens, without gradient.

        Args:
            batch: of this process, as TRL's loss has it.
            log_probs: of the tokens, shape (completions, tokens), without gradient.
            entropies: of the next-token distributions, likewise.
        """
        advantages: Tensor = batch["advantages"]
        return advantages

    def beside(self, model: Any, batch: Mapping[str, Any]) -> Tensor | None:
        """A term to add to the loss of one batch, a mean over it; None where there is none.

        Every process must answer alike whether there is one: each pass through a sharded model is one of all.
        """
        return None

    def mine(self, of_all: Tensor, completions: int) -> Tensor:
        """This process's part of what is of the completions of all processes."""
        first = self.trainer.accelerator.process_index * completions
        return of_all[first : first + completions]

    def log(self, name: str, value: float) -> None:
        """Log a metric of this batch."""
        self.trainer._metrics["train"][name].append(value)

    def mean(self, total: Tensor, count: Tensor) -> float:
        """A mean over all processes, from each one's sum and count."""
        both = self.trainer.accelerator.reduce(torch.stack([total, count.to(total.dtype)]), reduction="sum")
        return float(both[0] / both[1].clamp(min=TINY))


def mask_of(batch: Mapping[str, Any]) -> Tensor:
    """Which tokens of the completions the policy wrote, shape (completions, tokens)."""
    mask: Tensor = batch["completion_mask"]
    return mask * batch["tool_mask"] if "tool_mask" in batch else mask
