"""Prompts with pictures for a vLLM in the trainer's own processes, each picture's tokens counted once.

The processor writes one image token for every patch that the model will see. TRL hands these ids to vLLM beside the
picture, and vLLM, which expects one image token a picture, writes them all once more in place of the first: a run of 64
becomes one of 127, without a warning (huggingface/trl#6294, vllm-project/vllm#57796). So each run is collapsed to its
first token before the call. The loss keeps the ids of the processor, and what vLLM made of the prompt is compared with
them, so that a version that expands otherwise stops the run.

A vLLM server needs none of this: TRL sends it the places of the runs, and refuses a count that differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from ssrl_data.core import SsrlError

FAMILIES = ("llava", "qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_vl_moe")
"""Model types for which vLLM puts as many image tokens as the processor in place of one, and nothing else."""


def collapsed(prompt_ids: Sequence[int], image_token_id: int) -> list[int]:
    """A prompt with one token in place of each run of image tokens.

    Args:
        prompt_ids: as the processor expanded it.
        image_token_id: the token that stands for a patch.
    """
    first = list(prompt_ids[:1])
    return first + [b for a, b in pairwise(prompt_ids) if not (a == b == image_token_id)]


def expanded_once(generate: Callable[..., Any], image_token_id: int) -> Callable[..., Any]:
    """A generation call of TRL's that gives vLLM collapsed prompts.

    Args:
        generate: `generate` of a `VLLMGeneration` in mode colocate.
        image_token_id: the token that stands for a patch.

    Returns:
        The call with the same arguments and results. It raises an `SsrlError` where pictures and runs of image tokens
        differ in number, or where vLLM read another prompt than the trainer will train on.
    """

    def call(*, prompts: Sequence[Sequence[int]], images: Sequence[Any] | None, **options: Any) -> Any:
        if images is None:
            return generate(prompts=prompts, images=None, **options)
        short = [collapsed(ids, image_token_id) for ids in prompts]
        for ids, pictures in zip(short, images, strict=True):
            if (runs := ids.count(image_token_id)) != len(pictures or ()):
                raise SsrlError(
                    f"a prompt with {len(pictures or ())} pictures has {runs} runs of image tokens: pictures side by "
                    "side cannot be told apart, so put text between them or leave use_vllm out"
                )
        result = generate(prompts=short, images=images, **options)
        for ours, theirs in zip(prompts, result[0], strict=True):
            if list(ours) != list(theirs):
                raise SsrlError(
                    f"vLLM read a prompt of {len(theirs)} tokens where the trainer counts {len(ours)}, so it would be "
                    "trained on what it did not see: use vllm_mode: server or leave use_vllm out"
                )
        return result

    return call


def family_faults(args: Any, model_type: str) -> Iterator[str]:
    """Why a model's pictures cannot be given to the vLLM of a stage.

    Args:
        args: a `trl.GRPOConfig` of a stage on rows with pictures.
        model_type: of the model's config, like `qwen2_5_vl`.
    """
    if args.use_vllm and args.vllm_mode == "colocate" and model_type not in FAMILIES:
        yield (
            f"use_vllm is true and vLLM expands the pictures of {model_type} in another way than TRL hands them over, "
            "so it would sample from corrupt prompts: leave it out, use vllm_mode: server, or a model of "
            f"{', '.join(FAMILIES)}"
        )
