"""NFT as advantages of tokens (arXiv 2505.18116).

Its loss of a token with log-probability l and ratio R = exp(l - old) has the derivative -1 by l where the response is
right, and q R / ((1 - q) max((1 - q R) / (1 - q), floor)) where it is wrong. TRL's unclipped loss has -R A, so A is the
one divided by -R. On policy, R = 1: with a floor of at most 1 a right response has A = 1 and a wrong one -q / (1 - q),
times the group's weight: 1 - q and -q for the weight 1 - q, which are the rewards less their mean.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ssrl_train.losses.base import Objective
from ssrl_train.losses.settings import Nft

LEAST, MOST = 0.02, 0.98
"""Between these a pass rate is held, so that no weight of a large group grows without bound."""


class NftObjective(Objective):
    """NFT at work.

    Args:
        settings: what the config says.
        trainer: `grpo.Trainer`, whose clip it takes away.
    """

    def __init__(self, settings: Nft, trainer: Any) -> None:
        super().__init__(trainer)
        self.settings = settings
        trainer.epsilon_low = trainer.epsilon_high = math.inf

    def scored(self, rows: Sequence[Mapping[str, Any]], batch: Mapping[str, Any], rewards: Tensor) -> dict[str, Tensor]:
        """Whether each completion is right, its group's pass rate, and what its group weighs."""
        groups = rewards.view(-1, self.trainer.num_generations)
        judged = ~groups.isnan()
        right = groups >= self.settings.threshold  # false where there is no reward
        rate = right.sum(1) / judged.sum(1)
        mixed = (rate > 0) & (rate < 1)
        self.log("nft/unanimous", 1 - float(mixed.float().mean()))
        held = rate.clamp(LEAST, MOST).nan_to_num(MOST)
        weight = {
            "dr_grpo": 1 - held,
            "grpo": ((1 - held) / held).sqrt(),
            "even": torch.ones_like(held),
        }[self.settings.prompt_weight]
        weights = (weight * mixed)[:, None] * judged
        made = {"nft_right": right, "nft_rate": held[:, None].expand_as(groups), "nft_weight": weights}
        return {name: self.mine(value.flatten(), len(rows)) for name, value in made.items()}

    def advantages(self, batch: Mapping[str, Any], log_probs: Tensor, entropies: Tensor) -> Tensor:
        """Those under which TRL's loss has NFT's gradient, shape (completions, tokens)."""
        old = batch.get("old_per_token_logps")
        ratio = torch.ones_like(log_probs) if old is None else (log_probs - old).exp()
        rate, settings = batch["nft_rate"][:, None], self.settings
        left = ((1 - rate * ratio) / (1 - rate)).clamp(min=settings.floor)
        wrong = -settings.negative_weight * rate / ((1 - rate) * left)
        advantages: Tensor = batch["nft_weight"][:, None] * torch.where(batch["nft_right"][:, None], 1 / ratio, wrong)
        return advantages
