"""What a finished run says of itself: the content of `result.json`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch
from datasets import Dataset

from ssrl_train.evaluate import Accuracy
from ssrl_train.models import device
from ssrl_train.rows import column, mean_chance

STATE = "trainer_state.json"


def states(folders: Sequence[Path]) -> list[dict[str, Any]]:
    """The trainer's own account of some stages, in order."""
    return [json.loads((folder / STATE).read_text(encoding="utf-8")) for folder in folders]


def summary(
    train: Dataset,
    rest: Dataset,
    before: Accuracy | None,
    after: Accuracy | None,
    supervised: Sequence[dict[str, Any]],
    sampled: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    """What came out.

    Args:
        train: all training rows of the run's dataset.
        rest: those that no stage on worked solutions has to itself.
        before: held-out accuracy before the first stage that was told what is right; None when it was not measured.
        after: of the last model.
        supervised: trainer states of the sft and dpo stages.
        sampled: trainer states of the grpo stages.
    """
    logs = _logs(sampled, "reward")
    rewards, times = [entry["reward"] for entry in logs], [entry["step_time"] for entry in logs if "step_time" in entry]
    losses = [entry["loss"] for entry in _logs(supervised, "loss")]
    return {
        "before": before and before.value,
        "after": after and after.value,
        "chance": after and after.chance,
        "reward_chance": mean_chance(rest),
        "interval": after and list(after.interval),
        "interval_before": before and list(before.interval),
        "rows": after and after.rows,
        "photographs": after and after.photographs,
        "train_rows": len(train),
        "train_photographs": len(set(column(train, "source_id"))),
        "sft_rows": len(train) - len(rest),
        "sft_steps": sum(state["global_step"] for state in supervised),
        "sft_loss_first": _mean(losses[: _tenth(losses)]),
        "sft_loss_last": _mean(losses[-_tenth(losses) :]),
        "steps": sum(state["global_step"] for state in sampled),
        "seconds_per_step": median(times) if times else None,
        "reward_first": _mean(rewards[: _tenth(rewards)]),
        "reward_last": _mean(rewards[-_tenth(rewards) :]),
        "device": torch.cuda.get_device_name() if device().type == "cuda" else "cpu",
    }


def rewards_of(sampled: Sequence[dict[str, Any]]) -> list[float]:
    """The mean reward of each logged step of some grpo stages, in order."""
    return [entry["reward"] for entry in _logs(sampled, "reward")]


def _logs(states: Sequence[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    """The log entries of some stages that have a key, in order; a step at which nobody was paid has none."""
    return [entry for state in states for entry in state["log_history"] if entry.get(key) is not None]


def _tenth(values: Sequence[float]) -> int:
    return max(1, len(values) // 10)


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
