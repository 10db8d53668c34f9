from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from transformers import AutoModelForImageTextToText, AutoProcessor

from ssrl_data.row import prompt_text
from ssrl_train.memo import decoded_once
from ssrl_train.models import load_model_config, vision_tokens
from ssrl_train.rows import encode
from ssrl_train.tiny import IMAGE_SLOT, Tiny, build_model, build_processor, load_processor, texts_of, word_tokenizer

pytest_plugins = ("train_rows",)


def test_an_answer_is_a_few_tokens_and_decoding_is_exact(rows: Dataset) -> None:
    texts = list(texts_of(rows))
    tokenizer = word_tokenizer(texts)
    assert prompt_text(rows[0]["prompt"]) in texts
    assert len(tokenizer("<answer>3</answer>")["input_ids"]) == 3
    for text in [*texts, "<answer>2, 1, 4, 3</answer>"]:
        ids = tokenizer(text)["input_ids"]
        if tokenizer.unk_token_id not in ids:
            assert tokenizer.decode(ids) == text
    assert tokenizer.unk_token_id not in tokenizer(texts[0])["input_ids"]


@pytest.mark.parametrize("family", sorted(IMAGE_SLOT))
def test_saved_and_loaded_it_is_the_same_model(family: str, rows: Dataset, tmp_path: Path) -> None:
    tiny = Tiny(family)
    processor = build_processor(tiny, texts_of(rows))
    model = build_model(tiny, processor, seed=0)
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    decoded = decoded_once(rows)
    here = encode(processor, [decoded[0], decoded[1]])
    loaded = load_processor(tmp_path)
    there = encode(loaded, [decoded[0], decoded[1]])
    assert set(here) == set(there)
    assert all(torch.equal(here[key], there[key]) for key in here)
    assert loaded.tokenizer.padding_side == "left"
    again = AutoModelForImageTextToText.from_pretrained(tmp_path)
    with torch.no_grad():
        assert torch.equal(model.eval()(**here).logits, again.eval()(**there).logits)


@pytest.mark.parametrize("family", sorted(IMAGE_SLOT))
def test_the_picture_reaches_the_answer(family: str, rows: Dataset) -> None:
    tiny = Tiny(family, spread=0.1)
    processor = build_processor(tiny, texts_of(rows))
    model = build_model(tiny, processor, seed=0).eval()
    decoded = decoded_once(rows)
    inputs = encode(processor, [decoded[0]])
    with torch.no_grad():
        right = model(**inputs).logits[0, -1]
        inputs["pixel_values"] = -inputs["pixel_values"]
        other = model(**inputs).logits[0, -1]
    assert (right - other).abs().max() > 1e-3


def test_the_weights_depend_on_the_seed_and_leave_the_global_one_alone(rows: Dataset) -> None:
    processor = build_processor(Tiny(), texts_of(rows))
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first, same, other = (build_model(Tiny(), processor, seed) for seed in (0, 0, 1))
    assert torch.equal(torch.rand(1), expected)
    assert torch.equal(first.lm_head.weight, same.lm_head.weight)
    assert not torch.equal(first.lm_head.weight, other.lm_head.weight)


def test_llava_loads_as_plain_trl_loads_it(llava: Path) -> None:
    assert type(AutoProcessor.from_pretrained(llava)).__name__ == "LlavaProcessor"


@pytest.mark.parametrize("family", sorted(IMAGE_SLOT))
def test_every_vision_token_is_forbidden_and_no_word_is(family: str, rows: Dataset, tmp_path: Path) -> None:
    processor = build_processor(Tiny(family), texts_of(rows))
    build_model(Tiny(family), processor, 0).config.save_pretrained(tmp_path)
    forbidden = vision_tokens(processor, load_model_config(str(tmp_path)))
    names = set(processor.tokenizer.convert_ids_to_tokens(forbidden))
    slots = (
        {"<image>"} if family == "llava" else {"<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"}
    )
    assert names == slots


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"family": "lava"}, "did you mean 'llava'"),
        ({"side": 18}, "multiple of 4"),
        ({"family": "qwen3_vl", "side": 20}, "multiple of 8"),
        ({"hidden": 60}, "multiple of 8"),
        ({"layers": 0}, "at least 1"),
        ({"spread": 0.0}, "above 0"),
    ],
)
def test_what_cannot_be_built_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Tiny(**fields)
