"""Does the entropy-aware token filter keep a model's entropy in a cold start, and does the form come as well?

A tiny model has read worked solutions whose numbers nobody can foresee; then it learns the form of a preview and a
self-check around other ones: from all tokens (`all`), from the 80% with the largest cross entropy less 0.8 times their
entropy (`filtered`), or from the 80% with the largest cross entropy (`surprising`). Told are, on held-out solutions in
the form, the mean entropy of the tokens of the solution, and the mean cross entropy of the tokens of the form, both in
nats; nothing is asserted of either but what the comparison rests on.

Each seed leaves its result in `out/prove/tokens`, so seeds may run on different days; the verdict is over all of them.
"""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from command import ROOT
from datasets import Dataset
from made_stages import solution
from scipy.stats import t as student
from transformers import AutoProcessor
from trl import SFTTrainer

from ssrl_train.models import load_model
from ssrl_train.sft import make_sft_args
from ssrl_train.signals.previewed import previewed
from ssrl_train.stages import Sft
from ssrl_train.tiny import Tiny, build_model, build_processor
from ssrl_train.token_filter import FilteredTrainer
from ssrl_train.tokens import Tokens
from ssrl_train.trainer import train_supervised

SEEDS = (0, 1, 2)
STORE = ROOT / "out/prove/tokens"
READ, SHOWN, HELD = 400, 200, 60
STEPS = {"read": 250, "shown": 60}
ARMS: dict[str, Any] = {
    "all": SFTTrainer,
    "filtered": partial(FilteredTrainer, tokens=Tokens(0.8, 0.8)),
    "surprising": partial(FilteredTrainer, tokens=Tokens(0.8, 0.0)),
}


def texts(first: int, count: int) -> list[tuple[str, str]]:
    """Problems and solutions."""
    made = map(solution, range(first, first + count))
    return [(str(one["problem"]), " ".join(map(str, one["steps"]))) for one in made]  # type: ignore[call-overload]


def formed(problem: str, said: str) -> str:
    """A solution in the form."""
    about = problem.removeprefix("How many ").removesuffix(" come of it?")
    checked = f"<check> it ends with the {about} </check></think>"
    return f"<think><preview> it asks for the {about} </preview> {said} {checked} {said.split()[-1]}"


def examples(pairs: list[tuple[str, str]]) -> Dataset:
    prompts = [[{"role": "user", "content": problem}] for problem, _ in pairs]
    return Dataset.from_dict(
        {"prompt": prompts, "completion": [[{"role": "assistant", "content": said}] for _, said in pairs]}
    )


def train(kind: Any, start: Path, out: Path, rows: Dataset, steps: int, seed: int) -> None:
    options = {
        "max_steps": steps,
        "per_device_train_batch_size": 16,
        "learning_rate": 2e-3,
        "gradient_checkpointing": False,
        "save_strategy": "no",
        "model_init_kwargs": {"dtype": "float32"},
    }
    stage = Sft(rows=len(rows), sft=options)
    args = make_sft_args(stage, seed, out.with_name(f"{out.name}-work"))
    processor = AutoProcessor.from_pretrained(start)
    train_supervised(kind, str(start), processor, rows, stage, args, out, lambda line: None)


def told(model: Path, pairs: list[tuple[str, str]]) -> dict[str, float]:
    """Mean entropy of the tokens of the solutions, and mean cross entropy of those of the form around them."""
    tokenizer, net = AutoProcessor.from_pretrained(model), load_model(str(model)).eval()
    inside: list[float] = []
    around: list[float] = []
    for problem, said in pairs:
        asked = tokenizer.apply_chat_template(
            [{"role": "user", "content": problem}], add_generation_prompt=True, tokenize=False
        )
        whole = formed(problem, said)
        place = whole.index(said)
        ids = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in (asked, whole[:place], said)]
        end = tokenizer(whole[place + len(said) :] + tokenizer.eos_token, add_special_tokens=False)["input_ids"]
        line = torch.tensor([[*ids[0], *ids[1], *ids[2], *end]])
        with torch.no_grad():
            scores = net(input_ids=line).logits[0, :-1].double().log_softmax(-1)
        losses = -scores.gather(1, line[0, 1:, None])[:, 0]
        entropy = -(scores.exp() * scores).sum(1)
        begin = len(ids[0]) - 1
        first = begin + len(ids[1])
        last = first + len(ids[2])
        inside += entropy[first:last].tolist()
        around += [*losses[begin:first].tolist(), *losses[last:].tolist()]
    return {"entropy": float(np.mean(inside)), "form": float(np.mean(around))}


@pytest.mark.prove
@pytest.mark.parametrize("seed", SEEDS)
def test_tokens(seed: int) -> None:
    folder = STORE / f"seed-{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    every = texts(seed * (READ + SHOWN + HELD), READ + SHOWN + HELD)
    assert all(previewed(formed(*pair)) for pair in every)
    tiny = Tiny("qwen3", spread=0.1)
    processor = build_processor(tiny, [part for pair in every for part in (pair[0], formed(*pair))])
    build_model(tiny, processor, seed).save_pretrained(folder / "random")
    processor.save_pretrained(folder / "random")
    train(SFTTrainer, folder / "random", folder / "read", examples(every[:READ]), STEPS["read"], seed)
    shown = examples([(problem, formed(problem, said)) for problem, said in every[READ : READ + SHOWN]])
    found = {"before": told(folder / "read", every[-HELD:])}
    for arm, kind in ARMS.items():
        train(kind, folder / "read", folder / arm, shown, STEPS["shown"], seed)
        found[arm] = told(folder / arm, every[-HELD:])
        print(seed, arm, json.dumps(found[arm]), flush=True)
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "stored.json").write_text(json.dumps(found), encoding="utf-8")
    # What the comparison rests on: there is entropy to keep, and every arm learns the form.
    assert found["before"]["entropy"] > 0.5
    assert all(found[arm]["form"] < found["before"]["form"] / 2 for arm in ARMS)
    judge()


def judge() -> None:
    """Say what was found over all seeds that are stored, with 95% intervals over seeds."""
    stored = [json.loads(file.read_text("utf-8")) for file in sorted(STORE.glob("seed-*/stored.json"))]
    for metric in ("entropy", "form"):
        for arm in ("before", *ARMS):
            print(f"{metric} {arm}: {[round(one[arm][metric], 3) for one in stored]}")
        for arm in ("filtered", "surprising"):
            gaps = np.array([one[arm][metric] - one["all"][metric] for one in stored])
            if len(gaps) < 2:
                print(f"{metric} {arm} - all: {gaps.mean():+.3f}, one seed")
                continue
            half = float(student.ppf(0.975, len(gaps) - 1) * gaps.std(ddof=1) / np.sqrt(len(gaps)))
            verdict = "no evidence" if abs(gaps.mean()) <= half else ("more" if gaps.mean() > 0 else "less")
            print(f"{metric} {arm} - all: {gaps.mean():+.3f} +-{half:.3f} over {len(gaps)} seeds: {verdict}")
