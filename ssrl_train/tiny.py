"""Models small enough to train on a CPU, with or without eyes, built from a config alone: no download, no weights.

The architecture is the published one at a toy width; the tokenizer is made from the rows it will read, one token a
word, digit and answer tag, so an answer is a few tokens and its random start is not hopeless. Image processors are the
PIL-backed ones, since torchvision is not required.

What loads back: those that read text as any causal model, every other family with `AutoModelForImageTextToText`;
`llava` with `AutoProcessor` too, so a saved folder trains with plain `trl grpo --model_name_or_path FOLDER`. The
published Qwen-VL processors insist on a video processor, which insists on torchvision; `load_processor` reads those
folders without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    AutoConfig,
    AutoProcessor,
    AutoTokenizer,
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen2VLImageProcessorPil,
    Qwen3Config,
    Qwen3ForCausalLM,
    Qwen3MoeConfig,
    Qwen3MoeForCausalLM,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
    Qwen3VLProcessor,
)
from transformers.processing_utils import ProcessorMixin

from ssrl_data.core import SsrlError
from ssrl_data.registry import suggest
from ssrl_data.row import prompt_text, unpack_answer
from ssrl_train.rows import column, tokenizer_of

CONTEXT = 2048
MERGE = 2  # Qwen-VL folds this many patches a side into one token

PAD, UNKNOWN, START, END = "<pad>", "<unk>", "<|im_start|>", "<|im_end|>"
VISION = ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
LLAVA_IMAGE = "<image>"

# A word, digit or mark keeps the space before it, so that decoding is exact.
WORD = r"</?answer>| ?[A-Za-z]+| ?\d| ?[^\sA-Za-z\d]|\s"

TEXT = ("qwen3", "qwen3_moe")
EXPERTS, CHOSEN = 4, 2  # of the mixture, and how many of them a token goes to
IMAGE_SLOT = {
    "llava": LLAVA_IMAGE,
    "qwen2_5_vl": "<|vision_start|><|image_pad|><|vision_end|>",
    "qwen3_vl": "<|vision_start|><|image_pad|><|vision_end|>",
}

QWEN_VL = ("qwen2_5_vl", "qwen3_vl")

TEMPLATE = (
    "{%- for message in messages -%}<|im_start|>{{ message['role'] }}:"
    "{%- if message['content'] is string -%}{{ message['content'] }}{%- else -%}"
    "{%- for part in message['content'] -%}"
    "{%- if part['type'] == 'image' -%}IMAGE{%- else -%}{{ part['text'] }}{%- endif -%}"
    "{%- endfor -%}{%- endif -%}<|im_end|>{%- endfor -%}"
    "{%- if add_generation_prompt -%}<|im_start|>assistant:{%- endif -%}"
)


@dataclass(frozen=True, slots=True)
class Tiny:
    """A tiny model.

    Attributes:
        family: `qwen3` or `qwen3_moe` (a mixture of experts), which read text alone; `llava` (a CLIP tower and a Qwen3
            decoder), `qwen2_5_vl` or `qwen3_vl`.
        side: pixels a side that every picture is resized to.
        patch: pixels a side of a patch; `side` is a multiple of it, for the Qwen-VL families of twice it.
        hidden: width, of both towers.
        layers: layers, of each tower.
        heads: attention heads, of each tower; `hidden` is a multiple of eight times it.
        spread: standard deviation of the initial weights.
    """

    family: str = "llava"
    side: int = 16
    patch: int = 4
    hidden: int = 64
    layers: int = 2
    heads: int = 4
    spread: float = 0.02

    def __post_init__(self) -> None:
        """Refuse what no model can be built from."""
        if self.family not in (*TEXT, *IMAGE_SLOT):
            raise ValueError(f"tiny is {self.family!r}: {suggest(self.family, [*TEXT, *IMAGE_SLOT])}")
        for name in ("side", "patch", "hidden", "layers", "heads"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}: it must be at least 1")
        cell = self.patch * MERGE if self.family in QWEN_VL else self.patch
        if self.side % cell:
            raise ValueError(f"side is {self.side}: for {self.family} it must be a multiple of {cell}")
        if self.hidden % (8 * self.heads):
            raise ValueError(f"hidden is {self.hidden}: it must be a multiple of 8 * heads = {8 * self.heads}")
        if self.spread <= 0:
            raise ValueError(f"spread is {self.spread}: it must be above 0")


class ImageOnlyQwen2_5_VLProcessor(Qwen2_5_VLProcessor):  # type: ignore[misc]
    """The published processor without its video half."""

    def __init__(self, image_processor: Any = None, tokenizer: Any = None, chat_template: str | None = None) -> None:
        _image_only(self, image_processor, tokenizer, chat_template)


class ImageOnlyQwen3VLProcessor(Qwen3VLProcessor):  # type: ignore[misc]
    """The published processor without its video half."""

    def __init__(self, image_processor: Any = None, tokenizer: Any = None, chat_template: str | None = None) -> None:
        _image_only(self, image_processor, tokenizer, chat_template)


def _image_only(self: Any, image_processor: Any, tokenizer: Any, chat_template: str | None) -> None:
    # The base class takes the list of its parts from the signature of __init__, so leaving the video processor out
    # of that signature is what leaves it out of the processor.
    for name, token in zip(("vision_start", "vision_end", "image", "video"), VISION, strict=True):
        setattr(self, f"{name}_token", token)
        setattr(self, f"{name}_token_id", tokenizer.convert_tokens_to_ids(token))
    ProcessorMixin.__init__(self, image_processor, tokenizer, chat_template=chat_template)


QWEN = {"qwen2_5_vl": ImageOnlyQwen2_5_VLProcessor, "qwen3_vl": ImageOnlyQwen3VLProcessor}


def word_tokenizer(texts: Iterable[str], special: Iterable[str] = ()) -> PreTrainedTokenizerFast:
    """A word-level tokenizer that knows every word, digit and mark of `texts`; the rest is unknown.

    Args:
        texts: prompts and right responses.
        special: further tokens that are no text (image slots).

    Returns:
        A left-padding tokenizer whose decoding is exact over its vocabulary.
    """
    special = (START, *special)
    words = sorted({word for text in texts for word in re.findall(WORD, text)})
    digits = [space + digit for space in ("", " ") for digit in "0123456789"]
    known = (PAD, UNKNOWN, END, *special, "<answer>", "</answer>", "user", "assistant", ":", *digits, *words)
    vocabulary = {word: i for i, word in enumerate(dict.fromkeys(known))}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    core.pre_tokenizer = pre_tokenizers.Split(Regex(WORD), behavior="isolated")
    core.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token=PAD,
        unk_token=UNKNOWN,
        eos_token=END,
        additional_special_tokens=list(special),
        padding_side="left",
        clean_up_tokenization_spaces=False,
        model_max_length=CONTEXT,
    )


def build_processor(tiny: Tiny, texts: Iterable[str]) -> Any:
    """The processor of a tiny model: word tokenizer, PIL image processor and a template that keeps the parts' order.

    That of a model without eyes is its tokenizer.
    """
    template = TEMPLATE.replace("IMAGE", IMAGE_SLOT.get(tiny.family, ""))
    if tiny.family in TEXT:
        tokenizer = word_tokenizer(texts)
        tokenizer.chat_template = template
        return tokenizer
    if tiny.family == "llava":
        return LlavaProcessor(
            image_processor=CLIPImageProcessorPil(
                size={"height": tiny.side, "width": tiny.side},
                crop_size={"height": tiny.side, "width": tiny.side},
                do_center_crop=False,
            ),
            tokenizer=word_tokenizer(texts, [LLAVA_IMAGE]),
            patch_size=tiny.patch,
            num_additional_image_tokens=1,
            vision_feature_select_strategy="default",
            chat_template=template,
        )
    pixels = tiny.side * tiny.side
    images = Qwen2VLImageProcessorPil(
        size={"shortest_edge": pixels, "longest_edge": pixels}, patch_size=tiny.patch, merge_size=MERGE
    )
    return QWEN[tiny.family](images, word_tokenizer(texts, VISION), template)


def build_model(tiny: Tiny, processor: Any, seed: int) -> Any:
    """A model with random weights, in float32 on the CPU, that fits the processor."""
    tokenizer = tokenizer_of(processor)
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": tiny.hidden,
        "intermediate_size": 2 * tiny.hidden,
        "num_hidden_layers": tiny.layers,
        "num_attention_heads": tiny.heads,
        "num_key_value_heads": max(1, tiny.heads // 2),
        "max_position_embeddings": CONTEXT,
        "initializer_range": tiny.spread,
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "tie_word_embeddings": True,
    }
    tower: dict[str, Any] = {"hidden_size": tiny.hidden, "intermediate_size": 2 * tiny.hidden, "patch_size": tiny.patch}
    tower |= {"initializer_range": tiny.spread}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if tiny.family == "qwen3":
            model: Any = Qwen3ForCausalLM(Qwen3Config(head_dim=tiny.hidden // tiny.heads, **text))
        elif tiny.family == "qwen3_moe":
            experts = {"num_experts": EXPERTS, "num_experts_per_tok": CHOSEN, "moe_intermediate_size": tiny.hidden}
            model = Qwen3MoeForCausalLM(Qwen3MoeConfig(head_dim=tiny.hidden // tiny.heads, **text, **experts))
        elif tiny.family == "llava":
            model = LlavaForConditionalGeneration(_llava(tiny, processor, text, tower))
        else:
            config = qwen_config(
                tiny.family,
                processor,
                text | {"rope_parameters": _rope(tiny)},
                tower | {"depth": tiny.layers, "num_heads": tiny.heads, "out_hidden_size": tiny.hidden} | _depth(tiny),
            )
            model = QWEN_MODEL[tiny.family](config)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    return model


QWEN_MODEL = {"qwen2_5_vl": Qwen2_5_VLForConditionalGeneration, "qwen3_vl": Qwen3VLForConditionalGeneration}


def _llava(tiny: Tiny, processor: Any, text: dict[str, Any], tower: dict[str, Any]) -> LlavaConfig:
    return LlavaConfig(
        vision_config=CLIPVisionConfig(
            image_size=tiny.side,
            num_hidden_layers=tiny.layers,
            num_attention_heads=tiny.heads,
            **tower,
        ),
        text_config=Qwen3Config(head_dim=tiny.hidden // tiny.heads, **text),
        image_token_id=processor.image_token_id,
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
        tie_word_embeddings=True,
    )


def qwen_config(family: str, processor: Any, text: dict[str, Any], tower: dict[str, Any]) -> Any:
    """The config of a Qwen-VL model of any size whose special tokens are those of `processor`."""
    config = {"qwen2_5_vl": Qwen2_5_VLConfig, "qwen3_vl": Qwen3VLConfig}[family]
    return config(
        text_config=text,
        vision_config=tower,
        image_token_id=processor.image_token_id,
        video_token_id=processor.video_token_id,
        vision_start_token_id=processor.vision_start_token_id,
        vision_end_token_id=processor.vision_end_token_id,
        tie_word_embeddings=text["tie_word_embeddings"],
    )


def _rope(tiny: Tiny) -> dict[str, Any]:
    # A quarter of the rotary pairs for time, the rest shared by height and width, as in the published models.
    pairs = tiny.hidden // tiny.heads // 2
    time = pairs // 4
    section = [time, (pairs - time) // 2, pairs - time - (pairs - time) // 2]
    rope: dict[str, Any] = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": section}
    return rope | ({"mrope_interleaved": True} if tiny.family == "qwen3_vl" else {})


def _depth(tiny: Tiny) -> dict[str, Any]:
    last = tiny.layers - 1
    if tiny.family == "qwen2_5_vl":
        return {"window_size": tiny.patch * MERGE * 4, "fullatt_block_indexes": [last]}
    return {"num_position_embeddings": (tiny.side // tiny.patch) ** 2, "deepstack_visual_indexes": [0]}


def load_processor(folder: str | Path) -> Any:
    """The processor of a saved model: `AutoProcessor`, or the image-only one where that is what was saved.

    Raises:
        SsrlError: the folder or hub name has no processor that loads; the message carries the library's reason.
    """
    try:
        config = AutoConfig.from_pretrained(folder)
        saved = Path(folder, "processor_config.json")
        if config.model_type in QWEN and saved.is_file() and "ImageOnly" in saved.read_text(encoding="utf-8"):
            images = Qwen2VLImageProcessorPil.from_pretrained(folder)
            tokenizer = AutoTokenizer.from_pretrained(folder)
            return QWEN[config.model_type](images, tokenizer, tokenizer.chat_template)
        return AutoProcessor.from_pretrained(folder, padding_side="left", truncation_side="left")
    except (OSError, ValueError, ImportError) as error:
        reason = str(error).strip().splitlines()[0]
        raise SsrlError(f"no processor loads from {folder}: {reason}") from error


def texts_of(rows: Dataset, responses: Sequence[str] = ()) -> Iterator[str]:
    """Everything that a tiny model's tokenizer must know: the rows' prompts and right responses, and `responses`."""
    seen: set[str] = set()
    for prompt, answer in zip(column(rows, "prompt"), column(rows, "answer"), strict=True):
        kind, value, _ = unpack_answer(answer)
        for text in (prompt_text(prompt), kind.gold(value)):
            if text not in seen:
                seen.add(text)
                yield text
    yield from responses
