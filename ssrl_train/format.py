"""The warm-up on the form of an answer: a random model cannot be rewarded for what it never writes.

The target of a row is the right response of another row that asks for the same form, drawn at random (its own may come
up, as often as any). So the target is independent of the row's pictures and of its right answer: what is learnt is how
an answer looks, and accuracy stays at chance.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset

from ssrl_data.rng import Rng
from ssrl_data.row import unpack_answer
from ssrl_train.active.form import example
from ssrl_train.models import load_model
from ssrl_train.rows import column, encode, tokenizer_of
from ssrl_train.stages import Format

IGNORED = -100  # label of a token that the loss leaves out


def random_responses(rows: Dataset) -> list[list[str]]:
    """For each row, the responses that its form allows: the right responses of all rows that ask for the same form."""
    forms: list[str] = []
    pools: defaultdict[str, list[str]] = defaultdict(list)
    for text in column(rows, "answer"):
        kind, value, _ = unpack_answer(text)
        forms.append(kind.name + "\0" + kind.ask(value))
        pools[forms[-1]].append(kind.gold(value))
    return [pools[form] for form in forms]


def train_format(model: str, processor: Any, rows: Dataset, stage: Format, seed: int, out: Path) -> None:
    """Warm a saved model up and save it with its processor.

    Args:
        model: folder of the model to start from.
        processor: its processor.
        rows: training rows.
        stage: steps, batch, learning rate.
        seed: of the rows drawn and of their targets.
        out: folder to save to.
    """
    torch.manual_seed(seed)
    net = load_model(model, torch.float32)
    net.train()
    optimizer = torch.optim.AdamW(net.parameters(), lr=stage.learning_rate)
    rng, pools, end = Rng(seed, "format"), random_responses(rows), tokenizer_of(processor).eos_token
    for _ in range(stage.steps):
        picked = [rng.below(len(rows)) for _ in range(stage.batch)]
        asked, targets = [rows[i] for i in picked], [rng.choice(pools[i]) for i in picked]
        if stage.propose is not None:
            for place in range(0, stage.batch, 2):
                made = example(asked[place], stage.propose, rng)
                asked[place], targets[place] = made or (asked[place], targets[place])
        loss = net(**_labelled(processor, asked, [text + end for text in targets]).to(net.device)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
    net.save_pretrained(out)
    processor.save_pretrained(out)


def _labelled(processor: Any, rows: list[dict[str, Any]], targets: list[str]) -> Any:
    """Model inputs whose labels are the tokens of the targets, which left padding puts at the end."""
    inputs = encode(processor, rows, targets)
    tokenizer = tokenizer_of(processor)
    labels = torch.full_like(inputs["input_ids"], IGNORED)
    for i, target in enumerate(targets):
        length = len(tokenizer(target, add_special_tokens=False)["input_ids"])
        labels[i, -length:] = inputs["input_ids"][i, -length:]
    inputs["labels"] = labels
    return inputs
