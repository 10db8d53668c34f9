"""TRL hands a colocated vLLM prompts whose pictures are expanded already; shown on TRL's own code, the engine apart."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from datasets import Dataset
from PIL import Image as PilImage
from trl.generation import vllm_generation

from ssrl_data.core import SsrlError
from ssrl_train.grpo import make_args
from ssrl_train.memo import decoded_once
from ssrl_train.rows import conversation, encode
from ssrl_train.stages import Grpo
from ssrl_train.tiny import Tiny, build_processor, texts_of
from ssrl_train.vllm_images import FAMILIES, collapsed, expanded_once, family_faults

pytest_plugins = ("train_rows",)


class Vllm:
    """Does to a prompt what vLLM's processor of Qwen-VL does, and no more: the real one needs a GPU.

    Each picture's tokens take the place of the next image token that is left, whether it was written for a whole
    picture or for one of its patches.
    """

    def __init__(self, image_token: int, patches: int) -> None:
        self.image_token, self.patches = image_token, patches
        self.llm_engine = SimpleNamespace()

    def generate(self, prompts: list[dict[str, Any]], sampling_params: Any, use_tqdm: bool) -> list[Any]:
        read = [self.read(prompt) for prompt in prompts]
        token = SimpleNamespace(token_ids=[5], logprobs=[{5: SimpleNamespace(logprob=-1.0, rank=1)}])
        return [SimpleNamespace(prompt_token_ids=ids, outputs=[token]) for ids in read]

    def read(self, prompt: dict[str, Any]) -> list[int]:
        data = prompt.get("multi_modal_data", {"image": []})["image"]
        left, out = len(data) if isinstance(data, list) else 1, list[int]()
        for token in prompt["prompt_token_ids"]:
            replaced = token == self.image_token and left > 0
            left -= replaced
            out += [token] * (self.patches if replaced else 1)
        return out


@pytest.fixture
def colocated(monkeypatch: pytest.MonkeyPatch) -> Any:
    """TRL's own hand-over to a colocated vLLM, whose engine is the stand-in."""
    monkeypatch.setattr(vllm_generation, "SamplingParams", lambda **options: options, raising=False)
    made: Any = object.__new__(vllm_generation.VLLMGeneration)
    made.__dict__.update(
        dict.fromkeys(("temperature", "top_p", "top_k", "repetition_penalty"), 1),
        mode="colocate",
        min_p=None,
        max_completion_length=1,
        logprobs=0,
        generation_kwargs={},
        structured_outputs_regex=None,
        enable_sleep_mode=False,
        tensor_parallel_size=1,
        model=torch.nn.Linear(1, 1),
        accelerator=SimpleNamespace(num_processes=1),
        llm=Vllm(image_token=9, patches=64),
    )
    return made


def test_a_colocated_vllm_is_given_each_pictures_tokens_once(colocated: Any) -> None:
    picture = PilImage.new("RGB", (8, 8))
    prompts = [[1, 2, *[9] * 64, 3], [1, *[9] * 64, 4, *[9] * 64, 5]]
    images = [[picture], [picture, picture]]
    read, *_ = colocated.generate(prompts=prompts, images=images, num_generations=1)
    assert [len(ids) for ids in read] != [len(ids) for ids in prompts], (
        "TRL has mended it: `ssrl_train.vllm_images` can go"
    )
    assert read[0].count(9) == 127

    once = expanded_once(colocated.generate, 9)
    read, completions, *_ = once(prompts=prompts, images=images, num_generations=1)
    assert read == prompts
    assert completions == [[5], [5]]
    text, *_ = once(prompts=[[1, 2]], images=None, num_generations=1)
    assert text == [[1, 2]]
    mixed, *_ = once(prompts=[[1, 2], prompts[0]], images=[None, [picture]], num_generations=1)
    assert mixed == [[1, 2], prompts[0]]


def test_a_vllm_that_reads_another_prompt_stops_the_run(colocated: Any) -> None:
    once, picture = expanded_once(colocated.generate, 9), PilImage.new("RGB", (8, 8))
    with pytest.raises(SsrlError, match="read a prompt of 67 tokens where the trainer counts 19"):
        once(prompts=[[1, 2, *[9] * 16, 3]], images=[[picture]], num_generations=1)
    with pytest.raises(SsrlError, match="2 pictures has 1 runs of image tokens"):
        once(prompts=[[1, 2, *[9] * 128, 3]], images=[[picture, picture]], num_generations=1)


@pytest.mark.parametrize("family", ["llava", "qwen2_5_vl", "qwen3_vl"])
def test_a_collapsed_prompt_is_what_the_tokenizer_alone_makes(family: str, rows: Dataset) -> None:
    processor = build_processor(Tiny(family), texts_of(rows))
    row = decoded_once(rows)[0]
    text = processor.apply_chat_template(conversation(row), tokenize=False, add_generation_prompt=True)
    expanded = encode(processor, [row])["input_ids"][0].tolist()
    short = processor.tokenizer(text, add_special_tokens=False)["input_ids"]
    assert len(short) < len(expanded)
    assert collapsed(expanded, processor.image_token_id) == short
    assert collapsed([], 9) == []


def test_families_that_vllm_expands_otherwise_are_refused() -> None:
    args = SimpleNamespace(use_vllm=True, vllm_mode="colocate")
    for family in ("idefics3", "smolvlm", "gemma3"):
        (fault,) = family_faults(args, family)
        assert f"the pictures of {family} in another way" in fault
    assert [*chain(*(family_faults(args, family) for family in FAMILIES))] == []
    assert list(family_faults(SimpleNamespace(use_vllm=True, vllm_mode="server"), "gemma3")) == []
    assert list(family_faults(SimpleNamespace(use_vllm=False, vllm_mode="colocate"), "gemma3")) == []


def test_vision_tokens_are_forbidden_to_vllm_too(tmp_path: Path) -> None:
    given = {"use_vllm": True, "generation_kwargs": {"logit_bias": {3: 1.0}, "stop": ["x"]}}
    made = make_args(Grpo(given), 0, tmp_path, [7, 9])
    assert made.generation_kwargs == {"logit_bias": {3: 1.0, 7: -100.0, 9: -100.0}, "stop": ["x"]}
    assert make_args(Grpo({}), 0, tmp_path, [7, 9]).generation_kwargs == {"suppress_tokens": [7, 9]}
