"""SRFT: demonstrations in the groups of the rows that they answer (arXiv 2506.19767).

A group may come from several processes and its completions go to several batches. So each completion brings the
demonstration of its row, with an equal part of its weight: a batch of n completions has the mean of their n
demonstrations' terms, of which equal ones are computed once, and every batch of every process has as many passes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from trl.trainer.utils import nanstd

from ssrl_train.losses.base import Objective, mask_of
from ssrl_train.losses.demonstrations import log_probs
from ssrl_train.losses.settings import Srft
from ssrl_train.sft import response

LITTLE = 1e-4
"""What TRL adds to the spread that it divides by."""


class SrftObjective(Objective):
    """SRFT at work.

    Args:
        settings: what the config says.
        trainer: `grpo.Trainer`.
    """

    def __init__(self, settings: Srft, trainer: Any) -> None:
        super().__init__(trainer)
        self.settings = settings
        self._examples: list[dict[str, Any]] = []  # of this process's rows of the last generation batch
        self._entropy = torch.zeros(())

    def scored(self, rows: Sequence[Mapping[str, Any]], batch: Mapping[str, Any], rewards: Tensor) -> dict[str, Tensor]:
        """Advantages over groups with their demonstrations, and which demonstration goes with each completion."""
        places = {id: place for place, id in enumerate(dict.fromkeys(row["id"] for row in rows))}
        first = {row["id"]: row for row in reversed(rows)}
        self._examples = [example(first[id]) for id in places]
        own, shown = augmented_advantages(rewards, self.trainer.num_generations, self.trainer.scale_rewards)
        seed, device = self.trainer.args.seed, rewards.device
        with_one = torch.tensor([self.settings.shows(row["id"], seed) for row in rows], device=device)
        return {
            "advantages": torch.where(with_one, self.mine(own, len(rows)), batch["advantages"]),
            "demonstrated": with_one,
            "demonstration": torch.tensor([places[row["id"]] for row in rows], device=device),
            "demonstration_advantage": self.mine(shown, len(rows)),
        }

    def advantages(self, batch: Mapping[str, Any], log_probs: Tensor, entropies: Tensor) -> Tensor:
        """The positive ones of rows with demonstrations are weighed by the entropy of the policy's own tokens."""
        mask = mask_of(batch)
        self._entropy = torch.tensor(self.mean((entropies * mask).sum(), mask.sum()), device=entropies.device)
        weight = self.settings.rl_scale * self._entropy.exp()
        self.log("srft/rl_weight", float(weight))
        advantages: Tensor = batch["advantages"]
        weighed = torch.where(batch["demonstrated"] & (advantages > 0), weight * advantages, advantages)
        return self.settings.reinforcement * weighed

    def beside(self, model: Any, batch: Mapping[str, Any]) -> Tensor:
        """Likelihood and reinforcement of the demonstrations; one of weight 0 where the batch has none."""
        places, back = batch["demonstration"].unique(return_inverse=True)
        counts = torch.bincount(back[batch["demonstrated"]], minlength=len(places))
        advantage = torch.zeros_like(batch["demonstration_advantage"][: len(places)])
        advantage[back] = batch["demonstration_advantage"]
        kept = counts > 0
        if not kept.any():
            kept[0] = True
        found, mask = log_probs(self.trainer, model, [self._examples[place] for place in places[kept].tolist()])
        lengths, weight = mask.sum(1), self.settings.sft_scale * (-self._entropy).exp()
        nll = -(found * mask).sum(1) / lengths
        # The ratio to a behaviour of probability 1 is the probability itself.
        reinforced = -advantage[kept] * (found.exp() * mask).sum(1) / lengths
        share = counts[kept] / len(back)
        self.log("srft/sft_weight", float(weight))
        self.log("srft/nll", self.mean((share * nll.detach()).sum(), share.sum()))
        total: Tensor = (share * (weight * nll + self.settings.reinforcement * reinforced)).sum()
        return total


def example(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with its demonstration."""
    said = [{"role": "assistant", "content": response(row["answer"], row["meta"])}]
    return {"prompt": row["prompt"], "images": row.get("images"), "completion": said}


def augmented_advantages(rewards: Tensor, generations: int, scale: str) -> tuple[Tensor, Tensor]:
    """Advantages as TRL computes them, over groups that hold one response more, with a reward of 1.

    Args:
        rewards: shape (groups * generations,); NaN has none and gets an advantage of 0.
        generations: completions of a group.
        scale: TRL's `scale_rewards`: `group`, `batch` or `none`.

    Returns:
        Those of the completions, and for each completion that of its group's demonstration.
    """
    groups = rewards.view(-1, generations)
    whole = torch.cat([groups, torch.ones_like(groups[:, :1])], dim=1)
    advantages = whole - whole.nanmean(dim=1, keepdim=True)
    if scale != "none":
        spread = nanstd(whole, dim=1, keepdim=True) if scale == "group" else nanstd(whole)
        advantages = advantages / (spread + LITTLE)
    advantages = advantages.nan_to_num(nan=0.0)
    return advantages[:, :generations].flatten(), advantages[:, generations].repeat_interleave(generations)
