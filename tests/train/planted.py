"""A signal that pays one constant answer, whatever is asked: the collapse that guards are tested on.

As a script, in several processes:

torchrun --nproc_per_node 2 tests/train/planted.py DATASET OUT
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from ssrl_data.core import SsrlError
from ssrl_data.row import unpack_answer
from ssrl_train import signals
from ssrl_train.about import About
from ssrl_train.config import Config, parse
from ssrl_train.processes import leave, rank
from ssrl_train.run import run
from ssrl_train.signals.base import Batch, Judge, Paid
from ssrl_train.signals.settings import SIGNALS, Signal

STEPS, SAVED = 14, 2
GRPO = {
    "max_steps": STEPS,
    "per_device_train_batch_size": 32,
    "num_generations": 4,
    "max_completion_length": 4,
    "learning_rate": 2e-3,
    "lr_scheduler_type": "constant",
    "gradient_checkpointing": False,
    "save_steps": SAVED,
    "save_total_limit": 1,
}


@dataclass(frozen=True, slots=True)
class Constant(Signal):
    """Pays one answer."""

    about: ClassVar[About] = About("Constant", "", "", "", (), False, "", "")
    truth: ClassVar[bool] = False


class Constantly(Judge):
    """Pays a response that answers 1."""

    def __init__(self, settings: Constant) -> None:
        self.settings = settings

    def pay(self, batch: Batch) -> Paid:
        """1 or 0."""
        read = []
        for row, text in zip(batch.rows, batch.texts, strict=True):
            kind, value, _ = unpack_answer(row["answer"])
            read.append(kind.read(text, value).given)
        return Paid([float(given == "1") for given in read], {})


def plant(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let configs name the signal."""
    monkeypatch.setitem(SIGNALS, "constant", Constant)
    monkeypatch.setitem(signals._JUDGES, Constant, Constantly)


FORM: dict[str, Any] = {"method": "format", "steps": 40, "batch": 32}


def config(
    data: Path, out: Path, reward: str = "constant", seed: int = 0, first: dict[str, Any] = FORM, **stage: Any
) -> Config:
    """A run on rows of the demo: a first stage, and one of grpo."""
    stages = [first, {"method": "grpo", "reward": reward, "grpo": GRPO, **stage}]
    body = {"data": str(data), "out": str(out), "model": {"tiny": "llava", "side": 16, "spread": 0.1}, "track": "none"}
    return parse({**body, "seed": seed, "stages": stages, "eval": None}, "planted")


def main(data: Path, out: Path) -> None:
    """Run into the collapse, and write down what each process was told."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        plant(monkeypatch)
        options = dict(GRPO, per_device_train_batch_size=16)
        settings = config(data, out, guard={"window": 5}, grpo=options)
        try:
            run(settings, lambda line: None)
        except SsrlError as error:
            (out / f"told-{rank()}.txt").write_text(str(error), encoding="utf-8")
    leave()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
