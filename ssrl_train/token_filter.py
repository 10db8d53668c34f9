"""Supervised training on some tokens of each target: TRL's trainer, to which the others are as if they had no label.

After the entropy-preserving cold start of Light-IF (arXiv 2508.03178).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from trl import SFTTrainer

from ssrl_train.format import IGNORED
from ssrl_train.tokens import Tokens

PER_TOKEN = ("log_probs", "entropy", "is_top1")
"""What TRL reads of each token, zero where there is no label."""


def quota(targets: Tensor, keep: float) -> Tensor:
    """How many tokens of each sequence are kept: it depends on their number alone.

    Args:
        targets: whether a token is one to be learnt, (sequences, tokens).
        keep: the share.

    Returns:
        (sequences,): the nearest number, halves up, and one at least of what has any.
    """
    counts = targets.sum(dim=1)
    return torch.floor(counts.double() * keep + 0.5).long().clamp(min=1).minimum(counts)


def kept(log_probs: Tensor, entropy: Tensor, targets: Tensor, settings: Tokens) -> Tensor:
    """Which tokens are learnt from: of equal ones the earlier.

    Args:
        log_probs: of each target token, (sequences, tokens), in nats.
        entropy: of the distribution that it is drawn from, likewise.
        targets: whether a token is one to be learnt, likewise.
        settings: share and weight.

    Returns:
        Truth values, (sequences, tokens).
    """
    surprise = -log_probs.detach() - settings.entropy * entropy.detach()
    order = surprise.masked_fill(~targets, -torch.inf).argsort(dim=1, descending=True, stable=True)
    return order.argsort(dim=1) < quota(targets, settings.keep)[:, None]


class FilteredTrainer(SFTTrainer):  # type: ignore[misc]
    """TRL's trainer on the tokens that `kept` names; its logged entropy and accuracy are of these too.

    Args:
        tokens: which these are.
        options: of `trl.SFTTrainer`.
    """

    def __init__(self, *, tokens: Tokens, **options: Any) -> None:
        self.tokens = tokens
        super().__init__(**options)

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Tensor | int | None = None
    ) -> Any:
        """TRL's loss, of a model whose other tokens have no label."""

        def filtered(**given: Any) -> Any:
            return self._filtered(model(**given))

        return super().compute_loss(filtered, inputs, return_outputs, num_items_in_batch)

    def _filtered(self, outputs: Any) -> Any:
        chosen = kept(outputs.log_probs, outputs.entropy, outputs.label_mask, self.tokens)
        told = {name: getattr(outputs, name).masked_fill(~chosen, 0) for name in PER_TOKEN}
        return dataclasses.replace(outputs, label_mask=chosen, **told)

    def _get_num_items_in_batch(self, batch_samples: Sequence[Mapping[str, Any]], device: torch.device) -> Any:
        """As many tokens as are kept of a whole update, all its micro-batches and processes together."""
        return super()._get_num_items_in_batch([self._counted(batch) for batch in batch_samples], device)

    def _counted(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """The batch with labels that are as many as the tokens that are kept, if not the same ones."""
        labels = batch["labels"].clone()
        labels[:, 0] = IGNORED  # which no token predicts
        targets = labels != IGNORED
        labels[targets.cumsum(dim=1) > quota(targets, self.tokens.keep)[:, None]] = IGNORED
        return {**batch, "labels": labels}
