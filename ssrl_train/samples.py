"""A few of the completions that a stage sampled, kept as it goes on, with what the model saw: for the run page.

    checkpoints/2-grpo/samples/00003.parquet    the first groups of one step in the run's fourth twentieth

A stage's steps are cut into `KEPT` spans, and the first generation of each is kept, so a run of any length leaves a few
megabytes. A resumed stage writes a span that it does again over what was there: nothing is kept twice.

To be filled from a reward function, `reward_funcs=watched(verify, Samples(folder, num_generations))`.
"""

from __future__ import annotations

import functools
import io
import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import PIL.Image
import pyarrow as pa
import pyarrow.parquet as pq

from ssrl_data.row import unpack_answer
from ssrl_train.processes import is_main
from ssrl_train.rewards import response_text

KEPT = 24
"""Spans of a stage, each with one kept step."""
GROUPS = 3
"""Prompts of a kept step."""
TEXT = 32_768
"""Most characters kept of a prompt, a response or an answer, the middle left out."""
PICTURES = 16
"""Most pictures kept of a prompt."""
SIDE = 320
"""Longest side of a kept picture, in pixels."""

SAMPLES = pa.schema(
    [
        ("step", pa.int64()),  # from 1: the update that learns from it
        ("id", pa.string()),  # of the row
        ("task", pa.string()),
        ("prompt", pa.string()),  # JSON: its parts in order, texts, and null for a picture
        ("pictures", pa.list_(pa.binary())),  # JPEG or PNG, in order, small
        ("pictures_left_out", pa.int64()),
        ("gold", pa.string()),  # a response that scores 1
        ("responses", pa.list_(pa.string())),
        ("rewards", pa.list_(pa.float64())),  # null where it could not be judged
        ("advantages", pa.list_(pa.float64())),  # (reward - mean) / (deviation + 1e-4) of the group
    ]
)

Reward = Callable[..., Sequence[float | None]]


class Samples:
    """The kept completions of a stage.

    Args:
        folder: where they go, a file a span.
        group: completions of a prompt, which follow each other.
    """

    def __init__(self, folder: Path, group: int) -> None:
        self.folder, self.group = folder, group
        self._seen: set[int] = set()

    def add(
        self, step: int, of: int, rows: Sequence[Mapping[str, Any]], completions: Sequence[Any], rewards: Sequence[Any]
    ) -> None:
        """Keep the first groups of a generation, unless its span has one.

        Args:
            step: updates made before it.
            of: updates of the stage.
            rows: for each completion the columns of its row that are shown: prompt, id, task, answer, images.
            completions: texts, or conversations whose last message is the response.
            rewards: in [0, 1], None for what could not be judged.
        """
        span = step * KEPT // max(1, of)
        if span in self._seen:
            return
        self._seen.add(span)
        kept = []
        for first in range(0, len(rows) - self.group + 1, self.group)[:GROUPS]:
            these = slice(first, first + self.group)
            texts = [shortened(response_text(completion), TEXT) for completion in completions[these]]
            scores = [None if reward is None else float(reward) for reward in rewards[these]]
            kept.append(
                {"step": step + 1, **_shown(rows[first])}
                | {"responses": texts, "rewards": scores, "advantages": advantages(scores)}
            )
        if not kept:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / f"{span:05d}.parquet"
        partial = file.with_suffix(".partial")
        pq.write_table(pa.Table.from_pylist(kept, SAMPLES), partial)
        os.replace(partial, file)


def watched(reward: Reward, samples: Samples) -> Reward:
    """A reward function of the same name that lets `samples` see what it scores, in the main process."""

    @functools.wraps(reward)
    def scored(prompts: Sequence[Any], completions: Sequence[Any], **columns: Any) -> Sequence[float | None]:
        rewards = reward(prompts=prompts, completions=completions, **columns)
        state = columns["trainer_state"]
        if is_main():
            shown = {name: columns[name] for name in ("id", "task", "answer", "images") if name in columns}
            rows = [
                {"prompt": prompt, **{name: values[i] for name, values in shown.items()}}
                for i, prompt in enumerate(prompts)
            ]
            samples.add(state.global_step, state.max_steps, rows, completions, rewards)
        return rewards

    return scored


def advantages(rewards: Sequence[float | None]) -> list[float]:
    """What GRPO weighs each completion of a group with, as TRL does by default; 0 for what could not be judged."""
    judged = [reward for reward in rewards if reward is not None and not math.isnan(reward)]
    mean = fmean(judged) if judged else 0.0
    spread = stdev(judged) if len(judged) > 1 else 0.0
    return [0.0 if reward is None or math.isnan(reward) else (reward - mean) / (spread + 1e-4) for reward in rewards]


def shortened(text: str, most: int) -> str:
    """`text`, or its beginning and end with what is left out between them counted."""
    if len(text) <= most:
        return text
    head, tail = most - most // 2, most // 2
    return f"{text[:head]}\n[{len(text) - most:,} characters left out]\n{text[len(text) - tail :]}"


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    parts: list[str | None] = []
    for message in row["prompt"]:
        body = message["content"]
        for part in [{"type": "text", "text": body}] if isinstance(body, str) else body:
            parts.append(None if part["type"] == "image" else shortened(part["text"], TEXT))
    pictures = list(row.get("images") or ())
    kind, value, _ = unpack_answer(row["answer"])
    return {
        "id": str(row.get("id", "")),
        "task": str(row.get("task", "")),
        "prompt": json.dumps(parts),
        "pictures": [_small(picture) for picture in pictures[:PICTURES]],
        "pictures_left_out": max(0, len(pictures) - PICTURES),
        "gold": shortened(kind.gold(value), TEXT),
    }


def _small(picture: PIL.Image.Image) -> bytes:
    """A picture as small bytes: JPEG, or PNG where that is as small, as of drawings and of pictures of few pixels."""
    copy = picture.convert("RGB")
    copy.thumbnail((SIDE, SIDE))
    found = []
    for form, options in (("JPEG", {"quality": 85}), ("PNG", {"optimize": True})):
        file = io.BytesIO()
        copy.save(file, form, **options)
        found.append(file.getvalue())
    return min(found, key=len)
