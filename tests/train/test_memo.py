from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset, load_dataset
from PIL import Image
from transformers import (
    CLIPImageProcessorPil,
    Gemma3ImageProcessorPil,
    LlavaNextImageProcessorPil,
    Qwen2VLImageProcessorPil,
    SiglipImageProcessorPil,
)

from ssrl_train.grpo import make_args, train_grpo
from ssrl_train.memo import decoded_once, processed_once
from ssrl_train.stages import Grpo
from ssrl_train.tiny import IMAGE_SLOT, Tiny, build_model, build_processor, load_processor, texts_of

pytest_plugins = ("train_rows",)
KEEP = [CLIPImageProcessorPil, SiglipImageProcessorPil, Qwen2VLImageProcessorPil, Gemma3ImageProcessorPil]


def pictures() -> list[Image.Image]:
    random = np.random.default_rng(1)
    return [
        Image.fromarray(random.integers(0, 256, (h, w, 3), dtype=np.uint8))
        for w, h in ((56, 84), (224, 224), (300, 90))
    ]


@pytest.mark.parametrize("kind", KEEP)
@pytest.mark.parametrize("form", ["np", "pt"])
def test_the_memo_changes_no_bit(kind: Any, form: str) -> None:
    first, second, third = pictures()
    copies = [first.copy(), second.copy()]  # equal pixels in other objects, as after a deep copy
    batch = [first, first, second, third, first, *copies, second]
    holder = SimpleNamespace(image_processor=kind())
    plain = kind()(batch, return_tensors=form)
    assert processed_once(holder)
    for _ in range(2):
        memo = holder.image_processor(batch, return_tensors=form)
        assert set(plain) == set(memo)
        for key in plain:
            assert type(plain[key]) is type(memo[key])
            assert plain[key].dtype == memo[key].dtype
            assert np.array_equal(np.asarray(plain[key]), np.asarray(memo[key]))


def test_pictures_that_depend_on_their_batch_are_left_alone() -> None:
    plain = LlavaNextImageProcessorPil()
    holder = SimpleNamespace(image_processor=plain)
    assert not processed_once(holder)
    assert holder.image_processor is plain


def test_each_distinct_picture_is_processed_once_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    holder = SimpleNamespace(image_processor=Qwen2VLImageProcessorPil())
    assert processed_once(holder)
    seen: list[int] = []
    plain = Qwen2VLImageProcessorPil.preprocess

    def counted(self: Any, images: Any, *args: Any, **options: Any) -> Any:
        seen.append(len(images))
        return plain(self, images, *args, **options)

    monkeypatch.setattr(Qwen2VLImageProcessorPil, "preprocess", counted)
    first, second, _ = pictures()
    for _ in range(3):
        holder.image_processor([first] * 8 + [second.copy()] * 8, return_tensors="pt")
    assert seen == [1, 1]
    holder.image_processor([first], return_tensors="pt", do_normalize=False)
    assert seen == [1, 1, 1], "other options are other inputs"


def test_little_room_costs_time_not_truth() -> None:
    plain, holder = CLIPImageProcessorPil(), SimpleNamespace(image_processor=CLIPImageProcessorPil())
    assert processed_once(holder, capacity=1)
    batch = pictures() * 2
    assert torch.equal(
        plain(batch, return_tensors="pt")["pixel_values"],
        holder.image_processor(batch, return_tensors="pt")["pixel_values"],
    )


def test_saved_it_is_the_original(llava: Path, tmp_path: Path, rows: Dataset) -> None:
    processor = load_processor(llava)
    before = processor.image_processor.to_dict()
    assert processed_once(processor)
    processor.image_processor([pictures()[0]], return_tensors="pt")
    assert processor.image_processor.to_dict() == before
    processor.save_pretrained(tmp_path)
    assert (tmp_path / "processor_config.json").read_text() == (llava / "processor_config.json").read_text()


def test_cached_decoding_gives_the_pixels_that_datasets_gives(dataset: Path, rows: Dataset) -> None:
    stock = load_dataset("parquet", data_files=str(dataset / "data/image/train-*.parquet"), split="train")
    cached = decoded_once(rows)
    for i in (0, 3, len(stock) - 1):
        for ours, theirs in zip(cached[i]["images"], stock[i]["images"], strict=True):
            assert ours.mode == theirs.mode
            assert np.array_equal(np.asarray(ours), np.asarray(theirs))
        assert {**cached[i], "images": None} == {**stock[i], "images": None}
    batch = cached.__getitems__([2, 2, 5])
    assert batch[0]["images"][0] is batch[1]["images"][0], "repeats share one picture"


@pytest.mark.parametrize("family", sorted(IMAGE_SLOT))
def test_the_trainer_learns_the_same_weights_with_and_without(
    family: str, dataset: Path, rows: Dataset, tmp_path: Path
) -> None:
    tiny = Tiny(family)
    start = tmp_path / "start"
    build_model(tiny, build_processor(tiny, texts_of(rows)), 0).save_pretrained(start)
    weights = []
    for memo in (False, True):
        processor = build_processor(tiny, texts_of(rows))
        stock = load_dataset("parquet", data_files=str(dataset / "data/image/train-*.parquet"), split="train")
        out = tmp_path / str(memo)
        options = {"max_steps": 2, "per_device_train_batch_size": 8, "num_generations": 4, "max_completion_length": 4}
        options |= {"learning_rate": 1e-2, "gradient_checkpointing": False, "save_strategy": "no", "beta": 0.1}
        options |= {"entropy_coef": 0.05}  # so that the weights move although no random answer is right
        stage = Grpo(options)
        args = make_args(stage, 0, out / "work", [])
        assert not memo or processed_once(processor)
        train_grpo(str(start), processor, decoded_once(rows) if memo else stock, stage, args, out, lambda line: None)
        weights.append((out / "model.safetensors").read_bytes())
    assert weights[0] == weights[1]
    assert weights[0] != (start / "model.safetensors").read_bytes()


def test_repeats_are_processed_once() -> None:
    processed: list[int] = []

    class Counting(Qwen2VLImageProcessorPil):  # type: ignore[misc]
        def _preprocess(self, images: Any, *args: Any, **options: Any) -> Any:
            processed.append(len(images))
            return super()._preprocess(images, *args, **options)

    big = Image.fromarray(np.random.default_rng(2).integers(0, 256, (448, 448, 3), dtype=np.uint8))
    holder = SimpleNamespace(image_processor=Counting())
    assert processed_once(holder)
    processed.clear()
    holder.image_processor([big] * 16, return_tensors="pt")
    holder.image_processor([big] * 4, return_tensors="pt")
    assert processed == [1]
