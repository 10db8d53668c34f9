"""What our reward and our reading of rows cost in a GRPO step, against plain TRL on the same rows.

Three variants train the same tiny model in turns, at a learning rate of 0, so that every variant samples the same
answers and does the same work otherwise:

    plain   stock loading and processing, a constant reward
    reward  the same with `verify`
    ssrl    `verify`, pictures decoded once and processed once, as in `ssrl train`

Prints lines of "name value unit": medians over rounds of CPU seconds a step, and ratios within a round.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

ROUNDS, STEPS, WARM = 5, 5, 1  # rounds of each variant; steps of a round, of which the first ones are not counted
ROWS = 150
RECIPE = Path(__file__).parent.parent / "tasks" / "recipes" / "demo.yaml"


def constant(completions: list[Any], **columns: Any) -> list[float]:
    """A reward that costs nothing; TRL passes every column by name."""
    return [0.0] * len(completions)


def step_seconds(model: Path, processor: Any, rows: Any, reward: Callable[..., Any], out: Path) -> list[float]:
    """CPU seconds of each counted step."""
    from transformers import PrinterCallback, TrainerCallback
    from trl import GRPOTrainer

    from ssrl_train.grpo import make_args
    from ssrl_train.stages import Grpo

    class Clock(TrainerCallback):  # type: ignore[misc]
        def __init__(self) -> None:
            self.marks = [time.process_time()]

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.marks.append(time.process_time())

    options = {"max_steps": WARM + STEPS, "per_device_train_batch_size": 64, "num_generations": 8}
    options |= {"max_completion_length": 4, "learning_rate": 0.0, "save_strategy": "no", "disable_tqdm": True}
    args = make_args(Grpo(options | {"gradient_checkpointing": False}), 0, out, [])
    trainer = GRPOTrainer(
        model=str(model), reward_funcs=reward, args=args, train_dataset=rows, processing_class=processor
    )
    clock = Clock()
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(clock)
    trainer.train()
    return [b - a for a, b in zip(clock.marks[WARM:-1], clock.marks[WARM + 1 :], strict=True)]


def measure(name: str, tiny: Any, data: Path, folder: Path, verify_seconds: float) -> Iterator[str]:
    """Lines for one model."""
    from datasets import load_dataset

    from ssrl_train.memo import decoded_once, processed_once
    from ssrl_train.rewards import verify
    from ssrl_train.rows import load_rows
    from ssrl_train.tiny import build_model, build_processor, texts_of

    encoded = load_rows(data, "train")
    stock = load_dataset("parquet", data_files=str(data / "data/image/train-*.parquet"), split="train")
    texts = list(texts_of(encoded))
    model = folder / name
    build_model(tiny, build_processor(tiny, texts), 0).save_pretrained(model)
    spent: defaultdict[str, list[float]] = defaultdict(list)
    variants = [("plain", constant), ("reward", verify), ("ssrl", verify)]
    for turn in range(ROUNDS):
        # The order turns with the rounds, so that a machine that grows busier favours none.
        for variant, reward in variants[turn % 3 :] + variants[: turn % 3]:
            processor = build_processor(tiny, texts)
            if variant == "ssrl":
                processed_once(processor)
            rows = decoded_once(encoded) if variant == "ssrl" else stock
            spent[variant].append(median(step_seconds(model, processor, rows, reward, folder / "out")))
    for variant, seconds in spent.items():
        yield f"{name} {variant} {median(seconds):.4f} CPU s/step"
    yield f"{name} verify alone {100 * verify_seconds / median(spent['plain']):.3f} % of a plain step"
    for variant in ("reward", "ssrl"):
        ratios = [ours / plain for ours, plain in zip(spent[variant], spent["plain"], strict=True)]
        yield f"{name} {variant} against plain {100 * (median(ratios) - 1):+.1f} %"


def reward_seconds(data: Path) -> float:
    """What `verify` takes by itself for a step's 64 completions: far below the noise of whole steps."""
    from ssrl_train.rewards import verify
    from ssrl_train.rows import column, load_rows

    truths = (column(load_rows(data, "train"), "answer") * 64)[:64]
    completions = [[{"role": "assistant", "content": f"<answer>{i % 4 + 1}</answer>"}] for i in range(64)]
    times = []
    for _ in range(50):
        begun = time.perf_counter()
        verify([None] * 64, completions, truths)
        times.append(time.perf_counter() - begun)
    return median(times)


def main() -> None:
    """Measure and print."""
    import torch

    from ssrl_data.build.run import build
    from ssrl_data.recipe import Recipe, load_recipe
    from ssrl_train.tiny import Tiny

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build(Recipe(**{**load_recipe(RECIPE), "rows": ROWS}), folder / "data", 1, say=lambda line: None)
        alone = reward_seconds(folder / "data")
        print(f"verify of 64 completions {1000 * alone:.3f} ms", flush=True)
        models = {"llava 16 px": Tiny(), "qwen2.5-vl 224 px": Tiny("qwen2_5_vl", side=224, patch=14)}
        for label, tiny in models.items():
            for line in measure(label, tiny, folder / "data", folder, alone):
                print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
