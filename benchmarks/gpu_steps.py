"""GRPO steps and tokens a second and peak memory on the GPU at hand, as `ssrl train` and as plain TRL take them.

A tiny model, and Qwen2.5-VL-3B with LoRA; both ways have the same settings and the same reward.

Needs no hub: the large model has the published shape and random weights, its processor a word tokenizer of the rows.
What it samples is noise, so only speed and memory mean anything; answers always run to their full length. Not part of
`make bench`: python -m benchmarks.gpu_steps [DATASET] [--only tiny|large].

Prints lines of "name value unit".
"""

from __future__ import annotations

import argparse
import copy
import gc
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from datasets import Image, List
from peft import LoraConfig
from transformers import PrinterCallback, TrainerCallback
from trl import GRPOTrainer

from benchmarks.train_overhead import RECIPE
from ssrl_data.build.run import build
from ssrl_data.recipe import Recipe, load_recipe
from ssrl_train.curriculum import Uniform
from ssrl_train.grpo import Trainer, make_args
from ssrl_train.memo import decoded_once, processed_once
from ssrl_train.models import load_model_config, vision_tokens
from ssrl_train.rewards import verify
from ssrl_train.rows import load_rows
from ssrl_train.stages import Grpo
from ssrl_train.tiny import QWEN_MODEL, Tiny, build_model, build_processor, qwen_config, texts_of

ROWS = 400
LORA_TARGETS = r".*language_model.*\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)"
# The published shape of Qwen2.5-VL-3B-Instruct.
TEXT: dict[str, Any] = {
    "vocab_size": 151936,
    "hidden_size": 2048,
    "intermediate_size": 11008,
    "num_hidden_layers": 36,
    "num_attention_heads": 16,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128000,
    "rope_parameters": {"rope_type": "default", "rope_theta": 1000000.0, "mrope_section": [16, 24, 24]},
    "tie_word_embeddings": True,
    "bos_token_id": None,
}
TOWER: dict[str, Any] = {
    "depth": 32,
    "hidden_size": 1280,
    "intermediate_size": 3420,
    "num_heads": 16,
    "out_hidden_size": 2048,
    "patch_size": 14,
    "window_size": 112,
    "fullatt_block_indexes": [7, 15, 23, 31],
}


def large(folder: Path, processor: Any) -> None:
    """Save a random Qwen2.5-VL-3B in bfloat16."""
    tokenizer = processor.tokenizer
    text = TEXT | {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
            model = QWEN_MODEL["qwen2_5_vl"](qwen_config("qwen2_5_vl", processor, text, TOWER))
    finally:
        torch.set_default_dtype(before)
    print(f"large parameters {sum(p.numel() for p in model.parameters()) / 1e9:.2f} billion", flush=True)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)


class Clock(TrainerCallback):  # type: ignore[misc]
    """Notes when each step ended and how many tokens it had read and written by then."""

    def __init__(self) -> None:
        self.marks: list[tuple[float, float]] = []

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.marks.append((time.perf_counter(), state.num_input_tokens_seen))

    def rates(self) -> tuple[float, float]:
        """Steps and tokens a second; the first step warms up."""
        (begun, before), (ended, after) = self.marks[0], self.marks[-1]
        return (len(self.marks) - 1) / (ended - begun), (after - before) / (ended - begun)


def measure(name: str, model: Path, processor: Any, data: Path, options: dict[str, Any], lora: Any) -> Iterator[str]:
    """Train a few steps in both ways, twice in turns, and say what they took."""
    forbidden = vision_tokens(processor, load_model_config(str(model)))
    options = options | {"save_strategy": "no", "disable_tqdm": True}
    encoded, out = load_rows(data, "train"), model.parent / "work"
    ways: dict[str, Any] = {"plain": (encoded.cast_column("images", List(Image())), processor)}
    once = copy.copy(processor)
    processed_once(once)
    ways["ssrl"] = (decoded_once(encoded), once)
    rates: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    for turn in range(2):
        for way in [*ways][:: -1 if turn else 1]:
            rows, made = ways[way]
            args, clock = make_args(Grpo(options), 0, out, forbidden), Clock()
            if torch.cuda.is_available():
                torch.cuda.reset_peak_memory_stats()
            if way == "ssrl":
                trainer: Any = Trainer(str(model), made, rows, verify, args, Uniform(), lora=lora, callbacks=[clock])
            else:
                trainer = GRPOTrainer(
                    str(model), verify, args, rows, processing_class=made, peft_config=lora, callbacks=[clock]
                )
            trainer.remove_callback(PrinterCallback)
            trainer.train()
            rates[way].append(clock.rates())
            if turn == 0 and torch.cuda.is_available():
                yield f"{name} {way} peak memory {torch.cuda.max_memory_allocated() / 2**30:.2f} GiB"
            if turn == 0:
                logged = [entry["reward"] for entry in trainer.state.log_history if "reward" in entry]
                yield f"{name} {way} reward {logged[0]:.3f} to {logged[-1]:.3f} mean"
            del trainer
            gc.collect()
    for i, what in enumerate(("steps", "tokens")):
        ours, plain = (fmean(pair[i] for pair in rates[way]) for way in ("ssrl", "plain"))
        yield f"{name} {ours:.3f} {what}/s, {ours / plain:.3f} of plain TRL's"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?", type=Path, help="a built dataset; the demo's is built when none is given")
    parser.add_argument("--only", choices=("tiny", "large"))
    given = parser.parse_args()
    print(f"device {torch.cuda.get_device_name() if torch.cuda.is_available() else 'cpu'}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = given.data or folder / "data"
        if given.data is None:
            build(Recipe(**{**load_recipe(RECIPE), "rows": ROWS}), data, None, say=lambda line: None)
        texts = list(texts_of(load_rows(data, "train")))
        if given.only != "large":
            tiny = Tiny(spread=0.1)
            processor = build_processor(tiny, texts)
            build_model(tiny, processor, 0).save_pretrained(folder / "tiny")
            options = {"max_steps": 50, "per_device_train_batch_size": 256, "num_generations": 16}
            options |= {"max_completion_length": 4, "learning_rate": 1e-3, "gradient_checkpointing": False}
            for line in measure("tiny", folder / "tiny", processor, data, options, None):
                print(line, flush=True)
        if given.only != "tiny":
            processor = build_processor(Tiny("qwen2_5_vl", side=224, patch=14), texts)
            large(folder / "large", processor)
            options = {"max_steps": 4, "per_device_train_batch_size": 8, "gradient_accumulation_steps": 8}
            options |= {"num_generations": 8, "max_completion_length": 64, "learning_rate": 1e-5}
            options |= {"model_init_kwargs": {"dtype": "bfloat16"}}
            options |= {"gradient_checkpointing_kwargs": {"use_reentrant": False}}
            lora = LoraConfig(r=32, lora_alpha=64, target_modules=LORA_TARGETS, task_type="CAUSAL_LM")
            for line in measure("qwen2.5-vl-3b lora", folder / "large", processor, data, options, lora):
                print(line, flush=True)


if __name__ == "__main__":
    main()
