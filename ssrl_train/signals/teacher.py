"""A teacher that votes: an exponential moving average of the model, which answers the same prompts beside it.

Version II of Co-rewarding (arXiv 2508.00410). What the model is told is right comes from where it was some updates ago,
so it cannot raise its reward by agreeing with itself within one group.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from transformers import TrainerCallback
from trl.data_utils import prepare_multimodal_messages

from ssrl_data.core import SsrlError
from ssrl_train.processes import is_main
from ssrl_train.signals.base import Batch, Judge, Paid, gathered
from ssrl_train.signals.settings import TeacherVote
from ssrl_train.signals.votes import by_majority, groups, told, vote

FILE = "teacher.safetensors"
"""In a checkpoint: the teacher's weights."""


def decay(step: int, steps: int, first: float, last: float) -> float:
    """The teacher's share in its next weights, from `first` at step 0 to `last` at the end, by half a cosine.

    Args:
        step: updates that were made before this one.
        steps: updates of the whole stage.
        first: at its beginning.
        last: at its end.
    """
    return last - (last - first) * (1 + math.cos(math.pi * min(1.0, step / steps))) / 2


class TeacherJudge(Judge):
    """The teacher's vote on its own answers pays the model's.

    Its weights are those that are trained, an adapter's alone where there is one, in 32 bits: in 16 a step of
    1 - 0.9999 would round away. It generates with the trainer's own settings, as many answers as the model.
    """

    def __init__(self, settings: TeacherVote) -> None:
        self.settings = settings
        self.weights: dict[str, torch.Tensor] = {}
        self._trainer: Any = None
        self._answers: Batch | None = None

    def attach(self, trainer: Any) -> None:
        """Copy the model that the stage starts from, and follow it from then on.

        Raises:
            SsrlError: the model is spread over processes, or answers come from vLLM.
        """
        if trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled or trainer.use_vllm:
            raise SsrlError(
                "reward teacher_vote swaps the model's weights to generate, which FSDP, DeepSpeed and vLLM do not let "
                "it: train whole models in each process and leave use_vllm out"
            )
        self._trainer = trainer
        self.weights = {name: weight.detach().float().clone() for name, weight in self._trained()}
        trainer.add_callback(_Following(self))

    def _trained(self) -> Iterator[tuple[str, torch.nn.Parameter]]:
        model = self._trainer.accelerator.unwrap_model(self._trainer.model)
        return ((name, weight) for name, weight in model.named_parameters() if weight.requires_grad)

    @torch.no_grad()
    def follow(self, step: int, steps: int) -> None:
        """Move towards the model after an update.

        Args:
            step: updates that were made before this one.
            steps: updates of the whole stage.
        """
        share = decay(step, steps, self.settings.first, self.settings.last)
        for name, weight in self._trained():
            self.weights[name].lerp_(weight.detach().float(), 1 - share)

    @contextmanager
    def _teaching(self) -> Iterator[None]:
        """The trainer's model with the teacher's weights, for a while."""
        own = [(weight, weight.data) for _, weight in self._trained()]
        for name, weight in self._trained():
            weight.data = self.weights[name].to(weight.dtype)
        try:
            yield
        finally:
            for weight, data in own:
                weight.data = data

    def before(self, inputs: Sequence[Mapping[str, Any]]) -> None:
        """Let the teacher answer this process's rows, each as often as the model did."""
        trainer = self._trainer
        prompts = [
            prepare_multimodal_messages(row["prompt"], images=row["images"]) if row.get("images") else row["prompt"]
            for row in inputs
        ]
        with self._teaching():
            ids, images, fields = trainer._tokenize_prompts(prompts)
            said, _ = trainer._generate_single_turn(ids, images, fields, trainer.num_generations)
        texts = trainer.processing_class.batch_decode(said, skip_special_tokens=True)
        self._answers = gathered(inputs, texts, trainer.num_generations, trainer.state.global_step)

    def pay(self, batch: Batch) -> Paid:
        """The rewards of a batch."""
        if self._answers is None:
            raise ValueError("the teacher has not answered this batch")
        taught, self._answers = groups(self._answers), None
        votes = [vote(group.said, self.settings.margin) for group in taught]
        paid = by_majority(groups(batch), votes)
        return Paid(paid, told(taught, votes, paid))

    def save(self, folder: Path) -> None:
        """Write the teacher, the same in all processes, by the main one."""
        if is_main():
            save_file({name: weight.contiguous() for name, weight in self.weights.items()}, folder / FILE)

    def load(self, folder: Path) -> None:
        """Go on with the teacher of a checkpoint.

        Raises:
            SsrlError: it holds none, or one of another model.
        """
        file = folder / FILE
        saved = load_file(file) if file.is_file() else {}
        if {name: weight.shape for name, weight in saved.items()} != {
            name: weight.shape for name, weight in self.weights.items()
        }:
            raise SsrlError(f"{folder} does not hold the teacher of this model: remove it to begin the stage again")
        for name, weight in saved.items():
            self.weights[name].copy_(weight)


class _Following(TrainerCallback):  # type: ignore[misc]
    """Lets the teacher follow each update."""

    def __init__(self, teacher: TeacherJudge) -> None:
        self.teacher = teacher

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Move the teacher; the trainer passes more by name than is used."""
        self.teacher.follow(state.global_step - 1, state.max_steps)
