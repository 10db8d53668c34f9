from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from datasets import Dataset
from PIL import Image
from transformers import GenerationConfig

from ssrl_data.core import SsrlError
from ssrl_train.generate import Sampling, Transformers, Vllm, engine_for
from ssrl_train.memo import decoded_once, processed_once
from ssrl_train.models import load_model, load_model_config, vision_tokens
from ssrl_train.rows import encode
from ssrl_train.tiny import Tiny, build_model, build_processor, load_processor, texts_of

pytest_plugins = ("train_rows",)

GREEDY = Sampling(max_new_tokens=6)
WARM = Sampling(k=3, temperature=1.0, max_new_tokens=6)


def shown(rows: Dataset, count: int) -> list[dict[str, Any]]:
    decoded = decoded_once(rows)
    return [decoded[i] for i in range(count)]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"k": 0}, "k is 0: it must be at least 1"),
        ({"batch": 0}, "batch is 0"),
        ({"max_new_tokens": 0}, "max_new_tokens is 0"),
        ({"temperature": -1.0}, "at least 0"),
        ({"temperature": float("nan")}, "at least 0"),
        ({"top_p": 0.0}, "above 0 and at most 1"),
        ({"seed": -1}, "at least 0"),
        ({"k": 2}, "all responses are one"),
    ],
)
def test_what_cannot_be_sampled_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Sampling(**fields)


def test_greedy_responses_are_those_of_plain_generate_whatever_the_batch(rows: Dataset, llava: Path) -> None:
    processor, few = load_processor(llava), shown(rows, 6)
    forbidden = vision_tokens(processor, load_model_config(str(llava)))
    model = load_model(str(llava)).eval()
    expected = []
    for row in few:
        inputs = encode(processor, [row])
        with torch.inference_mode():
            written = model.generate(**inputs, max_new_tokens=6, suppress_tokens=forbidden, do_sample=False)
        expected.append(written[0, inputs["input_ids"].shape[1] :])
    engine = Transformers(load_model(str(llava)), processor, GREEDY, forbidden)
    for found in (engine.respond(few, 0), [engine.respond([row], 0)[0] for row in few]):
        assert [len(of) for of in found] == [1] * 6
        for (response,), ids in zip(found, expected, strict=True):
            assert response.text == processor.tokenizer.decode(ids, skip_special_tokens=True)
            assert response.tokens == len(ids)
            assert response.stopped == (processor.tokenizer.eos_token_id in ids.tolist())


def test_samples_follow_from_the_seed_and_leave_the_global_one_alone(rows: Dataset, llava: Path) -> None:
    processor, few = load_processor(llava), shown(rows, 4)
    engine = Transformers(load_model(str(llava)), processor, WARM, [])
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first = engine.respond(few, 1)
    assert torch.equal(torch.rand(1), expected)
    assert [len(of) for of in first] == [3] * 4
    assert engine.respond(few, 1) == first
    assert engine.respond(few, 2) != first
    assert len({response.text for of in first for response in of}) > 6
    processed_once(processor)
    assert engine.respond(few, 1) == first, "the memo changes nothing"


def test_the_end_of_a_response_counts_and_what_is_cut_off_is_told(rows: Dataset, llava: Path) -> None:
    processor, few = load_processor(llava), shown(rows, 2)
    model = load_model(str(llava))
    end = processor.tokenizer.eos_token_id

    def wanting(token: int) -> Any:
        head = torch.nn.Linear(model.lm_head.in_features, model.lm_head.out_features)
        with torch.no_grad():
            head.weight.zero_()
            head.bias.zero_()[token] = 1.0
        model.lm_head = head
        return Transformers(model, processor, GREEDY, []).respond(few, 0)

    assert [(r.text, r.tokens, r.stopped) for (r,) in wanting(end)] == [("", 1, True)] * 2
    three = processor.tokenizer.convert_tokens_to_ids("3")
    assert [(r.text, r.tokens, r.stopped) for (r,) in wanting(three)] == [("333333", 6, False)] * 2


def test_a_forbidden_token_is_never_written(rows: Dataset, llava: Path) -> None:
    processor, few, model = load_processor(llava), shown(rows, 3), load_model(str(llava))
    slot = processor.image_token_id
    with torch.no_grad():  # make the model want nothing else
        head = torch.nn.Linear(model.lm_head.in_features, model.lm_head.out_features)
        head.weight.copy_(model.lm_head.weight)
        head.bias.zero_()[slot] = 1000.0
        model.lm_head = head
    for sampling in (GREEDY, WARM):
        with_slot = Transformers(model, processor, sampling, []).respond(few, 0)
        without = Transformers(model, processor, sampling, [slot]).respond(few, 0)
        assert {r.text for of in with_slot for r in of} == {""}, "skipped as special: how this fault shows"
        assert "" not in {r.text for of in without for r in of}


def test_what_a_published_config_adds_to_sampling_is_left_out(rows: Dataset, llava: Path) -> None:
    processor, few = load_processor(llava), shown(rows, 3)
    plain = Transformers(load_model(str(llava)), processor, WARM, [])
    published = load_model(str(llava))
    ends = published.generation_config.eos_token_id
    published.generation_config = GenerationConfig(
        do_sample=True, top_k=1, temperature=0.1, repetition_penalty=5.0, eos_token_id=[ends], pad_token_id=ends
    )
    assert Transformers(published, processor, WARM, []).respond(few, 3) == plain.respond(few, 3)


@pytest.mark.parametrize("family", ["llava", "qwen2_5_vl"])
def test_each_of_a_rows_pictures_keeps_its_place_in_every_repeat(
    family: str, rows: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    processor = build_processor(Tiny(family), texts_of(rows))
    model = build_model(Tiny(family, spread=0.3), processor, 0)
    black, white = (Image.new("RGB", (16, 16), (v, v, v)) for v in (0, 255))
    image, row = {"type": "image", "text": None}, shown(rows, 1)[0]
    row["prompt"] = [{"role": "user", "content": [image, image]}]

    def said(k: int, *pictures: Image.Image, expands: bool = True) -> list[str]:
        # So cold that each repeat is the greedy response, if it sees the same pictures in the same places.
        engine = Transformers(model, processor, Sampling(k, 1e-5, max_new_tokens=8), [])
        assert engine.expands
        engine.expands = expands
        return [response.text for response in engine.respond([{**row, "images": pictures}], 0)[0]]

    (one,), (two,), (other,) = said(1, black, white), said(1, black, black), said(1, white, white)
    assert one not in (two, other), "the places matter to this model"
    assert said(3, black, white) == said(3, black, white, expands=False) == [one] * 3
    # Why rows are repeated for a model that takes no encoded pictures: its repeats would be of these pairs.
    monkeypatch.setattr(model, "_supports_mm_encoder_outputs", lambda: False)
    assert said(3, black, white, expands=False) == [one] * 3
    if family == "llava":
        assert said(3, black, white) == [two, one, other]


def test_engines_are_chosen_or_refused_with_the_reason(llava: Path) -> None:
    assert engine_for("auto", str(llava)) == engine_for("transformers", str(llava)) == "transformers"
    with pytest.raises(SsrlError, match="no engine is called 'vlm': did you mean 'vllm'"):
        engine_for("vlm", str(llava))
    with pytest.raises(SsrlError, match="vllm cannot be used here: vllm is not installed; use the engine transformers"):
        engine_for("vllm", str(llava))


def test_what_vllm_would_be_asked(rows: Dataset, llava: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """vLLM runs on no CPU of ours, so a recorder stands in for it; what it answers is not tested."""
    asked: dict[str, Any] = {}

    class Recorder:
        def __init__(self, **options: Any) -> None:
            asked["options"] = options

        def generate(self, prompts: list[Any], params: list[Any], use_tqdm: bool) -> list[Any]:
            asked.update(prompts=prompts, params=params)
            outputs = [
                SimpleNamespace(text="a", token_ids=[1, 2], finish_reason="stop"),
                SimpleNamespace(text="b", token_ids=(1, 2, 3), finish_reason="length"),
            ]
            return [SimpleNamespace(outputs=outputs) for _ in prompts]

    module = ModuleType("vllm")
    vars(module).update(LLM=Recorder, SamplingParams=lambda **fields: fields)
    monkeypatch.setitem(sys.modules, "vllm", module)
    processor, few = load_processor(llava), shown(rows, 2)
    engine = Vllm("folder", processor, Sampling(2, 0.7, 0.9, 5, seed=4), [7], pictures=1)
    assert asked["options"] == {"model": "folder", "seed": 4, "limit_mm_per_prompt": {"image": 1}}
    found = engine.respond(few, 11)
    assert [[(r.text, r.tokens, r.stopped) for r in of] for of in found] == [[("a", 2, True), ("b", 3, False)]] * 2
    shared = {"n": 2, "temperature": 0.7, "top_p": 0.9, "max_tokens": 5, "logit_bias": {7: -100.0}}
    assert [{k: v for k, v in one.items() if k != "seed"} for one in asked["params"]] == [shared] * 2
    assert asked["params"][0]["seed"] != asked["params"][1]["seed"]
    slot = processor.image_token_id
    for row, prompt in zip(few, asked["prompts"], strict=True):
        assert prompt["multi_modal_data"] == {"image": list(row["images"])}
        assert prompt["prompt_token_ids"].count(slot) == 1, "vLLM expands the placeholder itself"
    words = Vllm("folder", processor, GREEDY, [], pictures=0)
    assert asked["options"] == {"model": "folder", "seed": 0}
    words.respond([{"prompt": [{"role": "user", "content": "3"}]}], 0)
    assert "multi_modal_data" not in asked["prompts"][0]
    assert asked["params"][0]["logit_bias"] is None
