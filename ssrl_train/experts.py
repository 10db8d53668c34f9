"""How evenly a mixture of experts is used.

TRL adds the load-balancing loss of such a model to GRPO's where `router_aux_loss_coef`, of the stage or of the model's
own config, is not 0. Here is what says whether it does anything: the experts that the policy's tokens go to.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


class Routing:
    """Counts the tokens that go to each expert, in every layer that has a router.

    Args:
        model: of transformers, with an adapter or without; one without experts counts nothing.
    """

    def __init__(self, model: nn.Module) -> None:
        self._mask: Tensor | None = None
        self._counts: dict[str, Tensor] = {}
        self._chosen = 0
        recorded = [getattr(part, "_can_record_outputs", None) or {} for part in model.modules()]
        recorders = [each["router_logits"] for each in recorded if "router_logits" in each]
        if recorders:
            self._chosen = int(model.config.get_text_config().num_experts_per_tok)  # type: ignore[operator, union-attr]
            place, kind = recorders[0].index, recorders[0].target_class
            for name, part in model.named_modules():
                if type(part) is kind:
                    part.register_forward_hook(self._counting(name, place))

    def _counting(self, name: str, place: int) -> Any:
        def count(module: nn.Module, given: Any, made: Any) -> None:
            if self._mask is not None:
                logits = (made[place] if isinstance(made, tuple) else made).detach()
                logits = logits.reshape(-1, logits.shape[-1])[self._mask]
                chosen = logits.topk(self._chosen, dim=-1).indices.flatten()
                self._counts[name] = torch.bincount(chosen, minlength=logits.shape[-1])

        return count

    @contextmanager
    def counted(self, mask: Tensor) -> Iterator[None]:
        """Count in one pass through the model.

        Args:
            mask: the attention mask of the pass, shape (rows, tokens): padding goes nowhere.
        """
        self._counts, self._mask = {}, mask.reshape(-1).bool()
        try:
            yield
        finally:  # a backward pass that computes again is not counted again
            self._mask = None

    def told(self, accelerator: Any) -> dict[str, float]:
        """What to log of the last pass, over all processes; nothing where there are no experts.

        Returns:
            `experts/max_share`, the largest share of a layer's tokens that one expert takes, the mean over layers, from
            1 / experts to 1 / experts chosen per token; and `experts/entropy` of these shares, from 0 to 1, where all
            experts take as many. A token counts once for each expert that it goes to.
        """
        if not self._counts:
            return {}
        counts = accelerator.reduce(torch.stack([*self._counts.values()]).double(), reduction="sum")
        shares = counts / counts.sum(dim=1, keepdim=True)
        entropy = torch.special.entr(shares).sum(dim=1) / math.log(shares.shape[1])
        return {"experts/max_share": float(shares.amax(dim=1).mean()), "experts/entropy": float(entropy.mean())}


def router_fault(options: Mapping[str, Any], settings: Any) -> str | None:
    """Why a stage cannot have the load-balancing loss that it asks for.

    Args:
        options: of its config of TRL.
        settings: the model's config.
    """
    text = settings.get_text_config()
    if not options.get("router_aux_loss_coef") or hasattr(text, "output_router_logits"):
        return None
    return (
        f"router_aux_loss_coef is {options['router_aux_loss_coef']:g} and {text.model_type} is no mixture of experts "
        "that tells where its tokens go: leave it out, or the preset that sets it"
    )
