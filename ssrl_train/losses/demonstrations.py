"""The probability that a policy in training gives to responses that it did not write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from trl.data_utils import apply_chat_template, prepare_multimodal_messages

from ssrl_train.rows import tokenizer_of

PER_TOKEN = ("token_type_ids", "mm_token_type_ids")


def log_probs(trainer: Any, model: Any, examples: Sequence[Mapping[str, Any]]) -> tuple[Tensor, Tensor]:
    """The log-probabilities of the completions' tokens, with gradient, at the trainer's temperature.

    Args:
        trainer: `grpo.Trainer`.
        model: as it was passed to the trainer's loss.
        examples: each a `prompt`, its `completion`, and `images` where there are, decoded.

    Returns:
        Log-probabilities and mask, shape (examples, tokens) each.
    """
    inputs, tokens = encoded(trainer.processing_class, examples, trainer.chat_template_kwargs)
    inputs = {name: value.to(trainer.accelerator.device) for name, value in inputs.items()}
    mask = inputs["attention_mask"][:, -tokens:]
    labels = inputs["input_ids"].masked_fill(inputs["attention_mask"] == 0, -100)
    labels[:, :-tokens] = -100
    with trainer.accelerator.autocast():
        found: Tensor = model(**inputs, labels=labels, fused_lm_head=True).log_probs
    return found[:, -tokens:], mask


def encoded(
    processor: Any, examples: Sequence[Mapping[str, Any]], template: Mapping[str, Any]
) -> tuple[dict[str, Tensor], int]:
    """Examples as inputs of the model: prompts padded on their left, completions on their right, as TRL's trainers do.

    Args:
        processor: of the model, or its tokenizer where there are no pictures.
        examples: as for `log_probs`.
        template: arguments of the chat template.

    Returns:
        The inputs, and how many of the last tokens belong to the completions.
    """
    pictures = [list(example.get("images") or ()) for example in examples]
    seen = any(pictures)
    texts = []
    for example, images in zip(examples, pictures, strict=True):
        turns = {"prompt": example["prompt"], "completion": example["completion"]}
        if seen:
            turns["prompt"] = prepare_multimodal_messages(turns["prompt"], images=images)
            turns["completion"] = prepare_multimodal_messages(turns["completion"])
        texts.append(apply_chat_template(turns, processor, **template))
    shared = {"padding": True, "return_tensors": "pt", "add_special_tokens": False}
    asked = dict(
        processor(
            text=[text["prompt"] for text in texts],
            padding_side="left",
            **({"images": pictures} if seen else {}),
            **shared,
        )
    )
    said = tokenizer_of(processor)([text["completion"] for text in texts], padding_side="right", **shared)
    tokens = int(said["input_ids"].shape[1])
    for name in ("input_ids", "attention_mask"):
        asked[name] = torch.cat([asked[name], said[name]], dim=1)
    for name in PER_TOKEN:
        if name in asked:
            asked[name] = torch.cat([asked[name], torch.zeros_like(said["input_ids"])], dim=1)
    return asked, tokens
