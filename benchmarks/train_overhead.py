"""What `ssrl train` costs in a GRPO step, against plain TRL on the same rows in the same order, and what a memo saves.

Three variants train the same tiny model in turns, at a learning rate of 0 and with the same draws, so that all of them
sample the same answers and do the same work otherwise:

    plain    TRL's trainer, stock loading and processing, a reward that costs nothing
    ours     a stage of `ssrl train`: our sampler, reward, kept samples and log; stock loading and processing
    memo     the same, pictures decoded once and processed once: what `ssrl train` does

Prints lines of "name value unit": medians over rounds of CPU seconds a step, and ratios paired within rounds with their
quartiles. Noise of whole steps is some percent, so our own functions are also timed by themselves.
"""

from __future__ import annotations

import copy
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import wraps
from io import BytesIO
from pathlib import Path
from statistics import median, quantiles
from typing import Any

ROUNDS, STEPS, WARM = 8, 5, 1  # rounds of each variant; counted steps of a round, and first ones that are not
ROWS = 150
PROMPTS, GENERATIONS = 8, 8
OF = 1000  # steps of a stage as its settings have it; it is stopped after a few
RECIPE = Path(__file__).parent.parent / "tasks" / "recipes" / "demo.yaml"

Spent = dict[str, float]


def constant(completions: list[Any], **columns: Any) -> list[float]:
    """A reward that costs nothing; TRL passes every column by name."""
    return [0.0] * len(completions)


def clock() -> Any:
    """A callback that notes CPU seconds after each step and stops training after the last counted one."""
    from transformers import TrainerCallback

    class Clock(TrainerCallback):  # type: ignore[misc]
        def __init__(self) -> None:
            self.marks = [time.process_time()]

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.marks.append(time.process_time())
            control.should_training_stop = state.global_step == WARM + STEPS

        def step(self) -> float:
            return median(b - a for a, b in zip(self.marks[WARM:-1], self.marks[WARM + 1 :], strict=True))

    return Clock()


def options(**more: Any) -> dict[str, Any]:
    batch = {"per_device_train_batch_size": PROMPTS * GENERATIONS, "num_generations": GENERATIONS}
    plain = {"learning_rate": 0.0, "save_strategy": "no", "disable_tqdm": True, "gradient_checkpointing": False}
    return {"max_steps": OF, "max_completion_length": 4, **batch, **plain, **more}


def plain_step(model: Path, processor: Any, rows: Any, out: Path) -> float:
    """CPU seconds of a step of TRL's trainer as it is."""
    from transformers import PrinterCallback
    from trl import GRPOTrainer

    from ssrl_train.grpo import make_args
    from ssrl_train.stages import Grpo

    args, timer = make_args(Grpo(options(shuffle_dataset=False)), 0, out, []), clock()
    trainer = GRPOTrainer(str(model), constant, args, rows, processing_class=processor, callbacks=[timer])
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return float(timer.step())


def our_step(model: Path, processor: Any, rows: Any, out: Path) -> float:
    """CPU seconds of a step of a stage of ours."""
    from ssrl_train.grpo import make_args, train_grpo
    from ssrl_train.stages import Grpo

    stage, timer = Grpo(options()), clock()
    args = make_args(stage, 0, out, [])
    train_grpo(str(model), processor, rows, stage, args, out, lambda line: None, callbacks=[timer])
    return float(timer.step())


def drawn(rows: Any) -> list[int]:
    """The rows that a stage of ours reads in the steps of a round, in its order."""
    from ssrl_train.curriculum import Uniform
    from ssrl_train.sampler import RowSampler

    batches = WARM + STEPS + 2  # the loader reads ahead
    sampler = RowSampler(rows, Uniform(), PROMPTS, GENERATIONS, repeats=1, batches=batches, seed=0)
    return list(sampler)[::GENERATIONS]


def timed(function: Callable[..., Any], seconds: list[float]) -> Callable[..., Any]:
    @wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        begun = time.process_time()
        result = function(*args, **options)
        seconds.append(time.process_time() - begun)
        return result

    return call


def own_seconds(model: Path, processor: Any, rows: Any, out: Path) -> float:
    """CPU seconds a step within our own functions: the sampler's, and the reward with the samples that it keeps."""
    from ssrl_train import grpo, sampler

    seconds: list[float] = []
    scored, drew, watched = sampler.RowSampler.score, sampler.RowSampler._draw, grpo.watched
    sampler.RowSampler.score = timed(scored, seconds)  # type: ignore[method-assign]
    sampler.RowSampler._draw = timed(drew, seconds)  # type: ignore[method-assign]
    grpo.watched = lambda *args: timed(watched(*args), seconds)
    try:
        our_step(model, processor, rows, out)
    finally:
        sampler.RowSampler.score, sampler.RowSampler._draw = scored, drew  # type: ignore[method-assign]
        grpo.watched = watched
    return sum(seconds[-3 * STEPS :]) / STEPS  # the first step also keeps a sample, as one step in `OF` / 24 does


def measure(name: str, tiny: Any, data: Path, folder: Path) -> Iterator[str]:
    """Lines for one model."""
    from datasets import load_dataset

    from ssrl_train.memo import decoded_once, processed_once
    from ssrl_train.rows import load_rows
    from ssrl_train.tiny import build_model, build_processor, texts_of

    encoded = load_rows(data, "train")
    stock = load_dataset("parquet", data_files=str(data / "data/image/train-*.parquet"), split="train")
    texts, order = list(texts_of(encoded)), drawn(encoded)
    model = folder / name.replace(" ", "-")
    build_model(tiny, build_processor(tiny, texts), 0).save_pretrained(model)
    ways = {"plain": (plain_step, stock.select(order)), "ours": (our_step, stock), "memo": (our_step, encoded)}
    spent: defaultdict[str, list[float]] = defaultdict(list)
    for turn in range(ROUNDS):
        # The order turns with the rounds, so that a machine that grows busier favours none.
        for variant in [*ways][turn % 3 :] + [*ways][: turn % 3]:
            step, rows = ways[variant]
            processor = build_processor(tiny, texts)
            if variant == "memo":
                processed_once(processor)
                rows = decoded_once(rows)
            spent[variant].append(step(model, processor, rows, folder / "out"))
    for variant, seconds in spent.items():
        yield f"{name} {variant} {median(seconds):.4f} CPU s/step"
    for variant in ("ours", "memo"):
        ratios = [100 * (here / plain - 1) for here, plain in zip(spent[variant], spent["plain"], strict=True)]
        low, _, high = quantiles(ratios, n=4)
        yield f"{name} {variant} against plain {median(ratios):+.1f} % (quartiles {low:+.1f} to {high:+.1f})"
    own = own_seconds(model, build_processor(tiny, texts), stock, folder / "out")
    yield f"{name} own functions {100 * own / median(spent['plain']):.2f} % of a plain step ({1000 * own:.2f} ms)"


def photographs(side: int) -> list[bytes]:
    """As many photographs as a generation batch has prompts, as PNG."""
    import numpy as np
    from PIL import Image
    from skimage import data

    out = []
    for i in range(PROMPTS):
        whole = Image.fromarray(np.asarray((data.astronaut, data.coffee)[i % 2]()))
        corner = (10 * i, 5 * i, 10 * i + 380, 5 * i + 360)
        buffer = BytesIO()
        whole.crop(corner).resize((side, side), Image.Resampling.LANCZOS).save(buffer, "PNG")
        out.append(buffer.getvalue())
    return out


def preparation(rows: Any, processor: Any, passes: int) -> Spent:
    """CPU seconds that the trainer's own steps take to turn one generation batch of `rows` into model inputs.

    Args:
        rows: a generation batch: its prompts, in which the repeats are taken by index as the loader does.
        processor: of the model.
        passes: how often the loader reads each batch, `steps_per_generation`.
    """
    from trl.data_utils import prepare_multimodal_messages

    spent: Spent = {}
    begun = time.process_time()
    for _ in range(passes):
        batch = rows.__getitems__([i for i in range(PROMPTS) for _ in range(GENERATIONS)])
    spent["decode"] = time.process_time() - begun

    begun = time.process_time()
    images = [row["images"] for row in batch]
    prompts = [prepare_multimodal_messages(row["prompt"], images=row["images"]) for row in batch]
    prompts = copy.deepcopy(prompts)
    spent["deep copy"] = time.process_time() - begun

    begun = time.process_time()
    processor.apply_chat_template(conversation=prompts, add_generation_prompt=True, tokenize=True, return_dict=True)
    spent["process to generate"] = time.process_time() - begun

    begun = time.process_time()
    texts = [processor.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True) for prompt in prompts]
    processor(images=images, text=texts, padding=True, return_tensors="pt")
    spent["process to learn"] = time.process_time() - begun
    return spent


def memo() -> Iterator[str]:
    """What decoding and processing take for one generation batch, with the memo and without."""
    from datasets import Dataset, Features, Image, List, Value

    from ssrl_train.memo import _decode, decoded_once, processed_once
    from ssrl_train.tiny import Tiny, build_processor

    tiny, side = Tiny("qwen2_5_vl", side=448, patch=14), 448
    part = {"type": Value("string"), "text": Value("string")}
    parts = [{"type": "image", "text": None}, {"type": "text", "text": "Which one?"}]
    columns = {
        "prompt": [[{"role": "user", "content": parts}]] * PROMPTS,
        "images": [[{"bytes": data, "path": None}] for data in photographs(side)],
    }
    prompt = List({"role": Value("string"), "content": List(part)})
    stock = Dataset.from_dict(columns, Features({"prompt": prompt, "images": List(Image())}))
    encoded = stock.cast_column("images", List(Image(decode=False)))
    for passes in (1, 4):
        runs: dict[bool, list[Spent]] = {False: [], True: []}
        for _ in range(3):
            for once in runs:
                processor = build_processor(tiny, ["user: Which one?"])
                if once:
                    processed_once(processor)
                    _decode.cache_clear()
                runs[once].append(preparation(decoded_once(encoded) if once else stock, processor, passes))
        sums = {once: median(sum(run.values()) for run in found) for once, found in runs.items()}
        for name in runs[False][0]:
            plain, with_memo = (1000 * median(run[name] for run in found) for found in runs.values())
            yield f"memo 448 px x{passes} {name} {plain:.0f} to {with_memo:.0f} CPU ms"
        yield f"memo 448 px x{passes} saves {sums[False] / sums[True]:.1f} times"


def main() -> None:
    """Measure and print."""
    import torch

    from ssrl_data.build.run import build
    from ssrl_data.recipe import Recipe, load_recipe
    from ssrl_train.tiny import Tiny

    torch.set_num_threads(1)
    for line in memo():
        print(line, flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build(Recipe(**{**load_recipe(RECIPE), "rows": ROWS}), folder / "data", 1, say=lambda line: None)
        models = {
            "llava 16 px": (Tiny(), ROUNDS),
            "qwen2.5-vl 224 px": (Tiny("qwen2_5_vl", side=224, patch=14), ROUNDS),
        }
        for label, (tiny, rounds) in models.items():
            for line in measure(label, tiny, folder / "data", folder, rounds):
                print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
